import { checkLevel, type FrameCodec } from './levels.js';
import { lz4Compressor, lz4Decompress } from './lz4.js';
import { zstdCompressor, zstdDecompress } from './zstd.js';

/** Makes one frame, with checksum, of `raw`, off the main thread. `raw` must not change until the promise settles. */
export type FrameCompressor = (raw: Buffer) => Promise<Buffer>;

/**
 * Gives back what one frame holds, which must be `expectedRawBytes`; its checksum is verified. Works off the main
 * thread; `frame` must not change until the promise settles. Throws `corrupt-archive` for anything but one whole and
 * intact frame of that size, and never holds much more than that size while it finds out.
 */
export type FrameDecompressor = (frame: Buffer, expectedRawBytes: number) => Promise<Buffer>;

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
