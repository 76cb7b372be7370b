import { Decoder, Encoder } from '@toondepauw/node-zstd';
import { MiB } from '../core/index.js';
import { run } from '../process/index.js';
import { corruptFrame } from './corrupt-frame.js';
import type { FrameCompressor } from './frame-codec.js';
import { nodeZstd } from './node-zlib.js';
import { xxh64Low } from './xxh64.js';
import { completeZstdFrame, zstdFrameShape } from './zstd-frame.js';

/** See `compressor`. Node's own zstd where this Node has it (22.15 and later). */
export function zstdCompressor(level: number): FrameCompressor {
  if (nodeZstd !== undefined) {
    const native = nodeZstd;
    return (raw) => native.compress(raw, level);
  }
  const encoder = new Encoder(level);
  return async (raw) => {
    const [bare, checksum] = await Promise.all([encoder.encode(raw), xxh64Low(raw)]);
    return completeZstdFrame(bare, { rawBytes: raw.length, checksum });
  };
}

/** Frames that can unpack to so much more than they should are given to the program, which can be stopped. */
const excessBytes = 64 * MiB;

/** See `FrameDecompressor`. */
export async function zstdDecompress(frame: Buffer, expectedRawBytes: number): Promise<Buffer> {
  const { mostRawBytes, contentBytes } = zstdFrameShape(frame);
  if (mostRawBytes < expectedRawBytes || (contentBytes ?? expectedRawBytes) !== expectedRawBytes) {
    throw corruptFrame('zstd', `it holds ${contentBytes ?? mostRawBytes} bytes instead of ${expectedRawBytes}`);
  }
  let raw: Buffer;
  try {
    raw = await unpack(frame, { expectedRawBytes, mostRawBytes });
  } catch (error) {
    throw corruptFrame('zstd', 'its content or its checksum is wrong', error);
  }
  if (raw.length !== expectedRawBytes) {
    throw corruptFrame('zstd', `it holds ${raw.length} bytes instead of ${expectedRawBytes}`);
  }
  return raw;
}

/** Unpacks a frame that was walked through, of which no more than `mostRawBytes` come. Throws what the library throws. */
export async function zstdUnpack(frame: Buffer, mostRawBytes: number): Promise<Buffer> {
  return unpack(frame, { expectedRawBytes: mostRawBytes, mostRawBytes });
}

interface Sizes {
  readonly expectedRawBytes: number;
  readonly mostRawBytes: number;
}

async function unpack(frame: Buffer, { expectedRawBytes, mostRawBytes }: Sizes): Promise<Buffer> {
  if (nodeZstd !== undefined) return nodeZstd.decompress(frame, expectedRawBytes);
  // The library unpacks without a limit.
  if (mostRawBytes <= expectedRawBytes + excessBytes) return new Decoder().decode(frame);
  return run(['zstd', '-d', '-c', '-q'], { input: frame, maxOutputBytes: expectedRawBytes });
}
