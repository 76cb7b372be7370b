import type { TarEntry } from '../archive/index.js';

/**
 * One entry of a tree, in the words in which a tar tells it: a `TarEntry` is one. On a disk, a second name of a file is a
 * hard link to the first that comes in the order of the walk, as it is to tar.
 */
export type TreeEntry = TarEntry extends infer Entry ? (Entry extends TarEntry ? Without<Entry> : never) : never;
type Without<Entry extends TarEntry> = Omit<Entry, 'offset' | 'storedBytes' | 'uname' | 'gname'>;
