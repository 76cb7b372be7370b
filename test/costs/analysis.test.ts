import { describe, expect, it } from 'vitest';
import { analysisLines } from '../../src/cli/render/analysis.js';
import { adviceLines } from '../../src/cli/render/advice.js';
import { adviceCsv } from '../../src/cli/render/advice-csv.js';
import { advise, analyze, type RegionUsage } from '../../src/commands/index.js';
import { AppError, snapshotId, volumeId, type AppEvent } from '../../src/core/index.js';
import type { SnapshotUsage } from '../../src/costs/index.js';
import type { Ec2, Snapshot, Volume } from '../../src/source/index.js';

// Reports and what EC2 knows, brought together.

const usage = (at: number, more: Partial<SnapshotUsage> = {}): SnapshotUsage => ({
  snapshotId: snapshotId(`snap-${String(at).padStart(8, '0')}`),
  account: '123456789012',
  region: 'us-east-1',
  partition: 'aws',
  currency: 'USD',
  tier: 'standard',
  gibMonths: 10,
  dollarsPerMonth: 0.5,
  periodStart: '2026-05-20T00:00:00Z',
  ...more,
});
const known = ({ snapshotId: id }: SnapshotUsage, volume: string, description = ''): Snapshot =>
  ({
    snapshotId: id,
    volumeId: volumeId(volume),
    volumeGiB: 100,
    startTime: new Date('2026-05-01'),
    description,
    tags: {},
  }) as unknown as Snapshot;

async function* each<T>(all: readonly T[]): AsyncGenerator<T, void> {
  await Promise.resolve();
  yield* all;
}
const ec2With = (snapshots: readonly Snapshot[], volumes: () => AsyncGenerator<Volume, void> = () => each([])): Ec2 =>
  ({ ownSnapshots: () => each(snapshots), ownVolumes: volumes }) as unknown as Ec2;

async function analyzed(all: readonly SnapshotUsage[], ec2?: Ec2): Promise<[readonly RegionUsage[], AppEvent[]]> {
  const events: AppEvent[] = [];
  const { signal } = new AbortController();
  const ec2In = ec2 === undefined ? undefined : (): Ec2 => ec2;
  return [await analyze(all, { ec2In, events: (event) => events.push(event), signal }), events];
}
const settings = {
  destination: 'DEEP_ARCHIVE',
  compressionRatio: 1,
  keepNewest: undefined,
  mostPaybackMonths: 12,
  tag: 'snap-to-s3',
  priceFile: undefined,
} as const;
const context = { destination: 'DEEP_ARCHIVE', compressionRatio: 1, ratioFrom: 'assumed' } as const;

describe('snapshots that the end of the report has no more', () => {
  const [there, old, late] = [
    usage(1),
    usage(2, { periodStart: '2026-05-16T00:00:00Z', dollarsPerMonth: 7 }),
    usage(3, { periodStart: '2026-05-18T00:00:00Z' }),
  ];

  it('are told apart, and in no total', async () => {
    const [[region]] = await analyzed([there, old, late]);
    expect(region).toMatchObject({ snapshots: 2, dollarsPerMonth: 1, deleted: { snapshots: 1, dollarsPerMonth: 7 } });
    const lines = region === undefined ? [] : [...analysisLines([region])];
    expect(lines[0]).toBe('Region us-east-1 ($1.00/month for 2 snapshots)');
    expect(lines.at(-1)).toBe('Deleted before the end of the report, and not counted: $7.00/month for 1 snapshot');
    expect(lines.join('\n')).not.toContain(old.snapshotId);
  });

  it('count where EC2 still knows them, and by the end of their own account', async () => {
    const [[asked]] = await analyzed([there, old], ec2With([known(old, 'vol-00000001')]));
    expect(asked).toMatchObject({ snapshots: 2, deleted: { snapshots: 0 } });
    const elsewhere = { ...old, account: '999999999999' };
    const [regions] = await analyzed([there, elsewhere]);
    expect(regions.map(({ deleted }) => deleted.snapshots)).toEqual([0, 0]);
  });
});

it('copies have no volume: each stands alone, and is left', async () => {
  const all = [1, 2, 3].map((at) => usage(at));
  const facts = all.map((one) => known(one, 'vol-ffffffff'));
  const [[region]] = await analyzed(all, ec2With(facts));
  expect(region?.volumes.map(({ origin, volumeId: id, snapshots }) => [origin, id, snapshots.length])).toEqual(
    all.map(() => ['copy', undefined, 1]),
  );
  const advised = advise(region === undefined ? [] : [region], settings);
  expect(advised[0]?.volumes.map(({ advice }) => [advice.action, advice.reason])).toEqual(
    all.map(() => ['leave', 'copy']),
  );
  const text = [...adviceLines(advised, context)].join('\n');
  for (const { snapshotId: id } of all) expect(text).toContain(`${id} (100GB, copy)`);
});

it('where volumes may not be asked about, dates and sizes are known, and nothing is taken for deleted', async () => {
  const refused = async function* (): AsyncGenerator<Volume, void> {
    await Promise.resolve();
    yield* [];
    throw new AppError('access-denied', 'You may not ec2:DescribeVolumes.', { hint: '' });
  };
  const all = [usage(1), usage(2)];
  const facts = all.map((one) => known(one, 'vol-00000001'));
  const [[region], events] = await analyzed(all, ec2With(facts, refused));
  expect(region?.volumes).toMatchObject([{ volumeId: 'vol-00000001', volumeGiB: 100, isDeleted: undefined }]);
  expect(events).toMatchObject([
    { kind: 'warning', text: expect.stringMatching(/us-east-1.*its volumes.*DescribeVolumes/) },
  ]);
  // The newest stays, as if the volume were there.
  const advised = advise(region === undefined ? [] : [region], { ...settings, mostPaybackMonths: 1_000 });
  expect(advised[0]?.volumes[0]?.advice.move).toHaveLength(1);
});

describe('amounts in another currency', () => {
  const cny = { currency: 'CNY', partition: 'aws-cn', region: 'cn-north-1' } as const;

  it('are shown in it, and no price of another is held against them', async () => {
    const all = [usage(1, cny), usage(2, cny)];
    const [regions] = await analyzed(all, ec2With(all.map((one) => known(one, 'vol-00000001'))));
    expect([...analysisLines(regions)][0]).toBe('Region cn-north-1 (CNY 1.00/month for 2 snapshots)');
    const advised = advise(regions, settings);
    const lines = [...adviceLines(advised, context)];
    expect(lines.find((line) => line.startsWith('vol-'))).toMatch(
      /CNY 1\.00 +leave: prices in this currency are not known/,
    );
    expect(lines.join('\n')).not.toContain('$');
    const [head = '', row = ''] = [...adviceCsv(advised)];
    const cell = (name: string): string | undefined => row.split(',')[head.split(',').indexOf(name)];
    expect(['currency', 'ebs_month', 'standard_month', 'full_copy_gib', 'saves_month'].map(cell)).toEqual([
      'CNY',
      '1',
      '',
      '',
      '',
    ]);
  });

  it('are never added to those in dollars', async () => {
    await expect(analyzed([usage(1), usage(2, { ...cny, account: '999999999999' })])).rejects.toThrow(
      'The reports are in several currencies, which cannot be added up: USD (account 123456789012), CNY (account 999999999999).',
    );
  });
});

it('names cannot become formulas of a spreadsheet', async () => {
  const all = [usage(1)];
  const volume = { volumeId: volumeId('vol-00000001'), sizeGiB: 100, tags: { Name: '=HYPERLINK("http://x","y")' } };
  const ec2 = ec2With(
    all.map((one) => known(one, 'vol-00000001')),
    () => each([volume as unknown as Volume]),
  );
  const [regions] = await analyzed(all, ec2);
  const [, row] = [...adviceCsv(advise(regions, settings))];
  expect(row).toContain(`,"'=HYPERLINK(""http://x"",""y"")",`);
});
