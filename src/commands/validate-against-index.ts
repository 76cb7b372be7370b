import { archiveKeyOfIndex, parseArchiveKey, parseManifestKey } from '../archive/index.js';
import { AppError, count, volumeId, type SnapshotId, type VolumeId } from '../core/index.js';
import { listObjects, requireBucket, requireFree } from '../store/index.js';
import { findArchive, type FoundArchive } from './find-archive.js';
import { leaseKey } from './journal.js';
import type { MigrateDependencies } from './migrate-settings.js';
import { overSnapshots, type RunResult } from './over-snapshots.js';
import type { Selection } from './select-snapshots.js';
import { isDeadHere } from './snapshot-lease.js';
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
 * were when they were made, also when their snapshots are long gone. Changes nothing. `all` are all that have a manifest or
 * an index, but for those that a run is still making.
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
    const found = await findFinished(snapshotId, volumes.get(snapshotId), dependencies);
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
  const snapshots = selection.kind === 'all' ? archivedSnapshots(volumes, dependencies) : listed(selection.snapshotIds);
  if (selection.kind === 'list')
    events({ kind: 'snapshots-found', task: 'validate', snapshotIds: selection.snapshotIds });
  return overSnapshots({ snapshots, selection: selection.kind, jobs: settings.jobs, work }, dependencies);
}

/** Throws `claimed-elsewhere` for an archive that is still being made: its manifest is what comes last. */
async function findFinished(
  snapshotId: SnapshotId,
  volumeId: VolumeId | undefined,
  { store, signal }: Pick<IndexDependencies, 'store' | 'signal'>,
): Promise<FoundArchive> {
  const found = await findArchive(store, snapshotId, { volumeId, signal });
  if (found.manifest !== undefined) return found;
  await requireFree(store, leaseKey(snapshotId), { isDead: isDeadHere, signal });
  // It may have been finished since it was listed.
  return findArchive(store, snapshotId, { volumeId, signal });
}

/**
 * Those of a bucket that have a manifest or an index, which a run of ours has made; a lost manifest hides none. How many
 * others there are is told at the end. Kept in memory are the snapshots of one volume: a listing has all of it side by side.
 */
async function* archivedSnapshots(
  volumes: Map<SnapshotId, VolumeId>,
  { store, events, signal }: Pick<IndexDependencies, 'store' | 'events' | 'signal'>,
): AsyncGenerator<SnapshotId, void> {
  let folder = '';
  /** Whether they can be validated. */
  let found = new Map<SnapshotId, boolean>();
  let others = 0;
  function* ofFolder(): Generator<SnapshotId, void> {
    for (const [snapshotId, isOurs] of found) {
      if (isOurs) {
        volumes.set(snapshotId, volumeId(folder));
        yield snapshotId;
      } else others += 1;
    }
  }
  for await (const { key } of listObjects(store, 'vol-', signal)) {
    const named = snapshotOf(key);
    if (named === undefined) continue;
    const own = key.slice(0, key.indexOf('/'));
    if (own !== folder) {
      yield* ofFolder();
      found = new Map();
      folder = own;
    }
    found.set(named.snapshotId, named.isOurs || found.get(named.snapshotId) === true);
  }
  yield* ofFolder();
  if (others > 0) {
    const text = `${count(others, 'snapshot')} in ${store.bucket} ${others === 1 ? 'has an archive' : 'have archives'} without index, of another tool; only validating against the snapshot proves those.`;
    events({ kind: 'notice', text });
  }
}

/** The snapshot that an object belongs to, and whether it is one that a run of ours makes and others do not. */
function snapshotOf(key: string): { readonly snapshotId: SnapshotId; readonly isOurs: boolean } | undefined {
  const manifest = parseManifestKey(key);
  if (manifest !== undefined) return { snapshotId: manifest, isOurs: true };
  const archive = archiveKeyOfIndex(key);
  const name = parseArchiveKey(archive ?? key);
  return name === undefined ? undefined : { snapshotId: name.snapshotId, isOurs: archive !== undefined };
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
