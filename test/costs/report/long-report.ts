import type { Writable } from 'node:stream';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

const columns = [
  'line_item_usage_account_id',
  'line_item_line_item_type',
  'line_item_usage_start_date',
  'line_item_usage_end_date',
  'line_item_usage_type',
  'line_item_resource_id',
  'line_item_usage_amount',
  'line_item_unblended_cost',
  'product_region_code',
];

/**
 * Writes a daily report in gzip, in which each snapshot has a line on each of the first days of May. The last two lines cannot
 * be read: one has no cost, the other no fields.
 */
export async function longReport(
  to: Writable,
  { snapshots, days }: { readonly snapshots: number; readonly days: number },
): Promise<void> {
  const date = (day: number): string => `2026-05-${String(day).padStart(2, '0')} 00:00:00`;
  function* pieces(): Generator<string> {
    yield `${columns.join(',')}\n`;
    for (let day = 1; day <= days; day += 1) {
      const before = `123456789012,Usage,${date(day)},${date(day + 1)},EBS:SnapshotUsage,`;
      for (let from = 0; from < snapshots; from += 1_000) {
        yield Array.from({ length: Math.min(1_000, snapshots - from) }, (_, at) => {
          const id = `snap-${(from + at).toString(16).padStart(17, '0')}`;
          const digit = 1 + ((from + at) % 9);
          return `${before}arn:aws:ec2:us-east-1:123456789012:snapshot/${id},0.${digit},0.00${digit},us-east-1\n`;
        }).join('');
      }
    }
    const resource = 'arn:aws:ec2:us-east-1:123456789012:snapshot/snap-00000000000000000';
    yield `123456789012,Usage,${date(1)},${date(2)},EBS:SnapshotUsage,${resource},0.1,,us-east-1\n`;
    yield 'cut off\n';
  }
  await pipeline(Readable.from(pieces()), createGzip({ level: 1 }), to);
}
