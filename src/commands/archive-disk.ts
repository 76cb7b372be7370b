import { archiveKey, archiveMetadata, objectTags, taggingHeader, type ManifestObject } from '../archive/index.js';
import { printable } from '../core/index.js';
import {
  readAhead,
  readDevice,
  requireUnwritten,
  selectFilesystems,
  tarBytes,
  type DiskLayout,
  type FilesystemArea,
  type Mount,
  type ReadAhead,
} from '../disk/index.js';
import type { Snapshot } from '../source/index.js';
import type { ObjectTarget, UploadGuard } from '../store/index.js';
import { archiveObject, type ArchiveJob } from './archive-object.js';
import type { MigrateSettings } from './migrate-settings.js';
import { mountedArea } from './mounted-area.js';
import { plausibleTar, requireWholeDisk } from './plausibility.js';
import type { SnapshotDependencies } from './snapshot-lease.js';

/** The objects made of a disk. */
export interface ArchivedDisk {
  readonly objects: readonly ManifestObject[];
  /** Bytes in use of each filesystem that was archived, by the path of its device. */
  readonly usedBytes: ReadonlyMap<string, number>;
}

/** What archiving works with. */
export interface ArchiveDependencies extends SnapshotDependencies {
  /** Of each upload; see the lease's. */
  readonly guard: UploadGuard | undefined;
}

/**
 * Archives what is on a disk: a tar of each filesystem, or the image of the whole. What cannot be archived is refused
 * before anything is sent. Throws `disk-unsupported`, `disk-in-use`, `mount-failed`, `source-unreadable`,
 * `implausible-result`, `program-failed` (tar, gpg), and the failures of the upload.
 */
export async function archiveDisk(
  snapshot: Snapshot,
  layout: DiskLayout,
  settings: MigrateSettings,
  dependencies: ArchiveDependencies,
): Promise<ArchivedDisk> {
  const onNotice = (text: string): void =>
    dependencies.events({ kind: 'notice', snapshotId: snapshot.snapshotId, text: printable(text) });
  requireWholeDisk(snapshot, layout);
  for (const text of await requireUnwritten(layout)) onNotice(text);
  if (settings.content === 'image') {
    const job = imageJob(snapshot, layout, settings, dependencies);
    return { objects: [await archive(job, undefined, settings, dependencies)], usedBytes: new Map() };
  }
  const { filesystems, notices } = selectFilesystems(layout);
  for (const text of notices) onNotice(text);
  const objects: ManifestObject[] = [];
  const usedBytes = new Map<string, number>();
  for (const area of filesystems) {
    const { mountPoint } = settings;
    const toMount = { snapshotId: snapshot.snapshotId, area, layout, mountPoint, onNotice };
    await using mount = await mountedArea(toMount, dependencies);
    usedBytes.set(area.path, mount.usedBytes);
    await using ahead = readAhead(mount.path, { filesystemType: area.contents.type, clock: dependencies.clock });
    const job = tarJob(snapshot, { area, mount, layout, ahead }, settings, dependencies);
    objects.push(await archive(job, area.partition, settings, dependencies));
  }
  return { objects, usedBytes };
}

async function archive(
  job: ArchiveJob,
  partition: number | undefined,
  settings: MigrateSettings,
  dependencies: ArchiveDependencies,
): Promise<ManifestObject> {
  const { events } = dependencies;
  const { snapshotId } = job;
  events({ kind: 'stage', snapshotId, stage: 'archiving', subject: job.target.key });
  const result = await archiveObject(job, dependencies);
  events({ kind: 'object-archived', snapshotId, object: result });
  return {
    ...result,
    content: settings.content,
    partition: partition ?? null,
    codec: settings.codec,
    level: settings.level,
    encrypted: dependencies.encrypt !== undefined,
  };
}

function imageJob(
  snapshot: Snapshot,
  layout: DiskLayout,
  settings: MigrateSettings,
  dependencies: SnapshotDependencies,
): ArchiveJob {
  return {
    ...common(snapshot, settings),
    target: target(snapshot, undefined, layout.sizeBytes, settings, dependencies),
    content: 'image',
    expectedBytes: layout.sizeBytes,
    boundBytes: layout.sizeBytes,
    open: async function* (signal) {
      yield* readDevice(layout.path, { sizeBytes: layout.sizeBytes, signal });
      await requireUnwritten(layout);
    },
  };
}

function tarJob(
  snapshot: Snapshot,
  from: {
    readonly area: FilesystemArea;
    readonly mount: Mount;
    readonly layout: DiskLayout;
    readonly ahead: ReadAhead;
  },
  settings: MigrateSettings,
  dependencies: SnapshotDependencies,
): ArchiveJob {
  const { area, mount, layout, ahead } = from;
  const { snapshotId } = snapshot;
  return {
    ...common(snapshot, settings),
    target: target(snapshot, area.partition, mount.usedBytes, settings, dependencies),
    content: 'tar',
    expectedBytes: mount.usedBytes,
    boundBytes: area.sizeBytes,
    open: async function* (signal) {
      const tar = tarBytes(mount.path, {
        filesystemType: area.contents.type,
        signal,
        onWarning: (line) => dependencies.events({ kind: 'warning', snapshotId, text: printable(line) }),
      });
      yield* plausibleTar(tar, { area, mount, signal });
      await mount.requireIntact();
      await requireUnwritten(layout);
    },
    onEntry: ahead.passed,
  };
}

function common(snapshot: Snapshot, settings: MigrateSettings) {
  return {
    snapshotId: snapshot.snapshotId,
    codec: settings.codec,
    level: settings.level,
    uploadStreams: settings.uploadStreams,
  };
}

/** The one for OpenPGP data is that of RFC 3156: application/pgp-encrypted is the part of a mail that announces them. */
const contentTypes = { lz4: 'application/x-lz4', zstd: 'application/zstd', gpg: 'application/octet-stream' } as const;

function target(
  snapshot: Snapshot,
  partition: number | undefined,
  uncompressedBytes: number,
  settings: MigrateSettings,
  { events, encrypt }: SnapshotDependencies,
): ObjectTarget {
  const { tags, leftOut } = objectTags(snapshot.tags, [settings.tag, `${settings.tag}-id`]);
  if (leftOut.length > 0) {
    events({
      kind: 'warning',
      snapshotId: snapshot.snapshotId,
      text: `S3 takes 10 tags for an object: ${printable(leftOut.join(', '))} are only in the manifest.`,
    });
  }
  return {
    key: archiveKey({
      ...snapshot,
      partition: partition === undefined ? undefined : String(partition),
      content: settings.content,
      codec: settings.codec,
      encrypted: encrypt !== undefined,
    }),
    contentType: contentTypes[encrypt === undefined ? settings.codec : 'gpg'],
    metadata: archiveMetadata({ ...snapshot, uncompressedBytes }),
    tagging: taggingHeader(tags),
    encryption: settings.encryption,
    ...(settings.storageClass === undefined ? {} : { storageClass: settings.storageClass }),
  };
}
