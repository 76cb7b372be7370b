import type { FrameCodec, FrameCompressor, FrameDecompressor } from './frame-codec.js';
import { checkLevel } from './levels.js';
import { lz4Compressor, lz4Decompress } from './lz4.js';
import { zstdCompressor, zstdDecompress } from './zstd.js';

/** Chooses how frames are compressed. Throws `usage` for a level that the codec does not have. */
export function compressor(codec: FrameCodec, level: number): FrameCompressor {
  checkLevel(codec, level);
  switch (codec) {
    case 'lz4':
      return lz4Compressor(level);
    case 'zstd':
      return zstdCompressor(level);
  }
}

/** Chooses how frames are decompressed. */
export function decompressor(codec: FrameCodec): FrameDecompressor {
  switch (codec) {
    case 'lz4':
      return lz4Decompress;
    case 'zstd':
      return zstdDecompress;
  }
}
