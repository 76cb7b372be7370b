import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compressor, decompressor, type FrameCodec } from '../../src/codec/index.js';
import { lz4FrameShape } from '../../src/codec/lz4-frame.js';
import { completeZstdFrame, zstdFrameShape } from '../../src/codec/zstd-frame.js';
import { xxh64Low } from '../../src/codec/xxh64.js';
import { AppError, MiB } from '../../src/core/index.js';
import { run, runText } from '../../src/process/index.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codec-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const choices: readonly { codec: FrameCodec; level: number }[] = [
  { codec: 'lz4', level: 1 },
  { codec: 'lz4', level: 2 },
  { codec: 'lz4', level: 3 },
  { codec: 'lz4', level: 9 },
  { codec: 'zstd', level: 1 },
  { codec: 'zstd', level: 3 },
  { codec: 'zstd', level: 19 },
];

const mixed = (bytes: number): Buffer =>
  Buffer.concat([randomBytes(bytes >> 1), Buffer.alloc(bytes - (bytes >> 1), 'the same text again and again, ')]);
const kinds: readonly { name: string; make: (bytes: number) => Buffer }[] = [
  { name: 'random', make: randomBytes },
  { name: 'zero', make: (bytes) => Buffer.alloc(bytes) },
  { name: 'mixed', make: mixed },
];
const sizes = [0, 1, 10, 65_535, 65_536, 65_537, 262_145, MiB + 1, 4 * MiB - 1, 4 * MiB, 8 * MiB + 3];

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'accepted';
  } catch (error) {
    return error instanceof AppError ? error.code : `not an AppError: ${String(error)}`;
  }
};

describe.each(choices)('$codec -$level', ({ codec, level }) => {
  const compress = compressor(codec, level);
  const decompress = decompressor(codec);

  it('gives back any size and kind of content', { timeout: 120_000 }, async () => {
    for (const { make } of kinds) {
      for (const bytes of level > 9 ? sizes.slice(0, 8) : sizes) {
        const raw = make(bytes);
        const frame = await compress(raw);
        expect((await decompress(frame, bytes)).equals(raw)).toBe(true);
        expect(frame.length).toBeLessThan(bytes + bytes / 200 + 64);
      }
    }
  });

  it('writes one frame with checksum that the program takes', async () => {
    for (const bytes of [0, 1, 100_000, 5 * MiB]) {
      const raw = mixed(bytes);
      const path = join(folder, `frame.${codec}`);
      await writeFile(path, await compress(raw));
      await runText([codec, '-t', '-q', path]);
      expect((await run([codec, '-d', '-c', path])).equals(raw)).toBe(true);
      if (codec === 'zstd') {
        const listed = await runText(['zstd', '-lv', path]);
        expect(listed).toMatch(/# Zstandard Frames: 1\n/);
        expect(listed).toMatch(/Check: XXH64/);
        expect(listed).toMatch(new RegExp(`Decompressed Size: .*\\(${bytes} B\\)`));
      } else {
        expect(await runText(['lz4', '-m', '--list', path])).toMatch(/ 1 +LZ4Frame /);
      }
    }
  });

  it('finds every flipped bit, and so does the program', { timeout: 120_000 }, async () => {
    const raw = mixed(3_000);
    const frame = await compress(raw);
    let harmless = 0;
    for (let at = 0; at < frame.length; at += 1) {
      const damaged = Buffer.from(frame);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      const outcome = await codeOf(
        decompress(damaged, raw.length).then((content) => {
          // Some bits change nothing: a larger window, or a match one period further back in a repeated text.
          harmless += 1;
          if (!content.equals(raw)) throw new Error(`flipped byte ${at}`);
        }),
      );
      expect(['corrupt-archive', 'accepted']).toContain(outcome);
    }
    expect(harmless).toBeLessThan(5);
    const damaged = Buffer.from(frame);
    damaged[frame.length - 1] = (damaged[frame.length - 1] ?? 0) ^ 1;
    await expect(run([codec, '-d', '-c'], { input: damaged })).rejects.toThrow(/checksum|Error/i);
  });

  it('refuses a frame that is cut, followed by something, or not of the size expected', async () => {
    const raw = mixed(300_000);
    const frame = await compress(raw);
    for (let cut = 1; cut < 40; cut += 1) {
      expect(await codeOf(decompress(frame.subarray(0, -cut), raw.length))).toBe('corrupt-archive');
    }
    for (const bad of [Buffer.alloc(0), Buffer.concat([frame, frame]), Buffer.concat([frame, Buffer.alloc(1)])]) {
      expect(await codeOf(decompress(bad, raw.length))).toBe('corrupt-archive');
    }
    expect(await codeOf(decompress(frame, raw.length - 1))).toBe('corrupt-archive');
    expect(await codeOf(decompress(frame, raw.length + 1))).toBe('corrupt-archive');
    expect(await codeOf(decompress(frame, 0))).toBe('corrupt-archive');
  });
});

describe('levels', () => {
  it.each([
    { codec: 'lz4', level: 0 },
    { codec: 'lz4', level: 10 },
    { codec: 'zstd', level: 0 },
    { codec: 'zstd', level: 20 },
    { codec: 'zstd', level: 1.5 },
    { codec: 'zstd', level: NaN },
  ] as const)('$codec has no level $level', ({ codec, level }) => {
    expect(() => compressor(codec, level)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it('higher levels of lz4 are the high compression mode', async () => {
    const raw = await run(['cat', 'package-lock.json']);
    const [fast, high] = [await compressor('lz4', 1)(raw), await compressor('lz4', 9)(raw)];
    expect(high.length).toBeLessThan(fast.length * 0.9);
  });
});

describe('bombs', () => {
  it('an lz4 frame that unpacks to 255 times what it should is refused unopened', async () => {
    const bomb = await compressor('lz4', 1)(Buffer.alloc(256 * MiB));
    const before = process.memoryUsage().rss;
    expect(await codeOf(decompressor('lz4')(bomb, MiB))).toBe('corrupt-archive');
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MiB);
  });

  it('a zstd frame that says its size and is too large is refused unopened', async () => {
    const bomb = await compressor('zstd', 1)(Buffer.alloc(256 * MiB));
    const before = process.memoryUsage().rss;
    expect(await codeOf(decompressor('zstd')(bomb, MiB))).toBe('corrupt-archive');
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MiB);
  });

  it('a zstd frame that lies about its size is stopped', async () => {
    const raw = Buffer.alloc(512 * MiB);
    const path = join(folder, 'bomb');
    await writeFile(path, raw);
    const bomb = await run(['zstd', '-1', '-c', '--no-content-size', path]);
    expect(zstdFrameShape(bomb)).toMatchObject({ contentBytes: undefined });
    const before = process.memoryUsage().rss;
    expect(await codeOf(decompressor('zstd')(bomb, MiB))).toBe('corrupt-archive');
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * MiB);
  });

  it('an honest zstd frame of very many small blocks is still read', async () => {
    // Each block of 600 bytes could hold 128 KiB: no limit can be told from the outside.
    const raw = Buffer.alloc(600 * 1200, 'abcdefghij');
    const block = (await compressor('zstd', 3)(raw.subarray(0, 600))).subarray(-1000);
    const blocks: Buffer[] = [];
    const shape = zstdFrameShape(block);
    expect(shape.mostRawBytes).toBeGreaterThan(0);
    const blockStart = block.length - 4 - (block.length - 4 - headerEnd(block));
    const body = Buffer.from(block.subarray(blockStart, block.length - 4));
    for (let at = 0; at < 1200; at += 1) {
      const copy = Buffer.from(body);
      copy[0] = at === 1199 ? (copy[0] ?? 0) | 1 : (copy[0] ?? 0) & ~1;
      blocks.push(copy);
    }
    const bare = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58]), ...blocks]);
    const frame = completeZstdFrame(bare, { rawBytes: raw.length, checksum: await xxh64Low(raw) });
    expect(zstdFrameShape(frame).mostRawBytes).toBeGreaterThan(raw.length + 64 * MiB);
    expect((await decompressor('zstd')(frame, raw.length)).equals(raw)).toBe(true);
  });
});

/** Where the blocks of a frame of ours begin: after magic, descriptor, window and size. */
function headerEnd(frame: Buffer): number {
  const descriptor = frame[4] ?? 0;
  const single = (descriptor & 0x20) !== 0;
  const size = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return 5 + (single ? 0 : 1) + size;
}

describe('frame shapes', () => {
  it('fuzzed frames are refused or have a shape, never anything else', () => {
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = randomBytes(5 + (round % 60));
      const lz4 = Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x64]), bytes]);
      const zstd = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), bytes]);
      for (const shape of [() => lz4FrameShape(lz4), () => zstdFrameShape(zstd)]) {
        try {
          shape();
        } catch (error) {
          expect(error).toMatchObject({ code: 'corrupt-archive' });
        }
      }
    }
  });
});
