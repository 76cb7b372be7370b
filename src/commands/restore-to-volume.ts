import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ManifestArea } from '../archive/index.js';
import { abandon, AppError, createBufferPool, GiB, type RestoredObject, type VolumeId } from '../core/index.js';
import {
  makeDisk,
  mountForWriting,
  requireMakeable,
  type DiskPlan,
  type MadeArea,
  type PlannedContents,
} from '../disk/index.js';
import { keepingTime } from '../restore/index.js';
import { ownIdentity } from '../process/index.js';
import { attachVolume, createNewVolume, findDevice, requireVolumeSize, type NewVolume } from '../source/index.js';
import { hasConditionalWrites, headObject, s3Url } from '../store/index.js';
import type { FoundArchive, FoundObject } from './find-archive.js';
import { restoreImage } from './restore-image.js';
import type { NewVolumeSettings, RestoreObjectDependencies } from './restore-settings.js';
import { choiceOf, restoreTar } from './restore-tar.js';
import type { SnapshotLease } from './snapshot-lease.js';
import { withLease } from './with-lease.js';

/** What a new volume is to become, and of which objects. */
export type VolumePlan =
  | { readonly kind: 'image'; readonly sizeBytes: number; readonly object: FoundObject }
  | {
      readonly kind: 'files';
      readonly sizeBytes: number;
      readonly disk: DiskPlan;
      /** By partition; undefined for a disk without partition table. */
      readonly objects: ReadonlyMap<number | undefined, FoundObject>;
    };

/** A volume that has become what the archived one was. */
export interface RestoredVolume {
  readonly volumeId: VolumeId;
  readonly objects: readonly RestoredObject[];
}

type Dependencies = Omit<RestoreObjectDependencies, 'isRoot'>;

/**
 * Makes a volume of EC2 that is what the archived one was: an image is written to it; for tars the partition table and the
 * filesystems are made anew and filled. Until it is complete a journal names it, and whatever happens, it is removed again.
 * Throws `usage`, `disk-unsupported` and `program-missing` before anything is made; `restore-failed`, `corrupt-archive`,
 * `claimed-elsewhere`, and what reading and EC2 throw.
 */
export async function restoreToVolume(
  found: FoundArchive,
  objects: readonly FoundObject[],
  settings: NewVolumeSettings,
  dependencies: Dependencies,
): Promise<RestoredVolume> {
  const { store, events, snapshotId } = dependencies;
  const { machine, tag, leaseMs, volumeType } = settings;
  const plan = await planVolume(found, objects, dependencies);
  if (plan.kind === 'files') await requireMakeable(plan.disk);
  for (const text of warningsOf(plan)) events({ kind: 'notice', snapshotId, text });
  const volumeGiB = Math.max(Math.ceil(plan.sizeBytes / GiB), found.manifest?.content.snapshot.volumeGiB ?? 1);
  requireVolumeSize(volumeType, { snapshotId, volumeGiB });
  const { runId } = machine;
  const hasLeases = await hasConditionalWrites(store, `.snap-to-s3/probe-${runId}`, dependencies.signal);
  const options = { ...machine, events, signal: dependencies.signal, hasLeases, leaseMs };
  return withLease(snapshotId, options, async ({ lease, signal }) => {
    const bound = { ...machine, ...dependencies, signal };
    const entry = { kind: 'new-volume', tag, runId, volumeId: null } as const;
    await using volume = await lease.entered(entry, (revise) =>
      createNewVolume({
        ...bound,
        tag,
        volumeType,
        sizeGiB: volumeGiB,
        encrypted: found.manifest?.content.snapshot.encrypted ?? false,
        tags: tagsOf(found, tag),
        onCreated: (volumeId) => revise({ ...entry, volumeId }),
      }),
    );
    const restored = await filled(volume, plan, settings, { ...bound, lease });
    await volume.finish();
    return { volumeId: volume.volumeId, objects: restored };
  });
}

/** Attaches the volume, fills it, and detaches it again, unless it is to stay. */
async function filled(
  { volumeId }: NewVolume,
  plan: VolumePlan,
  settings: NewVolumeSettings,
  dependencies: Dependencies & { readonly lease: SnapshotLease },
): Promise<readonly RestoredObject[]> {
  const { clock, events, signal, snapshotId } = dependencies;
  const { ec2, instance } = settings.machine;
  const attachment = await attachVolume(volumeId, { ...dependencies, ec2, instance });
  const work = async (): Promise<readonly RestoredObject[]> => {
    events({ kind: 'stage', snapshotId, stage: 'waiting-for-device', subject: volumeId });
    const path = await findDevice(volumeId, { clock, deviceName: attachment.deviceName, signal });
    if (plan.kind === 'image') {
      // What was never written of an encrypted volume may read as anything. It may be encrypted by the account's own default.
      const isBlank = (await ec2.volume(volumeId, signal))?.encrypted === false;
      const destination = { kind: 'new-volume', path, volumeId, isBlank } as const;
      return [await restoreImage(plan.object, destination, { ...dependencies, isRoot: true })];
    }
    events({ kind: 'stage', snapshotId, stage: 'making-filesystems', subject: path });
    const areas = await makeDisk(path, plan.disk, { clock, signal });
    const restored: RestoredObject[] = [];
    for (const area of areas) {
      const object = plan.objects.get(area.partition);
      if (object !== undefined) restored.push(await fill(area, object, volumeId, settings, dependencies));
    }
    return restored;
  };
  const restored = await work().catch((error: unknown) => abandon(attachment, error));
  if (!settings.stayAttached) {
    events({ kind: 'stage', snapshotId, stage: 'cleaning-up', subject: volumeId });
    await attachment[Symbol.asyncDispose]();
  }
  return restored;
}

async function fill(
  { path: devicePath, partition, contents }: MadeArea,
  object: FoundObject,
  volumeId: VolumeId,
  { mountPoint, machine: { runId } }: NewVolumeSettings,
  dependencies: Dependencies & { readonly lease: SnapshotLease },
): Promise<RestoredObject> {
  const { clock, events, lease, signal, snapshotId } = dependencies;
  const { key } = object.stored;
  const type = contents.kind === 'filesystem' ? contents.type : '';
  const name = [volumeId, partition, runId.slice(0, 8)].filter((part) => part !== undefined).join('-');
  const path = join(mountPoint, name);
  await using mount = await lease.entered({ kind: 'mount', path, bootId: ownIdentity().bootId }, () =>
    mountForWriting({ devicePath, type, mountPoint: path, clock, signal }),
  );
  events({ kind: 'stage', snapshotId, stage: 'restoring', subject: key });
  const names = { lostAndFound: false };
  const facts = await restoreTar(object, mount.path, {
    ...dependencies,
    isRoot: true,
    pool: createBufferPool(),
    choice: choiceOf({ patterns: [] }),
    devices: true,
    onEntry: ({ path: entry }) => {
      names.lostAndFound ||= entry.toString('latin1') === 'lost+found';
    },
  });
  // Where there was one, that of mke2fs is kept: it has room for what fsck finds.
  if (!names.lostAndFound) {
    // The folder that it is in has the time that tar has given it.
    await keepingTime(mount.path, () => rmdir(join(mount.path, 'lost+found')).catch(() => undefined));
  }
  await mount.flush();
  const restored = { key, to: partition === undefined ? volumeId : `${volumeId}, partition ${partition}`, ...facts };
  events({ kind: 'object-restored', snapshotId, object: restored });
  return restored;
}

/** Throws `usage` where the archive does not tell what the volume was. */
async function planVolume(
  { snapshotId, manifest, objects: all }: FoundArchive,
  objects: readonly FoundObject[],
  { store, signal }: Dependencies,
): Promise<VolumePlan> {
  const [first] = objects;
  if (first?.name.content === 'image' && objects.length === 1) {
    const { metadata } = await headObject(store, first.stored.key, { signal });
    const sizeBytes = first.expected?.rawBytes ?? Number(metadata['uncompressed-size'] ?? NaN);
    if (Number.isSafeInteger(sizeBytes) && sizeBytes > 0) return { kind: 'image', sizeBytes, object: first };
    throw new AppError('usage', `How large the image ${s3Url(store, first.stored.key)} is, it does not say.`, {
      hint: 'Make a volume of the right size, attach it, and restore with --to-device.',
    });
  }
  if (manifest === undefined) {
    throw new AppError(
      'usage',
      `The archive of ${snapshotId} has no manifest, so what its disk was like is not known.`,
      {
        hint: 'It is not of this tool. Make a volume and its filesystems yourself, and restore with --to-directory.',
      },
    );
  }
  if (objects.length < all.length) {
    throw new AppError(
      'usage',
      `A new volume takes the whole archive of ${snapshotId}, not ${objects.length} of its objects.`,
      {
        hint: 'Name the snapshot without --partition; or restore these files with --to-directory.',
      },
    );
  }
  const { disk } = manifest.content;
  if (disk.partitionTable !== null && disk.sfdiskDump === null) {
    throw new AppError(
      'usage',
      `The partition table of ${snapshotId} (${disk.partitionTable}) is not in its manifest.`,
      {
        hint: 'Make a volume and its partitions yourself, and restore with --to-directory.',
      },
    );
  }
  const byPartition = new Map(objects.map((object) => [object.expected?.partition ?? undefined, object]));
  const areas = disk.areas.map((area) => ({
    partition: area.partition ?? undefined,
    startBytes: area.startBytes,
    sizeBytes: area.sizeBytes,
    contents: contentsOf(area, byPartition.get(area.partition ?? undefined)),
  }));
  return {
    kind: 'files',
    sizeBytes: disk.sizeBytes,
    disk: { table: disk.sfdiskDump ?? undefined, areas },
    objects: byPartition,
  };
}

function contentsOf({ type, label, uuid }: ManifestArea, object: FoundObject | undefined): PlannedContents {
  if (type === null || type === 'extended') return { kind: 'nothing' };
  if (type === 'swap') return { kind: 'swap', label, uuid };
  return { kind: 'filesystem', type, label, uuid, entries: object?.expected?.entries };
}

/** What does not come back, and should not be missed only when it is needed. */
function* warningsOf(plan: VolumePlan): Generator<string> {
  if (plan.kind === 'image') return;
  yield 'A tar has files, and no boot loader outside of them: to boot from this volume, install it anew (grub-install).';
  for (const { partition, contents } of plan.disk.areas) {
    if (contents.kind !== 'filesystem' || contents.type !== 'btrfs') continue;
    const where = partition === undefined ? 'The filesystem' : `Partition ${partition}`;
    yield `${where} is btrfs: its subvolumes come back as folders. Mount options like subvol= will not find them.`;
  }
}

/** What the snapshot was tagged with, a name, and where it comes from. */
function tagsOf({ snapshotId, manifest }: FoundArchive, tag: string): Record<string, string> {
  const tags = manifest?.content.snapshot.tags ?? {};
  const kept = Object.entries(tags).filter(([key]) => {
    // Names with aws: are AWS's own.
    return key !== tag && key !== `${tag}-id` && !key.startsWith('aws:');
  });
  const own = { Name: `restored from ${snapshotId}`, ...Object.fromEntries(kept.slice(0, 48)) };
  return { ...own, [`${tag}-restored-from`]: snapshotId };
}
