import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MiB } from '../../src/core/index.js';
import { run, runText } from '../../src/process/index.js';

const source = '/usr/share';

/**
 * Copies folders of this machine's own /usr/share, real files of all sizes, until `mebibytes` are reached. `from` (0..1)
 * says where in the alphabet to begin, so that disks differ. Returns the bytes on disk of what was copied.
 */
export async function copyRealContent(
  target: string,
  { mebibytes, from }: { readonly mebibytes: number; readonly from: number },
): Promise<number> {
  const sizes = await folderSizes();
  const start = Math.floor(sizes.length * from);
  let left = mebibytes * MiB;
  const chosen: string[] = [];
  for (const { path, bytes } of [...sizes.slice(start), ...sizes.slice(0, start)]) {
    if (bytes > left) continue;
    left -= bytes;
    chosen.push(path);
  }
  if (chosen.length > 0) await run(['cp', '--archive', `--target-directory=${target}`, '--', ...chosen]);
  return mebibytes * MiB - left;
}

async function folderSizes(): Promise<readonly { readonly path: string; readonly bytes: number }[]> {
  const entries = await readdir(source, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(source, name));
  if (folders.length === 0) return [];
  const lines = (await runText(['du', '--summarize', '--block-size=1', '--null', '--', ...folders.sort()])).split('\0');
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const [bytes = '0', ...path] = line.split('\t');
      return { path: path.join('\t'), bytes: Number(bytes) };
    });
}
