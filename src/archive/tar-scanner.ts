import type { PipelineStage } from './framing.js';
import { createTarParser } from './tar-scanner-parser.js';
import type { TarEntry } from './tar-scanner-entry.js';

/** What is told about a tar while it passes. */
export interface ScanTarOptions {
  /** Told each member when its data has passed; a promise is awaited before anything more is read. */
  readonly onEntry: (entry: TarEntry) => void | Promise<void>;
}

/** What has passed so far. */
export interface TarTotals {
  readonly entries: number;
  /** Bytes of the tar, the padding at its end included. */
  readonly tarBytes: number;
}

/** A stage for `pipeline` that passes a tar through unchanged; for one stream only. */
export interface TarScan extends PipelineStage {
  readonly totals: TarTotals;
}

/**
 * Makes a stage that yields the very buffers it reads and tells what members they hold. Reads what GNU tar 1.34 writes
 * in its formats v7, oldgnu, gnu, ustar and posix, sparse files of all formats included. Memory does not grow with the
 * tar. Throws `source-unreadable`, naming the position, for a tar that is damaged or ends early, and what `onEntry`
 * throws.
 */
export function scanTar(options: ScanTarOptions): TarScan {
  const parser = createTarParser(options);
  const stage: PipelineStage = async function* (source, { signal } = {}) {
    for await (const chunk of source) {
      signal?.throwIfAborted();
      await parser.feed(chunk);
      yield chunk;
    }
    parser.end();
  };
  return Object.assign(stage, { totals: parser.totals });
}
