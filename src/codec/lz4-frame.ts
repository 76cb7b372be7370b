import { corruptFrame } from './corrupt-frame.js';

/** What the block headers of an lz4 frame tell. */
export interface Lz4FrameShape {
  readonly blocks: number;
  /** What comes out of one block at most. */
  readonly blockBytes: number;
}

const magic = 0x184d2204;

/**
 * Walks over the blocks of an lz4 frame (lz4_Frame_format.md 1.6) without decompressing anything. Throws
 * `corrupt-archive` unless `frame` is exactly one whole frame with content checksum and no dictionary.
 */
export function lz4FrameShape(frame: Buffer): Lz4FrameShape {
  const u32 = (at: number): number => {
    if (at + 4 > frame.length) throw corruptFrame('lz4', `it ends after ${frame.length} bytes`);
    return frame.readUInt32LE(at);
  };
  if (u32(0) !== magic) throw corruptFrame('lz4', 'it does not begin as one');
  const flags = frame[4] ?? 0;
  const blockCode = ((frame[5] ?? 0) >> 4) & 7;
  if (flags >> 6 !== 1 || (flags & 0b11) !== 0 || blockCode < 4) throw corruptFrame('lz4', 'its header is unknown');
  if ((flags & 0b100) === 0) throw corruptFrame('lz4', 'it has no checksum');
  const blockBytes = 2 ** (8 + 2 * blockCode);
  const blockSumBytes = (flags & 0b10000) === 0 ? 0 : 4;
  let at = (flags & 0b1000) === 0 ? 7 : 15;
  let blocks = 0;
  for (;;) {
    const size = u32(at) & 0x7fffffff;
    at += 4;
    if (size === 0) break;
    if (size > blockBytes) throw corruptFrame('lz4', `block ${blocks} is too large`);
    at += size + blockSumBytes;
    blocks += 1;
  }
  u32(at);
  if (at + 4 !== frame.length) throw corruptFrame('lz4', `it ends at byte ${at + 4} of ${frame.length}`);
  return { blocks, blockBytes };
}
