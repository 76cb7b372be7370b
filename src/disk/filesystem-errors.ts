import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kernelName } from './mountinfo.js';

/**
 * How many errors the kernel has counted in a mounted filesystem, those that its superblock remembers included; undefined
 * for types that keep no such count. Ext4 needs it: without checksums in its directories a damaged one is read without
 * an error to the reader, who misses the names in the damaged block.
 */
export async function countedErrors(devicePath: string): Promise<number | undefined> {
  const file = join('/sys/fs/ext4', await kernelName(devicePath), 'errors_count');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text);
}
