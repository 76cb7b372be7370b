import { createReadStream } from 'node:fs';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { AppError, messageOf, snapshotId } from '../../core/index.js';
import type { SnapshotUsage } from '../snapshot-usage.js';
import { csvHeader } from './csv-header.js';
import type { ReportFile } from './report-file.js';
import { recogniseReport, type CostKind, type ReportFormat } from './report-format.js';

/** How reports are read. */
export interface ReadReportOptions {
  readonly cost: CostKind;
  /** What DuckDB may hold; beyond it, it writes to the temporary directory. */
  readonly memoryBytes: number;
  readonly temporaryDirectory: string;
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
  /** Told when a file is begun. */
  readonly onFile?: (name: string, format: string) => void;
}

/** A line that could not be read. */
export interface UnreadableLine {
  readonly file: string;
  /** 1-based, with the header. */
  readonly line: number;
  readonly why: string;
}

/** What all snapshots together were billed on a day. */
export interface BilledDay {
  /** ISO date. */
  readonly day: string;
  readonly dollars: number;
  readonly gibMonths: number;
}

/** What reports say of snapshots. */
export interface ReadReport {
  readonly usage: readonly SnapshotUsage[];
  /** What was billed on each day that the reports have, in the order of time. */
  readonly days: readonly BilledDay[];
  readonly unreadableLines: number;
  /** The first of them. */
  readonly unreadable: readonly UnreadableLine[];
}

/** A field of a report may be a long list of tags. */
const longestLineBytes = 16 * 1024 * 1024;
const mostUnreadableTold = 20;

/**
 * Reads what cost reports say of EBS snapshots: of each the newest period, its lines added up, and of one period that was
 * delivered several times the newest delivery. Throws `usage` for a file that is no report, or cannot be read.
 */
export async function readReport(files: readonly ReportFile[], options: ReadReportOptions): Promise<ReadReport> {
  // Other commands need not load it.
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${Math.floor(options.memoryBytes / 1024 ** 2)}MiB`,
    temp_directory: options.temporaryDirectory,
    threads: String(options.threads),
    preserve_insertion_order: 'false',
    // A report is data; nothing of it may load or fetch anything.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  const interrupt = (): void => connection.interrupt();
  options.signal?.addEventListener('abort', interrupt);
  try {
    await connection.run(usageTable);
    await connection.run('CREATE TABLE days (day DATE, account VARCHAR, delivery INTEGER, cost DOUBLE, amount DOUBLE)');
    const unreadable: UnreadableLine[] = [];
    let unreadableLines = 0;
    for (const file of files) {
      options.signal?.throwIfAborted();
      const rejected = await readFile(connection, file, options);
      unreadableLines += rejected.count;
      unreadable.push(...rejected.first);
    }
    const [usage, days] = [await newest(connection), await billedDays(connection)];
    return { usage, days, unreadableLines, unreadable: unreadable.slice(0, mostUnreadableTold) };
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', interrupt);
    connection.closeSync();
    instance.closeSync();
  }
}

const usageTable = `CREATE TABLE usage (
  snapshot VARCHAR, archived BOOLEAN, started TIMESTAMP, hours DOUBLE, amount DOUBLE, cost DOUBLE,
  arn_partition VARCHAR, region VARCHAR, account VARCHAR, delivery INTEGER)`;

interface Rejected {
  readonly count: number;
  readonly first: readonly UnreadableLine[];
}

async function readFile(
  connection: DuckDBConnection,
  file: ReportFile,
  { cost, onFile }: ReadReportOptions,
): Promise<Rejected> {
  const where = file.name;
  try {
    const isCsv = file.kind !== 'parquet';
    const columns = isCsv
      ? await csvHeader(file.path, { isGzip: file.kind === 'gzip', where })
      : await parquetColumns(connection, file.path);
    const format = recogniseReport(columns, { cost, where });
    onFile?.(where, format.name);
    // By their place: names differ from each other by upper and lower case only, which SQL does not tell apart.
    const nameOf = (column: string): string => (isCsv ? `c${columns.indexOf(column)}` : identifier(column));
    const table = isCsv ? csvTable(file, columns, format) : `read_parquet(${literal(file.path)})`;
    // DuckDB takes a gzip file that is cut off for one that has ended.
    const whole = file.kind === 'gzip' ? requireWholeGzip(file.path) : Promise.resolve();
    whole.catch(() => undefined);
    await connection.run(`CREATE TEMP TABLE sums AS ${sums(format, nameOf, table, file.delivery)}`);
    // Of each snapshot only its newest period in this file, and of each day the sum.
    await connection.run(
      'INSERT INTO usage SELECT * FROM sums QUALIFY started = max(started) OVER (PARTITION BY snapshot)',
    );
    await connection.run(
      'INSERT INTO days SELECT CAST(started AS DATE), account, delivery, sum(cost), sum(amount) FROM sums GROUP BY ALL',
    );
    await connection.run('DROP TABLE sums');
    await whole;
    return isCsv ? await rejected(connection, where) : { count: 0, first: [] };
  } catch (error) {
    if (error instanceof AppError) throw error;
    const why = messageOf(error).split('\n')[0] ?? '';
    throw new AppError('usage', `${where} cannot be read: ${why.replaceAll(file.path, where)}`, {
      hint: 'See that it has arrived in full, and download it again.',
      cause: error,
    });
  }
}

/** Throws what zlib says of a file that is cut off or damaged. */
async function requireWholeGzip(path: string): Promise<void> {
  const nowhere = new Writable({ write: (_, __, done) => done() });
  await pipeline(
    createReadStream(path, { highWaterMark: 1024 * 1024 }),
    createGunzip({ chunkSize: 1024 * 1024 }),
    nowhere,
  );
}

async function parquetColumns(connection: DuckDBConnection, path: string): Promise<readonly string[]> {
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet(${literal(path)})`);
  return describedRows.parse(described.getRowObjectsJS()).map(({ column_name: name }) => name);
}

/** All is text but what must be a number or a time: a line in which it is not is rejected. */
function csvTable({ path, kind }: ReportFile, columns: readonly string[], format: ReportFormat): string {
  const typeOf = (column: string): string => {
    if (column === format.amount || column === format.cost) return 'DOUBLE';
    return column === format.start && format.end?.column !== column ? 'TIMESTAMP' : 'VARCHAR';
  };
  const names = columns.map((column, at) => `'c${at}': '${typeOf(column)}'`).join(', ');
  const options = [
    'auto_detect = false',
    'header = true',
    `delim = ','`,
    `quote = '"'`,
    `escape = '"'`,
    `compression = '${kind === 'gzip' ? 'gzip' : 'none'}'`,
    `max_line_size = ${longestLineBytes}`,
    // It would be sixteen such lines, for each thread.
    `buffer_size = ${longestLineBytes + 1024 * 1024}`,
    'null_padding = false',
    'store_rejects = true',
    'rejects_limit = 0',
  ];
  return `read_csv(${literal(path)}, columns = {${names}}, ${options.join(', ')})`;
}

/** What of a file is usage of snapshots, in our own terms, added up for each snapshot and period. */
function sums(format: ReportFormat, nameOf: (column: string) => string, table: string, delivery: number): string {
  const text = (column: string | undefined): string =>
    column === undefined ? `''` : `CAST(${nameOf(column)} AS VARCHAR)`;
  const time = (expression: string): string => `TRY_CAST(${expression} AS TIMESTAMP)`;
  const isInterval = format.end?.isInterval === true;
  const started = time(isInterval ? `split_part(${text(format.start)}, '/', 1)` : nameOf(format.start));
  const ended =
    format.end === undefined
      ? 'NULL::TIMESTAMP'
      : time(isInterval ? `split_part(${text(format.end.column)}, '/', 2)` : nameOf(format.end.column));
  const correction = format.correction === undefined ? '' : `AND coalesce(${text(format.correction)}, '') = ''`;
  return `
    WITH lines AS (
      SELECT ${text(format.resource)} AS resource, ${text(format.usageType)} AS usage_type, ${started} AS started, ${ended} AS ended,
        TRY_CAST(${nameOf(format.amount)} AS DOUBLE) AS amount, TRY_CAST(${nameOf(format.cost)} AS DOUBLE) AS cost,
        ${text(format.region)} AS region, ${text(format.account)} AS account
      FROM ${table}
      WHERE (${text(format.usageType)} LIKE '%EBS:SnapshotUsage' OR ${text(format.usageType)} LIKE '%EBS:SnapshotArchiveStorage')
        AND ${text(format.lineType)} IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage') ${correction}
    ), sums AS (
      SELECT resource, usage_type, started, max(ended) AS ended, sum(amount) AS amount, sum(cost) AS cost, any_value(region) AS region,
        any_value(account) AS account
      FROM lines WHERE started IS NOT NULL AND amount IS NOT NULL AND cost IS NOT NULL
      GROUP BY 1, 2, 3
    )
    SELECT regexp_extract(resource, 'snap-(?:[0-9a-f]{17}|[0-9a-f]{8})$') AS snapshot,
      ends_with(usage_type, 'ArchiveStorage') AS archived, started,
      date_diff('second', started, coalesce(ended, started + INTERVAL 1 DAY)) / 3600 AS hours, amount, cost,
      split_part(resource, ':', 2) AS arn_partition, coalesce(nullif(split_part(resource, ':', 4), ''), region, '') AS region,
      coalesce(nullif(split_part(resource, ':', 5), ''), account, '') AS account, ${delivery} AS delivery
    FROM sums WHERE snapshot <> '' AND regexp_matches(usage_type, '(^|-)EBS:')`;
}

async function rejected(connection: DuckDBConnection, file: string): Promise<Rejected> {
  const counted = await connection.runAndReadAll('SELECT count(DISTINCT line) AS lines FROM reject_errors');
  const told = await connection.runAndReadAll(
    `SELECT line, min(error_message) AS why FROM reject_errors GROUP BY line ORDER BY line LIMIT ${mostUnreadableTold}`,
  );
  const first = rejectedRows.parse(told.getRowObjectsJS()).map(({ line, why }) => {
    return { file, line: Number(line), why: why.split('\n')[0] ?? '' };
  });
  await connection.run('DROP TABLE reject_errors; DROP TABLE reject_scans');
  return { count: Number(counted.getRowObjectsJS()[0]?.lines ?? 0), first };
}

/** The newest period of each snapshot; a part of a month is what it would be for a whole one. */
async function newest(connection: DuckDBConnection): Promise<readonly SnapshotUsage[]> {
  const result = await connection.stream(`
    WITH deliveries AS (
      SELECT snapshot, archived, started, delivery, max(hours) AS hours, sum(amount) AS amount, sum(cost) AS cost,
        min(arn_partition) AS arn_partition, min(region) AS region, min(account) AS account
      FROM usage GROUP BY snapshot, archived, started, delivery
    ), periods AS (
      SELECT * FROM deliveries QUALIFY delivery = max(delivery) OVER (PARTITION BY snapshot, started)
    ), newest AS (
      SELECT * FROM periods QUALIFY started = max(started) OVER (PARTITION BY snapshot)
    )
    SELECT snapshot, archived, arn_partition, region, account, strftime(started, '%Y-%m-%dT%H:%M:%SZ') AS started,
      amount * date_diff('hour', date_trunc('month', started), date_trunc('month', started) + INTERVAL 1 MONTH) / hours AS gib_months,
      cost * date_diff('hour', date_trunc('month', started), date_trunc('month', started) + INTERVAL 1 MONTH) / hours AS dollars
    FROM newest WHERE hours > 0 AND amount > 0 ORDER BY snapshot, archived`);
  const usage: SnapshotUsage[] = [];
  for await (const rows of result.yieldRows()) {
    for (const [snapshot, archived, partition, region, account, started, gibMonths, dollars] of usageRows.parse(rows)) {
      usage.push({
        snapshotId: snapshotId(snapshot),
        account,
        region,
        partition,
        tier: archived ? 'archive' : 'standard',
        gibMonths,
        dollarsPerMonth: dollars,
        periodStart: started,
      });
    }
  }
  return usage;
}

/** Of a day that an account has in several deliveries the newest counts. */
async function billedDays(connection: DuckDBConnection): Promise<readonly BilledDay[]> {
  const result = await connection.runAndReadAll(`
    WITH newest AS (
      SELECT day, account, sum(cost) AS cost, sum(amount) AS amount FROM days GROUP BY day, account, delivery
      QUALIFY delivery = max(delivery) OVER (PARTITION BY day, account)
    )
    SELECT strftime(day, '%Y-%m-%d') AS day, sum(cost) AS dollars, sum(amount) AS gib_months FROM newest GROUP BY 1 ORDER BY 1`);
  return dayRows
    .parse(result.getRowObjectsJS())
    .map(({ day, dollars, gib_months: gibMonths }) => ({ day, dollars, gibMonths }));
}

const dayRows = z.array(z.object({ day: z.string(), dollars: z.number(), gib_months: z.number() }));
const describedRows = z.array(z.object({ column_name: z.string() }));
const rejectedRows = z.array(z.object({ line: z.union([z.number(), z.bigint()]), why: z.string() }));
/** By place: a hundred thousand objects take longer. */
const usageRows = z.array(
  z.tuple([z.string(), z.boolean(), z.string(), z.string(), z.string(), z.string(), z.number(), z.number()]),
);

/** As SQL writes texts and names: what is in them is never anything else. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
