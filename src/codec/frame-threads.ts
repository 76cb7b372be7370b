import { Worker } from 'node:worker_threads';
import { AppError, messageOf } from '../core/index.js';
import type { FrameCodec, FrameCompressor } from './frame-codec.js';
import { compressor } from './compressor.js';
import { needsLz4Program } from './lz4.js';

/** What a thread is started with. */
export interface FrameThreadData {
  readonly codec: FrameCodec;
  readonly level: number;
}

/** One frame to be made. The memory of both buffers is shared. */
export interface FrameOrder {
  readonly raw: Uint8Array;
  /** Where the frame goes if it fits. */
  readonly room: Uint8Array;
}

/** What became of it: in `room`, or beside it because it did not fit, or nothing. */
export type FrameResult =
  | { readonly kind: 'in-room'; readonly bytes: number }
  | { readonly kind: 'beside'; readonly frame: Uint8Array }
  | { readonly kind: 'failed'; readonly reason: string };

/** Threads that compress; disposing ends them. */
export interface FrameThreads extends AsyncDisposable {
  /** See `FrameCompressor`; what is more than there are threads waits its turn. */
  readonly compress: FrameCompressor;
  /** Takes a frame back, so that its memory serves for others; one that never comes back is collected as garbage. */
  readonly release: (frame: Buffer) => void;
}

/**
 * Makes up to so many threads that compress, each when it is first needed. They have small heaps of their own, so that
 * the memory that the codecs take for each frame is given back at once and not when V8 has looked through ours. Throws
 * `usage` for a level that the codec does not have.
 */
export function frameThreads({ codec, level, threads }: FrameThreadData & { readonly threads: number }): FrameThreads {
  const compress = compressor(codec, level);
  if (codec === 'lz4' && needsLz4Program(level)) {
    return { compress, release: () => undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const rooms = createRooms();
  const all: FrameThread[] = [];
  const idle: FrameThread[] = [];
  const waiting: ((thread: FrameThread) => void)[] = [];
  const take = (): FrameThread | Promise<FrameThread> => {
    const free = idle.pop();
    if (free !== undefined) return free;
    if (all.length >= threads) return new Promise((resolve) => waiting.push(resolve));
    const started = startThread({ codec, level }, rooms);
    all.push(started);
    return started;
  };
  return {
    compress: async (raw) => {
      const thread = await take();
      try {
        return await thread.compress(raw);
      } finally {
        const next = waiting.shift();
        if (next === undefined) idle.push(thread);
        else next(thread);
      }
    },
    release: rooms.giveBack,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map((thread) => thread.end()));
    },
  };
}

interface FrameThread {
  readonly compress: FrameCompressor;
  end(): Promise<void>;
}

/** lz4 and zstd store what cannot be compressed with a few bytes for each block. */
const roomFor = (rawBytes: number): number => rawBytes + (rawBytes >> 6) + 1024;

/** Shared memory for frames. It is used again and again: as garbage it would make V8 look through its whole heap. */
interface Rooms {
  take(bytes: number): Buffer;
  readonly giveBack: (frame: Buffer) => void;
}

function createRooms(): Rooms {
  let free: Buffer[] = [];
  return {
    take: (bytes) => {
      free = free.filter((room) => room.length >= bytes);
      return free.pop() ?? Buffer.from(new SharedArrayBuffer(bytes));
    },
    giveBack: ({ buffer }) => {
      if (buffer instanceof SharedArrayBuffer) free.push(Buffer.from(buffer));
    },
  };
}

function startThread(workerData: FrameThreadData, rooms: Rooms): FrameThread {
  const worker = new Worker(new URL('./frame-thread.js', import.meta.url), { workerData });
  worker.unref();
  let settle: ((result: FrameResult) => void) | undefined;
  let dead: FrameResult | undefined;
  const fail = (reason: string): void => {
    dead ??= { kind: 'failed', reason };
    settle?.(dead);
  };
  worker.on('message', (result: FrameResult) => settle?.(result));
  worker.on('error', (error) => fail(messageOf(error)));
  worker.on('exit', () => fail('its thread has ended'));
  return {
    compress: async (raw) => {
      const room = rooms.take(roomFor(raw.length));
      const order: FrameOrder = { raw: shared(raw), room };
      const result = await new Promise<FrameResult>((resolve) => {
        settle = resolve;
        if (dead === undefined) {
          worker.ref();
          worker.postMessage(order);
        } else resolve(dead);
      });
      settle = undefined;
      worker.unref();
      switch (result.kind) {
        case 'in-room':
          return room.subarray(0, result.bytes);
        case 'beside':
          rooms.giveBack(room);
          return Buffer.from(result.frame.buffer, result.frame.byteOffset, result.frame.byteLength);
        case 'failed':
          throw new AppError('internal', `A frame could not be compressed: ${result.reason}.`);
      }
    },
    end: async () => {
      await worker.terminate();
    },
  };
}

/** The very memory if another thread can see it, else a copy that it can. */
function shared(raw: Buffer): Buffer {
  if (raw.buffer instanceof SharedArrayBuffer) return raw;
  const copy = Buffer.from(new SharedArrayBuffer(raw.length));
  raw.copy(copy);
  return copy;
}
