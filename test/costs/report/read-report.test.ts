import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
    tier: 'standard',
    gibMonths: 15.5,
    dollarsPerMonth: 0.775,
    periodStart: '2026-05-20T00:00:00Z',
  },
].sort((a, b) => (a.snapshotId < b.snapshotId ? -1 : 1));

const rounded = ({ usage }: ReadReport): readonly object[] =>
  usage.map(({ gibMonths, dollarsPerMonth, ...rest }) => ({
    ...rest,
    gibMonths: Number(gibMonths.toFixed(9)),
    dollarsPerMonth: Number(dollarsPerMonth.toFixed(9)),
  }));

describe('the same facts', () => {
  const kinds: readonly ReportKind[] = ['legacy', 'legacy in one interval', 'cur-2', 'focus'];
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
    expect((await refused('name,age\na,1\n')).message).toMatch(/is no cost report: it has none of the columns/);
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
