import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLogFile } from '../../src/cli/log-file.js';
import { tellPrograms } from '../../src/cli/programs-run.js';
import { openReport } from '../../src/cli/report.js';
import { slowCalls } from '../../src/cli/slow-calls.js';
import type { Telling } from '../../src/cli/telling.js';
import { AppError, snapshotId, systemClock, type AppEvent } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-report-'));
});
afterAll(() => rm(folder, { recursive: true }));

const id = snapshotId('snap-0123456789abcdef0');
const everything: readonly AppEvent[] = [
  { kind: 'stage', snapshotId: id, stage: 'claiming', subject: id },
  { kind: 'notice', text: 'A notice.' },
  { kind: 'warning', text: 'A warning.' },
  { kind: 'program-started', argv: ['tar', '--create', 'a b'] },
  { kind: 'slow-call', action: 's3:PutObject', elapsedMs: 6_000 },
  { kind: 'snapshot-failed', snapshotId: id, error: new AppError('mount-failed', 'A failure.') },
  {
    kind: 'run-finished',
    archived: 0,
    restored: 0,
    askedFor: 0,
    validated: [],
    failed: [{ snapshotId: id, message: 'A failure.' }],
    left: 0,
    rawBytes: 0,
    storedBytes: 0,
    elapsedMs: 1_000,
  },
];

/** What a report says of everything. */
async function told(telling: Partial<Telling>, events = everything): Promise<{ stdout: string; stderr: string }> {
  const texts = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof texts): NodeJS.WriteStream =>
    new PassThrough().on('data', (chunk: Buffer) => {
      texts[name] += chunk.toString('utf8');
    }) as unknown as NodeJS.WriteStream;
  const output = { stdout: stream('stdout'), stderr: stream('stderr') };
  using report = await openReport(output, {
    detail: 'normal',
    json: false,
    logFile: undefined,
    warnings: [],
    ...telling,
  });
  for (const event of events) report.event(event);
  report.finding({ kind: 'found' }, 'A finding.');
  report.result({ kind: 'came-to' }, 'A result.');
  return texts;
}
const kinds = (ndjson: string): unknown[] =>
  ndjson
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { kind: unknown }).kind);

describe('what is told', () => {
  const trouble = `Warning: A warning.\n${id}: Failed: A failure.\nNo snapshot finished, 1.0 s; 1 failed:\n  ${id}: failed: A failure.\n`;

  it('with --quiet is warnings, errors and the summary', async () => {
    expect(await told({ detail: 'quiet' })).toEqual({ stdout: 'A result.\n', stderr: trouble });
  });

  it('usually is what happens as well', async () => {
    const stdout = `${id}: Claiming the snapshot\nNote: A notice.\nA finding.\nA result.\n`;
    expect(await told({})).toEqual({ stdout, stderr: trouble });
  });

  it('with --verbose is programs and slow calls as well', async () => {
    const { stdout } = await told({ detail: 'verbose' });
    expect(stdout).toContain("Running tar --create 'a b'\n");
    expect(stdout).toContain('s3:PutObject took 6.0 s\n');
  });

  it('with --json is the same selection, one object a line', async () => {
    const quiet = ['warning', 'snapshot-failed', 'run-finished', 'came-to'];
    expect(kinds((await told({ json: true, detail: 'quiet' })).stdout)).toEqual(quiet);
    expect(kinds((await told({ json: true, detail: 'verbose' })).stdout)).toEqual([
      ...everything.map(({ kind }) => kind),
      ...['found', 'came-to'],
    ]);
  });

  it.each([true, false])('is not the failure of the whole run, which main says (--json %s)', async (json) => {
    const failure: AppEvent = { kind: 'run-failed', error: new AppError('not-found', 'No bucket.') };
    expect(JSON.stringify(await told({ json, detail: 'verbose' }, [failure]))).not.toContain('No bucket.');
  });

  it('begins with the warnings about the options', async () => {
    expect((await told({ warnings: ['SNAP_TO_S3_BUKET is unknown.'] })).stderr).toMatch(
      /^Warning: SNAP_TO_S3_BUKET is unknown\.\n/,
    );
  });
});

describe('the log file', () => {
  it('gets everything, even under --quiet, with the time, behind what is there already', async () => {
    const logFile = join(folder, 'run.log');
    await told({ detail: 'quiet', logFile });
    await told({ detail: 'quiet', logFile });
    const text = await readFile(logFile, 'utf8');
    const once = [...everything.map(({ kind }) => kind), 'found', 'came-to'];
    expect(kinds(text)).toEqual([...once, ...once]);
    for (const line of text.trim().split('\n'))
      expect(line).toMatch(/^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",/);
    expect((await stat(logFile)).mode & 0o007).toBe(0);
  });

  it.each([
    ['in a folder that is missing', () => join(folder, 'missing/run.log'), 'ENOENT'],
    ['that is a folder', () => folder, 'EISDIR'],
  ])('%s is refused before anything begins', async (_, path, why) => {
    await expect(told({ logFile: path() })).rejects.toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining(`The log file ${JSON.stringify(path())} cannot be opened: ${why}`),
      }),
    );
  });

  it('that is a pipe without a reader is refused instead of waited for', async () => {
    const path = join(folder, 'pipe');
    await run(['mkfifo', path]);
    await expect(told({ logFile: path })).rejects.toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it('on a full disk is complained about once, and the rest is told', async () => {
    const { stdout, stderr } = await told({ logFile: '/dev/full' });
    expect(stderr.match(/The log file \/dev\/full can no longer be written to: ENOSPC/g)).toHaveLength(1);
    expect(stderr).toContain('The work goes on without it.');
    expect(stdout).toContain('A result.');
  });

  it('tells progress once a second for each archive', async () => {
    const path = join(folder, 'progress.log');
    let nowMs = 0;
    {
      using log = openLogFile(path, {
        clock: { now: () => nowMs, sleep: () => Promise.resolve() },
        onFailure: (sentence) => expect.unreachable(sentence),
      });
      for (; nowMs < 10_000; nowMs += 100) {
        for (const key of ['a', 'b']) {
          log.event({ kind: 'progress', snapshotId: id, key, rawBytes: 1, storedBytes: 1, expectedRawBytes: 2 });
        }
      }
    }
    expect((await readFile(path, 'utf8')).trim().split('\n')).toHaveLength(20);
  });
});

describe('programs', () => {
  it('are told when they start, the same command line once, and none afterwards', async () => {
    const told: AppEvent[] = [];
    {
      using _programs = tellPrograms((event) => told.push(event));
      await run(['true', 'first']);
      await run(['true', 'first']);
      await run(['true', 'second']);
    }
    await run(['true', 'third']);
    expect(told).toEqual([
      { kind: 'program-started', argv: ['true', 'first'] },
      { kind: 'program-started', argv: ['true', 'second'] },
    ]);
  });
});

describe('calls of AWS', () => {
  it('that take long are told, once a minute for each action, whether they fail or not', async () => {
    const told: AppEvent[] = [];
    let nowMs = 0;
    const clock = { ...systemClock, now: () => nowMs };
    const middleware = slowCalls('s3', { events: (event) => told.push(event), clock });
    const call = (commandName: string, tookMs: number, fails = false): Promise<string> =>
      middleware(
        () => {
          nowMs += tookMs;
          return fails ? Promise.reject(new Error('no')) : Promise.resolve('answer');
        },
        { commandName },
      )({});
    expect(await call('UploadPartCommand', 4_000)).toBe('answer');
    expect(await call('UploadPartCommand', 6_000)).toBe('answer');
    expect(await call('UploadPartCommand', 7_000)).toBe('answer');
    await expect(call('HeadObjectCommand', 8_000, true)).rejects.toThrow('no');
    await call('UploadPartCommand', 61_000);
    expect(told).toEqual([
      { kind: 'slow-call', action: 's3:UploadPart', elapsedMs: 6_000 },
      { kind: 'slow-call', action: 's3:HeadObject', elapsedMs: 8_000 },
      { kind: 'slow-call', action: 's3:UploadPart', elapsedMs: 61_000 },
    ]);
  });
});
