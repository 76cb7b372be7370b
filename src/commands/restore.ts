import { join } from 'node:path';
import { AppError, count, type RestoredObject, type SnapshotId } from '../core/index.js';
import { requireBucket } from '../store/index.js';
import { findArchive, type FoundArchive, type FoundObject } from './find-archive.js';
import { overSnapshots, type RunResult } from './over-snapshots.js';
import { restoreImage } from './restore-image.js';
import type {
  ArchiveRequest,
  RestoreDestination,
  RestoreDependencies,
  RestoreObjectDependencies,
  RestoreSettings,
  ThawSettings,
} from './restore-settings.js';
import { restoreToDirectory } from './restore-to-directory.js';
import { restoreToVolume } from './restore-to-volume.js';
import { decryptionOf } from './validate.js';
import { keysNamed, keysToRead, requireThawed, thawOnly } from './thaw.js';
import type { Decryption } from './fitting-key.js';

/**
 * Restores archives, ours or the existing tool's, one after the other; one that fails is reported and does not stop the
 * rest. Several archives go to subfolders named after their snapshots. Throws only for what concerns all of them.
 */
export async function restore(
  archives: readonly ArchiveRequest[],
  settings: RestoreSettings,
  dependencies: RestoreDependencies,
): Promise<RunResult> {
  const { events, store, signal } = dependencies;
  await requireBucket(store, signal);
  const decryption = decryptionOf(settings, dependencies);
  const requests = new Map(archives.map((archive) => [archive.snapshotId, archive]));
  const snapshotIds = [...requests.keys()];
  events({ kind: 'snapshots-found', task: 'restore', snapshotIds });
  const work = async (snapshotId: SnapshotId): Promise<void> => {
    const request = requests.get(snapshotId) ?? { snapshotId };
    const destination = snapshotIds.length > 1 ? below(settings.destination, snapshotId) : settings.destination;
    await restoreArchive(request, { ...settings, destination }, { ...dependencies, decryption });
  };
  return overSnapshots({ snapshots: each(snapshotIds), selection: 'list', jobs: 1, work }, dependencies);
}

async function* each(snapshotIds: readonly SnapshotId[]): AsyncGenerator<SnapshotId, void> {
  await Promise.resolve();
  yield* snapshotIds;
}

function below(destination: RestoreDestination, snapshotId: SnapshotId): RestoreDestination {
  if (destination.kind === 'directory') return { ...destination, path: join(destination.path, snapshotId) };
  if (destination.kind === 'new-volume' || destination.kind === 'nowhere') return destination;
  throw new AppError('usage', 'Several archives cannot go to one file, device or output.', {
    hint: 'Name one archive, or a directory for all of them with --to-directory.',
  });
}

async function restoreArchive(
  request: ArchiveRequest,
  settings: RestoreSettings,
  dependencies: RestoreDependencies & { readonly decryption: Decryption },
): Promise<void> {
  const { store, events, clock, signal } = dependencies;
  const { snapshotId, volumeId } = request;
  const { destination, downloadStreams, thaw } = settings;
  const startedMs = clock.now();
  const tools = { ...dependencies, snapshotId, downloadStreams };
  const found = await findArchive(store, snapshotId, { volumeId, signal }).catch(unlessFrozen);
  if (found === undefined) {
    const keys = await keysNamed(request, dependencies);
    if (destination.kind === 'nowhere') return askFor(keys, thaw, tools);
    await requireThawed(keys, thaw, tools);
    return restoreArchive(request, settings, dependencies);
  }
  const objects = chosen(found, request, settings);
  events({ kind: 'snapshot-started', snapshotId, description: descriptionOf(found) });
  const keys = keysToRead(found, objects, destination);
  if (destination.kind === 'nowhere') return askFor(keys, thaw, tools);
  // Before anything is written.
  await requireThawed(keys, thaw, tools);
  const { to, objects: restored } = await restoredTo(destination, found, objects, tools);
  events({ kind: 'snapshot-restored', snapshotId, to, objects: restored, elapsedMs: clock.now() - startedMs });
}

async function askFor(
  keys: readonly string[],
  thaw: ThawSettings | undefined,
  tools: RestoreObjectDependencies,
): Promise<void> {
  const waiting = await thawOnly(keys, thaw, tools);
  tools.events({ kind: 'snapshot-asked-for', snapshotId: tools.snapshotId, objects: keys.length, waiting });
}

/** Undefined for an archive whose manifest is frozen. */
function unlessFrozen(error: unknown): undefined {
  if (!(error instanceof AppError) || error.code !== 'object-frozen') throw error;
}

async function restoredTo(
  destination: Exclude<RestoreDestination, { readonly kind: 'nowhere' }>,
  found: FoundArchive,
  objects: readonly FoundObject[],
  tools: RestoreObjectDependencies,
): Promise<{ readonly to: string; readonly objects: readonly RestoredObject[] }> {
  switch (destination.kind) {
    case 'directory':
      return { to: destination.path, objects: await restoreToDirectory(objects, destination, tools) };
    case 'new-volume': {
      const volume = await restoreToVolume(found, objects, destination, tools);
      return { to: volume.volumeId, objects: volume.objects };
    }
    case 'output':
      return { to: 'standard output', objects: [await restoreImage(onlyOne(objects), destination, tools)] };
    case 'file':
    case 'device':
      return { to: destination.path, objects: [await restoreImage(onlyOne(objects), destination, tools)] };
  }
}

function descriptionOf({ manifest, objects }: FoundArchive): string {
  if (manifest === undefined) return `an archive without manifest, ${count(objects.length, 'object')}`;
  const { snapshot } = manifest.content;
  const what = snapshot.description === '' ? snapshot.volumeId : `${snapshot.description} (${snapshot.volumeId})`;
  return `the archive of ${what}, ${snapshot.startTime}`;
}

/** The objects that are asked for. Throws `not-found` and `usage` where they are not there, `corrupt-archive` where they should be. */
function chosen(found: FoundArchive, { keys }: ArchiveRequest, { partition }: RestoreSettings): readonly FoundObject[] {
  const { snapshotId } = found;
  const of = (object: FoundObject): number | undefined =>
    object.name.partition === undefined ? undefined : Number(object.name.partition);
  if (keys !== undefined) {
    const all = [...found.objects, ...found.others];
    return keys.map((key) => {
      const object = all.find(({ stored }) => stored.key === key);
      if (object !== undefined) return object;
      throw new AppError('not-found', `${key} is not an archive of ${snapshotId} that is there.`, {
        hint: `There are: ${all.map(({ stored }) => stored.key).join(', ')}`,
      });
    });
  }
  const objects = partition === undefined ? found.objects : found.objects.filter((object) => of(object) === partition);
  if (objects.length === 0) {
    const there = found.objects.map((object) => of(object) ?? 'the whole disk').join(', ');
    throw new AppError('usage', `The archive of ${snapshotId} has no partition ${partition ?? ''}.`, {
      hint: `It has: ${there}.`,
    });
  }
  const missing = found.missing.find((key) => partition === undefined || key.includes(`.${partition}.`));
  if (missing === undefined) return objects;
  throw new AppError('corrupt-archive', `The manifest of ${snapshotId} names ${missing}, but it is not there.`, {
    hint: 'Look for it among the older versions of the bucket; with --partition, or by its key, the rest can be restored.',
  });
}

function onlyOne(objects: readonly FoundObject[]): FoundObject {
  const [first, ...more] = objects;
  if (first !== undefined && more.length === 0) return first;
  throw new AppError(
    'usage',
    `The archive has ${objects.length} objects; only one can go to a file, device or output.`,
    {
      hint: `Say which with --partition, or by its key: ${objects.map(({ stored }) => stored.key).join(', ')}`,
    },
  );
}
