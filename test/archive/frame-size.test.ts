import { describe, expect, it } from 'vitest';
import { frameBytesFor, type Codec } from '../../src/archive/index.js';
import { GiB, MiB, TiB } from '../../src/core/index.js';

describe('the size of frames', () => {
  it.each<[Codec, number, number, number]>([
    ['lz4', 1, 0, 4 * MiB],
    ['lz4', 9, 100 * GiB, 4 * MiB],
    ['lz4', 1, 16 * TiB, 4 * MiB],
    ['lz4', 1, 16 * TiB + 1, 8 * MiB],
    ['lz4', 1, 64 * TiB, 16 * MiB],
    ['zstd', 1, 100 * GiB, 4 * MiB],
    ['zstd', 8, 100 * GiB, 4 * MiB],
    ['zstd', 9, 100 * GiB, 16 * MiB],
    ['zstd', 16, 100 * GiB, 32 * MiB],
    ['zstd', 19, 64 * TiB, 32 * MiB],
  ])('of %s %i for %i bytes is %i', (codec, level, expectedRawBytes, frameBytes) => {
    expect(frameBytesFor({ codec, level, expectedRawBytes })).toBe(frameBytes);
  });
});
