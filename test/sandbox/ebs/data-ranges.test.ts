import { randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataRanges, type DataRange } from '../../../sandbox/ebs/blocks/data-ranges.js';
import { scratchDirectory } from './support.js';

const KiB = 1024;
const MiB = 1024 * KiB;

async function rangesOf(file: string): Promise<readonly DataRange[]> {
  const ranges: DataRange[] = [];
  for await (const range of dataRanges(file)) ranges.push(range);
  return ranges;
}

async function sparseFile(size: number, pieces: readonly number[]): Promise<string> {
  const path = join(await scratchDirectory(), '-a file.img');
  const file = await open(path, 'w');
  await file.truncate(size);
  for (const at of pieces) await file.write(randomBytes(4 * KiB), 0, 4 * KiB, at);
  await file.close();
  return path;
}

describe('dataRanges', () => {
  it('gives the pieces of a sparse file that have data', async () => {
    const file = await sparseFile(4 * 1024 * 1024 * MiB, [MiB, 3 * 1024 * 1024 * MiB]);
    expect(await rangesOf(file)).toEqual([
      { offset: MiB, bytes: 4 * KiB },
      { offset: 3 * 1024 * 1024 * MiB, bytes: 4 * KiB },
    ]);
  });

  it('gives thousands of pieces', async () => {
    const places = Array.from({ length: 3_000 }, (_, index) => index * 64 * KiB);
    const ranges = await rangesOf(await sparseFile(256 * MiB, places));
    expect(ranges.map(({ offset }) => offset)).toEqual(places);
  });

  it('gives the whole of a file without holes, and nothing of one that is a hole', async () => {
    const whole = join(await scratchDirectory(), 'whole');
    await writeFile(whole, randomBytes(2 * MiB));
    expect(await rangesOf(whole)).toEqual([{ offset: 0, bytes: 2 * MiB }]);
    expect(await rangesOf(await sparseFile(MiB, []))).toEqual([]);
  });

  it('leaves nothing behind when its reader stops early', async () => {
    const file = await sparseFile(64 * MiB, [0, 32 * MiB]);
    for await (const range of dataRanges(file)) {
      expect(range.offset).toBe(0);
      break;
    }
  });

  it('says so when the file cannot be read', async () => {
    await expect(rangesOf(join(await scratchDirectory(), 'none'))).rejects.toThrow('ENOENT');
  });
});
