import { rm } from 'node:fs/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { run } from '../../src/process/index.js';

/** How a report is made. */
export interface MadeReport {
  readonly path: string;
  readonly lines: number;
  readonly format: 'csv' | 'csv.gz' | 'zip' | 'parquet';
  readonly kind: ReportKind;
}

/** What reports AWS delivers. */
export type ReportKind = 'legacy' | 'cur-2' | 'focus';

/** What a line says, what the kinds of reports call it, and what it is in Parquet where that is no text. */
interface Column {
  readonly expression: string;
  readonly legacy?: string;
  readonly cur2?: string;
  readonly focus?: string;
  readonly type?: 'TIMESTAMP' | 'DOUBLE';
}

const columns: readonly Column[] = [
  {
    expression: `'line' || i`,
    legacy: 'identity/LineItemId',
    cur2: 'identity_line_item_id',
    focus: 'x_LineItemId',
  },
  {
    expression: `strftime(day, '%Y-%m-%dT00:00:00Z') || '/' || strftime(day + INTERVAL 1 DAY, '%Y-%m-%dT00:00:00Z')`,
    legacy: 'identity/TimeInterval',
    cur2: 'identity_time_interval',
  },
  {
    expression: 'account',
    legacy: 'lineItem/UsageAccountId',
    cur2: 'line_item_usage_account_id',
    focus: 'SubAccountId',
  },
  {
    expression: `CASE WHEN i % 97 = 0 THEN 'Tax' ELSE 'Usage' END`,
    legacy: 'lineItem/LineItemType',
    cur2: 'line_item_line_item_type',
    focus: 'ChargeCategory',
  },
  {
    expression: `strftime(day, '%Y-%m-%dT00:00:00Z')`,
    legacy: 'lineItem/UsageStartDate',
    cur2: 'line_item_usage_start_date',
    focus: 'ChargePeriodStart',
    type: 'TIMESTAMP',
  },
  {
    expression: `strftime(day + INTERVAL 1 DAY, '%Y-%m-%dT00:00:00Z')`,
    legacy: 'lineItem/UsageEndDate',
    cur2: 'line_item_usage_end_date',
    focus: 'ChargePeriodEnd',
    type: 'TIMESTAMP',
  },
  {
    expression: `CASE WHEN is_snapshot THEN 'AmazonEC2' ELSE 'AmazonS3' END`,
    legacy: 'lineItem/ProductCode',
    cur2: 'line_item_product_code',
    focus: 'x_ServiceCode',
  },
  {
    expression: `CASE WHEN is_snapshot THEN 'R' || pair || '-EBS:SnapshotUsage' ELSE 'R' || pair || '-TimedStorage-ByteHrs' END`,
    legacy: 'lineItem/UsageType',
    cur2: 'line_item_usage_type',
    focus: 'x_UsageType',
  },
  {
    expression: `CASE WHEN is_snapshot THEN 'CreateSnapshot' ELSE 'StandardStorage' END`,
    legacy: 'lineItem/Operation',
    cur2: 'line_item_operation',
    focus: 'x_Operation',
  },
  {
    expression: `CASE WHEN is_snapshot THEN 'arn:aws:ec2:us-west-' || pair || ':' || account || ':snapshot/snap-' || lpad(lower(to_hex(snapshot)), 17, '0')
      ELSE 'arn:aws:s3:::bucket-' || (i % 5000) END`,
    legacy: 'lineItem/ResourceId',
    cur2: 'line_item_resource_id',
    focus: 'ResourceId',
  },
  {
    expression: '((hash(i) % 100000) / 1000.0)::VARCHAR',
    legacy: 'lineItem/UsageAmount',
    cur2: 'line_item_usage_amount',
    focus: 'ConsumedQuantity',
    type: 'DOUBLE',
  },
  {
    expression: `'0.0500000000'`,
    legacy: 'lineItem/UnblendedRate',
    cur2: 'line_item_unblended_rate',
    focus: 'ListUnitPrice',
  },
  {
    expression: '((hash(i) % 100000) / 20000.0)::VARCHAR',
    legacy: 'lineItem/UnblendedCost',
    cur2: 'line_item_unblended_cost',
    focus: 'BilledCost',
    type: 'DOUBLE',
  },
  {
    expression: '((hash(i) % 100000) / 20000.0)::VARCHAR',
    legacy: 'lineItem/NetUnblendedCost',
    cur2: 'line_item_net_unblended_cost',
    focus: 'EffectiveCost',
    type: 'DOUBLE',
  },
  {
    expression: `'$0.05 per GB-Month of snapshot data stored - region ' || pair`,
    legacy: 'lineItem/LineItemDescription',
    cur2: 'line_item_line_item_description',
    focus: 'ChargeDescription',
  },
  {
    expression: `'us-west-' || pair`,
    legacy: 'product/region',
    cur2: 'product_region_code',
    focus: 'RegionId',
  },
  {
    expression: `'server "' || (i % 1000) || '", of ' || pair`,
    legacy: 'resourceTags/user:Name',
    cur2: 'resource_tags',
    focus: 'Tags',
  },
  { expression: `''`, focus: 'ChargeClass' },
];

/** Also a legacy report has the names of CUR 2.0 in Parquet, and numbers and times are no texts there. */
function selected(kind: ReportKind, format: MadeReport['format']): string {
  const isParquet = format === 'parquet';
  return columns
    .flatMap(({ expression, legacy, cur2, focus, type }) => {
      const name = { legacy: isParquet ? cur2 : legacy, 'cur-2': cur2, focus }[kind];
      if (name === undefined) return [];
      return [`${isParquet && type !== undefined ? `CAST(${expression} AS ${type})` : expression} AS "${name}"`];
    })
    .join(', ');
}

/** A report: every fifth line is of one of 100,000 snapshots, in 40 pairs of region and account, over ten days. */
export async function makeReport({ path, lines, format, kind }: MadeReport): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '4GB' });
  const connection = await instance.connect();
  const options =
    format === 'parquet'
      ? 'FORMAT parquet'
      : `FORMAT csv, HEADER true${format === 'csv.gz' ? ', COMPRESSION gzip' : ''}`;
  await connection.run(`COPY (
    SELECT ${selected(kind, format)} FROM (
      SELECT i, i % 5 = 0 AS is_snapshot, snapshot, snapshot % 40 AS pair, lpad((snapshot % 40)::VARCHAR, 12, '1') AS account,
        TIMESTAMP '2026-05-01' + INTERVAL 1 DAY * ((i // 500000) % 10) AS day
      FROM (SELECT range AS i, (range // 5) % 100000 AS snapshot FROM range(${lines}))
    )) TO '${format === 'zip' ? `${path}.csv` : path}' (${options})`);
  connection.closeSync();
  instance.closeSync();
  if (format !== 'zip') return;
  const zip = 'import sys, zipfile; zipfile.ZipFile(sys.argv[1], "w", 8).write(sys.argv[2], "report-1.csv")';
  await run(['python3', '-c', zip, path, `${path}.csv`]);
  await rm(`${path}.csv`);
}
