/** How frames are compressed. */
export type FrameCodec = 'lz4' | 'zstd';

/** Makes one frame, with checksum, of `raw`, off the main thread. `raw` must not change until the promise settles. */
export type FrameCompressor = (raw: Buffer) => Promise<Buffer>;

/**
 * Gives back what one frame holds, which must be `expectedRawBytes`; its checksum is verified. Works off the main
 * thread; `frame` must not change until the promise settles. Throws `corrupt-archive` for anything but one whole and
 * intact frame of that size, and never holds much more than that size while it finds out.
 */
export type FrameDecompressor = (frame: Buffer, expectedRawBytes: number) => Promise<Buffer>;
