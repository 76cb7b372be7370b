import type { DuckDBConnection } from '@duckdb/node-api';
import { isOutOfMemory } from './resources.js';
import { sums, type ReportQuery } from './report-sql.js';

/** With so many parts each has a few snapshots of even the largest organisation; what takes too much then, always will. */
const mostParts = 256;

/**
 * Makes the table `sums` of a file. DuckDB cannot write all that it groups to the disk; where its memory does not do, the file
 * is read several times, each time for a part of the snapshots. Throws what DuckDB throws.
 */
export async function sumsInParts(connection: DuckDBConnection, query: ReportQuery): Promise<void> {
  for (let parts = 1; ; parts *= 4) {
    try {
      for (let at = 0; at < parts; at += 1) {
        const into = at === 0 ? 'CREATE TEMP TABLE sums AS' : 'INSERT INTO sums';
        await connection.run(`${into} ${sums(query, { at, of: parts })}`);
      }
      return;
    } catch (error) {
      if (!isOutOfMemory(error) || parts >= mostParts) throw error;
      await connection.run(
        'DROP TABLE IF EXISTS sums; DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans',
      );
    }
  }
}
