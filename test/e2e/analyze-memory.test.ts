import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poll, systemClock } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';
import { longReport } from '../costs/report/long-report.js';

// What `analyze` writes to the disk when `--memory` does not do, and what becomes of it.

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-e2e-memory-'));
  path = join(folder, 'report.csv.gz');
  await longReport(createWriteStream(path), { snapshots: 50_000, days: 20 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Analysis {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Begins an analysis whose temporary files are in a directory of its own. */
function analyze(temporary: string, memory: string) {
  const words = ['dist/bin/snap-to-s3.cjs', 'analyze', path, '--offline', '--csv', '--memory', memory];
  const child = spawn(process.execPath, words, {
    env: { PATH: process.env.PATH, HOME: folder, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Analysis>((resolve) =>
    child.once('close', (status) => resolve({ status, stdout, stderr })),
  );
  return { child, ended };
}

/** Settles when DuckDB has written something there, with whether it did within a minute. */
async function spilled(temporary: string): Promise<boolean> {
  const hasSpilled = async (): Promise<true | undefined> => {
    // Folders may go while they are read.
    const names = await readdir(temporary, { recursive: true }).catch(() => []);
    return names.some((name) => name.includes('duckdb_temp_storage')) ? true : undefined;
  };
  return (await poll(hasSpilled, { clock: systemClock, intervalMs: 10, timeoutMs: 60_000 })) ?? false;
}

const newTemporary = (): Promise<string> => mkdtemp(join(folder, 'temporary-'));

describe('a report that takes more than --memory', () => {
  it('gives the same advice in 128 MB as in 1 GB, and leaves nothing on the disk', async () => {
    const [small, large] = [await newTemporary(), await newTemporary()];
    const inSmall = analyze(small, '128MB');
    expect(await spilled(small)).toBe(true);
    const [one, other] = [await inSmall.ended, await analyze(large, '1GB').ended];
    expect([one.status, one.stderr]).toEqual([0, expect.stringMatching(/^2 lines could not be read/)]);
    expect(one).toEqual(other);
    expect(one.stdout.split('\n')).toHaveLength(3);
    expect([await readdir(small), await readdir(large)]).toEqual([[], []]);
  });

  it('leaves nothing on the disk after Ctrl+C', async () => {
    const temporary = await newTemporary();
    const { child, ended } = analyze(temporary, '128MB');
    expect(await spilled(temporary)).toBe(true);
    child.kill('SIGINT');
    const { status, stderr } = await ended;
    expect([status, stderr]).toEqual([130, expect.stringMatching(/Interrupted\.\n$/)]);
    expect(await readdir(temporary)).toEqual([]);
  });

  it('leaves what it had there when it is killed to the next run, which removes it', async () => {
    const temporary = await newTemporary();
    const { child, ended } = analyze(temporary, '128MB');
    expect(await spilled(temporary)).toBe(true);
    child.kill('SIGKILL');
    await ended;
    expect(await readdir(temporary)).toHaveLength(1);
    expect((await analyze(temporary, '1GB').ended).status).toBe(0);
    expect(await readdir(temporary)).toEqual([]);
  });

  it('is read although what another run has left cannot be removed', async () => {
    const temporary = await newTemporary();
    const { child, ended } = analyze(temporary, '128MB');
    expect(await spilled(temporary)).toBe(true);
    child.kill('SIGKILL');
    await ended;
    const [left = ''] = await readdir(temporary);
    const inUse = join(temporary, left, 'in-use');
    await mkdir(inUse);
    await run(['mount', '-t', 'tmpfs', 'tmpfs', inUse]);
    try {
      expect(await analyze(temporary, '1GB').ended).toMatchObject({
        status: 0,
        stderr: expect.stringMatching(/^2 lines could not be read/),
      });
    } finally {
      await run(['umount', inUse]);
    }
  });

  it('and for which the disk has no room is a sentence that names --memory, and leaves nothing there', async () => {
    const temporary = join(folder, 'full');
    await mkdir(temporary);
    await run(['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', temporary]);
    try {
      const { status, stderr, stdout } = await analyze(temporary, '128MB').ended;
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(
        /^snap-to-s3: There is no room in .*\/full\/.* for what reading .*report\.csv\.gz takes beyond --memory\.\nSet TMPDIR to a directory with more room, or give --memory 256MB\n$/,
      );
      expect(await readdir(temporary)).toEqual([]);
    } finally {
      await run(['umount', temporary]);
    }
  });
});
