import { createHash, type Hash } from 'node:crypto';
import { AppError, isZero, MiB } from '../core/index.js';
import type { PipelineStage } from './framing.js';

/** A piece of a disk image. */
export interface ImageChunk {
  /** Position in the image. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** SHA-256 of its bytes, hexadecimal. */
  readonly sha256: string;
  /** True when all its bytes are zero. */
  readonly zero: boolean;
}

/** The size of chunks unless told otherwise. */
export const defaultChunkBytes = 4 * MiB;

/** What is told about an image while it passes. */
export interface ScanImageOptions {
  /** Told each chunk when it has passed; a promise is awaited before anything more is read. */
  readonly onChunk: (chunk: ImageChunk) => void | Promise<void>;
  /** Size of every chunk but the last; {@link defaultChunkBytes} if not given. */
  readonly chunkBytes?: number;
}

/** What has passed so far. */
export interface ImageTotals {
  readonly chunks: number;
  readonly imageBytes: number;
}

/** A stage for `pipeline` that passes an image through unchanged; for one stream only. */
export interface ImageScan extends PipelineStage {
  readonly totals: ImageTotals;
}

/** Makes a stage that yields the very buffers it reads and tells the sum of each chunk. Throws what `onChunk` throws. */
export function scanImage(options: ScanImageOptions): ImageScan {
  const chunkBytes = options.chunkBytes ?? defaultChunkBytes;
  if (!Number.isSafeInteger(chunkBytes) || chunkBytes < 1) {
    throw new AppError('internal', `Chunks of ${chunkBytes} bytes are impossible.`);
  }
  const totals = { chunks: 0, imageBytes: 0 };
  const sum = createChunkSum();
  const endChunk = (): void | Promise<void> => {
    const { sizeBytes, sha256, zero } = sum.take();
    totals.chunks += 1;
    return options.onChunk({ offset: totals.imageBytes - sizeBytes, sizeBytes, sha256, zero });
  };
  const stage: PipelineStage = async function* (source, { signal } = {}) {
    for await (const bytes of source) {
      signal?.throwIfAborted();
      for (let at = 0; at < bytes.length;) {
        const end = Math.min(bytes.length, at + chunkBytes - sum.sizeBytes);
        sum.add(bytes.subarray(at, end));
        totals.imageBytes += end - at;
        at = end;
        if (sum.sizeBytes === chunkBytes) await endChunk();
      }
      yield bytes;
    }
    if (sum.sizeBytes > 0) await endChunk();
  };
  return Object.assign(stage, { totals });
}

interface ChunkSum {
  readonly sizeBytes: number;
  add(bytes: Buffer): void;
  /** The sum of all since the last call, which must not be nothing. */
  take(): { sizeBytes: number; sha256: string; zero: boolean };
}

const zeros = Buffer.alloc(64 * 1024);

/** Hashes only from the first byte on that is not zero: most of an empty disk costs a comparison. */
function createChunkSum(): ChunkSum {
  let sizeBytes = 0;
  let hash: Hash | undefined;
  const zeroSums = new Map<number, string>();
  const zeroSum = (bytes: number): string => {
    const known = zeroSums.get(bytes) ?? hashOfZeros(bytes).digest('hex');
    zeroSums.set(bytes, known);
    return known;
  };
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    add: (bytes) => {
      if (hash === undefined && !isZero(bytes)) hash = hashOfZeros(sizeBytes);
      hash?.update(bytes);
      sizeBytes += bytes.length;
    },
    take: () => {
      const taken = { sizeBytes, sha256: hash?.digest('hex') ?? zeroSum(sizeBytes), zero: hash === undefined };
      hash = undefined;
      sizeBytes = 0;
      return taken;
    },
  };
}

function hashOfZeros(bytes: number): Hash {
  const hash = createHash('sha256');
  for (let left = bytes; left > 0; left -= zeros.length) hash.update(zeros.subarray(0, left));
  return hash;
}
