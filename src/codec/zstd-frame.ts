import { AppError } from '../core/index.js';
import { corruptFrame } from './corrupt-frame.js';

/** What the headers of a zstd frame tell. */
export interface ZstdFrameShape {
  /** No more than this comes out of the frame. */
  readonly mostRawBytes: number;
  /** What the frame's header says comes out of it; undefined where it says nothing. */
  readonly contentBytes: number | undefined;
}

const magic = 0xfd2fb528;
const largestBlockBytes = 128 * 1024;
const dictionaryIdBytes = [0, 1, 2, 4];

/**
 * Walks over the blocks of a zstd frame (RFC 8878, 3.1.1) without decompressing anything. Throws `corrupt-archive`
 * unless `frame` is exactly one whole frame with content checksum.
 */
export function zstdFrameShape(frame: Buffer): ZstdFrameShape {
  if (frame.length < 6 || frame.readUInt32LE(0) !== magic) throw corruptFrame('zstd', 'it does not begin as one');
  const descriptor = frame[4] ?? 0;
  if ((descriptor & 0b1000) !== 0) throw corruptFrame('zstd', 'its header is unknown');
  if ((descriptor & 0b100) === 0) throw corruptFrame('zstd', 'it has no checksum');
  const singleSegment = (descriptor & 0b100000) !== 0;
  const sizeBytes = contentSizeBytes(descriptor >> 6, singleSegment);
  const sizeAt = 5 + (singleSegment ? 0 : 1) + (dictionaryIdBytes[descriptor & 0b11] ?? 0);
  let at = sizeAt + sizeBytes;
  if (at > frame.length) throw cutOff(frame);
  const contentBytes = sizeBytes === 0 ? undefined : contentSize(frame, sizeAt, sizeBytes);
  let mostRawBytes = 0;
  for (let last = false; !last;) {
    if (at + 3 > frame.length) throw cutOff(frame);
    const header = frame.readUIntLE(at, 3);
    const size = header >> 3;
    if (size > largestBlockBytes) throw corruptFrame('zstd', 'it has a block that is too large');
    last = (header & 1) === 1;
    switch ((header >> 1) & 3) {
      case 0:
        at += 3 + size;
        mostRawBytes += size;
        break;
      case 1:
        at += 3 + 1;
        mostRawBytes += size;
        break;
      case 2:
        at += 3 + size;
        mostRawBytes += largestBlockBytes;
        break;
      default:
        throw corruptFrame('zstd', 'it has a block of an unknown type');
    }
  }
  if (at + 4 > frame.length) throw cutOff(frame);
  if (at + 4 !== frame.length) throw corruptFrame('zstd', `it ends at byte ${at + 4} of ${frame.length}`);
  return { mostRawBytes, contentBytes };
}

function contentSizeBytes(flag: number, singleSegment: boolean): number {
  return flag === 0 ? (singleSegment ? 1 : 0) : 2 ** flag;
}

function contentSize(frame: Buffer, at: number, bytes: number): number {
  if (bytes === 8) return Number(frame.readBigUInt64LE(at));
  return frame.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
}

function cutOff(frame: Buffer): Error {
  return corruptFrame('zstd', `it ends after ${frame.length} bytes`);
}

/** What a bare frame lacks. */
export interface ZstdContentFacts {
  /** Below 4 GiB. */
  readonly rawBytes: number;
  /** The low half of XXH64 of the content. */
  readonly checksum: number;
}

/**
 * Adds content checksum and content size to a frame that has neither, so that `zstd -t` finds damage and `zstd -l` shows
 * the size. Throws `internal` for a frame with other fields than `Encoder.encode` of node-zstd 2.0 writes.
 */
export function completeZstdFrame(bare: Buffer, { rawBytes, checksum }: ZstdContentFacts): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(checksum);
  const descriptor = bare[4] ?? 0;
  switch (descriptor) {
    case 0: {
      // Magic, descriptor, window; the size belongs after them.
      const size = Buffer.alloc(4);
      size.writeUInt32LE(rawBytes);
      const whole = Buffer.concat([bare.subarray(0, 6), size, bare.subarray(6), sum]);
      whole[4] = 0b10000100;
      return whole;
    }
    case 0b100000: {
      // A frame of nothing: a single segment, its size already there.
      const whole = Buffer.concat([bare, sum]);
      whole[4] = 0b100100;
      return whole;
    }
    default:
      throw new AppError('internal', `A zstd frame was written with descriptor ${descriptor}.`);
  }
}
