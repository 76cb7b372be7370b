import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, runText } from '../../src/process/index.js';

/** A disk made of a sparse file; needs root. Disposing frees the loop device and removes the file. */
export interface LoopDisk extends AsyncDisposable {
  /** `/dev/loopN`. */
  readonly path: string;
  /** The device of a partition. */
  partition(number: number): string;
}

/** Makes a disk and, where `sfdisk` input is given, its partition table. */
export async function loopDisk(sizeMiB: number, sfdiskInput?: string): Promise<LoopDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-disk-'));
  const file = join(folder, 'disk');
  await writeFile(file, '');
  await truncate(file, sizeMiB * 1024 * 1024);
  if (sfdiskInput !== undefined) await run(['sfdisk', '--quiet', file], { input: sfdiskInput });
  const path = (await runText(['losetup', '--find', '--show', file])).trim();
  if (sfdiskInput !== undefined) await run(['partx', '--add', path]).catch(() => undefined);
  return {
    path,
    partition: (number) => `${path}p${number}`,
    [Symbol.asyncDispose]: async () => {
      await run(['partx', '--delete', path]).catch(() => undefined);
      await run(['losetup', '--detach', path]);
      await rm(folder, { recursive: true });
    },
  };
}

/** The filesystems of this project's tests, and how one is made. */
export const makeFilesystem = {
  ext4: (device: string) => run(['mkfs.ext4', '-q', '-F', device]),
  xfs: (device: string) => run(['mkfs.xfs', '-q', '-f', device]),
  btrfs: (device: string) => run(['mkfs.btrfs', '-q', '-f', device]),
};
