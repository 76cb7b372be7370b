import type { TarEntry } from '../archive/index.js';
import type { SnapshotId } from '../core/index.js';
import { archiveIndexes, type LookDependencies } from './archive-indexes.js';
import { pathPattern } from './path-pattern.js';
import type { ShownEntry } from './list-folder.js';

/** What is looked for. */
export interface FindRequest {
  readonly snapshotId: SnapshotId;
  /** A name or glob; with a slash in it, of the whole path, else of its last part. */
  readonly pattern: string;
  readonly types: readonly TarEntry['type'][] | undefined;
}

/** The entries of an archive that a pattern matches, in its order; from the indexes alone. Throws what `archiveIndexes` throws. */
export async function* findEntries(
  { snapshotId, pattern, types }: FindRequest,
  dependencies: LookDependencies,
): AsyncGenerator<ShownEntry, void> {
  const { indexes } = await archiveIndexes(snapshotId, dependencies);
  const wanted = pathPattern(pattern);
  const isOfPath = pattern.includes('/');
  for (const index of indexes) {
    for await (const lines of index.scan()) {
      for (const line of lines) {
        const path = index.prefix + line.path;
        if (!wanted.matches(isOfPath ? path : line.path.slice(line.path.lastIndexOf('/') + 1))) continue;
        const entry = index.entry(line);
        if (types === undefined || types.includes(entry.type)) yield { path, entry };
      }
    }
  }
}
