import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { AppError, messageOf } from '../core/index.js';
import type { PriceFile } from '../costs/reckoning.js';

/** The file that `prices refresh` writes, and everything reads, unless `--prices` names another. */
export function usualPriceFile(): string {
  const data = process.env.XDG_DATA_HOME ?? '';
  return join(data === '' ? join(homedir(), '.local', 'share') : data, 'snap-to-s3', 'prices.json');
}

/** The prices that count over those of the list, if there are any; `named` is what `--prices` says. Throws `usage` for a file that is none. */
export async function readPriceFile(named: string | undefined): Promise<PriceFile | undefined> {
  const path = named ?? usualPriceFile();
  try {
    return await parsed(await readFile(path, 'utf8'), path);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    if (named === undefined && (cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AppError('usage', `The prices cannot be read: ${messageOf(cause)}.`, {
      hint: 'Name a file with --prices, or leave it out.',
      cause,
    });
  }
}

/** Most have no such file, and need not load what checks one. */
async function parsed(text: string, path: string): Promise<PriceFile> {
  const { parsePriceFile } = await import('../costs/index.js');
  return parsePriceFile(text, path);
}

/**
 * What an earlier `prices refresh` has written to a file; undefined where there is none. Throws `usage` for a file that it has
 * not written: that is somebody's own, and not to be overwritten.
 */
export async function refreshedBefore(path: string): Promise<PriceFile | undefined> {
  const notOurs = (cause?: unknown): AppError =>
    new AppError('usage', `${path} was not written by prices refresh, and is left as it is.`, {
      hint: 'Name another file with --prices, or move this one away.',
      cause,
    });
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw notOurs(error);
  });
  if (text === undefined) return undefined;
  const file = await parsed(text, path).catch((error: unknown) => {
    throw notOurs(error);
  });
  if (file.source === undefined) throw notOurs();
  return file;
}

/** Writes a price file under its name when it is whole. Throws `usage` where that cannot be written. */
export async function writePriceFile(path: string, prices: PriceFile): Promise<void> {
  const unfinished = `${path}.${process.pid}.unfinished`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(unfinished, `${JSON.stringify(prices, undefined, 2)}\n`);
    await rename(unfinished, path);
  } catch (cause) {
    throw new AppError('usage', `The prices cannot be written: ${messageOf(cause)}.`, {
      hint: 'Name another file with --prices.',
      cause,
    });
  }
}
