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

/** What a line says, and what the kinds of reports call it. */
const columns: readonly (readonly [expression: string, legacy: string, cur2?: string, focus?: string])[] = [
  [`'line' || i`, 'identity/LineItemId', 'identity_line_item_id', 'x_LineItemId'],
  [
    `strftime(day, '%Y-%m-%dT00:00:00Z') || '/' || strftime(day + INTERVAL 1 DAY, '%Y-%m-%dT00:00:00Z')`,
    'identity/TimeInterval',
    'identity_time_interval',
  ],
  ['account', 'lineItem/UsageAccountId', 'line_item_usage_account_id', 'SubAccountId'],
  [
    `CASE WHEN i % 97 = 0 THEN 'Tax' ELSE 'Usage' END`,
    'lineItem/LineItemType',
    'line_item_line_item_type',
    'ChargeCategory',
  ],
  [`strftime(day, '%Y-%m-%dT00:00:00Z')`, 'lineItem/UsageStartDate', 'line_item_usage_start_date', 'ChargePeriodStart'],
  [
    `strftime(day + INTERVAL 1 DAY, '%Y-%m-%dT00:00:00Z')`,
    'lineItem/UsageEndDate',
    'line_item_usage_end_date',
    'ChargePeriodEnd',
  ],
  [
    `CASE WHEN is_snapshot THEN 'AmazonEC2' ELSE 'AmazonS3' END`,
    'lineItem/ProductCode',
    'line_item_product_code',
    'x_ServiceCode',
  ],
  [
    `CASE WHEN is_snapshot THEN 'R' || pair || '-EBS:SnapshotUsage' ELSE 'R' || pair || '-TimedStorage-ByteHrs' END`,
    'lineItem/UsageType',
    'line_item_usage_type',
    'x_UsageType',
  ],
  [
    `CASE WHEN is_snapshot THEN 'CreateSnapshot' ELSE 'StandardStorage' END`,
    'lineItem/Operation',
    'line_item_operation',
    'x_Operation',
  ],
  [
    `CASE WHEN is_snapshot THEN 'arn:aws:ec2:us-west-' || pair || ':' || account || ':snapshot/snap-' || lpad(lower(to_hex(snapshot)), 17, '0')
      ELSE 'arn:aws:s3:::bucket-' || (i % 5000) END`,
    'lineItem/ResourceId',
    'line_item_resource_id',
    'ResourceId',
  ],
  ['((hash(i) % 100000) / 1000.0)::VARCHAR', 'lineItem/UsageAmount', 'line_item_usage_amount', 'ConsumedQuantity'],
  [`'0.0500000000'`, 'lineItem/UnblendedRate', 'line_item_unblended_rate', 'ListUnitPrice'],
  ['((hash(i) % 100000) / 20000.0)::VARCHAR', 'lineItem/UnblendedCost', 'line_item_unblended_cost', 'BilledCost'],
  [
    '((hash(i) % 100000) / 20000.0)::VARCHAR',
    'lineItem/NetUnblendedCost',
    'line_item_net_unblended_cost',
    'EffectiveCost',
  ],
  [
    `'$0.05 per GB-Month of snapshot data stored - region ' || pair`,
    'lineItem/LineItemDescription',
    'line_item_line_item_description',
    'ChargeDescription',
  ],
  [`'us-west-' || pair`, 'product/region', 'product_region_code', 'RegionId'],
  [`'server "' || (i % 1000) || '", of ' || pair`, 'resourceTags/user:Name', 'resource_tags', 'Tags'],
  [`''`, '', '', 'ChargeClass'],
];

function selected(kind: ReportKind): string {
  return columns
    .flatMap(([expression, legacy, cur2 = '', focus = '']) => {
      const name = { legacy, 'cur-2': cur2, focus }[kind];
      return name === '' ? [] : [`${expression} AS "${name}"`];
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
    SELECT ${selected(kind)} FROM (
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
