import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openState, type Snapshot, type Volume } from '../../sandbox/ec2/state/index.js';
import { shippedPolicy } from '../../sandbox/iam/index.js';
import { startSandbox, type Sandbox } from '../../sandbox/index.js';
import { poll, systemClock } from '../../src/core/index.js';
import { csv, records, writeReport, type ReportLine } from '../costs/report/make-report.js';

// `analyze` in an account with more snapshots and volumes than EC2 tells at once, which is a thousand.

const account = '123456789012';
const [volumes, snapshotsOfEach] = [1_150, 2];
const regions = ['us-east-1', 'eu-west-1'] as const;
const digits = (number: number): string => number.toString(16).padStart(17, '0');
const volumeOf = (number: number): string => `vol-${digits(number)}`;
const snapshotOf = (number: number): string => `snap-${digits(number)}`;
/** The name of the last volume is only on the last page. */
const nameOf = (number: number): string => `machine ${number}`;

function volume(number: number, sequence: number): Volume {
  return {
    id: volumeOf(number),
    sequence,
    zone: 'us-east-1a',
    sizeGiB: 100,
    snapshotId: '',
    volumeType: 'gp3',
    iops: 3_000,
    throughput: 125,
    encrypted: false,
    kmsKeyId: null,
    createdAtMs: Date.UTC(2026, 0, 1),
    idempotency: null,
    tags: [{ key: 'Name', value: nameOf(number) }],
    status: { kind: 'available' },
  };
}

function snapshot(number: number, sequence: number): Snapshot {
  const startedAtMs = Date.UTC(2026, 0, 2 + (Math.floor(number / volumes) % snapshotsOfEach));
  return {
    id: snapshotOf(number),
    sequence,
    owner: { accountId: account, alias: null },
    origin: 'volume',
    volumeId: volumeOf(number % volumes),
    sizeGiB: 100,
    description: '',
    encrypted: false,
    kmsKeyId: null,
    startedAtMs,
    tags: [],
    sharing: { everyone: false, accountIds: [] },
    tier: { kind: 'standard' },
    status: { kind: 'completed', completedAtMs: startedAtMs },
  };
}

let folder = '';
let path = '';
let sandbox: Sandbox;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-e2e-pages-'));
  // No disk is behind them: they are only described.
  const state = await openState(join(folder, 'state', 'ec2'), { clock: systemClock });
  const lines: ReportLine[] = [];
  for (const [at, name] of regions.entries()) {
    const region = state.region(name);
    for (let n = 0; n < volumes; n += 1) region.putVolume(volume(n, state.nextSequence()));
    // Ids are not used twice, not even in two regions.
    const first = at * volumes * snapshotsOfEach;
    for (let n = first; n < first + volumes * snapshotsOfEach; n += 1) {
      region.putSnapshot(snapshot(n, state.nextSequence()));
      const [start, end] = ['2026-05-20T00:00:00', '2026-05-21T00:00:00'];
      lines.push({ snapshot: snapshotOf(n), region: name, account, start, end, amount: '0.2', cost: '0.01' });
    }
  }
  await state.save();
  path = await writeReport(folder, csv(records('cur-2', lines)), { packing: 'gzip', name: 'report.csv.gz' });
  sandbox = await startSandbox({ stateDirectory: join(folder, 'state'), port: 0 });
});
afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

interface Told {
  readonly kind: string;
  readonly region: string;
  readonly name?: string;
  readonly snapshots: readonly { readonly facts?: { readonly startTime: string } }[];
}

async function analyze(): Promise<{ status: number | null; told: readonly Told[]; stderr: string }> {
  const child = spawn(process.execPath, ['dist/bin/snap-to-s3.cjs', 'analyze', path, '--json'], {
    env: { PATH: process.env.PATH, HOME: folder, TMPDIR: folder, ...sandbox.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const told = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Told);
  return { status, told: told.filter(({ kind }) => kind === 'volume'), stderr };
}

/** How often an action is asked for: a fault that spares so many requests only counts them. */
const counting = (operation: string) =>
  sandbox.faults.add({ operation, fault: { kind: 'throttled' }, skip: 1_000_000 });

describe('an account with thousands of snapshots and volumes', () => {
  it('is known to the last of them, page by page, also where a page in the middle has to be asked for twice', async () => {
    sandbox.setRolePolicies([shippedPolicy({ bucket: 'any' })]);
    const [snapshotPages, volumePages] = [counting('ec2:DescribeSnapshots'), counting('ec2:DescribeVolumes')];
    const throttled = sandbox.faults.add({
      operation: 'ec2:DescribeSnapshots',
      fault: { kind: 'throttled' },
      skip: 3,
      times: 1,
    });
    const { status, told, stderr } = await analyze();
    expect([status, stderr]).toEqual([0, '']);
    expect(throttled.fired).toBe(1);
    // In each region three pages of snapshots and two of volumes, and one page once more.
    expect([snapshotPages.met, volumePages.met]).toEqual([2 * 3 + 1, 2 * 2]);
    for (const name of regions) {
      const here = told.filter(({ region }) => region === name);
      expect(new Set(here.map((one) => one.name))).toEqual(
        new Set(Array.from({ length: volumes }, (_, at) => nameOf(at))),
      );
      for (const { snapshots } of here) {
        expect(snapshots.map(({ facts }) => facts?.startTime.slice(0, 10))).toEqual(['2026-01-02', '2026-01-03']);
      }
    }
    for (const fault of [snapshotPages, volumePages, throttled]) fault.remove();
  });

  it('is asked in all regions at once: while one does not answer, the other is asked to its end', async () => {
    sandbox.setRolePolicies([shippedPolicy({ bucket: 'any' })]);
    const [snapshotPages, volumePages] = [counting('ec2:DescribeSnapshots'), counting('ec2:DescribeVolumes')];
    const held = sandbox.faults.add({ operation: 'ec2:DescribeSnapshots', fault: { kind: 'hang' }, times: 1 });
    const analysis = analyze();
    // One request that hangs, and three pages of the other region; volumes are asked about meanwhile, too.
    const areAllAsked = async (): Promise<true | undefined> =>
      Promise.resolve(snapshotPages.met === 1 + 3 && volumePages.met === 2 * 2 ? true : undefined);
    expect(await poll(areAllAsked, { clock: systemClock, intervalMs: 20, timeoutMs: 20_000 })).toBe(true);
    held.remove();
    const { status, told } = await analysis;
    expect([status, told.length]).toEqual([0, regions.length * volumes]);
    expect([held.fired, snapshotPages.met]).toEqual([1, 2 * 3]);
    for (const fault of [snapshotPages, volumePages]) fault.remove();
  });

  it('that may not be asked at all has each of its regions named, and the report is shown without dates', async () => {
    sandbox.setRolePolicies([]);
    const { status, told, stderr } = await analyze();
    expect(status).toBe(0);
    const warnings = stderr.trimEnd().split('\n').sort();
    expect(warnings).toEqual([
      expect.stringMatching(/^Warning: eu-west-1 cannot be asked about its snapshots: .*ec2:DescribeSnapshots/),
      expect.stringMatching(/^Warning: us-east-1 cannot be asked about its snapshots: .*ec2:DescribeSnapshots/),
    ]);
    expect(told.map(({ snapshots }) => snapshots.length)).toEqual([
      volumes * snapshotsOfEach,
      volumes * snapshotsOfEach,
    ]);
  });
});
