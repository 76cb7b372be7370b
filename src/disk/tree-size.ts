import { lstat, readdir } from 'node:fs/promises';

/** What a walk through a directory has found, each inode counted once. */
export interface TreeSize {
  readonly inodes: number;
  /** What the filesystem has given to files and directories: holes not included, preallocated space included. */
  readonly allocatedBytes: number;
}

/**
 * Walks through a directory and all below it and adds up what its inodes take, until that is `enough` or everything was
 * seen. Follows no links, and goes by the bytes of names, whatever their encoding.
 */
export async function measureTree(
  directory: string,
  options: { readonly enough: (soFar: TreeSize) => boolean; readonly signal?: AbortSignal | undefined },
): Promise<TreeSize> {
  const manyNames = new Set<string>();
  const soFar = { inodes: 0, allocatedBytes: 0 };
  const weigh = async (path: Buffer): Promise<void> => {
    const { dev, ino, nlink, blocks } = await lstat(path);
    if (nlink > 1) {
      const inode = `${dev}:${ino}`;
      if (manyNames.has(inode)) return;
      manyNames.add(inode);
    }
    soFar.inodes += 1;
    // Counted in units of 512 bytes, whatever the blocks of the filesystem (stat(2)).
    soFar.allocatedBytes += blocks * 512;
  };
  const waiting = [Buffer.from(directory)];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    options.signal?.throwIfAborted();
    if (options.enough(soFar)) break;
    await weigh(folder);
    for (const entry of await readdir(folder, { encoding: 'buffer', withFileTypes: true })) {
      const path = Buffer.concat([folder, Buffer.from('/'), entry.name]);
      if (entry.isDirectory()) waiting.push(path);
      else await weigh(path);
    }
  }
  return soFar;
}
