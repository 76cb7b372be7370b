import { AppError, createBufferPool, type RestoredObject, type SnapshotId } from '../core/index.js';
import { openDirectoryTarget } from '../restore/index.js';
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
  for (const [at, { object, name }] of parts.entries()) {
    const { key } = object.stored;
    if (target.isDone(name)) {
      const text = `An earlier run has restored ${key} already; this one goes on after it.`;
      events({ kind: 'notice', snapshotId, text });
      continue;
    }
    events({ kind: 'stage', snapshotId, stage: 'restoring', subject: key });
    const { devices } = destination;
    const facts = await restoreTar(object, await target.begin(name), { ...dependencies, pool, choice, devices });
    if (at === parts.length - 1) requireMatched(choice, snapshotId);
    if (facts.entries === 0 && !choice.isAll) continue;
    await target.finish(name);
    const result = { key, to: parts.length > 1 ? `${directory}/${name}` : directory, ...facts };
    restored.push(result);
    events({ kind: 'object-restored', snapshotId, object: result });
  }
  await target.end();
  return restored;
}

/** Throws `not-found` for what was asked for and is nowhere. */
function requireMatched(choice: EntryChoice, snapshotId: SnapshotId): void {
  const [unmatched] = choice.unmatched();
  if (unmatched !== undefined) {
    throw new AppError('not-found', `Nothing in the archive matches --path ${JSON.stringify(unmatched)}.`, {
      hint: `See what is in it: snap-to-s3 find ${snapshotId} …`,
    });
  }
}
