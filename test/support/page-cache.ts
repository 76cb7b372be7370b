import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, runText } from '../../src/process/index.js';
import { loopDisk, makeFilesystem } from './loop-disk.js';

/** How much of a file the kernel has in memory. */
export async function cachedBytes(path: string): Promise<number> {
  return Number(await runText(['fincore', '--bytes', '--noheadings', '--output', 'RES', path]));
}

/** Lets the kernel write a file to its disk and forget it. */
export async function forget(path: string): Promise<void> {
  await run(['dd', 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none', `of=${path}`]);
}

/** Does something in a folder on a filesystem of its own. */
export async function onFilesystem(
  kind: keyof typeof makeFilesystem | 'tmpfs',
  work: (folder: string) => Promise<void>,
): Promise<void> {
  await using disk = await loopDisk(320);
  const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-on-'));
  try {
    if (kind !== 'tmpfs') await makeFilesystem[kind](disk.path);
    await run(kind === 'tmpfs' ? ['mount', '-t', kind, 'tmpfs', folder] : ['mount', disk.path, folder]);
    try {
      await work(folder);
    } finally {
      await run(['umount', folder]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
