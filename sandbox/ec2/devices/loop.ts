import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../src/core/index.js';
import { run, runText } from '../../../src/process/index.js';

/** A loop device that serves a file as a disk. */
export interface Loop {
  /** `/dev/loop3`. */
  readonly path: string;
  /** True when the kernel will free it as soon as nobody uses it any more. */
  readonly autoclear: boolean;
}

/**
 * The loop device behind which this file is, if any. Must not be asked about a file that does not exist. Each device is asked
 * by itself: a listing by `losetup` can miss one while others come and go.
 */
export async function findLoop(file: string): Promise<Loop | undefined> {
  const backing = await realpath(file);
  for (const name of await readdir(sysBlock)) {
    if (!name.startsWith('loop')) continue;
    const fact = (of: string) => readFile(join(sysBlock, name, 'loop', of), 'utf8').catch(() => undefined);
    if ((await fact('backing_file'))?.replace(/\n$/, '') !== backing) continue;
    return { path: `/dev/${name}`, autoclear: (await fact('autoclear'))?.trim() === '1' };
  }
  return undefined;
}

const sysBlock = '/sys/block';

/**
 * Puts a free loop device in front of the file. Finding and taking is one step, so two callers cannot get the same.
 * `direct`: past the page cache, where the kernel asks for several blocks at once, and not for one after the other.
 */
export async function openLoop(file: string, { direct }: { readonly direct: boolean }): Promise<string> {
  const directly = direct ? ['--direct-io=on'] : [];
  const path = (await runText(['losetup', '--find', '--show', '--sector-size', '512', ...directly, file])).trim();
  await run(['blockdev', '--setra', String(readAheadSectors), path]);
  return path;
}

/** 128 KiB, as volumes have it on EC2; a loop device has twenty times as much. */
const readAheadSectors = 256;

/**
 * Asks the kernel to free a loop device. It is freed at once, or (autoclear) when its last user closes it: look with
 * {@link findLoop}. May be repeated.
 */
export async function closeLoop(path: string): Promise<void> {
  try {
    await run(['losetup', '--detach', path]);
  } catch (error) {
    // It was cleared between looking and asking.
    if (error instanceof AppError && /No such device/.test(error.message)) return;
    throw error;
  }
}
