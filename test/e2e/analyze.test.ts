import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { CopySnapshotCommand, DescribeSnapshotsCommand } from '@aws-sdk/client-ec2';
import { poll, systemClock } from '../../src/core/index.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shippedPolicy } from '../../sandbox/iam/index.js';
import { csv, records, writeReport, type ReportLine } from '../costs/report/make-report.js';
import { filesystemOn, localAws, type Finished, type LocalAws } from '../support/local-aws.js';

// `snap-to-s3 analyze` and `--analyze`, with what the local EC2 knows of the snapshots.

let aws: LocalAws;
let [first, second] = ['', ''];
let path = '';
let anyLine: ReportLine | undefined;
beforeAll(async () => {
  aws = await localAws();
  // With that comes the policy of the role.
  await aws.bucket();
  [first = '', second = ''] = await aws.snapshots((device) => filesystemOn(device, 'ext4'), 2, { tags: {} });
  const account = '123456789012';
  const lines = [
    [first, '0.02', '0.001'],
    [second, '0.01', '0.0005'],
  ].map(([snapshot = '', amount = '', cost = '']): ReportLine => {
    const [start, end] = ['2026-05-20T00:00:00', '2026-05-21T00:00:00'];
    return { snapshot, region: 'us-east-1', account, start, end, amount, cost };
  });
  anyLine = lines[0];
  const elsewhere = { ...(lines[0] as ReportLine), snapshot: 'snap-0123456789abcdef0', region: 'eu-west-1' };
  const text = csv(records('legacy', [...lines, elsewhere]));
  path = await writeReport(aws.folder, text, { packing: 'gzip', name: 'costreport-1.csv.gz' });
});
afterAll(() => aws[Symbol.asyncDispose]());

const said = ({ stdout, stderr }: Finished): string => stdout + stderr;
const date = new Date().toISOString().slice(0, 10);
const expected = (): string =>
  [
    'Region us-east-1 ($0.05/month for 2 snapshots)',
    'vol-xxx (1GB, deleted): 1 GB total, $0.0465/month for 2 snapshots, average snapshot change 16%',
    `${first} ${date} 0.6 GB`,
    `${second} ${date} 0.3 GB (31%)`,
    '',
    'Region eu-west-1 ($0.03/month for 1 snapshot)',
    'Snapshots of unknown volumes: 1 GB total, $0.0310/month for 1 snapshot',
    'snap-0123456789abcdef0 of unknown date 0.6 GB',
    '',
  ].join('\n');
const withoutIds = (text: string): string => text.replace(/vol-[0-9a-f]+/g, 'vol-xxx');

describe('a cost report', () => {
  it.each([
    ['analyze', (file: string) => ['analyze', file]],
    ['--analyze', (file: string) => ['--analyze', file]],
  ])('%s shows volumes and snapshots with what EC2 knows of them', async (_, argv) => {
    const analyzed = await aws.command(argv(path));
    expect(analyzed.status, said(analyzed)).toBe(0);
    expect(withoutIds(analyzed.stdout).startsWith(expected()), analyzed.stdout).toBe(true);
    expect(analyzed.stdout).toMatch(/^Advice: /m);
    expect(analyzed.stderr).toBe('');
  });

  it('from standard input, without a name and as -', async () => {
    const bytes = await readFile(path);
    for (const argv of [['--analyze'], ['analyze'], ['analyze', '-']]) {
      const child = spawn(process.execPath, ['dist/bin/snap-to-s3.cjs', ...argv], {
        env: aws.environment,
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let stdout = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stdin.end(bytes);
      expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
      expect(withoutIds(stdout).startsWith(expected()), stdout).toBe(true);
    }
  });

  it('offline asks nobody', async () => {
    const analyzed = await aws.command(['analyze', path, '--offline', '--json'], {
      env: { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' },
    });
    expect(analyzed.status, said(analyzed)).toBe(0);
    expect(analyzed.events).toMatchObject([
      { kind: 'region', region: 'us-east-1', snapshots: 2 },
      { kind: 'volume', region: 'us-east-1', advice: { action: 'leave', reason: 'unknown-volume' } },
      { kind: 'region', region: 'eu-west-1', snapshots: 1 },
      { kind: 'volume', region: 'eu-west-1', snapshots: [{ snapshotId: 'snap-0123456789abcdef0' }] },
      { kind: 'analysis', cost: 'unblended', unreadableLines: 0, volumesToMove: 0, snapshotsToMove: 0 },
    ]);
  });

  it('of a region that cannot be asked is shown without dates, and the region is named', async () => {
    aws.allowRole([shippedPolicy({ bucket: 'any' }).replace('"ec2:DescribeVolumes", ', '')]);
    const analyzed = await aws.command(['analyze', path]);
    aws.allowRole([shippedPolicy({ bucket: 'any' })]);
    expect(analyzed.status, said(analyzed)).toBe(0);
    expect(analyzed.stderr).toMatch(/us-east-1 cannot be asked about its volumes.*ec2:DescribeVolumes/);
    // What was told of snapshots is kept.
    expect(analyzed.stdout).toContain(`${first} ${date} 0.6 GB`);
  });

  it('of one region that refuses is shown with what the others tell', async () => {
    const policy = JSON.parse(shippedPolicy({ bucket: 'any' })) as { Statement: object[] };
    const Condition = { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } };
    policy.Statement.push({ Effect: 'Deny', Action: 'ec2:Describe*', Resource: '*', Condition });
    aws.allowRole([JSON.stringify(policy)]);
    const analyzed = await aws.command(['analyze', path]);
    aws.allowRole([shippedPolicy({ bucket: 'any' })]);
    expect(analyzed.status, said(analyzed)).toBe(0);
    expect(analyzed.stderr).toMatch(/^Warning: eu-west-1 cannot be asked about its snapshots: /m);
    expect(analyzed.stderr).not.toContain('us-east-1');
    expect(withoutIds(analyzed.stdout).startsWith(expected()), analyzed.stdout).toBe(true);
  });

  it('with --analyze takes every option of analyze, wherever it stands', async () => {
    const page = join(aws.folder, 'dashed.html');
    const analyzed = await aws.command([
      '--json',
      '--analyze',
      path,
      '--offline',
      '--compression-ratio',
      '2',
      '--html',
      page,
    ]);
    expect(analyzed.status, said(analyzed)).toBe(0);
    expect(analyzed.events.at(-1)).toMatchObject({ kind: 'analysis', compressionRatio: 2, currency: 'USD' });
    expect(await readFile(page, 'utf8')).toContain('<h1>EBS snapshots cost');
    const equals = await aws.command([`--analyze=${path}`, '--offline', '--csv']);
    expect(equals.stdout).toMatch(/^region,account,/);
    const refused = await aws.command(['--analyze', path, '--bucket', 'bucket']);
    expect([refused.status, refused.stderr]).toEqual([
      2,
      expect.stringContaining('"--bucket" is not an option of snap-to-s3 analyze'),
    ]);
  });

  it('of copies has each of them by itself', async () => {
    const made = await Promise.all(
      [first, second].map((SourceSnapshotId) =>
        aws.ec2.send(new CopySnapshotCommand({ SourceRegion: 'us-east-1', SourceSnapshotId })),
      ),
    );
    const ids = made.map(({ SnapshotId = '' }) => SnapshotId);
    const completed = async (): Promise<true | undefined> => {
      const { Snapshots = [] } = await aws.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: ids }));
      expect(Snapshots.map(({ VolumeId }) => VolumeId)).toEqual(['vol-ffffffff', 'vol-ffffffff']);
      return Snapshots.every(({ State }) => State === 'completed') ? true : undefined;
    };
    expect(await poll(completed, { clock: systemClock, intervalMs: 50, timeoutMs: 30_000 })).toBe(true);
    const lines = ids.map((snapshot): ReportLine => {
      const [start, end] = ['2026-05-20T00:00:00', '2026-05-21T00:00:00'];
      return { snapshot, region: 'us-east-1', account: '123456789012', start, end, amount: '0.02', cost: '0.001' };
    });
    const text = csv(records('cur-2', lines));
    const copies = await writeReport(aws.folder, text, { packing: 'parquet', name: 'copies' });
    const analyzed = await aws.command(['analyze', copies, '--json']);
    expect(analyzed.status, said(analyzed)).toBe(0);
    const volumes = analyzed.events.filter(({ kind }) => kind === 'volume');
    expect(volumes).toHaveLength(2);
    for (const one of volumes) {
      expect(one).toMatchObject({
        origin: 'copy',
        snapshots: [{}],
        advice: { action: 'leave', reason: 'copy', move: [] },
      });
    }
  });

  it('with lines that cannot be read says which, and goes on', async () => {
    const bad = await writeReport(
      aws.folder,
      csv(
        records('legacy', [
          { ...(anyLine as ReportLine), snapshot: first },
          { ...(anyLine as ReportLine), snapshot: second, cost: '' },
        ]),
      ),
      { packing: 'csv', name: 'bad.csv' },
    );
    const analyzed = await aws.command(['analyze', bad, '--offline']);
    expect(analyzed.status, said(analyzed)).toBe(0);
    expect(analyzed.stderr).toBe(
      `1 line could not be read. The first:\n  ${bad}, line 3: its lineItem/UnblendedCost is empty\n`,
    );
    expect(analyzed.stdout).toContain('for 1 snapshot)');
  });

  it('that is interrupted leaves nothing, and says so by its status', async () => {
    const temporary = await mkdtemp(join(aws.folder, 'interrupted-'));
    const child = spawn(process.execPath, ['dist/bin/snap-to-s3.cjs', 'analyze', '-', '--offline'], {
      env: { ...aws.environment, TMPDIR: temporary },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined);
    child.stdin.write('identity/LineItemId,');
    const ended = new Promise((resolve) => child.once('close', resolve));
    const hasBegun = async (): Promise<true | undefined> => {
      const [folder] = await readdir(temporary);
      if (folder === undefined) return undefined;
      return (await readdir(join(temporary, folder))).includes('standard-input') ? true : undefined;
    };
    expect(await poll(hasBegun, { clock: systemClock, intervalMs: 20, timeoutMs: 30_000 })).toBe(true);
    child.kill('SIGINT');
    expect([await ended, stderr]).toEqual([130, expect.stringMatching(/^SIGINT: .*\nInterrupted\.\n$/)]);
    expect(await readdir(temporary)).toEqual([]);
  });

  it('of an account whose snapshots EC2 does not know is shown without dates, and the account is named', async () => {
    const lines = [
      [first, '123456789012'],
      ['snap-0123456789abcdef1', '999999999999'],
    ].map(([snapshot = '', account = '']): ReportLine => {
      const [start, end] = ['2026-05-20T00:00:00', '2026-05-21T00:00:00'];
      return { snapshot, region: 'us-east-1', account, start, end, amount: '0.02', cost: '0.001' };
    });
    const several = await writeReport(aws.folder, csv(records('focus', lines)), {
      packing: 'csv',
      name: 'several.csv',
    });
    const analyzed = await aws.command(['analyze', several]);
    expect(analyzed.status, said(analyzed)).toBe(0);
    expect(analyzed.stderr).toMatch(/^Warning: EC2 knows none of the snapshots of account 999999999999: /m);
    expect(analyzed.stderr).not.toContain('123456789012');
    expect(analyzed.stdout).toContain('Region us-east-1 of account 999999999999');
  });

  it('that is none, or not there, is a sentence', async () => {
    const none = await writeReport(aws.folder, 'a,b\n1,2\n', { packing: 'csv', name: 'none' });
    for (const [argv, sentence] of [
      [['analyze', none], /none is no cost report/],
      [['analyze', '/nowhere'], /nowhere cannot be read/],
      [['analyze', path, '--memory', '1MB'], /--memory "1MB" is no amount/],
      [['analyze', path, '--cost', 'effective'], /has no effective costs/],
    ] as const) {
      const refused = await aws.command(argv);
      expect(refused.status, said(refused)).toBe(2);
      expect(refused.stderr).toMatch(sentence);
      expect(refused.stderr).not.toMatch(/\n\s+at /);
    }
  });
});
