import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/process/index.js';
import { readReport, reportFiles, type CostKind, type ReadReport } from '../../../src/costs/index.js';
import { csv, records, writeReport, type Packing, type ReportKind, type ReportLine } from './make-report.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-report-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const newFolder = (): Promise<string> => mkdtemp(join(folder, 'case-'));

async function read(
  paths: readonly string[],
  cost: CostKind = 'unblended',
  input = Readable.from([]),
): Promise<ReadReport> {
  const temporaryDirectory = await mkdtemp(join(folder, 'temporary-'));
  const files = await reportFiles({ paths, input, temporaryDirectory });
  return readReport(files, {
    cost,
    memoryBytes: 500e6,
    temporaryDirectory: join(temporaryDirectory, 'spilled'),
    threads: 2,
  });
}

const day = (number: number): { start: string; end: string } => {
  const text = (date: number): string => new Date(Date.UTC(2026, 4, date)).toISOString().slice(0, 19);
  return { start: text(number), end: text(number + 1) };
};
const hour = (number: number): { start: string; end: string } => {
  const text = (of: number): string => new Date(Date.UTC(2026, 4, 20, of)).toISOString().slice(0, 19);
  return { start: text(number), end: text(number + 1) };
};
const here = { region: 'us-west-2', account: '123456789012' };
const [one, two, three] = ['snap-0123456789abcdef1', 'snap-0123456789abcdef2', 'snap-01234567'];

/** May has 31 days, so that a day of 310 GiB-months is 10. */
const facts: readonly ReportLine[] = [
  { ...here, ...day(19), snapshot: one, amount: '5', cost: '0.25' },
  {
    ...here,
    ...day(20),
    snapshot: one,
    amount: '6',
    cost: '0.3',
    netCost: '0.2',
    tag: `a "quote", a ' and ); DROP TABLE usage; --`,
  },
  { ...here, ...day(20), snapshot: one, amount: '4', cost: '0.2', netCost: '0.1' },
  { ...here, ...day(20), snapshot: one, amount: '4', cost: '-9', type: 'Credit' },
  { ...here, ...day(20), snapshot: one, amount: '4', cost: '9', type: 'Tax' },
  { ...here, ...day(20), snapshot: one, amount: '-4', cost: '-9', type: 'Refund' },
  { ...here, ...day(18), snapshot: two, amount: '1.0E1', cost: '5e-1' },
  { ...here, ...day(20), snapshot: two, archive: true, amount: '20', cost: '0.25' },
  { region: 'us-east-1', account: '999999999999', ...day(20), snapshot: three, amount: '0.5', cost: '0.025' },
  {
    ...here,
    ...day(20),
    snapshot: one,
    amount: '99',
    cost: '99',
    usageType: 'USW2-EBS:VolumeUsage.gp2',
    resource: 'vol-1',
  },
  { ...here, ...day(20), snapshot: one, amount: '99', cost: '99', usageType: 'USW2-EBS:SnapshotArchiveRetrieval' },
];
const expected = [
  {
    snapshotId: one,
    account: here.account,
    region: here.region,
    partition: 'aws',
    currency: 'USD',
    tier: 'standard',
    gibMonths: 310,
    dollarsPerMonth: 15.5,
    periodStart: '2026-05-20T00:00:00Z',
  },
  {
    snapshotId: two,
    account: here.account,
    region: here.region,
    partition: 'aws',
    currency: 'USD',
    tier: 'archive',
    gibMonths: 620,
    dollarsPerMonth: 7.75,
    periodStart: '2026-05-20T00:00:00Z',
  },
  {
    snapshotId: three,
    account: '999999999999',
    region: 'us-east-1',
    partition: 'aws',
    currency: 'USD',
    tier: 'standard',
    gibMonths: 15.5,
    dollarsPerMonth: 0.775,
    periodStart: '2026-05-20T00:00:00Z',
  },
].sort((a, b) => (a.snapshotId < b.snapshotId ? -1 : 1));
/** One that no reader of CSV takes for a number, and one that lacks it. */
const unreadable: readonly ReportLine[] = [
  { ...here, ...day(20), snapshot: one, resource: one, amount: 'much', cost: '1' },
  { ...here, ...day(20), snapshot: two, resource: two, amount: '1', cost: '' },
];

const rounded = ({ usage }: ReadReport): readonly object[] =>
  usage.map(({ gibMonths, dollarsPerMonth, ...rest }) => ({
    ...rest,
    gibMonths: Number(gibMonths.toFixed(9)),
    dollarsPerMonth: Number(dollarsPerMonth.toFixed(9)),
  }));

describe('the same facts', () => {
  const kinds: readonly ReportKind[] = ['legacy', 'legacy in one interval', 'cur-2', 'focus', 'focus 1.2'];
  const packings: readonly Packing[] = ['csv', 'gzip', 'zip', 'parquet'];

  it.each(kinds.flatMap((kind) => packings.map((packing) => [kind, packing] as const)))(
    'as %s, %s, give the same answer',
    async (kind, packing) => {
      const path = await writeReport(await newFolder(), csv(records(kind, facts)), { packing, name: 'file' });
      const found = await read([path]);
      expect(rounded(found)).toEqual(expected);
      const days = found.days.map(({ day: of, dollars, gibMonths }) => [of, Number(dollars.toFixed(9)), gibMonths]);
      expect(days).toEqual([
        ['2026-05-18', 0.5, 10],
        ['2026-05-19', 0.25, 5],
        ['2026-05-20', 0.775, 30.5],
      ]);
    },
  );

  it('with columns in another order, a byte order mark and line ends of Windows', async () => {
    const all = records('legacy', facts);
    const text = `\uFEFF${csv(all, Object.keys(all[0] ?? {}).reverse()).replaceAll('\n', '\r\n')}`;
    const path = await writeReport(await newFolder(), text, { packing: 'csv', name: 'file' });
    expect(rounded(await read([path]))).toEqual(expected);
  });

  it('from standard input', async () => {
    const path = await writeReport(await newFolder(), csv(records('cur-2', facts)), { packing: 'gzip', name: 'file' });
    expect(rounded(await read(['-'], 'unblended', Readable.from([await readFile(path)])))).toEqual(expected);
  });

  it('in parts, as a folder or by their manifest', async () => {
    for (const kind of ['legacy', 'cur-2'] as const) {
      const at = await newFolder();
      const data = join(at, 'data', 'BILLING_PERIOD=2026-05');
      await mkdir(data, { recursive: true });
      for (const [part, lines] of [facts.slice(0, 2), facts.slice(2, 7), facts.slice(7)].entries()) {
        await writeReport(data, csv(records(kind, lines)), { packing: 'gzip', name: `export-0000${part + 1}.csv.gz` });
      }
      const keys = (await readdir(data)).map((name) => `prefix/export/data/BILLING_PERIOD=2026-05/${name}`);
      const manifest =
        kind === 'legacy' ? { reportKeys: keys } : { dataFiles: keys.map((key) => `s3://bucket/${key}`) };
      await mkdir(join(at, 'metadata'));
      const manifestPath = join(at, 'metadata', 'export-Manifest.json');
      await writeFile(manifestPath, JSON.stringify(manifest));
      expect(rounded(await read([at]))).toEqual(expected);
      expect(rounded(await read([manifestPath]))).toEqual(expected);
    }
  });

  it('of hours are those of the newest hour', async () => {
    const lines = [10, 12, 11].map((of) => ({ ...here, ...hour(of), snapshot: one, amount: String(of), cost: '0' }));
    const path = await writeReport(await newFolder(), csv(records('focus', lines)), { packing: 'csv', name: 'file' });
    const { usage } = await read([path]);
    expect(usage).toMatchObject([{ gibMonths: 12 * 31 * 24, periodStart: '2026-05-20T12:00:00Z' }]);
  });

  it('delivered twice count once: the newer delivery', async () => {
    const at = await newFolder();
    const deliveries = [
      ['older', '6', 1],
      ['newer', '10', 2],
      ['oldest', '3', 0],
    ] as const;
    const paths: string[] = [];
    for (const [name, amount, age] of deliveries) {
      await mkdir(join(at, name));
      const text = csv(records('legacy', [{ ...here, ...day(20), snapshot: one, amount, cost: '0.1' }]));
      const path = await writeReport(join(at, name), text, { packing: 'csv', name: 'report-1.csv' });
      await utimes(path, 1_000_000 + age, 1_000_000 + age);
      paths.push(path);
    }
    expect(rounded(await read(paths))).toMatchObject([{ gibMonths: 310 }]);
    expect(rounded(await read([...paths, ...paths]))).toMatchObject([{ gibMonths: 310 }]);
    expect(rounded(await read([at]))).toMatchObject([{ gibMonths: 310 }]);
  });

  it('of which the newer delivery says that the last period took nothing leave the period before', async () => {
    const at = await newFolder();
    const paths: string[] = [];
    for (const [name, amount, age] of [
      ['older', '6', 0],
      ['newer', '0', 1],
    ] as const) {
      await mkdir(join(at, name));
      const before = { ...here, ...day(19), snapshot: one, amount: '5', cost: '0.25' };
      const text = csv(records('legacy', [before, { ...before, ...day(20), amount }]));
      const path = await writeReport(join(at, name), text, { packing: 'csv', name: 'report-1.csv' });
      await utimes(path, 1_000_000 + age, 1_000_000 + age);
      paths.push(path);
    }
    expect(rounded(await read(paths))).toMatchObject([{ gibMonths: 155, periodStart: '2026-05-19T00:00:00Z' }]);
  });

  it('in parts, of which one takes back some of what another gives, are added up', async () => {
    const at = await newFolder();
    const first = { ...here, ...day(20), snapshot: one, amount: '6', cost: '0.3' };
    const parts = [
      [first],
      [
        { ...first, ...day(19), amount: '5' },
        { ...first, amount: '-2', cost: '-0.1' },
      ],
    ];
    for (const [part, lines] of parts.entries()) {
      await writeReport(at, csv(records('legacy', lines)), { packing: 'csv', name: `report-${part + 1}.csv` });
    }
    expect(rounded(await read([at]))).toMatchObject([{ gibMonths: 124, dollarsPerMonth: 6.2 }]);
  });

  it('in several zip files, one for each part, are added up', async () => {
    const at = await newFolder();
    for (const [part, lines] of [facts.slice(0, 2), facts.slice(2)].entries()) {
      const text = csv(records('legacy', lines));
      await writeReport(at, text, { packing: 'zip', name: `costreport-${part + 1}.csv.zip` });
    }
    await rm(join(at, 'costreport-1.csv.zip.plain.csv'));
    await rm(join(at, 'costreport-2.csv.zip.plain.csv'));
    expect(rounded(await read([at]))).toEqual(expected);
  });

  it('with several CSV files in one zip are added up', async () => {
    const at = await newFolder();
    for (const [part, lines] of [facts.slice(0, 2), facts.slice(2)].entries()) {
      await writeFile(join(at, `report-${part + 1}.csv`), csv(records('cur-2', lines)));
    }
    const path = join(at, 'whole');
    const zip =
      'import os, sys, zipfile; os.chdir(sys.argv[1]); z = zipfile.ZipFile("whole", "w", 8); [z.write(n) for n in sys.argv[2:]]';
    await run(['python3', '-c', zip, at, 'report-1.csv', 'report-2.csv']);
    expect(rounded(await read([path]))).toEqual(expected);
  });

  it('in a gzip file of several members are all there', async () => {
    const lines = csv(records('legacy', facts)).split('\n');
    const members = [lines.slice(0, 3), lines.slice(3)].map((some) =>
      gzipSync(some.join('\n') + (some.at(-1) === '' ? '' : '\n')),
    );
    const path = join(await newFolder(), 'file');
    await writeFile(path, Buffer.concat(members));
    expect(rounded(await read([path]))).toEqual(expected);
  });

  it.each(['csv', 'gzip', 'parquet'] as const)(
    'with bare ids instead of names of resources take region and account from their columns: %s',
    async (packing) => {
      const bare = facts.map((line) => ({ ...line, resource: line.resource ?? line.snapshot }));
      const text = csv(records('focus', [...bare, ...unreadable]));
      const path = await writeReport(await newFolder(), text, { packing, name: 'file' });
      const found = await read([path]);
      // Whose partition it is, only the name of a resource tells.
      expect(rounded(found)).toEqual(expected.map((one) => ({ ...one, partition: '' })));
      expect(found.unreadableLines).toBe(2);
    },
  );

  it.each([
    ['a region', (at: ReportLine) => `arn:aws:ec2:${at.region}::snapshot/${at.snapshot}`],
    ['an account', (at: ReportLine) => `arn:aws:ec2::${at.account}:snapshot/${at.snapshot}`],
    ['neither', (at: ReportLine) => `arn:aws:ec2:::snapshot/${at.snapshot}`],
  ])('with some names that tell %s alone take the rest from the columns', async (_, name) => {
    // The other snapshots have names that tell all.
    const mixed = facts.map((line) => (line.snapshot === one ? { resource: name(line), ...line } : line));
    const text = csv(records('cur-2', mixed));
    const path = await writeReport(await newFolder(), text, { packing: 'parquet', name: 'file' });
    const found = await read([path]);
    expect(rounded(found)).toEqual(expected);
    expect(found.days.map(({ dollars }) => Number(dollars.toFixed(9)))).toEqual([0.5, 0.25, 0.775]);
  });

  it.each([
    ['unpacked beside its gzip', ['costreport-1.csv', 'costreport-1.csv.gz']],
    ['downloaded on two days', ['costs-2026-05-20.csv.gz', 'costs-2026-05-21.csv.gz']],
    ['downloaded twice by a browser', ['costreport-1.csv.gz', 'costreport-1 (1).csv.gz']],
    ['downloaded at two times', ['costs-20260520.csv.gz', 'costs-20260521.csv.gz']],
  ])('of one report %s count once', async (_, names) => {
    const at = await newFolder();
    const text = csv(records('legacy', facts));
    for (const [age, name] of names.entries()) {
      const path = await writeReport(at, text, { packing: name.endsWith('.gz') ? 'gzip' : 'csv', name });
      await utimes(path, 1_000_000 + age, 1_000_000 + age);
    }
    const { days, ...found } = await read([at]);
    expect(rounded({ days, ...found })).toEqual(expected);
    expect(days.map(({ dollars }) => Number(dollars.toFixed(9)))).toEqual([0.5, 0.25, 0.775]);
  });

  it('of which one part was unpacked are still parts of one', async () => {
    const at = await newFolder();
    await writeReport(at, csv(records('legacy', facts.slice(0, 2))), { packing: 'csv', name: 'costreport-1.csv' });
    await writeReport(at, csv(records('legacy', facts.slice(2))), { packing: 'gzip', name: 'costreport-2.csv.gz' });
    expect(rounded(await read([at]))).toEqual(expected);
  });

  it('under names that are patterns for DuckDB are read from that file alone', async () => {
    const at = await newFolder();
    const other = csv(records('legacy', [{ ...here, ...day(20), snapshot: one, amount: '1000', cost: '1' }]));
    for (const packing of ['csv', 'gzip', 'parquet'] as const) {
      for (const [name, alike] of [
        ['a[1]b', 'a1b'],
        ['a*b', 'axb'],
        ['a?b', 'ayb'],
      ] as const) {
        const path = join(at, name);
        await rename(await writeReport(at, csv(records('legacy', facts)), { packing, name: 'file' }), path);
        await writeReport(at, other, { packing, name: alike });
        expect(rounded(await read([path])), path).toEqual(expected);
      }
    }
  });

  it('of China and GovCloud keep their partition', async () => {
    const lines = ['aws-cn', 'aws-us-gov'].map((partition, at) => ({
      ...here,
      ...day(20),
      partition,
      region: partition === 'aws-cn' ? 'cn-north-1' : 'us-gov-west-1',
      snapshot: [one, two][at] ?? '',
      amount: '1',
      cost: '1',
    }));
    const path = await writeReport(await newFolder(), csv(records('cur-2', lines)), {
      packing: 'parquet',
      name: 'file',
    });
    expect((await read([path])).usage.map(({ partition, region }) => [partition, region])).toEqual([
      ['aws-cn', 'cn-north-1'],
      ['aws-us-gov', 'us-gov-west-1'],
    ]);
  });
});

describe('odd lines', () => {
  const readLines = async (kind: ReportKind, lines: readonly ReportLine[]): Promise<ReadReport> =>
    read([await writeReport(await newFolder(), csv(records(kind, lines)), { packing: 'csv', name: 'file' })]);
  const line = (amount: string, cost: string, more: Partial<ReportLine> = {}): ReportLine => {
    return { ...here, ...day(20), snapshot: one, amount, cost, ...more };
  };

  it('that take something back count in their period', async () => {
    const found = await readLines('legacy', [line('10', '0.5'), line('-4', '-0.2')]);
    expect(rounded(found)).toMatchObject([{ gibMonths: 186, dollarsPerMonth: 9.3 }]);
  });

  it('that take back more than there is in their period leave the period before', async () => {
    const found = await readLines('cur-2', [line('10', '0.5', day(19)), line('1', '0.05'), line('-4', '-0.2')]);
    expect(rounded(found)).toMatchObject([{ gibMonths: 310, periodStart: '2026-05-19T00:00:00Z' }]);
  });

  it('of both tiers in one period are told apart', async () => {
    const found = await readLines('legacy', [line('10', '0.5'), line('20', '0.25', { archive: true })]);
    expect(rounded(found)).toMatchObject([
      { snapshotId: one, tier: 'standard', gibMonths: 310 },
      { snapshotId: one, tier: 'archive', gibMonths: 620 },
    ]);
  });

  it.each(['EdpDiscount', 'PrivateRateDiscount', 'BundledDiscount', 'RIFee', 'SavingsPlanNegation', 'Fee'] as const)(
    'of the type %s are no usage',
    async (type) => {
      const found = await readLines('legacy', [line('10', '0.5'), line('3', '-0.3', { type })]);
      expect(rounded(found)).toMatchObject([{ gibMonths: 310, dollarsPerMonth: 15.5 }]);
    },
  );

  it('for ending an archive early, or reading it, are no storage', async () => {
    const fees = [
      'USW2-EBS:SnapshotArchiveEarlyDelete',
      'USW2-EBS:SnapshotArchiveRetrieval',
      'USW2-EBS:FastSnapshotRestore',
    ];
    const found = await readLines('focus', [
      line('10', '0.5'),
      ...fees.map((usageType) => line('99', '99', { usageType })),
    ]);
    expect(rounded(found)).toMatchObject([{ tier: 'standard', gibMonths: 310, dollarsPerMonth: 15.5 }]);
    expect(found.unreadableLines).toBe(0);
  });

  it.each(['legacy', 'cur-2', 'focus', 'focus 1.2'] as const)('%s: tell what currency they are in', async (kind) => {
    const cny = { currency: 'CNY', partition: 'aws-cn', region: 'cn-north-1' };
    expect((await readLines(kind, [line('10', '0.5', cny)])).usage).toMatchObject([{ currency: 'CNY' }]);
    expect((await readLines(kind, [line('10', '0.5', { ...cny, currency: undefined })])).usage).toMatchObject([
      { currency: 'CNY' },
    ]);
    expect((await readLines(kind, [line('10', '0.5')])).usage).toMatchObject([{ currency: 'USD' }]);
  });
});

describe('lines of snapshots that cannot be read', () => {
  const good: ReportLine = { ...here, ...day(20), snapshot: one, amount: '10', cost: '0.5' };
  const kinds: readonly ReportKind[] = ['legacy', 'legacy in one interval', 'cur-2', 'focus', 'focus 1.2'];
  const faults: readonly (readonly [string, Partial<ReportLine>])[] = [
    ['an amount that is empty', { amount: '' }],
    ['a cost that is empty', { cost: '' }],
    ['an amount that is none', { amount: 'much' }],
    ['a begin that is none', { start: 'yesterday' }],
    ['a begin that is empty', { start: '' }],
    ['an end that is none', { end: 'tomorrow' }],
    ['an end before its begin', { end: '2026-05-19T00:00:00' }],
    ['a resource that is no snapshot', { resource: 'snap' }],
  ];

  it.each(
    kinds.flatMap((kind) =>
      (['csv', 'gzip', 'parquet'] as const).flatMap((packing) =>
        faults.map(([what, fault]) => [kind, packing, what, fault] as const),
      ),
    ),
  )('%s, %s, with %s, are counted and told with their place', async (kind, packing, _, fault) => {
    const lines = [good, { ...good, usageType: 'USW2-EBS:VolumeUsage.gp2', amount: '' }, { ...good, ...fault }, good];
    const path = await writeReport(await newFolder(), csv(records(kind, lines)), { packing, name: 'file' });
    const found = await read([path]);
    expect(rounded(found)).toMatchObject([{ gibMonths: 620, dollarsPerMonth: 31 }]);
    expect(found.days).toEqual([{ day: '2026-05-20', dollars: 1, gibMonths: 20 }]);
    expect(found.unreadableLines).toBe(1);
    expect(found.unreadable).toMatchObject([{ file: path, line: packing === 'parquet' ? 3 : 4 }]);
  });

  it('are told in words, and where they are among lines that DuckDB rejects', async () => {
    const lines = csv(records('legacy', [good, { ...good, cost: '' }, good, { ...good, amount: '' }])).split('\n');
    lines.splice(1, 0, 'too,short');
    lines.splice(4, 0, 'too,short');
    const path = join(await newFolder(), 'file');
    await writeFile(path, lines.join('\n'));
    const found = await read([path]);
    expect(found.unreadableLines).toBe(4);
    expect(found.unreadable.map(({ line }) => line)).toEqual([2, 4, 5, 7]);
    expect(found.unreadable[1]?.why).toBe('its lineItem/UnblendedCost is empty');
    expect(found.unreadable[3]?.why).toBe('its lineItem/UsageAmount is empty');
  });
});

describe('other costs', () => {
  it.each([
    ['legacy', 'net'],
    ['cur-2', 'net'],
    ['focus', 'effective'],
  ] as const)('%s: %s', async (kind, cost) => {
    const path = await writeReport(await newFolder(), csv(records(kind, facts)), { packing: 'csv', name: 'file' });
    const { usage } = await read([path], cost);
    expect(usage.find(({ snapshotId }) => snapshotId === one)?.dollarsPerMonth).toBeCloseTo(0.3 * 31, 9);
  });

  it.each([
    ['legacy', 'effective', /has no effective costs.*It has: unblended, net/s],
    ['focus', 'net', /has no net costs.*It has: unblended, effective/s],
  ] as const)('%s has no %s -> usage', async (kind, cost, sentence) => {
    const path = await writeReport(await newFolder(), csv(records(kind, facts)), { packing: 'csv', name: 'file' });
    const error: unknown = await read([path], cost).catch((caught: unknown) => caught);
    expect(`${(error as Error).message} ${(error as { hint?: string }).hint ?? ''}`).toMatch(sentence);
  });
});

describe('a hostile report', () => {
  const text = csv(records('legacy', facts));
  const refused = async (bytes: string | Buffer): Promise<{ message: string; code?: string; hint?: string }> => {
    const path = join(await newFolder(), 'file');
    await writeFile(path, bytes);
    const error = (await read([path]).catch((caught: unknown) => caught)) as { message: string; code?: string };
    expect(error.code).toBe('usage');
    expect(error.message).toContain(path);
    return error;
  };

  it('of 0 bytes', async () => {
    expect((await refused('')).message).toMatch(/is empty/);
  });

  it('of a header only has no usage', async () => {
    const path = join(await newFolder(), 'file');
    await writeFile(path, text.split('\n')[0] ?? '');
    expect(await read([path])).toEqual({ usage: [], days: [], unreadableLines: 0, unreadable: [] });
  });

  it('that is no report', async () => {
    const { message } = await refused('name,age\na,1\n');
    expect(message).toMatch(
      /is no cost report: it has none of the columns lineItem\/ResourceId, lineItem\/UsageType, /,
    );
    const { message: near } = await refused(
      'line_item_usage_type,line_item_usage_amount,line_item_unblended_cost\na,1,1\n',
    );
    expect(near).toMatch(
      /looks like a CUR 2\.0, but lacks the columns line_item_resource_id, line_item_line_item_type, line_item_usage_start_date\./,
    );
  });

  it('without resource IDs says how it is made with them', async () => {
    const error = await refused(text.replace('lineItem/ResourceId', 'lineItem/Nothing'));
    expect(error.message).toMatch(/lacks the column lineItem\/ResourceId/);
    expect(error.hint).toContain('Include resource IDs');
  });

  it('whose gzip is cut off', async () => {
    const many = csv(
      records(
        'legacy',
        Array.from({ length: 20_000 }, () => facts[0] as ReportLine),
      ),
    );
    const whole = await writeReport(await newFolder(), many, { packing: 'gzip', name: 'file' });
    const bytes = await readFile(whole);
    await refused(bytes.subarray(0, bytes.length >> 1));
    await refused(bytes.subarray(0, 12));
  });

  it('that is UTF-16', async () => {
    await refused(Buffer.from(`\uFEFF${text}`, 'utf16le'));
  });

  it('whose zip is cut off', async () => {
    const whole = await writeReport(await newFolder(), text, { packing: 'zip', name: 'file' });
    await refused((await readFile(whole)).subarray(0, 300));
  });

  it('whose Parquet is cut off', async () => {
    const whole = await writeReport(await newFolder(), text, { packing: 'parquet', name: 'file' });
    await refused((await readFile(whole)).subarray(0, 700));
  });

  it('with lines that cannot be read tells their place and reads the rest', async () => {
    const lines = text.split('\n');
    lines.splice(3, 0, 'too,short', '"never closed"x,y');
    lines.splice(8, 0, lines[1]?.replaceAll('2026-05-19', '2026-05-\xff') ?? '');
    const path = join(await newFolder(), 'file');
    await writeFile(path, lines.join('\n'), 'latin1');
    const found = await read([path]);
    expect(rounded(found)).toEqual(expected);
    expect(found.unreadableLines).toBe(3);
    expect(found.unreadable.map(({ file, line }) => [file, line])).toEqual([
      [path, 4],
      [path, 5],
      [path, 9],
    ]);
  });

  it('with line ends in a quoted field', async () => {
    const lines = facts.map((line, at) => (at % 2 === 0 ? { ...line, tag: 'two\nlines, "quoted"\r\n' } : line));
    const path = await writeReport(await newFolder(), csv(records('legacy', lines)), { packing: 'csv', name: 'file' });
    expect(rounded(await read([path]))).toEqual(expected);
  });

  it('with a quote that is never closed is not taken for a short one', async () => {
    const lines = csv(records('legacy', facts)).trimEnd().split('\n');
    const path = join(await newFolder(), 'file');
    await writeFile(path, [...lines.slice(0, 3), lines[3]?.replace(/,$/, ',"open'), ...lines.slice(4)].join('\n'));
    const found = await read([path]).then(
      ({ unreadableLines }) => unreadableLines,
      (error: unknown) => (error as { code?: string }).code,
    );
    // What follows the quote is one field of one line.
    expect(found === 'usage' || (typeof found === 'number' && found > 0), String(found)).toBe(true);
  });

  it('with letters that are no UTF-8 in a field tells the line, or reads it', async () => {
    const lines = [
      ...facts,
      { ...here, ...day(20), snapshot: 'snap-0123456789abcdefc', amount: '1', cost: '1', tag: 'M\xfcller' },
    ];
    const path = join(await newFolder(), 'file');
    await writeFile(path, csv(records('legacy', lines)), 'latin1');
    const found = await read([path]);
    expect(rounded(found)).toEqual(expect.arrayContaining(expected as object[]));
    const isRead = found.usage.some(({ snapshotId }) => snapshotId === 'snap-0123456789abcdefc');
    expect([found.unreadableLines, isRead]).toEqual(isRead ? [0, true] : [1, false]);
  });

  it('with a field of 1 MB', async () => {
    const long = [...facts, { ...(facts[0] as ReportLine), tag: 'x'.repeat(1_000_000) }];
    const path = await writeReport(await newFolder(), csv(records('legacy', long)), { packing: 'csv', name: 'file' });
    expect(rounded(await read([path]))).toEqual(expected);
  });

  it('with a name of a column, of a file and a tag that are SQL', async () => {
    const sql = `'); DROP TABLE usage; --`;
    const all = records('legacy', facts).map((record) => ({ ...record, [`"${sql}`]: sql }));
    for (const packing of ['csv', 'parquet'] as const) {
      const at = await newFolder();
      const made = await writeReport(at, csv(all), { packing, name: 'file' });
      const path = join(at, `it's ${sql.replaceAll('/', '')}`);
      await writeFile(path, await readFile(made));
      expect(rounded(await read([path]))).toEqual(expected);
    }
  });

  it('with negative usage and what is no number takes the rest', async () => {
    const odd: readonly ReportLine[] = [
      ...facts,
      { ...here, ...day(20), snapshot: 'snap-0123456789abcdeff', amount: '-5', cost: '-1' },
      { ...here, ...day(20), snapshot: 'snap-0123456789abcdefe', amount: 'much', cost: '1' },
      { ...here, start: 'yesterday', end: 'today', snapshot: 'snap-0123456789abcdefd', amount: '1', cost: '1' },
    ];
    const path = await writeReport(await newFolder(), csv(records('focus', odd)), { packing: 'csv', name: 'file' });
    const found = await read([path]);
    expect(rounded(found)).toEqual(expected);
    expect(found.unreadable.map(({ line }) => line)).toEqual([facts.length + 3, facts.length + 4]);
  });
});

describe('when it is interrupted', () => {
  it.each(['csv', 'gzip', 'parquet'] as const)('while %s is read, it ends at once', async (packing) => {
    const path = await writeReport(await newFolder(), csv(records('legacy', facts)), { packing, name: 'file' });
    const [controller, temporaryDirectory] = [new AbortController(), await newFolder()];
    const { signal } = controller;
    const files = await reportFiles({ paths: [path], input: Readable.from([]), temporaryDirectory, signal });
    const reading = readReport(files, {
      cost: 'unblended',
      memoryBytes: 500e6,
      temporaryDirectory,
      threads: 1,
      signal,
      onFile: () => controller.abort(),
    });
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.each(['input', 'zip'] as const)('while %s is unpacked, it ends at once', async (what) => {
    const zip = await writeReport(await newFolder(), csv(records('legacy', facts)), { packing: 'zip', name: 'file' });
    const [controller, temporaryDirectory] = [new AbortController(), await newFolder()];
    const { signal } = controller;
    // Of an input that never ends the first piece has come; a zip file is asked for when the signal is already given.
    const input = new Readable({ read: () => undefined });
    input.push('identity/LineItemId');
    if (what === 'zip') controller.abort();
    const paths = [what === 'zip' ? zip : '-'];
    const finding = reportFiles({ paths, input, temporaryDirectory, signal });
    setTimeout(() => controller.abort(), 20);
    await expect(finding).rejects.toMatchObject({ name: 'AbortError' });
  });
});
