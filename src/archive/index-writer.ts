import { createGzip, type Gzip } from 'node:zlib';
import { AppError } from '../core/index.js';

/** Takes lines and gives them gzipped, so that an index is sent while the archive is. */
export interface IndexWriter {
  /** Adds a line and its line end; resolves when there is room for more. Rejects after `abort` or when nobody reads. */
  write(line: string): Promise<void>;
  /** Resolves when all lines are compressed and taken up by the reader of `bytes`. Rejects as `write` does. */
  end(): Promise<void>;
  /** Breaks off: `bytes` throws `error`, and so does every later call. May be called at any time, repeatedly. */
  abort(error: unknown): void;
  /** The gzip stream. Read it once; leaving the loop early breaks the writer off. */
  readonly bytes: AsyncIterable<Buffer>;
}

/** Lines are handed to zlib's thread in pieces of this many characters, not one by one. */
const batchCharacters = 64 * 1024;

/** Makes an {@link IndexWriter}. Compression happens off the main thread; little more than one batch is held. */
export function createIndexWriter(): IndexWriter {
  const gzip = createGzip();
  // Without a listener an abort before `bytes` is read would end the process.
  gzip.on('error', () => undefined);
  let lines: string[] = [];
  let characters = 0;
  const flush = async (): Promise<void> => {
    if (gzip.destroyed) throw failureOf(gzip);
    const batch = lines.join('');
    lines = [];
    characters = 0;
    if (batch !== '' && !gzip.write(batch)) await settled(gzip, 'drain');
  };
  return {
    write: (line) => {
      lines.push(line, '\n');
      characters += line.length + 1;
      return characters < batchCharacters ? accepted : flush();
    },
    end: async () => {
      await flush();
      gzip.end();
      await settled(gzip, 'end');
    },
    abort: (error) => void gzip.destroy(error instanceof Error ? error : new AppError('internal', String(error))),
    bytes: gzip,
  };
}

const accepted = Promise.resolve();

/** Waits for an event of the stream, or for its untimely end. */
async function settled(gzip: Gzip, event: 'drain' | 'end'): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const done = (): void => {
      gzip.off(event, done).off('close', closed);
      resolve();
    };
    const closed = (): void => {
      gzip.off(event, done);
      reject(failureOf(gzip));
    };
    if (gzip.destroyed && !gzip.readableEnded) closed();
    else gzip.once(event, done).once('close', closed);
  });
}

function failureOf(gzip: Gzip): Error {
  return gzip.errored ?? new AppError('internal', 'The index was not read to its end.');
}
