import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { frame, unframe, type FramesRead, type UnframeOptions } from '../../src/archive/index.js';
import { compressor, frameWalker, unpackLarge, unpackThreads, type FrameCodec } from '../../src/codec/index.js';
import { createBufferPool, KiB, MiB, type BufferPool } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';

const words = (bytes: number): Buffer =>
  Buffer.concat([randomBytes(bytes >> 1), Buffer.alloc(bytes - (bytes >> 1), 'the same text again and again, ')]);
async function* pieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes)
    yield await Promise.resolve(bytes.subarray(at, at + pieceBytes));
}
/** The same in memory of a pool, which goes back to it. */
async function* pooled(source: AsyncIterable<Buffer>, pool: BufferPool): AsyncGenerator<Buffer> {
  for await (const bytes of source) {
    const piece = pool.take(bytes.length);
    bytes.copy(piece);
    yield piece;
  }
}
async function archived(raw: Buffer, codec: FrameCodec, frameBytes = 256 * KiB): Promise<Buffer> {
  const compress = compressor(codec, codec === 'lz4' ? 1 : 3);
  const stage = frame({ frameBytes, concurrency: 2, compress });
  const frames: Buffer[] = [];
  for await (const bytes of stage(pieces(raw, 100_000))) frames.push(bytes);
  return Buffer.concat(frames);
}
const threads = {
  lz4: unpackThreads({ codec: 'lz4', threads: 2 }),
  zstd: unpackThreads({ codec: 'zstd', threads: 2 }),
};
afterAll(() => Promise.all(Object.values(threads).map((pool) => pool[Symbol.asyncDispose]())));
interface Read extends FramesRead {
  readonly raw: Buffer;
}
async function read(
  stored: Buffer,
  codec: FrameCodec,
  options: Partial<UnframeOptions> & { readonly pieceBytes?: number } = {},
): Promise<Read> {
  const pool = createBufferPool();
  const reading = unframe(pooled(pieces(stored, options.pieceBytes ?? 170_000), pool), {
    walker: frameWalker(codec),
    unpack: threads[codec].unpack,
    unpackLarge: unpackLarge(codec),
    concurrency: 2,
    pool,
    seekTable: 'if-there',
    ...options,
  });
  const raws: Buffer[] = [];
  for (;;) {
    const next = await reading.next();
    if (next.done === true) return { raw: Buffer.concat(raws), ...next.value };
    raws.push(Buffer.from(next.value));
    pool.giveBack(next.value);
  }
}
const programs: readonly { codec: FrameCodec; argv: readonly string[]; isChecked: boolean }[] = [
  { codec: 'lz4', argv: ['lz4', '-c', '-q'], isChecked: true },
  { codec: 'lz4', argv: ['lz4', '-9', '-c', '-q', '-B4', '-BD'], isChecked: true },
  { codec: 'lz4', argv: ['lz4', '-c', '-q', '-BX', '-B5', '--content-size'], isChecked: true },
  { codec: 'lz4', argv: ['lz4', '-c', '-q', '--no-frame-crc'], isChecked: false },
  { codec: 'zstd', argv: ['zstd', '-c', '-q'], isChecked: true },
  { codec: 'zstd', argv: ['zstd', '-c', '-q', '-19', '--long', '-T2'], isChecked: true },
  { codec: 'zstd', argv: ['zstd', '-c', '-q', '--no-check'], isChecked: false },
];

describe.each(['lz4', 'zstd'] as const)('frames of %s', (codec) => {
  it.each([0, 1, 256 * KiB, 3 * MiB + 17])(
    'of %i bytes come back, with the seek table that belongs to them',
    async (size) => {
      const raw = words(size);
      const stored = await archived(raw, codec);
      const back = await read(stored, codec, { seekTable: 'required' });
      expect(back.raw.equals(raw)).toBe(true);
      expect(back).toMatchObject({ rawBytes: size, hasSeekTable: true, unchecked: 0 });
      expect(back.frames).toBe(Math.max(1, Math.ceil(size / (256 * KiB))));
    },
  );

  it('are found in pieces of any size', async () => {
    const raw = words(20_000);
    const stored = await archived(raw, codec, 3_000);
    for (const pieceBytes of [1, 2, 3, 5, 7, 4096]) {
      expect((await read(stored, codec, { pieceBytes, seekTable: 'required' })).raw.equals(raw)).toBe(true);
    }
  });

  it('cut off anywhere are not whole', async () => {
    const stored = await archived(words(300 * KiB), codec, 100 * KiB);
    const places = [1, 3, 5, 9, 100, 60_000, stored.length - 60, stored.length - 1];
    for (const at of places) {
      await expect(
        read(stored.subarray(0, at), codec, { seekTable: 'required' }),
        `cut at ${at}`,
      ).rejects.toMatchObject({
        code: 'corrupt-archive',
      });
    }
  });

  it('with any bit changed are not believed', async () => {
    const raw = words(300 * KiB);
    const stored = await archived(raw, codec, 100 * KiB);
    for (let n = 0; n < 40; n += 1) {
      const damaged = Buffer.from(stored);
      const at = Math.floor((n * stored.length) / 40);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (n % 8));
      const outcome = await read(damaged, codec, { seekTable: 'required' }).catch((error: unknown) => error);
      // A changed bit that changes nothing (an unused field of a header) must still give the right bytes.
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'corrupt-archive' });
      else expect((outcome as Read).raw.equals(raw), `bit at ${at}`).toBe(true);
    }
  });

  it('tell which one is damaged and where it is', async () => {
    const stored = await archived(randomBytes(300 * KiB), codec, 100 * KiB);
    const whole = await read(stored, codec);
    expect(whole.frames).toBe(3);
    const damaged = Buffer.from(stored);
    const at = Math.floor(stored.length / 2);
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    await expect(read(damaged, codec)).rejects.toMatchObject({
      code: 'corrupt-archive',
      message: expect.stringMatching(/^Frame 1, from byte \d+ on: /),
    });
  });

  it('without their seek table, or with that of others, are no archive of ours', async () => {
    const stored = await archived(words(200 * KiB), codec, 100 * KiB);
    const other = await archived(words(300 * KiB), codec, 100 * KiB);
    const tableOf = (bytes: Buffer, frames: number): Buffer => bytes.subarray(bytes.length - 17 - 8 * frames);
    const bare = stored.subarray(0, stored.length - 17 - 16);
    await expect(read(bare, codec, { seekTable: 'required' })).rejects.toThrow('seek table');
    expect(await read(bare, codec)).toMatchObject({ hasSeekTable: false, frames: 2 });
    await expect(read(Buffer.concat([bare, tableOf(other, 3)]), codec)).rejects.toThrow('seek table');
  });

  it('with something behind them that is no frame are damaged', async () => {
    const stored = await archived(words(10_000), codec);
    await expect(read(Buffer.concat([stored, Buffer.from('behind it')]), codec)).rejects.toMatchObject({
      code: 'corrupt-archive',
    });
  });

  it('too large to be held pass through the program, before, between and after others', async () => {
    const [small, large] = [words(50 * KiB), words(2 * MiB)];
    const [a, b] = [await run([codec, '-c', '-q'], { input: small }), await run([codec, '-c', '-q'], { input: large })];
    const back = await read(Buffer.concat([b, a, b, b, a]), codec, { largestRawBytes: codec === 'lz4' ? 0 : MiB });
    expect(back.raw.equals(Buffer.concat([large, small, large, large, small]))).toBe(true);
    expect(back.frames).toBe(5);
  });

  it('too large to be held and damaged are told as damaged', async () => {
    const stored = await run([codec, '-c', '-q'], { input: words(2 * MiB) });
    const damaged = Buffer.from(stored);
    damaged[500_000] = (damaged[500_000] ?? 0) ^ 1;
    await expect(read(damaged, codec, { largestRawBytes: MiB })).rejects.toMatchObject({ code: 'corrupt-archive' });
    await expect(read(stored.subarray(0, -9), codec, { largestRawBytes: MiB })).rejects.toMatchObject({
      code: 'corrupt-archive',
    });
  });

  it('fail with what their source fails with', async () => {
    const stored = await archived(words(MiB), codec);
    async function* failing(): AsyncGenerator<Buffer> {
      yield* pieces(stored.subarray(0, 500_000), 70_000);
      throw await Promise.resolve(new Error('the source is gone'));
    }
    for (const largestRawBytes of [64 * MiB, 1]) {
      const reading = unframe(failing(), {
        walker: frameWalker(codec),
        unpack: threads[codec].unpack,
        unpackLarge: unpackLarge(codec),
        concurrency: 1,
        pool: createBufferPool(),
        seekTable: 'required',
        largestRawBytes,
      });
      await expect(
        (async () => {
          for await (const _ of reading) continue;
        })(),
      ).rejects.toThrow('the source is gone');
    }
  });
});

describe('one frame as a program writes it', () => {
  it.each(programs)('$argv comes back', async ({ codec, argv, isChecked }) => {
    for (const size of [0, 1, 100_000, 9 * MiB]) {
      const raw = words(size);
      const stored = await run(argv, { input: raw });
      for (const largestRawBytes of [64 * MiB, MiB]) {
        const back = await read(stored, codec, { largestRawBytes });
        expect(back.raw.equals(raw), `${size} bytes, ${largestRawBytes}`).toBe(true);
        expect(back).toMatchObject({ frames: 1, hasSeekTable: false, unchecked: isChecked ? 0 : 1 });
      }
    }
  });
});
