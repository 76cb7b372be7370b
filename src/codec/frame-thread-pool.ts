import { startThread } from '../core/index.js';
import type { FrameCodec } from './frame-codec.js';

/** What a thread is started with. */
export type FrameThreadData =
  | { readonly kind: 'compress'; readonly codec: FrameCodec; readonly level: number }
  | { readonly kind: 'decompress'; readonly codec: FrameCodec };

/** One frame to be made or unpacked. The memory of both buffers is shared. */
export interface FrameOrder {
  readonly input: Uint8Array;
  /** Where the result goes if it fits. */
  readonly room: Uint8Array;
}

/** What became of it: in `room`, or beside it because it did not fit, or nothing. */
export type FrameResult =
  | { readonly kind: 'in-room'; readonly bytes: number }
  | { readonly kind: 'beside'; readonly output: Uint8Array }
  | { readonly kind: 'failed'; readonly reason: string };

/** A thread of a pool while an order is its own. */
export interface FrameThread {
  /** Throws `internal` where the thread itself has come to an end. */
  run(order: FrameOrder): Promise<FrameResult>;
  /** A room that stays with the thread, of at least so many bytes. */
  room(bytes: number): Buffer;
}

/** Threads with small heaps of their own. Disposing ends them. */
export interface FrameThreadPool extends AsyncDisposable {
  /** Does something with a thread of its own; what is more than there are threads waits its turn. */
  use<T>(work: (thread: FrameThread) => Promise<T>): Promise<T>;
}

interface OwnedThread extends FrameThread, AsyncDisposable {}

/** Makes up to so many threads, each when it is first needed. */
export function frameThreadPool(data: FrameThreadData, threads: number): FrameThreadPool {
  const all: OwnedThread[] = [];
  const idle: FrameThread[] = [];
  const waiting: ((thread: FrameThread) => void)[] = [];
  const take = (): FrameThread | Promise<FrameThread> => {
    const free = idle.pop();
    if (free !== undefined) return free;
    if (all.length >= threads) return new Promise((resolve) => waiting.push(resolve));
    const started = startOne(data);
    all.push(started);
    return started;
  };
  return {
    use: async (work) => {
      const thread = await take();
      try {
        return await work(thread);
      } finally {
        const next = waiting.shift();
        if (next === undefined) idle.push(thread);
        else next(thread);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map((thread) => thread[Symbol.asyncDispose]()));
    },
  };
}

function startOne(data: FrameThreadData): OwnedThread {
  const thread = startThread<FrameOrder, FrameResult>(new URL('./frame-thread.js', import.meta.url), {
    task: 'works on frames',
    data,
  });
  let room: Buffer = Buffer.alloc(0);
  return {
    room: (bytes) => {
      if (room.length < bytes) room = Buffer.from(new SharedArrayBuffer(bytes));
      return room;
    },
    run: thread.ask,
    [Symbol.asyncDispose]: async () => await thread[Symbol.asyncDispose](),
  };
}

/** The very memory if another thread can see it, else a copy that it can. */
export function shared(bytes: Buffer): Buffer {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const copy = Buffer.from(new SharedArrayBuffer(bytes.length));
  bytes.copy(copy);
  return copy;
}
