import { createHash, type Hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GiB, MiB } from '../core/index.js';
import type { SparseMap } from './tar-header-sparse.js';

/** The sums of a file's content. */
export interface ContentSums {
  readonly sha256: string | undefined;
  readonly dataSha256: string | undefined;
}

/** SHA-256 of nothing. */
export const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Holes beyond this are not hashed: at 1 to 2 GB/s it would hold everything up for too long. */
export const mostHoleBytes = 16 * GiB;

const zeros = Buffer.alloc(MiB);
/** Other work gets its turn after so many zeros, about 40 ms. */
const zerosPerTurn = 64 * MiB;

/** Hashes a sparse file from its stored segments. */
export interface SparseContent {
  /** Takes the next stored bytes. Await it before the next call; the bytes are not kept. */
  add(bytes: Buffer): Promise<void>;
  /** Call once, after all stored bytes. */
  sums(): Promise<ContentSums>;
}

/** See {@link SparseContent}. Holes are hashed as the zeros they stand for, in turns with the rest of the program. */
export function createSparseContent(map: SparseMap): SparseContent {
  const data = createHash('sha256');
  const whole = map.realBytes - map.dataBytes > mostHoleBytes ? undefined : createHash('sha256');
  /** Position in the file with its holes. */
  let position = 0;
  let segment = 0;
  const fillTo = async (end: number): Promise<void> => {
    if (whole !== undefined) await addZeros(whole, end - position);
    position = end;
  };
  return {
    add: async (bytes) => {
      data.update(bytes);
      for (let at = 0; at < bytes.length;) {
        const start = map.segments[segment] ?? map.realBytes;
        const end = start + (map.segments[segment + 1] ?? 0);
        if (position < start) await fillTo(start);
        const piece = bytes.subarray(at, at + end - position);
        whole?.update(piece);
        at += piece.length;
        position += piece.length;
        if (position === end) segment += 2;
      }
    },
    sums: async () => {
      await fillTo(map.realBytes);
      return { sha256: whole?.digest('hex'), dataSha256: data.digest('hex') };
    },
  };
}

async function addZeros(hash: Hash, bytes: number): Promise<void> {
  let inTurn = 0;
  for (let left = bytes; left > 0; left -= zeros.length) {
    hash.update(left >= zeros.length ? zeros : zeros.subarray(0, left));
    inTurn += zeros.length;
    if (inTurn >= zerosPerTurn) {
      inTurn = 0;
      await nextTurn();
    }
  }
}
