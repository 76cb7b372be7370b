import { MiB } from '../core/index.js';
import type { Codec } from './keys.js';

/** What decides the size of frames. */
export interface FrameSizeRequest {
  readonly codec: Codec;
  readonly level: number;
  /** The likely size of the stream. */
  readonly expectedRawBytes: number;
}

/** Keeps the seek table, which is held in memory, under 32 MiB. */
const framesAimedFor = 4_194_304;

/**
 * The raw bytes of each frame but the last, doubled until there are at most 4,194,304 frames (that is from 16 TiB on). A frame
 * cannot refer to what stands before it, so it must be several times as long as the codec looks back, or that costs more
 * than 2 % in size (`npm run bench -- --only framing`): 4 MiB for lz4 (64 KiB back) and the lower levels of zstd (2 MiB), more
 * for its higher ones (4 and 8 MiB; lib/compress/clevels.h of zstd).
 */
export function frameBytesFor({ codec, level, expectedRawBytes }: FrameSizeRequest): number {
  let frameBytes = codec === 'lz4' ? 4 * MiB : zstdFrameBytes(level);
  while (expectedRawBytes / frameBytes > framesAimedFor) frameBytes *= 2;
  return frameBytes;
}

function zstdFrameBytes(level: number): number {
  if (level < 9) return 4 * MiB;
  return level < 16 ? 16 * MiB : 32 * MiB;
}
