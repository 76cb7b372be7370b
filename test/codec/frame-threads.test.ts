import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decompressor, frameThreads } from '../../src/codec/index.js';
import { KiB, MiB } from '../../src/core/index.js';

describe.each([
  { codec: 'lz4', level: 1 },
  { codec: 'lz4', level: 9 },
  { codec: 'zstd', level: 3 },
] as const)('threads that compress with $codec -$level', ({ codec, level }) => {
  it('give every frame of many at once what belongs to it', async () => {
    await using threads = frameThreads({ codec, level, threads: 2 });
    const raws = Array.from({ length: 12 }, (_, index) =>
      Buffer.concat([randomBytes(index * 10 * KiB), Buffer.alloc(MiB - index, `frame ${index} `)]),
    );
    const frames = await Promise.all(raws.map((raw) => threads.compress(raw)));
    for (const [index, raw] of raws.entries()) {
      const back = await decompressor(codec)(frames[index] ?? Buffer.alloc(0), raw.length);
      expect(back.equals(raw)).toBe(true);
    }
  });

  it.each([0, 1, 4 * MiB])('%i bytes that do not compress come back, and the frame stays as it is', async (bytes) => {
    await using threads = frameThreads({ codec, level, threads: 1 });
    const raw = randomBytes(bytes);
    const frame = await threads.compress(raw);
    const kept = Buffer.from(frame);
    await threads.compress(randomBytes(bytes + 1));
    expect(frame.equals(kept)).toBe(true);
    expect((await decompressor(codec)(frame, bytes)).equals(raw)).toBe(true);
  });
});

describe('threads that compress', () => {
  it('make the frame of so many zeros once, and it stays as it is', async () => {
    await using threads = frameThreads({ codec: 'lz4', level: 1, threads: 2 });
    const raws = [MiB, MiB, 1000, MiB].map((bytes) => Buffer.alloc(bytes));
    const [first, second, short, last] = await Promise.all(raws.map((raw) => threads.compress(raw)));
    if (first === undefined || short === undefined || last === undefined) throw new Error('no frame');
    expect(second).toBe(first);
    for (const frame of [first, short]) threads.release(frame);
    const other = randomBytes(MiB);
    expect((await decompressor('lz4')(await threads.compress(other), MiB)).equals(other)).toBe(true);
    for (const frame of [first, last])
      expect((await decompressor('lz4')(frame, MiB)).equals(Buffer.alloc(MiB))).toBe(true);
    expect((await decompressor('lz4')(short, 1000)).equals(Buffer.alloc(1000))).toBe(true);
  });

  it('read shared memory where it is', async () => {
    await using threads = frameThreads({ codec: 'lz4', level: 1, threads: 1 });
    const raw = Buffer.from(new SharedArrayBuffer(MiB)).fill('shared ');
    const part = raw.subarray(1000, 500_000);
    expect((await decompressor('lz4')(await threads.compress(part), part.length)).equals(part)).toBe(true);
  });

  it('that have ended refuse work instead of letting it wait for ever', async () => {
    const threads = frameThreads({ codec: 'lz4', level: 1, threads: 1 });
    await threads.compress(Buffer.from('first'));
    const late = threads.compress(Buffer.alloc(4 * MiB));
    await threads[Symbol.asyncDispose]();
    await expect(Promise.all([late, threads.compress(Buffer.from('x'))])).rejects.toMatchObject({ code: 'internal' });
  });

  it('refuse a level that the codec does not have', () => {
    expect(() => frameThreads({ codec: 'lz4', level: 10, threads: 1 })).toThrow(
      expect.objectContaining({ code: 'usage' }),
    );
  });
});
