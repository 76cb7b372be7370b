import { DuckDBInstance } from '@duckdb/node-api';

/** How a report is made. */
export interface MadeReport {
  readonly path: string;
  readonly lines: number;
  readonly format: 'csv' | 'csv.gz' | 'parquet';
}

const columns = {
  line: `'line' || i AS "identity/LineItemId"`,
  interval: `strftime(day, '%Y-%m-%dT00:00:00Z') || '/' || strftime(day + INTERVAL 1 DAY, '%Y-%m-%dT00:00:00Z') AS "identity/TimeInterval"`,
  account: `account AS "lineItem/UsageAccountId"`,
  type: `CASE WHEN i % 97 = 0 THEN 'Tax' ELSE 'Usage' END AS "lineItem/LineItemType"`,
  start: `strftime(day, '%Y-%m-%dT00:00:00Z') AS "lineItem/UsageStartDate"`,
  end: `strftime(day + INTERVAL 1 DAY, '%Y-%m-%dT00:00:00Z') AS "lineItem/UsageEndDate"`,
  product: `CASE WHEN is_snapshot THEN 'AmazonEC2' ELSE 'AmazonS3' END AS "lineItem/ProductCode"`,
  usage: `CASE WHEN is_snapshot THEN 'R' || pair || '-EBS:SnapshotUsage' ELSE 'R' || pair || '-TimedStorage-ByteHrs' END AS "lineItem/UsageType"`,
  operation: `CASE WHEN is_snapshot THEN 'CreateSnapshot' ELSE 'StandardStorage' END AS "lineItem/Operation"`,
  resource: `CASE WHEN is_snapshot THEN 'arn:aws:ec2:us-west-' || pair || ':' || account || ':snapshot/snap-' || lpad(to_hex(snapshot), 17, '0')
    ELSE 'arn:aws:s3:::bucket-' || (i % 5000) END AS "lineItem/ResourceId"`,
  amount: `((hash(i) % 100000) / 1000.0)::VARCHAR AS "lineItem/UsageAmount"`,
  rate: `'0.0500000000' AS "lineItem/UnblendedRate"`,
  cost: `((hash(i) % 100000) / 20000.0)::VARCHAR AS "lineItem/UnblendedCost"`,
  description: `'$0.05 per GB-Month of snapshot data stored - region ' || pair AS "lineItem/LineItemDescription"`,
  region: `'us-west-' || pair AS "product/region"`,
  name: `'server "' || (i % 1000) || '", of ' || pair AS "resourceTags/user:Name"`,
};

/** A legacy report: every fifth line is of one of 100,000 snapshots, in 40 pairs of region and account, over ten days. */
export async function makeReport({ path, lines, format }: MadeReport): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '4GB' });
  const connection = await instance.connect();
  const options =
    format === 'parquet'
      ? 'FORMAT parquet'
      : `FORMAT csv, HEADER true${format === 'csv.gz' ? ', COMPRESSION gzip' : ''}`;
  await connection.run(`COPY (
    SELECT ${Object.values(columns).join(', ')} FROM (
      SELECT i, i % 5 = 0 AS is_snapshot, snapshot, snapshot % 40 AS pair, lpad((snapshot % 40)::VARCHAR, 12, '1') AS account,
        TIMESTAMP '2026-05-01' + INTERVAL 1 DAY * ((i // 500000) % 10) AS day
      FROM (SELECT range AS i, (range // 5) % 100000 AS snapshot FROM range(${lines}))
    )) TO '${path}' (${options})`);
  connection.closeSync();
  instance.closeSync();
}
