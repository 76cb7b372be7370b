import { createGzip } from 'node:zlib';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { run } from '../../../src/process/index.js';

/** One line of a cost report, in no format. */
export interface ReportLine {
  readonly snapshot: string;
  readonly region: string;
  readonly account: string;
  readonly partition?: string;
  readonly archive?: boolean;
  /** The report's own word; usage if not given. */
  readonly type?: string;
  /** ISO, without zone. */
  readonly start: string;
  readonly end: string;
  readonly amount: string;
  readonly cost: string;
  readonly netCost?: string;
  readonly tag?: string;
  /** What the bill is in; a report without it has no such column. */
  readonly currency?: string | undefined;
  /** Something else than a snapshot. */
  readonly usageType?: string;
  readonly resource?: string;
}

export type ReportKind = 'legacy' | 'legacy in one interval' | 'cur-2' | 'focus' | 'focus 1.2';
export type Packing = 'csv' | 'gzip' | 'zip' | 'parquet';

const prefixes: Readonly<Record<string, string>> = { 'us-east-1': '', 'us-west-2': 'USW2-', 'eu-west-1': 'EU-' };

const arn = ({ resource, partition = 'aws', region, account, snapshot }: ReportLine): string =>
  resource ?? `arn:${partition}:ec2:${region}:${account}:snapshot/${snapshot}`;
const usageTypeOf = ({ usageType, region, archive }: ReportLine): string =>
  usageType ?? `${prefixes[region] ?? ''}EBS:Snapshot${archive === true ? 'ArchiveStorage' : 'Usage'}`;

/** The records of a report, with the names of its columns. */
export function records(kind: ReportKind, lines: readonly ReportLine[]): readonly Readonly<Record<string, string>>[] {
  return lines.map((line, at): Record<string, string> => {
    const { start, end, amount, cost, netCost = cost, account, region, type = 'Usage', tag = '', currency } = line;
    const inCurrency = (column: string): Record<string, string> =>
      currency === undefined ? {} : { [column]: currency };
    const interval = `${start}Z/${end}Z`;
    const operation = usageTypeOf(line).includes('Snapshot') ? 'CreateSnapshot' : 'RunInstances';
    const focus = {
      BillingAccountId: account,
      SubAccountId: account,
      ChargeCategory: type === 'Usage' ? 'Usage' : type,
      ChargeClass: '',
      ChargePeriodStart: `${start}Z`,
      ChargePeriodEnd: `${end}Z`,
      ConsumedQuantity: amount,
      BilledCost: cost,
      EffectiveCost: netCost,
      ...inCurrency('BillingCurrency'),
      RegionId: region,
      ResourceId: arn(line),
      Tags: JSON.stringify({ Name: tag }),
      x_Operation: operation,
    };
    switch (kind) {
      case 'legacy':
      case 'legacy in one interval':
        return {
          'identity/LineItemId': `line${at}`,
          'identity/TimeInterval': interval,
          'bill/BillingEntity': 'AWS',
          'lineItem/UsageAccountId': account,
          'lineItem/LineItemType': type,
          ...(kind === 'legacy' ? { 'lineItem/UsageStartDate': `${start}Z`, 'lineItem/UsageEndDate': `${end}Z` } : {}),
          'lineItem/UsageType': usageTypeOf(line),
          'lineItem/Operation': operation,
          'lineItem/ResourceId': arn(line),
          'lineItem/UsageAmount': amount,
          'lineItem/UnblendedRate': '0.05',
          'lineItem/UnblendedCost': cost,
          'lineItem/NetUnblendedCost': netCost,
          ...inCurrency('lineItem/CurrencyCode'),
          'product/region': region,
          'resourceTags/user:Name': tag,
          'resourceTags/user:name': '',
        };
      case 'cur-2':
        return {
          identity_line_item_id: `line${at}`,
          line_item_usage_account_id: account,
          line_item_line_item_type: type,
          line_item_usage_start_date: start.replace('T', ' '),
          line_item_usage_end_date: end.replace('T', ' '),
          line_item_usage_type: usageTypeOf(line),
          line_item_operation: operation,
          line_item_resource_id: arn(line),
          line_item_usage_amount: amount,
          line_item_unblended_cost: cost,
          line_item_net_unblended_cost: netCost,
          ...inCurrency('line_item_currency_code'),
          product_region_code: region,
          resource_tags: JSON.stringify({ user_name: tag }),
        };
      case 'focus':
        return { ...focus, x_UsageType: usageTypeOf(line) };
      case 'focus 1.2':
        // "Migrating from FOCUS 1.0 to FOCUS 1.2" (AWS Data Exports): the usage type is SkuMeter now.
        return {
          ...focus,
          BillingAccountType: 'AWS account',
          CapacityReservationId: '',
          InvoiceId: '',
          PricingCurrency: currency ?? 'USD',
          PricingCurrencyEffectiveCost: '0',
          SkuMeter: usageTypeOf(line),
          SkuPriceDetails: '{}',
          SubAccountType: 'AWS account',
          x_ServiceCode: 'AmazonEC2',
        };
    }
  });
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The records as CSV, with a header. */
export function csv(all: readonly Readonly<Record<string, string>>[], columns = Object.keys(all[0] ?? {})): string {
  const rows = all.map((record) => columns.map((column) => quoted(record[column] ?? '')).join(','));
  return `${[columns.map(quoted).join(','), ...rows].join('\n')}\n`;
}

/** Writes a report to a folder and returns its path. The name says nothing of what is in it. */
export async function writeReport(
  folder: string,
  text: string,
  { packing, name }: { readonly packing: Packing; readonly name: string },
): Promise<string> {
  const path = join(folder, name);
  const plain = join(folder, `${name}.plain.csv`);
  switch (packing) {
    case 'csv':
      await writeFile(path, text);
      return path;
    case 'gzip':
      await pipeline(Readable.from([text]), createGzip(), createWriteStream(path));
      return path;
    case 'zip':
      await writeFile(plain, text);
      await run([
        'python3',
        '-c',
        'import sys, zipfile; zipfile.ZipFile(sys.argv[1], "w", 8).write(sys.argv[2], "report-1.csv")',
        path,
        plain,
      ]);
      return path;
    case 'parquet': {
      await writeFile(plain, text);
      const instance = await DuckDBInstance.create(':memory:');
      const connection = await instance.connect();
      await connection.run(`COPY (SELECT * FROM read_csv('${plain}')) TO '${path}' (FORMAT parquet)`);
      connection.closeSync();
      instance.closeSync();
      return path;
    }
  }
}
