import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A channel from a program to us; disposing closes it. */
export interface Pipe extends AsyncDisposable {
  /** What a program gets. Destroy it when the program has it: else the pipe would never end. */
  readonly writingEnd: Socket;
  /** What is written, once. What is yielded is good until the next is asked for. */
  readonly bytes: AsyncIterable<Buffer>;
}

/** A name of a Unix socket has 107 bytes at most (unix(7)), some 30 of which are ours. */
const longestDirectoryBytes = 75;
const pieceBytes = 64 * 1024;
/** Pieces that are read before the reader has taken them up. */
const piecesAhead = 16;

/**
 * Makes a channel that is read into always the same memory. What Node opens for a program's output gives new memory for
 * every piece, and with gigabytes of it V8 looks through its whole heap hundreds of times. It is a pair of connected
 * sockets, which Node opens too: pipes of the kernel hold 64 KiB, and the two sides wait for each other all the time.
 */
export async function openPipe(): Promise<Pipe> {
  const parent = Buffer.byteLength(tmpdir()) > longestDirectoryBytes ? '/tmp' : tmpdir();
  const directory = await mkdtemp(join(parent, 'snap-to-s3-pipe-'));
  const server = createServer({ pauseOnConnect: true });
  try {
    const path = join(directory, 'pipe');
    server.listen(path);
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const ring = createRing();
    const readingEnd = connect({ path, onread: ring.onread });
    readingEnd.on('end', ring.end).on('error', ring.fail);
    const [writingEnd] = (await accepted) as [Socket];
    return {
      writingEnd,
      bytes: ring.bytes(() => void readingEnd.resume()),
      [Symbol.asyncDispose]: () => {
        writingEnd.destroy();
        readingEnd.destroy();
        ring.end();
        return Promise.resolve();
      },
    };
  } finally {
    server.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Memory that is filled and read in turns. */
function createRing() {
  const memory = Array.from({ length: piecesAhead + 1 }, () => Buffer.allocUnsafeSlow(pieceBytes));
  const filled: Buffer[] = [];
  let fills = 0;
  let ended = false;
  let failure: { readonly error: Error } | undefined;
  let wake: (() => void) | undefined;
  const end = (): void => {
    ended = true;
    wake?.();
  };
  return {
    end,
    fail: (error: Error): void => {
      failure = { error };
      wake?.();
    },
    onread: {
      buffer: () => memory[fills % memory.length] ?? Buffer.alloc(0),
      /** False stops reading until `resume`. */
      callback: (bytes: number, buffer: Uint8Array): boolean => {
        filled.push(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
        fills += 1;
        wake?.();
        return filled.length < piecesAhead;
      },
    },
    async *bytes(resume: () => void): AsyncGenerator<Buffer> {
      for (;;) {
        const next = filled[0];
        if (next !== undefined) {
          yield next;
          filled.shift();
          if (filled.length === 0) resume();
        } else if (failure !== undefined) throw failure.error;
        else if (ended) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
