import { availableParallelism } from 'node:os';
import type { DigestOptions, Digests } from '../digests.js';
import { newSlabs, viewOfSlab, type Slabs } from './slabs.js';
import { startThread, type BodyOnThread, type Thread } from './thread.js';

/** Threads that compute the digests of large bodies and write them, so that the one that serves requests need not. */
export interface BodyThreads {
  /** Begins a body; its file stays open until `finish` or `abandon` has resolved. Throws when the pool is closed. */
  begin(fd: number, digests: DigestOptions): ThreadedBody;
  /** How many threads run. They are started when they are first needed. */
  readonly running: number;
  /** Ends the threads; bodies that are under way fail. May be repeated. */
  close(): Promise<void>;
}

/** A body that is being written by a thread. After a failure it must be abandoned. */
export interface ThreadedBody {
  /** Takes copies of the pieces; resolves when they have been taken. Throws what the thread could not do. */
  write(pieces: readonly Uint8Array[]): Promise<void>;
  /** Resolves when everything is in the file. Throws what the thread could not do. */
  finish(): Promise<Digests>;
  /** Resolves when the thread does not touch the file any more. Never throws. */
  abandon(): Promise<void>;
}

/** More threads than that would only wait for the one that receives. */
const mostThreads = 4;
/** What is on its way to the threads, of all bodies: 8 MiB. */
const slabCount = 32;
/** The same of one body: 1 MiB. */
const slabsOfOneBody = 4;

/** Makes a pool that has no threads yet. */
export function newBodyThreads(): BodyThreads {
  const slabs = newSlabs(slabCount);
  const most = Math.min(mostThreads, availableParallelism());
  const threads = new Set<Thread>();
  let isClosed = false;
  const leastBusy = (): Thread => {
    const [best] = [...threads].sort((a, b) => a.busy - b.busy);
    if (best !== undefined && (best.busy === 0 || threads.size >= most)) return best;
    const thread = startThread(slabs, () => threads.delete(thread));
    threads.add(thread);
    return thread;
  };
  return {
    get running() {
      return threads.size;
    },
    begin: (fd, digests) => {
      if (isClosed) throw new Error('The threads that write bodies have been ended.');
      const body = leastBusy().begin(fd, digests);
      return {
        write: (pieces) => writePieces(pieces, body, slabs),
        finish: () => body.end(),
        abandon: () => body.abandon(),
      };
    },
    close: async () => {
      isClosed = true;
      await Promise.all(Array.from(threads, (thread) => thread.close()));
    },
  };
}

/** A slab is only held while it is filled, never while waiting, so that whoever has one comes to use it. */
async function writePieces(pieces: readonly Uint8Array[], body: BodyOnThread, slabs: Slabs): Promise<void> {
  const rest = [...pieces];
  while (rest.length > 0) {
    await body.untilUnderWay(slabsOfOneBody - 1);
    const slab = await slabs.take();
    body.send(slab, fill(viewOfSlab(slabs.memory, slab), rest));
  }
}

/** Moves as many bytes as there is room for, and leaves the others. */
function fill(room: Uint8Array, rest: Uint8Array[]): number {
  let used = 0;
  while (used < room.length) {
    const piece = rest.shift();
    if (piece === undefined) break;
    const some = piece.subarray(0, room.length - used);
    room.set(some, used);
    used += some.length;
    if (some.length < piece.length) rest.unshift(piece.subarray(some.length));
  }
  return used;
}
