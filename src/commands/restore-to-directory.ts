import { AppError, createBufferPool, type RestoredObject, type SnapshotId } from '../core/index.js';
import { openDirectoryTarget, type PartLeft } from '../restore/index.js';
import { headObject, s3Url } from '../store/index.js';
import type { FoundObject } from './find-archive.js';
import { wrongContent } from './restore-checks.js';
import { choiceOf, restoreTar } from './restore-tar.js';
import type { EntryChoice } from './select-entries.js';
import type { RestoreDestination, RestoreObjectDependencies } from './restore-settings.js';

/** Restores tar objects of one archive to a directory; several of them each to a subfolder named after its partition. */
export async function restoreToDirectory(
  objects: readonly FoundObject[],
  destination: Extract<RestoreDestination, { readonly kind: 'directory' }>,
  dependencies: RestoreObjectDependencies,
): Promise<readonly RestoredObject[]> {
  const { store, events, snapshotId, isRoot, signal } = dependencies;
  const { path: directory } = destination;
  if (destination.devices && !isRoot) {
    throw new AppError('not-root', 'Device nodes can only be made by root.', {
      hint: 'Run it with sudo, or without --devices.',
    });
  }
  const parts: { readonly object: FoundObject; readonly name: string; readonly etag: string }[] = [];
  for (const object of objects) {
    const { key } = object.stored;
    if (object.name.content !== 'tar') throw wrongContent(s3Url(store, key), 'image');
    const { etag } = await headObject(store, key, { signal });
    parts.push({ object, name: object.name.partition ?? 'files', etag });
  }
  const identity = JSON.stringify([parts.map(({ object, etag }) => [object.stored.key, etag]), destination.patterns]);
  if (!isRoot) {
    const text = 'Not run as root: the files will be yours, and only attributes of the namespace user are restored.';
    events({ kind: 'notice', snapshotId, text });
  }
  const pool = createBufferPool();
  const choice = choiceOf(destination);
  const restored: RestoredObject[] = [];
  await using target = await openDirectoryTarget({ directory, identity, hasSubfolders: parts.length > 1 });
  let isAllSeen = true;
  for (const [at, { object, name }] of parts.entries()) {
    const { key } = object.stored;
    const left = await target.left(name);
    if (left !== 'nothing') events({ kind: 'notice', snapshotId, text: leftText[left](key) });
    if (left === 'half-placed') await target.finish(name);
    if (left === 'half-placed' || left === 'done') {
      isAllSeen = false;
      continue;
    }
    events({ kind: 'stage', snapshotId, stage: 'restoring', subject: key });
    const { devices } = destination;
    const facts = await restoreTar(object, await target.begin(name), { ...dependencies, pool, choice, devices });
    if (isAllSeen && at === parts.length - 1) requireMatched(choice, snapshotId);
    if (facts.entries === 0 && !choice.isAll) continue;
    await target.finish(name);
    const result = { key, to: parts.length > 1 ? `${directory}/${name}` : directory, ...facts };
    restored.push(result);
    events({ kind: 'object-restored', snapshotId, object: result });
  }
  await target.end();
  return restored;
}

/** What becomes of what a run before this one has left. */
const leftText: Readonly<Record<Exclude<PartLeft, 'nothing'>, (key: string) => string>> = {
  done: (key) => `An earlier run has restored ${key} already; this one goes on after it.`,
  'half-placed': (key) =>
    `An earlier run was broken off while it put the files of ${key} in their place; this one goes on with that.`,
  'half-written': (key) =>
    `An earlier run was broken off in the middle of ${key}. What it had written is removed, and this one begins that anew.`,
};

/** Throws `not-found` for what was asked for and is nowhere. */
function requireMatched(choice: EntryChoice, snapshotId: SnapshotId): void {
  const [unmatched] = choice.unmatched();
  if (unmatched !== undefined) {
    throw new AppError('not-found', `Nothing in the archive matches --path ${JSON.stringify(unmatched)}.`, {
      hint: `See what is in it: snap-to-s3 find ${snapshotId} …`,
    });
  }
}
