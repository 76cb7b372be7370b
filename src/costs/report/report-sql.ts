import type { ReportFile } from './report-file.js';
import type { ReportFormat } from './report-format.js';

/** A field of a report may be a long list of tags. */
const longestLineBytes = 16 * 1024 * 1024;

/** How a file is asked: its format, and what SQL calls its columns and itself. */
export interface ReportQuery {
  readonly file: ReportFile;
  readonly format: ReportFormat;
  readonly columns: readonly string[];
}

/**
 * The usage of snapshots that files have, each reduced to the newest period of each snapshot. Where it is billed is one text (see
 * {@link newestPlaces}), which DuckDB carries with less ado than four.
 */
export const usageTable = `CREATE TABLE usage (
  snapshot VARCHAR, archived BOOLEAN, started TIMESTAMP, hours DOUBLE, amount DOUBLE, cost DOUBLE, billed VARCHAR, delivery INTEGER);
  CREATE TABLE days (day DATE, account VARCHAR, delivery INTEGER, cost DOUBLE, amount DOUBLE)`;

const snapshotPattern = `'snap-(?:[0-9a-f]{17}|[0-9a-f]{8})$'`;

/** One of several parts into which the snapshots of a file fall; `at` counts from 0. */
export interface SnapshotsPart {
  readonly at: number;
  readonly of: number;
}

/**
 * What of a file is usage of snapshots, in our own terms, added up for each snapshot and period; lines in which something is
 * missing by themselves, as not `good`. With a part, only of the snapshots that fall into it. The currency is grouped by, too, although
 * it is the same in all lines of a snapshot: DuckDB is slow at finding any one of many texts.
 */
export function sums(query: ReportQuery, { at, of }: SnapshotsPart = { at: 0, of: 1 }): string {
  const { isGood, lines } = usageLines(query, table(query));
  const inPart = of === 1 ? '' : `WHERE hash(regexp_extract(resource, ${snapshotPattern})) % ${of} = ${at}`;
  return `
    SELECT resource, ends_with(usage_type, 'ArchiveStorage') AS archived, started, good, currency,
      max(ended) AS ended, sum(amount) AS amount, sum(cost) AS cost, count(*) AS lines
    FROM (SELECT *, ${isGood} AS good FROM (${lines}) ${inPart}) GROUP BY ALL`;
}

/**
 * From the table `sums`, the table `resources`: whether each is a snapshot, the newest period in which it took something, how
 * many lines of it cannot be read, and where it is, as far as its name tells. What is in a name is looked for here, where each comes
 * once.
 */
export const makeResources = `
  CREATE TEMP TABLE resources AS
  SELECT resource, is_snapshot, newest, CASE WHEN is_snapshot THEN bad ELSE lines END AS unreadable,
    ${named('region')} AS region, ${named('account')} AS account
  FROM (
    SELECT resource, coalesce(regexp_matches(resource, ${snapshotPattern}), false) AS is_snapshot, sum(lines) AS lines,
      sum(CASE WHEN good THEN 0 ELSE lines END) AS bad, max(CASE WHEN good AND amount > 0 THEN started END) AS newest
    FROM sums GROUP BY resource
  )`;

/** From the table `resources`: how many lines cannot be read, and of how many snapshots the name does not tell where they are. */
export const countResources = `
  SELECT coalesce(sum(unreadable), 0)::INTEGER, count(*) FILTER (is_snapshot AND (region IS NULL OR account IS NULL))::INTEGER
  FROM resources`;

/**
 * Reads the file once more, for where those snapshots are. AWS names them by ARNs that tell it, and to read both columns for all
 * lines would take a fifth more of the time.
 */
export function findPlaces(query: ReportQuery): string {
  const { lines } = usageLines(query, table(query));
  return `
    UPDATE resources SET region = coalesce(resources.region, found.region), account = coalesce(resources.account, found.account)
    FROM (
      SELECT resource, max(region) AS region, max(account) AS account FROM (${lines})
      WHERE ${named('region')} IS NULL OR ${named('account')} IS NULL GROUP BY resource
    ) AS found WHERE resources.resource = found.resource`;
}

/** What the ARN of a resource says; null where it says nothing, or is none. */
function named(what: 'region' | 'account'): string {
  return `nullif(split_part(resource, ':', ${what === 'region' ? 4 : 5}), '')`;
}

/**
 * Of each snapshot the newest period in which it took something, and what came after; of each day the sum. From the tables
 * `sums` and `resources`, which are gone then. After that period there is nothing but what took nothing, so the many lines before
 * it are told by a join for equality, which DuckDB is fast at.
 */
export function keepNewest(delivery: number): string {
  return `
  INSERT INTO usage SELECT regexp_extract(resource, ${snapshotPattern}), archived, started,
      date_diff('second', started, ended) / 3600, amount, cost,
      concat_ws(chr(10), split_part(resource, ':', 2), coalesce(region, ''), coalesce(account, ''), coalesce(currency, '')), ${delivery}
    FROM (
      SELECT sums.*, region, account FROM sums JOIN resources ON sums.resource = resources.resource AND started = newest
      WHERE is_snapshot AND good AND amount > 0
      UNION ALL
      SELECT sums.*, region, account FROM sums JOIN resources USING (resource)
      WHERE is_snapshot AND good AND NOT amount > 0 AND started >= coalesce(newest, started)
    );
  INSERT INTO days SELECT CAST(started AS DATE), coalesce(account, ''), ${delivery}, sum(cost), sum(amount)
    FROM sums JOIN resources USING (resource) WHERE is_snapshot AND good GROUP BY ALL;
  DROP TABLE sums; DROP TABLE resources`;
}

/** The lines of snapshots that are in no sum: the number of each among those that DuckDB reads, and the field that is why. */
export function unreadableLines(query: ReportQuery, most: number): string {
  const { format } = query;
  const { text } = expressions(query);
  const fields = [format.resource, format.start, format.end?.column ?? format.start, format.amount, format.cost];
  const { isGood, lines } = usageLines(query, table(query, 'numbered'), [
    'number',
    ...fields.map((column, at) => `${text(column)} AS field_${at}`),
  ]);
  const isNone = `NOT regexp_matches(coalesce(resource, ''), ${snapshotPattern})`;
  const conditions = [isNone, 'started IS NULL', 'coalesce(ended <= started, true)', 'amount IS NULL', 'cost IS NULL'];
  const choice = (of: (column: string, at: number) => string): string =>
    `CASE ${conditions.map((condition, at) => `WHEN ${condition} THEN ${of(fields[at] ?? '', at)}`).join(' ')} END`;
  return `
    SELECT number, ${choice(literal)} AS field, coalesce(${choice((_, at) => `field_${at}`)}, '') AS value FROM (${lines})
    WHERE NOT ${isGood} OR ${isNone} ORDER BY number LIMIT ${most}`;
}

/** How SQL calls columns: by their place, for names differ from each other by upper and lower case only. */
function expressions({ file, columns }: ReportQuery) {
  const nameOf = (column: string): string =>
    file.kind === 'parquet' ? identifier(column) : `c${columns.indexOf(column)}`;
  const text = (column: string | undefined): string =>
    column === undefined ? `''` : `CAST(${nameOf(column)} AS VARCHAR)`;
  return { nameOf, text };
}

/** The lines of a file that are usage of snapshots, with `more` of their columns; and which of them have all that counts. */
function usageLines(
  query: ReportQuery,
  from: string,
  more: readonly string[] = [],
): { readonly lines: string; readonly isGood: string } {
  const { nameOf, text } = expressions(query);
  const { format } = query;
  const { end } = format;
  const time = (expression: string): string => `TRY_CAST(${expression} AS TIMESTAMP)`;
  const started = time(format.startIsInterval ? `split_part(${text(format.start)}, '/', 1)` : nameOf(format.start));
  const ended =
    end === undefined
      ? `${started} + INTERVAL 1 DAY`
      : time(end.isInterval ? `split_part(${text(end.column)}, '/', 2)` : nameOf(end.column));
  const correction = format.correction === undefined ? '' : `AND coalesce(${text(format.correction)}, '') = ''`;
  const usageType = text(format.usageType);
  const lines = `
      SELECT ${[...more, ''].join(', ')}${text(format.resource)} AS resource, ${usageType} AS usage_type,
        ${started} AS started, ${ended} AS ended, TRY_CAST(${nameOf(format.amount)} AS DOUBLE) AS amount,
        TRY_CAST(${nameOf(format.cost)} AS DOUBLE) AS cost, ${text(format.region)} AS region, ${text(format.account)} AS account,
        ${text(format.currency)} AS currency
      FROM ${from}
      WHERE (${usageType} LIKE '%EBS:SnapshotUsage' OR ${usageType} LIKE '%EBS:SnapshotArchiveStorage')
        AND (${usageType} LIKE 'EBS:%' OR ${usageType} LIKE '%-EBS:%')
        AND CASE WHEN ${usageType} IS NULL THEN false
          ELSE ${text(format.lineType)} IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage') END ${correction}`;
  return { lines, isGood: 'coalesce(ended > started AND amount IS NOT NULL AND cost IS NOT NULL, false)' };
}

/** A file as a table; `numbered`: in its order, with the number of each line that can be read, from 1, as `number`. */
function table(query: ReportQuery, how: 'as it comes' | 'numbered' = 'as it comes'): string {
  const path = literal(query.file.path);
  if (query.file.kind === 'parquet') {
    if (how === 'as it comes') return `read_parquet(${path})`;
    return `(SELECT *, file_row_number + 1 AS number FROM read_parquet(${path}, file_row_number = true))`;
  }
  if (how === 'as it comes') return csvTable(query, ['store_rejects = true', 'rejects_limit = 0']);
  return `(SELECT *, row_number() OVER () AS number FROM ${csvTable(query, ['ignore_errors = true', 'parallel = false'])})`;
}

/** All is text but what must be a number or a time: a line in which it is not is rejected. */
function csvTable({ file, format, columns }: ReportQuery, more: readonly string[]): string {
  const typeOf = (column: string): string => {
    if (column === format.amount || column === format.cost) return 'DOUBLE';
    return column === format.start && !format.startIsInterval ? 'TIMESTAMP' : 'VARCHAR';
  };
  const names = columns.map((column, at) => `'c${at}': '${typeOf(column)}'`).join(', ');
  const options = [
    'auto_detect = false',
    'header = true',
    `delim = ','`,
    `quote = '"'`,
    `escape = '"'`,
    `compression = '${file.kind === 'gzip' ? 'gzip' : 'none'}'`,
    `max_line_size = ${longestLineBytes}`,
    // It would be sixteen such lines, for each thread.
    `buffer_size = ${longestLineBytes + 1024 * 1024}`,
    'null_padding = false',
    ...more,
  ];
  return `read_csv(${literal(file.path)}, columns = {${names}}, ${options.join(', ')})`;
}

/**
 * The newest period of each snapshot in which it took something, as the table `newest`; a part of a month is what it would be for a
 * whole one. What many snapshots have in common is in the table `places`, once.
 */
export const makeNewest = `
  CREATE TEMP TABLE newest AS WITH deliveries AS (
    SELECT snapshot, archived, started, delivery, max(hours) AS hours, sum(amount) AS amount, sum(cost) AS cost, max(billed) AS billed
    FROM usage GROUP BY snapshot, archived, started, delivery
  ), periods AS (
    SELECT * FROM deliveries QUALIFY delivery = max(delivery) OVER (PARTITION BY snapshot, started)
  )
  SELECT *, date_diff('hour', date_trunc('month', started), date_trunc('month', started) + INTERVAL 1 MONTH) / hours AS times
  FROM periods WHERE amount > 0 QUALIFY started = max(started) OVER (PARTITION BY snapshot);
  CREATE TEMP TABLE places AS SELECT row_number() OVER () - 1 AS place, *
  FROM (SELECT DISTINCT billed, archived, started FROM newest)`;

/** Of {@link makeNewest}, by their numbers, which begin at 0. What is billed has the lines partition, region, account and currency. */
export const newestPlaces = `
  SELECT billed, archived, strftime(started, '%Y-%m-%dT%H:%M:%SZ') AS started FROM places ORDER BY place`;

/** Of {@link makeNewest}: snapshot, number of its place, GiB-months and dollars. */
export const newestUsage = `
  SELECT snapshot, place::INTEGER, amount * times, cost * times
  FROM newest JOIN places USING (billed, archived, started) ORDER BY snapshot, archived`;

/** What was billed on each day; of a day that an account has in several deliveries the newest counts. */
export const billedDays = `
  WITH newest AS (
    SELECT day, account, sum(cost) AS cost, sum(amount) AS amount FROM days GROUP BY day, account, delivery
    QUALIFY delivery = max(delivery) OVER (PARTITION BY day, account)
  )
  SELECT strftime(day, '%Y-%m-%d') AS day, sum(cost) AS dollars, sum(amount) AS gib_months FROM newest GROUP BY 1 ORDER BY 1`;

/** As SQL writes texts: what is in them is never anything else. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
