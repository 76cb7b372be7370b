import { AppError } from '../core/index.js';
import { createSeekTableWriter, type FrameSize } from './seek-table.js';

/** A frame that was yielded. */
export interface FrameDone extends FrameSize {
  /** 0-based. */
  readonly index: number;
}

/** How a stream is cut and compressed. */
export interface FrameOptions {
  /** Raw bytes of every frame but the last. */
  readonly frameBytes: number;
  /** Frames that are compressed at once. As many raw buffers are held, and up to twice as many compressed ones. */
  readonly concurrency: number;
  /** Compresses one frame, off the main thread. `raw` stays as it is until the promise settles, and not longer. */
  readonly compress: (raw: Buffer) => Promise<Buffer>;
  /** Takes back what `compress` gave, when it has been yielded and the next is asked for. */
  readonly release?: (compressed: Buffer) => void;
  /** Told each frame before it is yielded, in order. */
  readonly onFrame?: (frame: FrameDone) => void;
}

/** What `pipeline` gives a stage besides its source. */
export interface StageOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * A stage for `pipeline`. It throws the signal's reason between two buffers: `pipeline` itself only destroys streams,
 * and would not end a row of generators.
 */
export type PipelineStage = (source: AsyncIterable<Buffer>, options?: StageOptions) => AsyncGenerator<Buffer, void>;

/**
 * Makes a stage that turns raw bytes into independent compressed frames, in order, and a seek table after them. Nothing
 * at all becomes one empty frame, which plain tools read as an empty file. While `concurrency` frames are compressed no
 * input is read. What is yielded is good until the next is asked for, and so may be what is read. Throws what the source and `compress` throw; by then no frame is being compressed any more.
 */
export function frame(options: FrameOptions): PipelineStage {
  const { frameBytes, concurrency } = options;
  if (!isCount(frameBytes) || frameBytes > 0xffffffff || !isCount(concurrency)) {
    throw new AppError('internal', `${concurrency} frames of ${frameBytes} bytes at once are impossible.`);
  }
  return async function* (source, { signal } = {}) {
    const table = createSeekTableWriter();
    const queue = createFrameQueue(options);
    const yieldDone = function* (): Generator<Buffer, void> {
      for (const { rawBytes, compressed } of queue.takeDone()) {
        const sizes = { rawBytes, compressedBytes: compressed.length };
        options.onFrame?.({ index: table.frames, ...sizes });
        table.add(sizes);
        yield compressed;
        options.release?.(compressed);
      }
    };
    try {
      let raw: Buffer | undefined;
      let filled = 0;
      for await (const bytes of source) {
        signal?.throwIfAborted();
        for (let at = 0; at < bytes.length;) {
          raw ??= queue.takeBuffer();
          const copied = bytes.copy(raw, filled, at);
          at += copied;
          filled += copied;
          if (filled < frameBytes) continue;
          queue.add(raw, filled);
          raw = undefined;
          filled = 0;
          yield* yieldDone();
          while (queue.full()) {
            await queue.change();
            yield* yieldDone();
          }
        }
      }
      if (filled > 0 || (table.frames === 0 && queue.empty())) queue.add(raw ?? queue.takeBuffer(), filled);
      while (!queue.empty()) {
        yield* yieldDone();
        if (!queue.empty()) await queue.change();
      }
      yield* table.encode();
    } finally {
      await queue.idle();
    }
  };
}

interface CompressedFrame {
  readonly rawBytes: number;
  readonly compressed: Buffer;
}

/** Frames on their way, in order. */
interface FrameQueue {
  /** A raw buffer to fill; only when the queue is not full. */
  takeBuffer(): Buffer;
  /** Starts to compress the first `bytes` bytes of a buffer from `takeBuffer`, which goes back to the queue. */
  add(raw: Buffer, bytes: number): void;
  /** True while nothing may be added. */
  full(): boolean;
  empty(): boolean;
  /** Takes out, in order, what is done. Throws the first failure of all, whichever frame it was. */
  takeDone(): Generator<CompressedFrame, void>;
  /** Resolves when a frame has been compressed or has failed since the last call. */
  change(): Promise<void>;
  /** Resolves when nothing is being compressed. */
  idle(): Promise<void>;
}

interface Job {
  readonly rawBytes: number;
  compressed: Buffer | undefined;
}

function createFrameQueue({ frameBytes, concurrency, compress }: FrameOptions): FrameQueue {
  const free: Buffer[] = [];
  const jobs: Job[] = [];
  const running = new Set<Promise<void>>();
  let inFlight = 0;
  let failure: { readonly error: unknown } | undefined;
  let changed = false;
  let wake: (() => void) | undefined;

  const compressInto = async (job: Job, raw: Buffer): Promise<void> => {
    try {
      job.compressed = await compress(raw.subarray(0, job.rawBytes));
      free.push(raw);
    } catch (error) {
      // The buffer is not used again: what failed may still be reading it.
      failure ??= { error };
    }
    inFlight -= 1;
    changed = true;
    wake?.();
  };

  return {
    // Shared, so that another thread can read it where it is.
    takeBuffer: () => free.pop() ?? Buffer.from(new SharedArrayBuffer(frameBytes)),
    add: (raw, bytes) => {
      const job: Job = { rawBytes: bytes, compressed: undefined };
      jobs.push(job);
      inFlight += 1;
      const run = compressInto(job, raw).finally(() => running.delete(run));
      running.add(run);
    },
    full: () => inFlight >= concurrency || jobs.length >= 2 * concurrency,
    empty: () => jobs.length === 0,
    takeDone: function* () {
      for (;;) {
        if (failure !== undefined) throw failure.error;
        const compressed = jobs[0]?.compressed;
        if (compressed === undefined) return;
        const rawBytes = jobs.shift()?.rawBytes ?? 0;
        yield { rawBytes, compressed };
      }
    },
    change: async () => {
      if (!changed) await new Promise<void>((resolve) => (wake = resolve));
      changed = false;
    },
    idle: async () => {
      await Promise.all(running);
    },
  };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}
