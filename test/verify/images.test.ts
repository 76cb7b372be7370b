import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { compareImages, type ImageComparison } from '../../src/verify/index.js';

const blockBytes = 4_096;
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A generator of numbers from 0 to below `below`, the same for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Gives bytes in pieces of any size, in memory that it overwrites when the next is asked for. */
async function* inPieces(bytes: Buffer, random: (below: number) => number): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length;) {
    await Promise.resolve();
    const piece = Buffer.from(bytes.subarray(at, at + 1 + random(20_000)));
    at += piece.length;
    yield piece;
    piece.fill(0xee);
  }
}

/** Gives bytes in shared memory that is overwritten when it is released, and counts what was not. */
function released(bytes: Buffer, random: (below: number) => number) {
  const held = new Set<Buffer>();
  let most = 0;
  return {
    pieces: async function* (): AsyncGenerator<Buffer, void> {
      for (let at = 0; at < bytes.length;) {
        await Promise.resolve();
        const length = Math.min(bytes.length - at, 1 + random(20_000));
        const piece = Buffer.from(new SharedArrayBuffer(length));
        bytes.copy(piece, 0, at);
        at += length;
        held.add(piece);
        most = Math.max(most, held.size);
        yield piece;
      }
    },
    release: (piece: Buffer): void => {
      expect(held.delete(piece)).toBe(true);
      piece.fill(0xee);
    },
    left: () => held.size,
    most: () => most,
  };
}

/** What a comparison of all the bytes at once finds. */
function expected(archive: Buffer, source: Buffer): ImageComparison {
  const common = Math.min(archive.length, source.length);
  let [offset, end, blocks] = [-1, -1, 0];
  for (let at = 0; at < common; at += blockBytes) {
    const to = Math.min(common, at + blockBytes);
    const isSame = archive.subarray(at, to).equals(source.subarray(at, to));
    if (!isSame) blocks += 1;
    if (!isSame && offset < 0) offset = at + archive.subarray(at, to).findIndex((byte, i) => byte !== source[at + i]);
    if (isSame && offset >= 0 && end < 0) end = at;
  }
  const beyond = Math.max(archive.length, source.length) - common;
  const first = offset >= 0 ? { offset, bytes: (end < 0 ? common : end) - offset } : undefined;
  return {
    archive: { bytes: archive.length, sha256: sha256(archive) },
    source: { bytes: source.length, sha256: sha256(source) },
    firstDifference: first ?? (beyond > 0 ? { offset: common, bytes: beyond } : undefined),
    differingBlocks: blocks,
  };
}

describe('two images', () => {
  it('of any kind, in pieces of any size -> what a comparison of all their bytes at once finds', async () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const random = numbers(seed);
      const archive = Buffer.alloc(random(300_000), seed);
      let source = Buffer.from(archive);
      for (let count = seed % 4; count > 0 && source.length > 0; count -= 1) {
        const at = random(source.length);
        source.fill(random(256), at, Math.min(source.length, at + 1 + random(9_000)));
      }
      if (seed % 5 === 0) source = source.subarray(0, random(source.length + 1));
      if (seed % 7 === 0) source = Buffer.concat([source, Buffer.alloc(random(50_000))]);
      const left = released(archive, random);
      const found = await compareImages(left.pieces(), inPieces(source, random), { release: left.release });
      expect(found, `seed ${seed}`).toEqual(expected(archive, source));
      await Promise.resolve();
      expect(left.left(), `seed ${seed}`).toBe(0);
      // 8 that the thread may be behind, the one in hand, and the next.
      expect(left.most()).toBeLessThanOrEqual(12);
    }
  });

  it('of which one side fails -> its error, and neither is read on', async () => {
    let isLeft = false;
    async function* endless(): AsyncGenerator<Buffer, void> {
      try {
        for (;;) {
          await Promise.resolve();
          yield Buffer.alloc(1_000);
        }
      } finally {
        isLeft = true;
      }
    }
    async function* broken(): AsyncGenerator<Buffer, void> {
      await Promise.resolve();
      yield Buffer.alloc(5_000);
      throw new Error('The disk is broken.');
    }
    await expect(compareImages(endless(), broken())).rejects.toThrow('The disk is broken.');
    expect(isLeft).toBe(true);
  });
});
