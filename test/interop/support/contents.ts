import { readTree } from '../../support/tree.js';

/** The files of a tree and the SHA-256 of each: what an object store keeps of it. Names must be UTF-8. */
export async function contentsOf(folder: string): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  for (const [name, { type, sha256 }] of await readTree(folder)) {
    if (type === 'file') contents.set(Buffer.from(name, 'latin1').toString('utf8'), sha256 ?? '');
  }
  return contents;
}
