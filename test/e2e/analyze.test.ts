import { readFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shippedPolicy } from '../../sandbox/iam/index.js';
import { csv, records, writeReport, type ReportLine } from '../costs/report/make-report.js';
import { filesystemOn, localAws, type Finished, type LocalAws } from '../support/local-aws.js';

// `snap-to-s3 analyze` and `--analyze`, with what the local EC2 knows of the snapshots.

let aws: LocalAws;
let [first, second] = ['', ''];
let path = '';
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
    expect(analyzed.stderr).toMatch(/us-east-1 cannot be asked .*ec2:DescribeVolumes/);
    expect(analyzed.stdout).toContain(`${first} of unknown date 0.6 GB`);
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
