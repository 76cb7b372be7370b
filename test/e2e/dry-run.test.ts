import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DescribeSnapshotsCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesystemOn, localAws, type LocalAws } from '../support/local-aws.js';

// `migrate --dry-run` tells and changes nothing.

let aws: LocalAws;
let bucket = '';
let snapshots: readonly string[] = [];
beforeAll(async () => {
  aws = await localAws();
  bucket = await aws.bucket();
  snapshots = await aws.snapshots(
    (device) => filesystemOn(device, 'ext4', (path) => writeFile(join(path, 'file'), 'content')),
    3,
    { description: 'nightly\u001b[2J', sizeGiB: 2 },
  );
});
afterAll(() => aws[Symbol.asyncDispose]());

async function everything() {
  const tags = await Promise.all(snapshots.map((id) => aws.tags(id)));
  return { tags, volumes: await aws.volumes(), keys: await aws.keys(bucket), left: await aws.leftovers() };
}

interface Planned {
  readonly kind: string;
  readonly snapshotId?: string;
  readonly isArchived?: boolean;
  readonly readBytes?: number;
  readonly storedDollarsPerMonth?: { readonly low: number; readonly high: number };
  readonly error?: { readonly code: string };
}
const records = (events: readonly unknown[]): readonly Planned[] => events as readonly Planned[];

describe('migrate --dry-run', () => {
  it('tells order, bytes and dollars, and nothing at all is changed, by a role that may only look', async () => {
    const before = await everything();
    const looking = ['ec2:DescribeSnapshots', 's3:ListBucket'];
    aws.allowRole([
      JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: looking, Resource: '*' }] }),
    ]);
    const finished = await aws.command(['migrate', '--all', '--dd', '--bucket', bucket, '--dry-run']);
    expect(finished).toMatchObject({ status: 0, stderr: '' });
    const lines = finished.stdout.trimEnd().split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(finished.stdout).not.toContain('\u001b');
    const rows = lines.filter((line) => line.startsWith('snap-'));
    expect(rows.map((line) => line.slice(0, 22))).toEqual([...snapshots]);
    // 2 GiB at 0.023 dollars, half of it or all of it.
    for (const row of rows) expect(row).toMatch(/ {2}2\.00 GiB +1\.00-2\.00 GiB +0\.02-0\.05$/);
    const [heading = '', row = '', total = ''] = [lines[0], rows[0], lines.find((line) => line.startsWith('3 '))];
    expect([row.length, total.length]).toEqual([heading.length, heading.length]);
    expect(total).toMatch(/^3 snapshots +6\.00 GiB +3\.00-6\.00 GiB +0\.07-0\.14$/);
    expect(lines).toContain('Prices of us-east-1: list prices of 2026-11-01.');
    expect(lines.at(-1)).toBe('Nothing was changed.');
    expect(await everything()).toEqual(before);
  });

  it('as NDJSON -> a record for each, and one for all; DEEP_ARCHIVE costs what it costs', async () => {
    const argv = [
      'migrate',
      '--one',
      '--dd',
      '--bucket',
      bucket,
      '--dry-run',
      '--json',
      '--storage-class',
      'DEEP_ARCHIVE',
    ];
    const { status, events } = await aws.command(argv);
    expect(status).toBe(0);
    const [, planned, all] = records(events);
    expect(planned).toMatchObject({ kind: 'would-migrate', snapshotId: snapshots[0], readBytes: 2 * 1024 ** 3 });
    expect(planned?.storedDollarsPerMonth?.high).toBeCloseTo(2 * 0.00099, 9);
    expect(all).toMatchObject({ kind: 'plan-finished', snapshots: 1, wouldFail: 0 });

    const file = join(aws.folder, 'prices.json');
    const storage = { DEEP_ARCHIVE: { perGiBMonth: 7 } };
    await writeFile(file, JSON.stringify({ date: '2026-01-31', regions: { 'us-east-1': { storage } } }));
    const dear = await aws.command([...argv, '--prices', file]);
    expect(records(dear.events)[1]?.storedDollarsPerMonth?.high).toBe(14);
    expect(dear.events[0]).toMatchObject({ kind: 'plan', prices: { source: 'file', date: '2026-01-31' } });
  });

  it('of a tar reads what was ever written to the volume, which EC2 tells', async () => {
    const argv = ['migrate', '--one', '--bucket', bucket, '--dry-run'];
    const [, planned] = records((await aws.command([...argv, '--json'])).events);
    const { Snapshots } = await aws.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshots[0] ?? ''] }));
    expect(planned?.readBytes).toBe(Snapshots?.[0]?.FullSnapshotSizeInBytes);
    expect(planned?.readBytes).toBeGreaterThan(0);
    expect(planned?.readBytes).toBeLessThan(100 * 1024 ** 2);
    expect((await aws.command(argv)).stdout).toMatch(/ <0\.01$/m);
  });

  it('of what cannot be migrated -> why, and exit status 1; of what is archived already -> that', async () => {
    aws.allowRole([
      JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }),
    ]);
    const [first = ''] = snapshots;
    expect((await aws.command(['migrate', '--snapshots', first, '--bucket', bucket])).status).toBe(0);
    const missing = 'snap-0123456789abcdef0';
    const argv = ['migrate', '--snapshots', first, missing, '--bucket', bucket, '--dry-run'];
    const { status, events } = await aws.command([...argv, '--json']);
    expect(status).toBe(1);
    const [, archived, failing] = records(events);
    expect(archived).toMatchObject({ snapshotId: first, isArchived: true });
    expect(failing).toMatchObject({ kind: 'would-fail', snapshotId: missing, error: { code: 'not-found' } });
    const { stdout } = await aws.command(argv);
    expect(stdout).toContain('It is archived already;');
    expect(stdout).toMatch(new RegExp(`${missing} {2}would fail: .* does not exist`));
  });
});
