import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { AppError, messageOf } from '../core/index.js';
import { parsePriceFile, type PriceFile } from '../costs/index.js';
import type { OptionValues } from './options/index.js';

/** The file that `prices refresh` writes, and everything reads, unless `--prices` names another. */
export function usualPriceFile(): string {
  const data = process.env.XDG_DATA_HOME ?? '';
  return join(data === '' ? join(homedir(), '.local', 'share') : data, 'snap-to-s3', 'prices.json');
}

/** The prices that count over those of the list, if there are any. Throws `usage` for a file that is none. */
export async function readPriceFile(values: OptionValues): Promise<PriceFile | undefined> {
  const named = values.text('prices');
  const path = named ?? usualPriceFile();
  try {
    return parsePriceFile(await readFile(path, 'utf8'), path);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    if (named === undefined && (cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AppError('usage', `The prices cannot be read: ${messageOf(cause)}.`, {
      hint: 'Name a file with --prices, or leave it out.',
      cause,
    });
  }
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
