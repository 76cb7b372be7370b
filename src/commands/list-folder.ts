import type { TarEntry } from '../archive/index.js';
import { AppError, type SnapshotId } from '../core/index.js';
import { archiveIndexes, type ArchiveIndex, type LookDependencies } from './archive-indexes.js';

/** An entry of an archive, as it is shown. */
export interface ShownEntry {
  /** With the partition before it where there are several. */
  readonly path: string;
  readonly entry: TarEntry;
}

/** What is listed. */
export interface ListFolderRequest {
  readonly snapshotId: SnapshotId;
  /** `etc/ssh`; with the partition before it where there are several. Empty: the root. */
  readonly path: string;
  /** All that is below, not only what is in it. */
  readonly recursive: boolean;
}

/**
 * What is in a folder of an archive, in the order of the names, or the file itself; from the index alone. Throws `not-found`
 * for a path that is not there, and what `archiveIndexes` throws.
 */
export async function* listFolder(
  { snapshotId, path, recursive }: ListFolderRequest,
  dependencies: LookDependencies,
): AsyncGenerator<ShownEntry, void> {
  const { indexes } = await archiveIndexes(snapshotId, dependencies);
  const wanted = path.replace(/^(?:\.?\/+)+/, '').replace(/\/+$/, '');
  let isFound = wanted === '' && indexes.length > 1;
  for (const index of indexes) {
    const inside = insideOf(wanted, index);
    if (inside === undefined) continue;
    for await (const shown of ofIndex(index, inside, recursive)) {
      isFound = true;
      yield shown;
    }
    // An empty folder is there as well.
    isFound ||= inside === '.';
  }
  if (isFound) return;
  throw new AppError('not-found', `There is no ${JSON.stringify(wanted)} in the archive of ${snapshotId}.`, {
    hint: `Look for it: snap-to-s3 find ${snapshotId} ${JSON.stringify(wanted.split('/').at(-1) ?? '')}`,
  });
}

/** The path in this partition; undefined where it is in another. */
function insideOf(wanted: string, { prefix }: ArchiveIndex): string | undefined {
  if (prefix === '' || wanted === '') return wanted === '' ? '.' : wanted;
  if (`${wanted}/` === prefix) return '.';
  return wanted.startsWith(prefix) ? wanted.slice(prefix.length) : undefined;
}

async function* ofIndex(index: ArchiveIndex, folder: string, recursive: boolean): AsyncGenerator<ShownEntry, void> {
  const start = folder === '.' ? '' : `${folder}/`;
  let isInside = false;
  let itself: ShownEntry | undefined;
  let isEmpty = true;
  scan: for await (const lines of index.scan()) {
    for (const line of lines) {
      const { path } = line;
      if (path === folder) {
        itself = { path: index.prefix + path, entry: index.entry(line) };
        isInside = true;
        continue;
      }
      if (!path.startsWith(start) || path === '.') {
        // Entries are sorted: what is below a folder stands together.
        if (isInside && folder !== '.') break scan;
        continue;
      }
      isInside = true;
      isEmpty = false;
      if (recursive || !path.includes('/', start.length)) yield { path: index.prefix + path, entry: index.entry(line) };
    }
  }
  if (itself !== undefined && isEmpty && folder !== '.') yield itself;
}
