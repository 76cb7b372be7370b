import { corruptFrame } from './corrupt-frame.js';
import type { FrameCodec } from './frame-codec.js';
import { frameThreadPool, shared } from './frame-thread-pool.js';

/**
 * Unpacks one whole frame into `room`, and returns how many bytes there are now. What the frame has of checksums is
 * verified. `room` must hold what can come out of it at most (see `frameWalker`). Both may not be touched until the promise
 * settles. Throws `corrupt-archive`.
 */
export type FrameUnpacker = (frame: Buffer, room: Buffer) => Promise<number>;

/** Threads that unpack; disposing ends them. */
export interface UnpackThreads extends AsyncDisposable {
  readonly unpack: FrameUnpacker;
}

/** Makes up to so many threads that unpack, each when it is first needed. `room` must be shared memory. */
export function unpackThreads({
  codec,
  threads,
}: {
  readonly codec: FrameCodec;
  readonly threads: number;
}): UnpackThreads {
  const pool = frameThreadPool({ kind: 'decompress', codec }, threads);
  return {
    unpack: (frame, room) =>
      pool.use(async (thread) => {
        const result = await thread.run({ input: shared(frame), room });
        switch (result.kind) {
          case 'in-room':
            return result.bytes;
          case 'beside':
            throw corruptFrame(
              codec,
              `it holds ${result.output.length} bytes, and ${room.length} at most by its headers`,
            );
          case 'failed':
            throw corruptFrame(codec, `its content or its checksum is wrong (${result.reason})`);
        }
      }),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}
