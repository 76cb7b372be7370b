import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A channel from a program to us; disposing closes it. */
export interface Pipe extends AsyncDisposable {
  /** What a program gets. Destroy it when the program has it: else the pipe would never end. */
  readonly writingEnd: Socket;
  /** What is written, once. What is yielded is good until the next is asked for. */
  readonly bytes: AsyncIterable<Buffer>;
}

const secretBytes = 32;
const pieceBytes = 64 * 1024;
/** Pieces that are read before the reader has taken them up. */
const piecesAhead = 16;

/**
 * Makes a channel that is read into always the same memory. What Node opens for a program's output gives new memory for
 * every piece, and with gigabytes of it V8 looks through its whole heap hundreds of times. It is a pair of connected
 * sockets, which Node opens too: pipes of the kernel hold 64 KiB, and the two sides wait for each other all the time. The
 * name by which they meet is in no directory (an abstract one, unix(7)), so that nothing of it outlives a process that is
 * killed; anybody may connect to such a name, and only who knows a secret gets the program's output.
 */
export async function openPipe(): Promise<Pipe> {
  const path = `\0snap-to-s3-pipe-${randomUUID()}`;
  const secret = randomBytes(secretBytes);
  const server = createServer();
  const strangers = new Set<Socket>();
  const accepted = acceptedWith(secret, { server, strangers });
  const ring = createRing();
  try {
    server.listen(path);
    await once(server, 'listening');
    const readingEnd = connect({ path, onread: ring.onread });
    await once(readingEnd, 'connect');
    readingEnd.on('end', ring.end).on('error', ring.fail);
    readingEnd.write(secret);
    const writingEnd = await accepted;
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
    for (const stranger of strangers) stranger.destroy();
  }
}

/** The connection that says the secret; all that have not are strangers. */
function acceptedWith(
  secret: Buffer,
  { server, strangers }: { readonly server: Server; readonly strangers: Set<Socket> },
): Promise<Socket> {
  return new Promise((resolve) => {
    server.on('connection', (socket) => {
      strangers.add(socket);
      // Of a stranger's that breaks off nobody need hear.
      socket.on('error', () => undefined);
      socket.once('readable', () => {
        const said = socket.read(secretBytes) as Buffer | null;
        if (said?.equals(secret) !== true) return;
        strangers.delete(socket);
        resolve(socket);
      });
    });
  });
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
