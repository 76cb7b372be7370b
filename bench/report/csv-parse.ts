// The same with csv-parse, streaming in Node. `node csv-parse.js FILE`
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';

const [path = ''] = process.argv.slice(2);
const file = createReadStream(path, { highWaterMark: 1024 * 1024 });
const text = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
const sums = new Map<string, { amount: number; cost: number }>();
for await (const line of text.pipe(parse({ columns: true })) as AsyncIterable<Readonly<Record<string, string>>>) {
  if (line['lineItem/UsageType']?.endsWith('EBS:SnapshotUsage') !== true || line['lineItem/LineItemType'] !== 'Usage')
    continue;
  const key = `${line['lineItem/ResourceId'] ?? ''} ${line['lineItem/UsageStartDate'] ?? ''}`;
  const sum = sums.get(key) ?? { amount: 0, cost: 0 };
  sum.amount += Number(line['lineItem/UsageAmount']);
  sum.cost += Number(line['lineItem/UnblendedCost']);
  sums.set(key, sum);
}
console.log(sums.size);
