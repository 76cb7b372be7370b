import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { frame, type FrameDone, type FrameOptions } from '../../src/archive/framing.js';
import { scanImage } from '../../src/archive/index-image.js';
import { parseSeekFooter, parseSeekTable, seekFooterBytes } from '../../src/archive/seek-table.js';
import { compressor, decompressor } from '../../src/codec/index.js';
import { MiB } from '../../src/core/index.js';
import { run, runText } from '../../src/process/index.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'framing-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

let unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);
beforeEach(() => {
  unhandled = [];
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  await sleep(10);
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

async function* pieces(bytes: Buffer, size: () => number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const end = at + size();
    yield bytes.subarray(at, end);
    at = end;
  }
  await Promise.resolve();
}

async function framed(options: FrameOptions, source: AsyncIterable<Buffer>): Promise<Buffer> {
  const out: Buffer[] = [];
  for await (const bytes of frame(options)(source)) out.push(Buffer.from(bytes));
  return Buffer.concat(out);
}

describe.each([
  { codec: 'lz4', level: 1 },
  { codec: 'lz4', level: 9 },
  { codec: 'zstd', level: 3 },
] as const)('frames of $codec -$level', ({ codec, level }) => {
  it.each([0, 1, 65_535, 65_536, 65_537, 1_000_003])(
    '%i bytes come back through the programs, from a file and from a pipe, and by single frames',
    { timeout: 60_000 },
    async (bytes) => {
      const raw = Buffer.concat([randomBytes(bytes >> 1), Buffer.alloc(bytes - (bytes >> 1), 'text and text, ')]);
      const done: FrameDone[] = [];
      const object = await framed(
        {
          frameBytes: 65_536,
          concurrency: 3,
          compress: compressor(codec, level),
          onFrame: (one) => void done.push(one),
        },
        pieces(raw, () => randomInt(1, 100_000)),
      );
      const path = join(folder, `object.${codec}`);
      await writeFile(path, object);
      expect((await run([codec, '-d', '-c', path])).equals(raw)).toBe(true);
      expect((await run([codec, '-d', '-c'], { input: object })).equals(raw)).toBe(true);
      await runText([codec, '-t', '-q', path]);
      await rm(join(folder, 'back'), { force: true });
      await runText(
        [codec, '-d', '-q', path, '-o', join(folder, 'back')].filter((a) => codec === 'zstd' || a !== '-o'),
      );
      expect((await readFile(join(folder, 'back'))).equals(raw)).toBe(true);

      const frames = Math.max(1, Math.ceil(bytes / 65_536));
      if (codec === 'zstd') {
        const listed = await runText(['zstd', '-lv', path]);
        expect(listed).toContain(`# Zstandard Frames: ${frames}\n`);
        expect(listed).toContain('# Skippable Frames: 1\n');
        expect(listed).toContain(`(${bytes} B)`);
      }

      const footer = parseSeekFooter(object.subarray(-seekFooterBytes));
      expect(footer?.frames).toBe(frames);
      const table = parseSeekTable(object.subarray(-(footer?.tableBytes ?? 0)), object.length);
      expect(table.rawBytes).toBe(bytes);
      const decompress = decompressor(codec);
      for (const [index, one] of done.entries()) {
        const place = table.frame(index);
        expect(place).toMatchObject({ index, compressedBytes: one.compressedBytes, rawBytes: one.rawBytes });
        const content = await decompress(
          object.subarray(place.compressedOffset, place.compressedOffset + place.compressedBytes),
          place.rawBytes,
        );
        expect(content.equals(raw.subarray(place.rawOffset, place.rawOffset + place.rawBytes))).toBe(true);
      }
      expect(done).toHaveLength(frames);
    },
  );
});

describe('concurrency', () => {
  const identity = (raw: Buffer): Promise<Buffer> => Promise.resolve(Buffer.from(raw));

  it.each([1, 2, 5])('%i frames are compressed at once, never more, and come in order', async (concurrency) => {
    let running = 0;
    let most = 0;
    const raw = randomBytes(200 * 100 + 7);
    const done: number[] = [];
    const object = await framed(
      {
        frameBytes: 100,
        concurrency,
        compress: async (bytes) => {
          running += 1;
          most = Math.max(most, running);
          const before = createHash('sha256').update(bytes).digest('hex');
          await sleep(randomInt(0, 6));
          // The buffer must not have been filled anew meanwhile.
          expect(createHash('sha256').update(bytes).digest('hex')).toBe(before);
          running -= 1;
          return Buffer.from(bytes);
        },
        onFrame: ({ index }) => void done.push(index),
      },
      pieces(raw, () => randomInt(1, 300)),
    );
    expect(most).toBe(concurrency);
    expect(object.subarray(0, raw.length).equals(raw)).toBe(true);
    expect(done).toEqual(Array.from({ length: 201 }, (_, at) => at));
  });

  it('reads no more input while all are busy, and holds as many raw buffers as work at once', async () => {
    let pulled = 0;
    const release: (() => void)[] = [];
    const buffers = new Set<ArrayBufferLike>();
    const stage = frame({
      frameBytes: 100,
      concurrency: 3,
      compress: async (raw) => {
        buffers.add(raw.buffer);
        await new Promise<void>((resolve) => release.push(resolve));
        return Buffer.from(raw);
      },
    });
    const source = async function* (): AsyncGenerator<Buffer> {
      for (; pulled < 20;) {
        pulled += 1;
        yield Buffer.alloc(100, pulled);
        await Promise.resolve();
      }
    };
    const out = stage(source());
    const first = out.next();
    await sleep(20);
    expect(pulled).toBe(3);
    // The last is done first: it cannot be yielded yet, but another may start in its place.
    release[2]?.();
    await sleep(20);
    expect(pulled).toBe(4);
    release[3]?.();
    await sleep(20);
    release[4]?.();
    await sleep(20);
    // Three wait behind the first: no more than twice the concurrency are held.
    release[5]?.();
    await sleep(20);
    expect(pulled).toBeLessThanOrEqual(6);
    const timer = setInterval(() => release.forEach((go) => go()), 1);
    expect((await first).value).toEqual(Buffer.alloc(100, 1));
    let frames = 1;
    for await (const bytes of out) frames += bytes.length === 100 ? 1 : 0;
    clearInterval(timer);
    expect(frames).toBe(20);
    expect(buffers.size).toBe(3);
  });

  it('a failure of compress ends the stage when the others have ended', async () => {
    let running = 0;
    const failure = new Error('no memory');
    let started = 0;
    const failing = framed(
      {
        frameBytes: 10,
        concurrency: 4,
        compress: async (raw) => {
          running += 1;
          started += 1;
          const mine = started;
          await sleep(mine === 6 ? 2 : 20);
          running -= 1;
          if (mine >= 6) throw failure;
          return Buffer.from(raw);
        },
      },
      pieces(randomBytes(1_000), () => 7),
    );
    await expect(failing).rejects.toBe(failure);
    expect(running).toBe(0);
    expect(started).toBeLessThan(12);
  });

  it('a failure of the source ends the stage when nothing is being compressed any more', async () => {
    let running = 0;
    const failure = new Error('read error');
    const source = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.alloc(35);
      await Promise.resolve();
      throw failure;
    };
    const compress = async (raw: Buffer): Promise<Buffer> => {
      running += 1;
      await sleep(20);
      running -= 1;
      return Buffer.from(raw);
    };
    await expect(framed({ frameBytes: 10, concurrency: 4, compress }, source())).rejects.toBe(failure);
    expect(running).toBe(0);
  });

  it('an abort ends a pipeline in the middle', async () => {
    const abort = new AbortController();
    let running = 0;
    const compress = async (raw: Buffer): Promise<Buffer> => {
      running += 1;
      await sleep(5);
      running -= 1;
      return Buffer.from(raw);
    };
    let received = 0;
    const endless = async function* (): AsyncGenerator<Buffer> {
      for (;;) {
        yield Buffer.alloc(1000);
        await sleep(1);
      }
    };
    const work = pipeline(
      endless(),
      frame({ frameBytes: 100, concurrency: 4, compress }),
      async (frames: AsyncIterable<Buffer>) => {
        for await (const _ of frames) {
          received += 1;
          if (received === 10) abort.abort();
        }
      },
      { signal: abort.signal },
    );
    await expect(work).rejects.toThrow(/abort/i);
    await sleep(50);
    expect(running).toBe(0);
    expect(received).toBeLessThan(40);
  });

  it('an abort ends a pipeline of nothing but generators', async () => {
    const abort = new AbortController();
    const endless = async function* (): AsyncGenerator<Buffer> {
      for (;;) {
        yield Buffer.alloc(1000);
        await sleep(1);
      }
    };
    for (const stage of [
      scanImage({ onChunk: () => undefined }),
      frame({ frameBytes: 100, concurrency: 1, compress: identity }),
    ]) {
      const work = pipeline(
        endless(),
        stage,
        async (out: AsyncIterable<Buffer>) => {
          for await (const _ of out) abort.abort();
        },
        { signal: abort.signal },
      );
      await expect(work).rejects.toThrow(/abort/i);
    }
  });

  it('a consumer that stops early ends the stage', async () => {
    const out = frame({ frameBytes: 10, concurrency: 4, compress: identity })(pieces(randomBytes(1_000), () => 100));
    for await (const _ of out) break;
    expect(await out.next()).toEqual({ done: true, value: undefined });
  });

  it('refuses impossible options', () => {
    for (const wrong of [{ frameBytes: 0 }, { frameBytes: 2 ** 32 }, { concurrency: 0 }, { concurrency: 1.5 }]) {
      expect(() => frame({ frameBytes: 10, concurrency: 1, compress: identity, ...wrong })).toThrow(
        expect.objectContaining({ code: 'internal' }),
      );
    }
  });

  it('memory stays flat over 2 GiB', { timeout: 60_000 }, async () => {
    await using zero = await open('/dev/zero');
    const before = process.memoryUsage().rss;
    let most = 0;
    let frames = 0;
    const source = async function* (): AsyncGenerator<Buffer> {
      for (let left = 2048; left > 0; left -= 1) {
        yield (await zero.read(Buffer.allocUnsafe(MiB), 0, MiB)).buffer;
      }
    };
    const compress = compressor('lz4', 1);
    for await (const _ of frame({ frameBytes: 4 * MiB, concurrency: 4, compress })(source())) {
      frames += 1;
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    expect(frames).toBeGreaterThan(512);
    expect(most).toBeLessThan(250 * MiB);
  });
});
