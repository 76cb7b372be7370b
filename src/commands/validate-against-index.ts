import { parseManifestKey } from '../archive/index.js';
import { AppError, volumeId, type SnapshotId, type VolumeId } from '../core/index.js';
import { listObjects, requireBucket, type ObjectStore } from '../store/index.js';
import { findArchive } from './find-archive.js';
import type { MigrateDependencies } from './migrate-settings.js';
import { overSnapshots, type RunResult } from './over-snapshots.js';
import type { Selection } from './select-snapshots.js';
import { validateArchive } from './validate-archive.js';
import { decryptionOf } from './validate.js';
import type { ValidateSettings } from './validate-settings.js';

/** What reading archives alone needs: no EC2, and no root. */
export type IndexDependencies = Pick<
  MigrateDependencies,
  'store' | 'clock' | 'events' | 'parallelism' | 'gnupgHome' | 'signal'
>;

/**
 * Validates archives against their own indexes, manifests and checksums, `jobs` at once: whether they are still what they
 * were when they were made, also when their snapshots are long gone. Changes nothing. `all` are all that have a manifest.
 * Throws only for what concerns all of them.
 */
export async function validateAgainstIndex(
  selection: Exclude<Selection, { readonly kind: 'one' }>,
  settings: Pick<ValidateSettings, 'downloadStreams' | 'sessionKeys' | 'jobs'>,
  dependencies: IndexDependencies,
): Promise<RunResult> {
  const { clock, events, store, signal } = dependencies;
  await requireBucket(store, signal);
  const decryption = decryptionOf(settings, dependencies);
  const parallelism = Math.max(1, Math.round(dependencies.parallelism / settings.jobs));
  const { downloadStreams } = settings;
  /** Of those that were found in the bucket, the folder they are in. */
  const volumes = new Map<SnapshotId, VolumeId>();
  const work = async (snapshotId: SnapshotId): Promise<void> => {
    const startedMs = clock.now();
    events({ kind: 'snapshot-started', snapshotId, description: 'its archive against its index' });
    const found = await findArchive(store, snapshotId, { volumeId: volumes.get(snapshotId), signal });
    volumes.delete(snapshotId);
    if (found.manifest === undefined && found.objects.every(({ index }) => index === undefined))
      throw noIndex(snapshotId);
    const objects = await validateArchive(found, (_, __, use) => use({ kind: 'index' }), {
      ...dependencies,
      parallelism,
      downloadStreams,
      decryption,
    });
    events({ kind: 'snapshot-validated', snapshotId, objects, elapsedMs: clock.now() - startedMs });
  };
  const snapshots =
    selection.kind === 'all' ? archivedSnapshots(store, volumes, signal) : listed(selection.snapshotIds);
  if (selection.kind === 'list')
    events({ kind: 'snapshots-found', task: 'validate', snapshotIds: selection.snapshotIds });
  return overSnapshots({ snapshots, selection: 'list', jobs: settings.jobs, work }, dependencies);
}

async function* archivedSnapshots(
  store: ObjectStore,
  volumes: Map<SnapshotId, VolumeId>,
  signal: AbortSignal,
): AsyncGenerator<SnapshotId, void> {
  for await (const { key } of listObjects(store, 'vol-', signal)) {
    const snapshotId = parseManifestKey(key);
    if (snapshotId === undefined) continue;
    volumes.set(snapshotId, volumeId(key.slice(0, key.indexOf('/'))));
    yield snapshotId;
  }
}

async function* listed(snapshotIds: readonly SnapshotId[]): AsyncGenerator<SnapshotId, void> {
  await Promise.resolve();
  yield* snapshotIds;
}

function noIndex(snapshotId: SnapshotId): AppError {
  return new AppError('usage', `The archive of ${snapshotId} has no index to be validated against.`, {
    hint: 'It was made by another tool. Validate it against the snapshot: leave out --against index.',
  });
}
