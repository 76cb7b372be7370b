import { AppError } from '../core/index.js';
import { scanTar, type TarTotals } from './tar-scanner.js';
import type { TarEntry } from './tar-scanner-entry.js';

/** A tar of the store that is read for what is in it, once. */
export interface TarReading {
  /** In the order of the tar. Throws `corrupt-archive` for a tar that is damaged or ends early, and what the source throws. */
  readonly entries: AsyncIterable<TarEntry>;
  /** What has been read so far. */
  readonly totals: TarTotals;
}

/** Reads a tar from its bytes; each piece of them can be used again when the next is asked for. */
export function readTar(source: AsyncIterable<Buffer>): TarReading {
  const read: TarEntry[] = [];
  const scan = scanTar({ onEntry: (entry) => void read.push(entry) });
  async function* entries(): AsyncGenerator<TarEntry, void> {
    try {
      for await (const _ of scan(source)) yield* read.splice(0);
    } catch (error) {
      // To what makes archives, a damaged tar is a source that cannot be read.
      if (!(error instanceof AppError) || error.code !== 'source-unreadable') throw error;
      throw new AppError('corrupt-archive', error.message, { cause: error, details: error.details });
    }
    yield* read.splice(0);
  }
  return { entries: entries(), totals: scan.totals };
}
