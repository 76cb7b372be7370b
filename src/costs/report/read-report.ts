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
import { recogniseReport, type CostKind } from './report-format.js';
import {
  billedDays,
  countResources,
  findPlaces,
  keepNewest,
  literal,
  makeNewest,
  makeResources,
  newestPlaces,
  newestUsage,
  usageTable,
} from './report-sql.js';
import { resourceFailure, threadsFor } from './resources.js';
import { sumsInParts } from './sums-in-parts.js';
import { mostUnreadableTold, unreadableOf, type Unreadable, type UnreadableLine } from './unreadable-lines.js';

/** How reports are read. */
export interface ReadReportOptions {
  readonly cost: CostKind;
  /** What DuckDB may hold; beyond it, it writes to the temporary directory. */
  readonly memoryBytes: number;
  readonly temporaryDirectory: string;
  /** At most; a small memory does for fewer. */
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
  /** Told when a file is begun. */
  readonly onFile?: (name: string, format: string) => void;
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

/**
 * Reads what cost reports say of EBS snapshots: of each the newest period, its lines added up, and of one period that was
 * delivered several times the newest delivery. Throws `usage` for a file that is no report, cannot be read, or takes more memory
 * than it may, and `disk-full`.
 */
export async function readReport(files: readonly ReportFile[], options: ReadReportOptions): Promise<ReadReport> {
  // Other commands need not load it.
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${Math.floor(options.memoryBytes / 1024 ** 2)}MiB`,
    temp_directory: options.temporaryDirectory,
    threads: String(threadsFor(options)),
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
    const unreadable: UnreadableLine[] = [];
    let unreadableLines = 0;
    for (const file of files) {
      options.signal?.throwIfAborted();
      const { count, first } = await readFile(connection, file, options);
      unreadableLines += count;
      unreadable.push(...first);
    }
    const [usage, days] = [await newest(connection), await daysOf(connection)];
    options.signal?.throwIfAborted();
    return { usage, days, unreadableLines, unreadable: unreadable.slice(0, mostUnreadableTold) };
  } catch (error) {
    options.signal?.throwIfAborted();
    throw resourceFailure(error, { where: 'the report', ...options }) ?? error;
  } finally {
    options.signal?.removeEventListener('abort', interrupt);
    connection.closeSync();
    instance.closeSync();
  }
}

async function readFile(
  connection: DuckDBConnection,
  file: ReportFile,
  options: ReadReportOptions,
): Promise<Unreadable> {
  const { cost, onFile, signal } = options;
  const where = file.name;
  try {
    const columns =
      file.kind === 'parquet'
        ? await parquetColumns(connection, file.path)
        : await csvHeader(file.path, { isGzip: file.kind === 'gzip', where });
    const format = recogniseReport(columns, { cost, where });
    onFile?.(where, format.name);
    signal?.throwIfAborted();
    const query = { file, format, columns };
    // DuckDB takes a gzip file that is cut off for one that has ended.
    const whole = file.kind === 'gzip' ? requireWholeGzip(file.path, signal) : Promise.resolve();
    whole.catch(() => undefined);
    await sumsInParts(connection, query);
    await connection.run(makeResources);
    const counted = await connection.runAndReadAll(countResources);
    const [unreadable = 0, withoutPlace = 0] = (counted.getRowsJS()[0] ?? []).map(Number);
    if (withoutPlace > 0) await connection.run(findPlaces(query));
    await connection.run(keepNewest(file.delivery));
    await whole;
    return await unreadableOf(connection, query, unreadable);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const failure = resourceFailure(error, { where, ...options });
    if (failure !== undefined) throw failure;
    const why = messageOf(error).split('\n')[0] ?? '';
    throw new AppError('usage', `${where} cannot be read: ${why.replaceAll(file.path, where)}`, {
      hint: 'See that it has arrived in full, and download it again.',
      cause: error,
    });
  }
}

/** Throws what zlib says of a file that is cut off or damaged. */
async function requireWholeGzip(path: string, signal: AbortSignal | undefined): Promise<void> {
  const nowhere = new Writable({ write: (_, __, done) => done() });
  await pipeline(
    createReadStream(path, { highWaterMark: 1024 * 1024 }),
    createGunzip({ chunkSize: 1024 * 1024 }),
    nowhere,
    { signal },
  );
}

async function parquetColumns(connection: DuckDBConnection, path: string): Promise<readonly string[]> {
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet(${literal(path)})`);
  return describedRows.parse(described.getRowObjectsJS()).map(({ column_name: name }) => name);
}

async function newest(connection: DuckDBConnection): Promise<readonly SnapshotUsage[]> {
  await connection.run(makeNewest);
  const places = placeRows
    .parse((await connection.runAndReadAll(newestPlaces)).getRowObjectsJS())
    .map(({ billed, archived, started: periodStart }) => {
      const [partition = '', region = '', account = '', told = ''] = billed.split('\n');
      // Reports have said it since 2018; before that, only China had another.
      const currency = told !== '' ? told : partition === 'aws-cn' ? 'CNY' : 'USD';
      const tier = archived ? ('archive' as const) : ('standard' as const);
      return { account, region, partition, currency, tier, periodStart };
    });
  const result = await connection.stream(newestUsage);
  const usage: SnapshotUsage[] = [];
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    // By columns, and checked by hand: a hundred thousand rows take longer else than the query.
    const { rowCount } = chunk;
    const ids = chunk.getColumnVector(0);
    const placesOf = chunk.getColumnVector(1);
    const allGiB = chunk.getColumnVector(2);
    const allDollars = chunk.getColumnVector(3);
    for (let row = 0; row < rowCount; row += 1) {
      const id = ids.getItem(row);
      const place = places[Number(placesOf.getItem(row))];
      const gibMonths = allGiB.getItem(row);
      const dollars = allDollars.getItem(row);
      if (
        place === undefined ||
        typeof id !== 'string' ||
        typeof gibMonths !== 'number' ||
        typeof dollars !== 'number'
      ) {
        throw new AppError('internal', 'The report was read, but a snapshot of it has no place or no amounts.');
      }
      const { account, region, partition, currency, tier, periodStart } = place;
      usage.push({
        snapshotId: snapshotId(id),
        account,
        region,
        partition,
        currency,
        tier,
        gibMonths,
        dollarsPerMonth: dollars,
        periodStart,
      });
    }
  }
  return usage;
}

async function daysOf(connection: DuckDBConnection): Promise<readonly BilledDay[]> {
  const result = await connection.runAndReadAll(billedDays);
  return dayRows
    .parse(result.getRowObjectsJS())
    .map(({ day, dollars, gib_months: gibMonths }) => ({ day, dollars, gibMonths }));
}

const dayRows = z.array(z.object({ day: z.string(), dollars: z.number(), gib_months: z.number() }));
const describedRows = z.array(z.object({ column_name: z.string() }));
const placeRows = z.array(z.object({ billed: z.string(), archived: z.boolean(), started: z.string() }));
