import { randomBytes, randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  createSeekTableWriter,
  parseSeekFooter,
  parseSeekTable,
  seekFooterBytes,
  type FrameSize,
} from '../../src/archive/seek-table.js';
import type { AppError } from '../../src/core/index.js';
import { MiB } from '../../src/core/index.js';

function encoded(frames: readonly FrameSize[]): Buffer {
  const writer = createSeekTableWriter();
  for (const frame of frames) writer.add(frame);
  return Buffer.concat([...writer.encode()]);
}
const total = (frames: readonly FrameSize[]): number =>
  frames.reduce((sum, { compressedBytes }) => sum + compressedBytes, 0);
const corrupt = expect.objectContaining({ code: 'corrupt-archive' }) as unknown as Error;

describe('the seek table', () => {
  it('is the bytes that the specification says', () => {
    const table = encoded([
      { compressedBytes: 0x11223344, rawBytes: 0x55667788 },
      { compressedBytes: 1, rawBytes: 2 },
    ]);
    expect(table.toString('hex')).toBe(
      '5e2a4d18' + '19000000' + '44332211' + '88776655' + '01000000' + '02000000' + '02000000' + '00' + 'b1ea928f',
    );
  });

  it('finds the frame of any byte', () => {
    const frames = Array.from({ length: 70_000 }, () => ({
      compressedBytes: randomInt(1, 2 ** 32),
      rawBytes: randomInt(0, 3) === 0 ? 0 : randomInt(1, 2 ** 32),
    }));
    const table = encoded(frames);
    const parsed = parseSeekTable(table, total(frames) + table.length);
    expect(parsed.frames).toBe(70_000);
    expect(parsed.compressedBytes).toBe(total(frames));
    let compressedOffset = 0;
    let rawOffset = 0;
    for (const [index, size] of frames.entries()) {
      const place = { index, compressedOffset, rawOffset, ...size };
      expect(parsed.frame(index)).toEqual(place);
      if (size.rawBytes > 0) {
        expect(parsed.find(rawOffset)).toEqual(place);
        expect(parsed.find(rawOffset + size.rawBytes - 1)).toEqual(place);
      }
      compressedOffset += size.compressedBytes;
      rawOffset += size.rawBytes;
    }
    expect(parsed.rawBytes).toBe(rawOffset);
    expect(parsed.find(rawOffset)).toBeUndefined();
    expect(parsed.find(-1)).toBeUndefined();
    expect(() => parsed.frame(70_000)).toThrow(corrupt);
    expect(() => parsed.frame(-1)).toThrow(corrupt);
  });

  it('of nothing is head and footer', () => {
    const table = encoded([]);
    expect(table).toHaveLength(seekFooterBytes);
    expect(parseSeekFooter(table)).toEqual({ frames: 0, tableBytes: seekFooterBytes });
    expect(parseSeekTable(table, table.length)).toMatchObject({ frames: 0, rawBytes: 0 });
    expect(parseSeekTable(table, table.length).find(0)).toBeUndefined();
  });

  it('of other writers may have checksums', () => {
    const table = Buffer.alloc(8 + 24 + 9);
    table.writeUInt32LE(0x184d2a5e, 0);
    table.writeUInt32LE(33, 4);
    [10, 100, 0xabcdef, 20, 200, 0x123456].forEach((value, at) => table.writeUInt32LE(value, 8 + 4 * at));
    table.writeUInt32LE(2, 32);
    table[36] = 0x80;
    table.writeUInt32LE(0x8f92eab1, 37);
    const parsed = parseSeekTable(table, 30 + table.length);
    expect(parsed.find(100)).toMatchObject({ index: 1, compressedOffset: 10, rawBytes: 200 });
  });

  it('is not there in other objects', () => {
    expect(parseSeekFooter(randomBytes(seekFooterBytes))).toBeUndefined();
    expect(parseSeekFooter(encoded([]).subarray(1))).toBeUndefined();
  });

  it('of a wrong size, with other properties or in an object of another size is refused', () => {
    const frames = [{ compressedBytes: 10, rawBytes: 100 }];
    const table = encoded(frames);
    expect(() => parseSeekTable(table, 10 + table.length + 1)).toThrow(corrupt);
    expect(() => parseSeekTable(Buffer.concat([Buffer.alloc(1), table]), 11 + table.length)).toThrow(corrupt);
    expect(() => parseSeekTable(randomBytes(100), 100)).toThrow(corrupt);
    const properties = Buffer.from(table);
    properties[table.length - 5] = 4;
    expect(() => parseSeekFooter(properties)).toThrow(corrupt);
    for (let at = 0; at < table.length; at += 1) {
      const damaged = Buffer.from(table);
      damaged[at] = (damaged[at] ?? 0) ^ 0x40;
      try {
        const parsed = parseSeekTable(damaged, 10 + table.length);
        // What frames hold raw is for the decompressor to see.
        expect(parsed.frames).toBe(1);
      } catch (error) {
        expect((error as AppError).code).toBe('corrupt-archive');
      }
    }
  });

  it('of 16 million frames takes less than 150 MB', { timeout: 60_000 }, () => {
    const writer = createSeekTableWriter();
    const before = process.memoryUsage();
    for (let at = 0; at < 16_777_216; at += 1) writer.add({ compressedBytes: at, rawBytes: 4 * MiB });
    const after = process.memoryUsage();
    const taken = after.heapUsed + after.external - before.heapUsed - before.external;
    expect(writer.frames).toBe(16_777_216);
    expect(taken).toBeLessThan(150e6);
    let bytes = 0;
    for (const piece of writer.encode()) bytes += piece.length;
    expect(bytes).toBe(16_777_216 * 8 + 17);
  });

  it('has no room for frames of 4 GiB', () => {
    const writer = createSeekTableWriter();
    writer.add({ compressedBytes: 2 ** 32 - 1, rawBytes: 2 ** 32 - 1 });
    expect(() => writer.add({ compressedBytes: 1, rawBytes: 2 ** 32 })).toThrow(/no room/);
    expect(() => writer.add({ compressedBytes: 2 ** 32, rawBytes: 1 })).toThrow(/no room/);
  });
});
