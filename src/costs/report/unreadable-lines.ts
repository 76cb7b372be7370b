import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { unreadableLines, type ReportQuery } from './report-sql.js';

/** A line that could not be read. */
export interface UnreadableLine {
  readonly file: string;
  /** 1-based: of a CSV file with the header, of Parquet the row. A quoted line end does not count. */
  readonly line: number;
  readonly why: string;
}

/** How many lines of a file could not be read, and the first of them. */
export interface Unreadable {
  readonly count: number;
  readonly first: readonly UnreadableLine[];
}

/** More are not told. */
export const mostUnreadableTold = 20;

const rejectedRows = z.array(z.object({ line: z.union([z.number(), z.bigint()]), why: z.string() }));
const numberedRows = z.array(
  z.object({ number: z.union([z.number(), z.bigint()]), field: z.string(), value: z.string() }),
);

/** The lines of a CSV file that DuckDB has rejected, and `missing` others of snapshots, in which a field was no good. */
export async function unreadableOf(
  connection: DuckDBConnection,
  query: ReportQuery,
  missing: number,
): Promise<Unreadable> {
  const isCsv = query.file.kind !== 'parquet';
  const rejected = isCsv ? await rejectedLines(connection, query.file.name) : { count: 0, first: [] };
  const others = missing === 0 ? [] : await missingLines(connection, query);
  if (isCsv) await connection.run('DROP TABLE reject_errors; DROP TABLE reject_scans');
  const first = [...rejected.first, ...others].sort((a, b) => a.line - b.line).slice(0, mostUnreadableTold);
  return { count: rejected.count + missing, first };
}

async function rejectedLines(connection: DuckDBConnection, file: string): Promise<Unreadable> {
  const counted = await connection.runAndReadAll('SELECT count(DISTINCT line)::INTEGER FROM reject_errors');
  const told = await connection.runAndReadAll(
    `SELECT line, min(error_message) AS why FROM reject_errors GROUP BY line ORDER BY line LIMIT ${mostUnreadableTold}`,
  );
  const first = rejectedRows
    .parse(told.getRowObjectsJS())
    .map(({ line, why }) => ({ file, line: Number(line), why: why.split('\n')[0] ?? '' }));
  return { count: Number(counted.getRowsJS()[0]?.[0] ?? 0), first };
}

/** Reads the file once more, in its order: only where there are such lines. */
async function missingLines(connection: DuckDBConnection, query: ReportQuery): Promise<readonly UnreadableLine[]> {
  await connection.run('SET preserve_insertion_order = true');
  const found = await connection.runAndReadAll(unreadableLines(query, mostUnreadableTold));
  await connection.run('SET preserve_insertion_order = false');
  const rows = numberedRows.parse(found.getRowObjectsJS());
  const lineOf = query.file.kind === 'parquet' ? Number : await csvLines(connection);
  return rows.map(({ number, field, value }) => {
    const why = value === '' ? `its ${field} is empty` : `its ${field} is ${JSON.stringify(value.slice(0, 100))}`;
    return { file: query.file.name, line: lineOf(number), why };
  });
}

/** From the number of a line among those that were read to its place: the header and what was rejected have no number. */
async function csvLines(connection: DuckDBConnection): Promise<(number: number | bigint) => number> {
  const rejected = await connection.runAndReadAll(
    `SELECT DISTINCT line::INTEGER FROM reject_errors ORDER BY 1 LIMIT ${mostRejectedPlaced}`,
  );
  const lines = rejected.getRowsJS().map(([line]) => Number(line));
  return (number) => lines.reduce((line, one) => (one <= line ? line + 1 : line), Number(number) + 1);
}

const mostRejectedPlaced = 1_000_000;
