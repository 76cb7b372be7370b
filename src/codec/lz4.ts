import { compressFrame, compressFrameSync, decompressFrame, decompressFrameSync } from 'lz4-napi';
import { run } from '../process/index.js';
import { corruptFrame } from './corrupt-frame.js';
import type { FrameCompressor } from './frame-codec.js';
import { lz4FrameShape } from './lz4-frame.js';

/** Below this lz4 is the fast mode at any level, which the library has; above it is HC, which only the program has. */
const firstHighLevel = 3;

/** See `compressor`. Levels from 3 run the program `lz4` once a frame. */
export function lz4Compressor(level: number): FrameCompressor {
  if (!needsLz4Program(level)) return (raw) => compressFrame(raw, { contentChecksum: true });
  return async (raw) => {
    // -B7: blocks of 4 MiB. What does not compress is stored, with a few bytes for each block.
    const frame = await run(['lz4', '-z', `-${level}`, '-c', '-q', '-B7'], {
      input: raw,
      maxOutputBytes: raw.length + 64 * 1024,
    });
    lz4FrameShape(frame);
    return frame;
  };
}

/** Whether this level takes the program, and needs no thread of ours. */
export function needsLz4Program(level: number): boolean {
  return level >= firstHighLevel;
}

/** The same frame as that of the fast levels of {@link lz4Compressor}, made by the thread that asks. */
export function lz4CompressHere(raw: Buffer): Buffer {
  return compressFrameSync(raw, { contentChecksum: true });
}

/** Unpacks a frame that was walked through, by the thread that asks. Throws what the library throws. */
export function lz4UnpackHere(frame: Buffer): Buffer {
  return decompressFrameSync(frame);
}

/** See `FrameDecompressor`. */
export async function lz4Decompress(frame: Buffer, expectedRawBytes: number): Promise<Buffer> {
  // The library takes a frame that ends before its end mark, and unpacks without a limit: so look first. All blocks but
  // the last are full, so that more blocks than these would be more bytes.
  const { blocks, blockBytes } = lz4FrameShape(frame);
  if (blocks > Math.ceil(expectedRawBytes / blockBytes)) {
    throw corruptFrame('lz4', `it holds more than ${expectedRawBytes} bytes`);
  }
  let raw: Buffer;
  try {
    raw = await decompressFrame(frame);
  } catch (error) {
    throw corruptFrame('lz4', 'its content or its checksum is wrong', error);
  }
  if (raw.length !== expectedRawBytes) {
    throw corruptFrame('lz4', `it holds ${raw.length} bytes instead of ${expectedRawBytes}`);
  }
  return raw;
}
