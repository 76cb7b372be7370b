import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shippedPolicy } from '../../sandbox/iam/index.js';
import { formatBytes } from '../../src/core/index.js';
import { csv, records, type ReportLine } from '../costs/report/make-report.js';
import { filesystemOn, localAws, type Finished, type LocalAws } from '../support/local-aws.js';

// From a report in S3 to tagged snapshots to archives; and the prices, from the local Price List.

let aws: LocalAws;
let [reports, archives] = ['', ''];
let ids: readonly string[] = [];

const account = '123456789012';
function line(snapshot: string, amount: string, [month, day]: readonly [number, number]): ReportLine {
  const date = (of: number): string => new Date(Date.UTC(2026, month - 1, of)).toISOString().slice(0, 19);
  const cost = String(Number(amount) * 0.05);
  return { snapshot, region: 'us-east-1', account, start: date(day), end: date(day + 1), amount, cost };
}
async function put(key: string, body: string | Buffer): Promise<void> {
  await aws.s3.send(new PutObjectCommand({ Bucket: reports, Key: key, Body: body }));
}
/** One delivery of a data export. */
async function deliver(period: string, execution: string, lines: readonly ReportLine[]): Promise<void> {
  const key = `exports/all/data/BILLING_PERIOD=${period}/${execution}/all-00001.csv.gz`;
  await put(key, gzipSync(csv(records('cur-2', lines))));
  const manifest = JSON.stringify({ dataFiles: [`s3://${reports}/${key}`] });
  await put(`exports/all/metadata/BILLING_PERIOD=${period}/${execution}/all-Manifest.json`, manifest);
}
const readReports = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: ['s3:GetObject', 's3:ListBucket'], Resource: ['arn:aws:s3:::bucket-1*'] },
    { Effect: 'Allow', Action: 'pricing:GetProducts', Resource: '*' },
  ],
});

beforeAll(async () => {
  aws = await localAws();
  [reports, archives] = [await aws.bucket(), await aws.bucket()];
  aws.allowRole([shippedPolicy({ bucket: archives }), readReports]);
  ids = await aws.snapshots((device) => filesystemOn(device, 'ext4'), 3, { tags: {} });
  const [first = '', second = '', third = ''] = ids;
  // An old delivery says a hundred times as much, and October is another matter.
  await deliver('2026-10', 'a', [line(first, '0.01', [10, 31])]);
  await deliver('2026-11', 'b', [line(first, '3', [11, 2]), line(second, '3', [11, 2])]);
  await deliver('2026-11', 'c', [
    line(first, '0.04', [11, 2]),
    line(second, '0.03', [11, 2]),
    line(third, '0.03', [11, 2]),
    line('snap-0123456789abcdef0', '0.03', [11, 2]),
  ]);
}, 120_000);
afterAll(() => aws[Symbol.asyncDispose]());

const said = ({ stdout, stderr }: Finished): string => stdout + stderr;
const source = (): string => `s3://${reports}/exports/`;
/** Runs the command with a terminal for its output and its errors alike. */
async function onTerminal(argv: readonly string[]): Promise<{ readonly status: number | null; readonly text: string }> {
  const inTerminal = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
  const words = ['-c', inTerminal, process.execPath, 'dist/bin/snap-to-s3.cjs', ...argv];
  const child = spawn('python3', words, { env: { ...aws.environment }, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, text: text.replaceAll('\r\n', '\n') };
}
// A GiB costs five cents, and moving it fifteen.
const patient = ['--payback-months', '24'];

describe('a report in S3', () => {
  it('is read by its newest manifest, from S3 to advice', async () => {
    const analyzed = await aws.command(['analyze', source(), ...patient, '--json']);
    expect(analyzed.status, said(analyzed)).toBe(0);
    const [region, volume] = analyzed.events;
    expect(region).toMatchObject({ kind: 'region', region: 'us-east-1', snapshots: 4 });
    expect((region as unknown as { dollarsPerMonth: number }).dollarsPerMonth).toBeCloseTo(0.05 * 0.13 * 30, 9);
    expect(volume).toMatchObject({ kind: 'volume', isDeleted: true, advice: { action: 'move-all', move: ids } });
    expect(analyzed.events.at(-1)).toMatchObject({ kind: 'analysis', snapshotsToMove: 3, volumesToMove: 1 });
    expect(await aws.leftovers()).toEqual([]);
  });

  it('of several months shows what was billed in each', async () => {
    const page = join(aws.folder, 'page.html');
    const analyzed = await aws.command(['analyze', source(), '--months', '2', '--html', page]);
    expect(analyzed.status, said(analyzed)).toBe(0);
    expect(analyzed.stderr).toContain(`The page is ${page}`);
    const html = await readFile(page, 'utf8');
    expect(html).toContain('<th scope="row">2026-10-31</th>');
    expect(html).toContain('<th scope="row">2026-11-02</th>');
    for (const id of ids) expect(analyzed.stdout).toContain(id);
  });

  it('shows on a terminal what is fetched, the newest period first, with how much of all there is', async () => {
    const sizes: number[] = [];
    for (const [period, date] of [
      ['2026-10', [10, 31]],
      ['2026-11', [11, 2]],
    ] as const) {
      const lines = Array.from({ length: 20 }, () => ({ ...line(ids[0] ?? '', '0.04', date), tag: 'x'.repeat(1e6) }));
      const key = `large/all/data/BILLING_PERIOD=${period}/all-00001.csv`;
      const text = csv(records('cur-2', lines));
      sizes.push(text.length);
      await put(key, text);
      const manifest = JSON.stringify({ dataFiles: [`s3://${reports}/${key}`] });
      await put(`large/all/metadata/BILLING_PERIOD=${period}/all-Manifest.json`, manifest);
    }
    const total = formatBytes((sizes[0] ?? 0) + (sizes[1] ?? 0));
    const { status, text } = await onTerminal(['analyze', `s3://${reports}/large/`, '--months', '2', '--offline']);
    expect(status, text).toBe(0);
    const told = [...text.matchAll(/^Fetching (\d) of 2: (s3:\S+); (.+) of (.+)\.$/gm)];
    const periodOf = (url = ''): string | undefined => /BILLING_PERIOD=([\d-]+)/.exec(url)?.[1];
    expect(told.map(([, number, url]) => `${number ?? ''} ${periodOf(url) ?? ''}`)).toEqual([
      ...Array.from({ length: told.filter(([, number]) => number === '1').length }, () => '1 2026-11'),
      ...Array.from({ length: told.filter(([, number]) => number === '2').length }, () => '2 2026-10'),
    ]);
    // Of each file its beginning, its end, and something between.
    expect(told.filter(([, number]) => number === '1').length).toBeGreaterThan(2);
    expect(told.filter(([, number]) => number === '2').length).toBeGreaterThan(2);
    expect(new Set(told.map(([, , , , of]) => of))).toEqual(new Set([total]));
    expect([told[0]?.[3], told.at(-1)?.[3]]).toEqual(['0 B', total]);
    expect(text).toMatch(/^Reading s3:\/\/.*2026-11.* \(.*\)\.$/m);
  });

  it('without a manifest is read as it is; where there is none, that is a sentence', async () => {
    await put('plain/report.csv', csv(records('focus', [line(ids[0] ?? '', '0.04', [11, 2])])));
    const plain = await aws.command(['analyze', `s3://${reports}/plain`, '--json', '--offline']);
    expect(plain.status, said(plain)).toBe(0);
    expect(plain.events[0]).toMatchObject({ kind: 'region', snapshots: 1 });
    for (const [argv, sentence] of [
      [[`s3://${reports}/nothing`], /There is no report below s3:\/\/bucket-1\S+\/nothing/],
      [['s3://bucket-12345.example.com/x'], /bucket-12345\.example\.com/],
      [['s3:///x'], /names no bucket/],
      [[source(), '--offline', '--tag-recommended'], /--offline asks nobody/],
      [[source(), '--csv', '--json'], /exclude each other/],
      [[source(), '--html', '/nowhere/at/all.html'], /The page cannot be written/],
      [[source(), '--compression-of', reports], /has no tar archive/],
    ] as const) {
      const refused = await aws.command(['analyze', ...argv]);
      expect(refused.status, said(refused)).not.toBe(0);
      expect(refused.stderr).toMatch(sentence);
      expect(refused.stderr).not.toMatch(/\n\s+at /);
    }
    expect(await aws.leftovers()).toEqual([]);
  });

  it('as CSV has a line for each volume', async () => {
    const analyzed = await aws.command(['analyze', source(), ...patient, '--csv']);
    expect(analyzed.status, said(analyzed)).toBe(0);
    const rows = parse(analyzed.stdout, { columns: true }) as readonly Record<string, string>[];
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ region: 'us-east-1', volume_deleted: 'true', snapshots: '3', move_snapshots: '3' });
    expect(rows[1]).toMatchObject({ volume_id: '', action: 'leave', reason: 'unknown-volume' });
    // Nothing is invented of what is not known.
    for (const name of ['saves_month', 'full_copy_gib', 'standard_month', 'deep_archive_month', 'ebs_archive_month']) {
      expect([name, rows[1]?.[name]]).toEqual([name, '']);
      expect(Number(rows[0]?.[name])).toBeGreaterThan(0);
    }
    expect(rows[0]).toMatchObject({
      currency: 'USD',
      prices_of: 'us-east-1',
      prices_own: 'all',
      prices_source: 'list',
      prices_date: '2026-11-01',
    });
  });

  it('ends in tags, and those in archives', async () => {
    const dry = await aws.command(['analyze', source(), ...patient, '--tag-recommended', '--dry-run']);
    expect(dry.status, said(dry)).toBe(0);
    expect(dry.stderr).toContain('3 snapshots would be tagged snap-to-s3=migrate.');
    expect(await aws.tags(ids[0] ?? '')).toEqual({});

    const tagged = await aws.command(['analyze', source(), ...patient, '--tag-recommended']);
    expect(tagged.status, said(tagged)).toBe(0);
    expect(tagged.stderr).toContain('3 snapshots are tagged snap-to-s3=migrate.');
    expect(tagged.stderr).toContain('sudo snap-to-s3 migrate --all --bucket …');
    expect(tagged.stderr).toContain('let a lifecycle rule take them to DEEP_ARCHIVE');
    for (const id of ids) expect(await aws.tags(id)).toEqual({ 'snap-to-s3': 'migrate' });

    const again = await aws.command(['analyze', source(), ...patient, '--tag-recommended']);
    expect(again.stderr).toContain('0 snapshots are tagged snap-to-s3=migrate. 3 others had the tag already.');

    const migrated = await aws.command(['migrate', '--all', '--storage-class', 'DEEP_ARCHIVE', '--bucket', archives]);
    expect(migrated.status, said(migrated)).toBe(0);
    for (const id of ids) expect(await aws.tags(id)).toMatchObject({ 'snap-to-s3': 'migrated' });

    const after = await aws.command(['analyze', source(), ...patient, '--compression-of', archives, '--json']);
    expect(after.status, said(after)).toBe(0);
    expect(after.events[1]).toMatchObject({ advice: { action: 'leave', reason: 'nothing-to-move', alreadyMoved: 3 } });
    const { compressionRatio, ratioFrom } = after.events.at(-1) as unknown as {
      compressionRatio: number;
      ratioFrom: string;
    };
    expect(compressionRatio).toBeGreaterThan(1);
    expect(ratioFrom).toBe(`measured by 3 archives in s3://${archives}`);
    expect(await aws.leftovers()).toEqual([]);
  });

  it('of snapshots that may not be tagged names each of them', async () => {
    const other = await aws.snapshot((device) => filesystemOn(device, 'ext4'), { tags: {} });
    await put('other/report.csv', csv(records('legacy', [line(other, '0.04', [11, 2])])));
    const policy = JSON.parse(shippedPolicy({ bucket: archives })) as { Statement: { Sid: string }[] };
    const Statement = policy.Statement.filter(({ Sid }) => Sid !== 'MarkSnapshots');
    aws.allowRole([JSON.stringify({ ...policy, Statement }), readReports]);
    const refused = await aws.command(['analyze', `s3://${reports}/other`, ...patient, '--tag-recommended']);
    aws.allowRole([shippedPolicy({ bucket: archives }), readReports]);
    expect(refused.status, said(refused)).toBe(3);
    expect(refused.stderr).toMatch(new RegExp(`${other} in us-east-1 is not tagged: .*ec2:CreateTags`));
    expect(await aws.tags(other)).toEqual({});
  });
});

describe('prices', () => {
  it('are those of the list, until they are refreshed from the Price List', async () => {
    const data = join(aws.folder, 'data');
    await mkdir(data);
    const env = { XDG_DATA_HOME: data };
    const listed = await aws.command(['prices'], { env });
    expect(listed.status, said(listed)).toBe(0);
    expect(listed.stdout).toMatch(/^eu-central-1 +2026-11-01 +our list +0\.054 +0\.0135 +0\.0245 +0\.0135 /m);

    const refreshed = await aws.command(['prices', 'refresh', '--json'], { env });
    expect(refreshed.status, said(refreshed)).toBe(0);
    const path = join(data, 'snap-to-s3', 'prices.json');
    expect(refreshed.events).toMatchObject([
      { kind: 'refreshed', path, regions: ['eu-central-1', 'us-east-1', 'us-west-2'] },
    ]);
    const file = JSON.parse(await readFile(path, 'utf8')) as { date: string; regions: Record<string, unknown> };
    const today = new Date().toISOString().slice(0, 10);
    expect(file.date).toBe(today);
    expect(file.regions['us-east-1']).toEqual({
      snapshotPerGiBMonth: 0.05,
      snapshotArchive: { perGiBMonth: 0.0125, restorePerGiB: 0.03 },
      directReadPerThousandBlocks: 0.003,
      volumePerGiBMonth: { standard: 0.05, gp2: 0.1, gp3: 0.08, io1: 0.125, io2: 0.125, st1: 0.045, sc1: 0.015 },
      storage: {
        STANDARD: { perGiBMonth: 0.023, perThousandPuts: 0.005 },
        STANDARD_IA: { perGiBMonth: 0.0125, perThousandPuts: 0.01, retrievalPerGiB: 0.01 },
        ONEZONE_IA: { perGiBMonth: 0.01, perThousandPuts: 0.01, retrievalPerGiB: 0.01 },
        INTELLIGENT_TIERING: { perGiBMonth: 0.023, perThousandPuts: 0.005 },
        GLACIER_IR: { perGiBMonth: 0.004, perThousandPuts: 0.02, retrievalPerGiB: 0.03 },
        GLACIER: {
          perGiBMonth: 0.0036,
          perThousandPuts: 0.03,
          retrievalPerGiB: 0.01,
          expeditedPerGiB: 0.03,
          bulkPerGiB: 0,
        },
        DEEP_ARCHIVE: { perGiBMonth: 0.00099, perThousandPuts: 0.05, retrievalPerGiB: 0.02, bulkPerGiB: 0.0025 },
      },
    });
    const now = await aws.command(['prices', '--json'], { env });
    expect(now.events).toMatchObject(
      ['eu-central-1', 'us-east-1', 'us-west-2'].map((region) => ({ kind: 'prices', region, date: today })),
    );
    const estimate = await aws.command(['estimate'], { env });
    expect(estimate.stdout).toContain(`Prices of us-east-1: AWS's Price List of ${today}.`);

    const analyzed = await aws.command(['analyze', source(), '--offline', '--json'], { env });
    expect(analyzed.events[0]).toMatchObject({ prices: { region: 'us-east-1', source: 'refresh', date: today } });

    // Refreshing one region leaves the others as they were.
    const old = { ...file, date: '2026-01-01' };
    await writeFile(path, JSON.stringify(old));
    const again = await aws.command(['prices', 'refresh', 'us-west-2'], { env });
    expect(again.status, said(again)).toBe(0);
    const merged = JSON.parse(await readFile(path, 'utf8')) as typeof file;
    expect(merged.regions['us-east-1']).toEqual({ ...(file.regions['us-east-1'] as object), date: '2026-01-01' });
    expect(merged.regions['us-west-2']).toEqual(file.regions['us-west-2']);
  });

  it('of one region go to the file that is named; one that there is not is told', async () => {
    const path = join(aws.folder, 'own-prices.json');
    const refreshed = await aws.command(['prices', 'refresh', 'us-west-2', 'xx-none-1', '--prices', path]);
    expect(refreshed.status, said(refreshed)).toBe(1);
    expect(refreshed.stderr).toContain('The Price List has no prices of xx-none-1.');
    const file = JSON.parse(await readFile(path, 'utf8')) as { regions: Record<string, unknown> };
    expect(Object.keys(file.regions)).toEqual(['us-west-2']);

    const own = join(aws.folder, 'handwritten.json');
    const text = '{"date":"2026-01-31","regions":{}}';
    await writeFile(own, text);
    const refused = await aws.command(['prices', 'refresh', '--prices', own]);
    expect([refused.status, await readFile(own, 'utf8')]).toEqual([2, text]);
    expect(refused.stderr).toContain(`${own} was not written by prices refresh, and is left as it is.`);
    const before = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');

    aws.allowRole([shippedPolicy({ bucket: archives })]);
    const denied = await aws.command(['prices', 'refresh', '--prices', path]);
    aws.allowRole([shippedPolicy({ bucket: archives }), readReports]);
    expect(denied.status, said(denied)).toBe(1);
    expect(denied.stderr).toContain('pricing:GetProducts');
    expect(
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    ).toBe(before);
    for (const argv of [
      ['prices', 'renew'],
      ['prices', 'refresh', 'nowhere', '--prices', path],
    ]) {
      const refused = await aws.command(argv);
      expect(refused.status, said(refused)).not.toBe(0);
      expect(refused.stderr).toMatch(/"renew" is nothing|no prices of the regions/);
    }
  });
});
