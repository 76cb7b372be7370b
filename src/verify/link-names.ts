import type { TarEntry } from '../archive/index.js';
import { comparePaths } from './path-order.js';

/** The names of files that have several, of a tar in any order; memory grows with them only. */
export interface LinkNames {
  /** Call with each entry, in the order of the tar. */
  note(entry: TarEntry): void;
  /** Whether any file has its content at a name that is not its first. Ask when all are noted. */
  hasMoved(): boolean;
  /** If `hasMoved`: call with each entry once more, in any order. */
  keep(entry: TarEntry): void;
  /** The entry as it would be if the first name had the content. */
  renamed(entry: TarEntry): TarEntry;
}

/** See {@link LinkNames}. */
export function createLinkNames(): LinkNames {
  /** By the name that has the content, the first of all names of the file; keys are latin1 text. */
  const firsts = new Map<string, Buffer>();
  /** By the first name, the entry that has the content. */
  const contents = new Map<string, TarEntry>();
  const key = (path: Buffer): string => path.toString('latin1');
  const isMoved = (holder: Buffer): boolean => firsts.get(key(holder))?.equals(holder) === false;
  return {
    note: (entry) => {
      if (entry.type !== 'hardlink') return;
      const holder = key(entry.linkTarget);
      const first = firsts.get(holder) ?? entry.linkTarget;
      firsts.set(holder, comparePaths(entry.path, first) < 0 ? entry.path : first);
    },
    hasMoved: () => [...firsts].some(([holder, first]) => key(first) !== holder),
    keep: (entry) => {
      const first = entry.type === 'hardlink' ? undefined : firsts.get(key(entry.path));
      if (first !== undefined && isMoved(entry.path)) contents.set(key(first), entry);
    },
    renamed: (entry) => {
      if (entry.type === 'hardlink') {
        const content = contents.get(key(entry.path));
        if (content !== undefined) return { ...content, path: entry.path };
        return { ...entry, linkTarget: firsts.get(key(entry.linkTarget)) ?? entry.linkTarget };
      }
      const first = firsts.get(key(entry.path));
      if (first === undefined || first.equals(entry.path)) return entry;
      const { path, mode, uid, gid, uname, gname, mtime, offset, storedBytes } = entry;
      const facts = { path, mode, uid, gid, uname, gname, mtime, offset, storedBytes };
      const none = { sizeBytes: 0, xattrs: undefined, aclAccess: undefined, aclDefault: undefined };
      return { ...facts, ...none, type: 'hardlink', linkTarget: first };
    },
  };
}
