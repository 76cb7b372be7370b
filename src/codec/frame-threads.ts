import { AppError, createBufferPool, isZero } from '../core/index.js';
import { compressor } from './compressor.js';
import type { FrameCodec, FrameCompressor } from './frame-codec.js';
import { frameThreadPool, shared } from './frame-thread-pool.js';
import { needsLz4Program } from './lz4.js';

/** How frames are compressed, and by how many threads. */
export interface FrameThreadsOptions {
  readonly codec: FrameCodec;
  readonly level: number;
  readonly threads: number;
}

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
export function frameThreads({ codec, level, threads }: FrameThreadsOptions): FrameThreads {
  const compress = compressor(codec, level);
  if (codec === 'lz4' && needsLz4Program(level)) {
    return { compress, release: () => undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  // Used again and again: as garbage it would make V8 look through its whole heap.
  const rooms = createBufferPool();
  const pool = frameThreadPool({ kind: 'compress', codec, level }, threads);
  const compressed = (raw: Buffer): Promise<Buffer> =>
    pool.use(async (thread) => {
      const room = rooms.take(roomFor(raw.length));
      const result = await thread.run({ input: shared(raw), room });
      switch (result.kind) {
        case 'in-room':
          return room.subarray(0, result.bytes);
        case 'beside':
          rooms.giveBack(room);
          return Buffer.from(result.output.buffer, result.output.byteOffset, result.output.byteLength);
        case 'failed':
          throw new AppError('internal', `A frame could not be compressed: ${result.reason}.`);
      }
    });
  /** Of frames of zeros, which is most of many disks: they are all the same. */
  let ofZeros: { readonly rawBytes: number; readonly frame: Promise<Buffer> } | undefined;
  const kept = (frame: Buffer): Buffer => {
    const copy = Buffer.from(frame);
    rooms.giveBack(frame);
    return copy;
  };
  return {
    compress: (raw) => {
      if (!isZero(raw)) return compressed(raw);
      if (ofZeros?.rawBytes !== raw.length) {
        ofZeros = { rawBytes: raw.length, frame: compressed(raw).then(kept) };
      }
      return ofZeros.frame;
    },
    release: (frame) => rooms.giveBack(frame),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

/** lz4 and zstd store what cannot be compressed with a few bytes for each block. */
const roomFor = (rawBytes: number): number => rawBytes + (rawBytes >> 6) + 1024;
