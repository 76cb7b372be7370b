import { join } from 'node:path';
import { archiveKey, archiveMetadata, objectTags, taggingHeader, type ManifestObject } from '../archive/index.js';
import { printable } from '../core/index.js';
import {
  mountReadOnly,
  readDevice,
  requireUnwritten,
  selectFilesystems,
  startTar,
  untilEnded,
  type DiskLayout,
  type FilesystemArea,
  type Mount,
} from '../disk/index.js';
import type { Snapshot } from '../source/index.js';
import type { ObjectTarget } from '../store/index.js';
import { archiveObject, type ArchiveJob } from './archive-object.js';
import type { MigrateDependencies, MigrateSettings } from './migrate-settings.js';
import { plausibleTar, requireWholeDisk } from './plausibility.js';

/** The objects made of a disk. */
export interface ArchivedDisk {
  readonly objects: readonly ManifestObject[];
  /** Bytes in use of each filesystem that was archived, by the path of its device. */
  readonly usedBytes: ReadonlyMap<string, number>;
}

/**
 * Archives what is on a disk: a tar of each filesystem, or the image of the whole. What cannot be archived is refused
 * before anything is sent. Throws `disk-unsupported`, `disk-in-use`, `mount-failed`, `source-unreadable`,
 * `implausible-result`, `program-failed` (tar), and the failures of the upload.
 */
export async function archiveDisk(
  snapshot: Snapshot,
  layout: DiskLayout,
  settings: MigrateSettings,
  dependencies: MigrateDependencies,
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
    await using mount = await mountReadOnly(area, {
      mountPoint: join(settings.mountPoint, [snapshot.snapshotId, area.partition].filter(Boolean).join('-')),
      clock: dependencies.clock,
      signal: dependencies.signal,
      onNotice,
    }).catch(async (error: unknown) => {
      // What has been mounted for writing in the meantime explains a refusal better than mount does.
      await requireUnwritten(layout);
      throw error;
    });
    usedBytes.set(area.path, mount.usedBytes);
    const job = tarJob(snapshot, { area, mount, layout }, settings, dependencies);
    objects.push(await archive(job, area.partition, settings, dependencies));
  }
  return { objects, usedBytes };
}

async function archive(
  job: ArchiveJob,
  partition: number | undefined,
  settings: MigrateSettings,
  dependencies: MigrateDependencies,
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
    encrypted: false,
  };
}

function imageJob(
  snapshot: Snapshot,
  layout: DiskLayout,
  settings: MigrateSettings,
  dependencies: MigrateDependencies,
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
  from: { readonly area: FilesystemArea; readonly mount: Mount; readonly layout: DiskLayout },
  settings: MigrateSettings,
  dependencies: MigrateDependencies,
): ArchiveJob {
  const { area, mount, layout } = from;
  const { snapshotId } = snapshot;
  return {
    ...common(snapshot, settings),
    target: target(snapshot, area.partition, mount.usedBytes, settings, dependencies),
    content: 'tar',
    expectedBytes: mount.usedBytes,
    boundBytes: area.sizeBytes,
    open: async function* (signal) {
      const tar = startTar(mount.path, {
        filesystemType: area.contents.type,
        signal,
        onWarning: (line) => dependencies.events({ kind: 'warning', snapshotId, text: printable(line) }),
      });
      yield* plausibleTar(untilEnded(tar), { area, mount, signal });
      await mount.requireIntact();
      await requireUnwritten(layout);
    },
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

function target(
  snapshot: Snapshot,
  partition: number | undefined,
  uncompressedBytes: number,
  settings: MigrateSettings,
  { events }: MigrateDependencies,
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
      encrypted: false,
    }),
    contentType: settings.codec === 'zstd' ? 'application/zstd' : 'application/x-lz4',
    metadata: archiveMetadata({ ...snapshot, uncompressedBytes }),
    tagging: taggingHeader(tags),
    encryption: settings.encryption,
  };
}
