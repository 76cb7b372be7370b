import type { IndexItem, TarEntry, TarEntryDraft } from '../archive/index.js';
import { AppError, printable } from '../core/index.js';
import type { ByteRange } from '../store/index.js';
import { comparePaths } from '../verify/index.js';
import { pathAndParents, type PathPattern } from './path-pattern.js';

/** Which entries of a tar are restored. */
export interface EntryChoice {
  /** Everything is wanted. */
  readonly isAll: boolean;
  /** Whether it is one of those that are asked for. */
  isWanted(entry: TarEntryDraft): boolean;
  /** Patterns that have matched nothing so far. */
  unmatched(): readonly string[];
}

/** Everything, or what the patterns name and all that is below it. */
export function entryChoice(patterns: readonly PathPattern[]): EntryChoice {
  const matched = new Set<PathPattern>();
  const isBelow = (path: string): boolean => {
    let is = false;
    for (const one of pathAndParents(path)) {
      for (const pattern of patterns) {
        if (!pattern.matches(one)) continue;
        matched.add(pattern);
        is = true;
      }
    }
    return is;
  };
  return {
    isAll: patterns.length === 0,
    isWanted: ({ path }) => patterns.length === 0 || isBelow(path.toString('utf8')),
    unmatched: () => patterns.filter((pattern) => !matched.has(pattern)).map(({ text }) => text),
  };
}

/** A folder above what is restored, which is not itself. */
export interface ParentFolder {
  readonly path: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What is read of a tar to restore some of its entries. */
export interface Selected {
  /** What the index says of them, in the order of the tar; undefined where they are too many to be kept. */
  readonly entries: readonly TarEntry[] | undefined;
  /** Where they are in the tar, in its order; neighbours are one range. */
  readonly ranges: readonly ByteRange[];
  /** Paths that are only there because something wanted is another name of them (latin1). */
  readonly onlyForLinks: ReadonlySet<string>;
  readonly parents: readonly ParentFolder[];
}

/** Some tens of MB. Beside so many files a second look into the index is nothing. */
const mostKept = 100_000;

/**
 * Finds out from an index what must be read. It is read once, or, where a wanted hard link is another name of something
 * that is not wanted, twice. Throws `corrupt-archive` for an index that lacks the file that a hard link names.
 */
export async function selectEntries(index: AsyncIterable<IndexItem>, choice: EntryChoice): Promise<Selected> {
  const first = await selectOnce(index, choice, new Set());
  if (first.missing.size === 0) return first.selected;
  const { selected, missing } = await selectOnce(index, choice, first.missing);
  const [lost] = missing;
  if (lost === undefined) return selected;
  throw new AppError('corrupt-archive', `The index has another name of ${lost}, but not that file.`);
}

async function selectOnce(
  index: AsyncIterable<IndexItem>,
  choice: EntryChoice,
  /** Paths (latin1) that wanted hard links are other names of. */
  needed: ReadonlySet<string>,
): Promise<{ readonly selected: Selected; readonly missing: ReadonlySet<string> }> {
  const missing = new Set<string>();
  const entries: TarEntry[] = [];
  const ranges: { from: number; to: number }[] = [];
  const parents = new Map<string, ParentFolder>();
  const above: TarEntry[] = [];
  const onlyForLinks = new Set<string>();
  let before: TarEntry | undefined;
  for await (const entry of entriesOf(index)) {
    requireAfter(before, entry);
    before = entry;
    while (above.length > 0 && !isBelow(entry, above.at(-1))) above.pop();
    const isWanted = choice.isWanted(entry);
    const name = entry.path.toString('latin1');
    if (isWanted) for (const parent of above) parents.set(parent.path.toString('latin1'), parent);
    else if (needed.has(name)) onlyForLinks.add(name);
    if (entry.type === 'directory' && !isWanted) above.push(entry);
    if (!isWanted && !onlyForLinks.has(name)) continue;
    if (entry.type === 'hardlink' && !choice.isWanted({ ...entry, path: entry.linkTarget })) {
      const target = entry.linkTarget.toString('latin1');
      if (!onlyForLinks.has(target)) missing.add(target);
    }
    if (entries.length <= mostKept) entries.push(entry);
    const to = entry.offset + entry.storedBytes;
    const last = ranges.at(-1);
    if (last?.to === entry.offset) last.to = to;
    else ranges.push({ from: entry.offset, to });
  }
  const kept = entries.length > mostKept ? undefined : entries;
  return { selected: { entries: kept, ranges, onlyForLinks, parents: [...parents.values()] }, missing };
}

/** Folders come before what is in them, which is how the ones above an entry are known. */
function requireAfter(before: TarEntry | undefined, { path }: TarEntry): void {
  if (before === undefined || comparePaths(before.path, path) <= 0) return;
  const name = JSON.stringify(printable(path.toString('utf8')));
  throw new AppError('corrupt-archive', `The index is not in the order of the paths: ${name} comes too late.`);
}

function isBelow({ path }: TarEntry, folder: TarEntry | undefined): boolean {
  if (folder === undefined) return false;
  if (folder.path.equals(root)) return true;
  return path.length > folder.path.length && path[folder.path.length] === slash && startsWith(path, folder.path);
}

const root = Buffer.from('.');
const slash = 0x2f;

function startsWith(path: Buffer, start: Buffer): boolean {
  return path.subarray(0, start.length).equals(start);
}

/** The entries of a tar's index. Throws `corrupt-archive` for another kind of index. */
export async function* entriesOf(index: AsyncIterable<IndexItem>): AsyncGenerator<TarEntry, void> {
  for await (const item of index) {
    if (item.kind === 'header' && item.header.kind !== 'tar') {
      throw new AppError('corrupt-archive', 'The index is not that of a tar.');
    }
    if (item.kind === 'entry') yield item.entry;
  }
}
