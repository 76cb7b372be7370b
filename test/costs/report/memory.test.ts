import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readReport, type ReadReport } from '../../../src/costs/index.js';
import { longReport } from './long-report.js';

// What reading may hold is `--memory`, of which 128 MB is the least that the command takes.

const [snapshots, days] = [50_000, 20];
const lines = snapshots * days;
let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-memory-test-'));
  path = join(folder, 'report.csv.gz');
  await longReport(createWriteStream(path), { snapshots, days });
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Reading {
  readonly report: ReadReport;
  /** The most that was in the temporary directory at one time. */
  readonly mostSpilledBytes: number;
  readonly left: readonly string[];
}

async function readWith(memoryBytes: number, signal?: AbortSignal): Promise<Reading> {
  const temporaryDirectory = await mkdtemp(join(folder, 'spilled-'));
  const watched = { most: 0, isOver: false };
  const watching = watchSize(temporaryDirectory, watched);
  try {
    const report = await readReport([{ path, name: 'the report', kind: 'gzip', delivery: 0 }], {
      cost: 'unblended',
      memoryBytes,
      temporaryDirectory,
      threads: 2,
      signal,
    });
    return { report, mostSpilledBytes: watched.most, left: await readdir(temporaryDirectory) };
  } finally {
    watched.isOver = true;
    await watching;
    expect(await readdir(temporaryDirectory)).toEqual([]);
  }
}

async function watchSize(directory: string, watched: { most: number; isOver: boolean }): Promise<void> {
  while (!watched.isOver) {
    const names = await readdir(directory);
    const sizes = await Promise.all(
      names.map((name) =>
        stat(join(directory, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    );
    watched.most = Math.max(
      watched.most,
      sizes.reduce((sum, size) => sum + size, 0),
    );
    await sleep(10);
  }
}

/** Sums of a million numbers differ in their last digits by the order in which they are added. */
const inMillionths = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, one: unknown) => (typeof one === 'number' ? Number(one.toFixed(6)) : one));

describe('a report of a million lines', () => {
  it('says the same in 128 MB, of which the rest is on the disk, as in 1 GB, for which nothing is', async () => {
    const large = await readWith(1e9);
    expect(large.report.usage).toHaveLength(snapshots);
    expect(large.report.days).toHaveLength(days);
    expect(large.report).toMatchObject({ unreadableLines: 2, unreadable: [{ line: lines + 2 }, { line: lines + 3 }] });
    expect(large.mostSpilledBytes).toBe(0);
    const small = await readWith(128e6);
    expect(small.mostSpilledBytes).toBeGreaterThan(10e6);
    expect(inMillionths(small.report)).toEqual(inMillionths(large.report));
  });

  it('leaves nothing on the disk when it is interrupted while it is there', async () => {
    const interrupted = new AbortController();
    const reading = readWith(160e6, interrupted.signal);
    const failed = expect(reading).rejects.toThrow('interrupted by the test');
    const spilled = async (): Promise<boolean> => {
      const names = await readdir(folder, { recursive: true });
      return names.some((name) => name.includes('duckdb_temp_storage'));
    };
    while (!(await spilled())) await sleep(10);
    interrupted.abort(new Error('interrupted by the test'));
    await failed;
  });

  it('for which even the least is too much is refused by a sentence that names --memory, and leaves nothing', async () => {
    await expect(readWith(24e6)).rejects.toMatchObject({
      code: 'usage',
      message: 'Reading the report takes more memory than --memory allows, which is 22.9 MiB.',
      hint: 'Allow more, for example: --memory 128MB',
    });
  });
});
