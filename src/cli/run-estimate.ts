import { planParts } from '../archive/part-plan.js';
import { GiB } from '../core/index.js';
import { pricesOf, seriesCost } from '../costs/reckoning.js';
import { exitStatus } from './exit-status.js';
import type { OptionValues } from './options/index.js';
import { readPriceFile } from './price-file-of.js';
import { estimateLines, memoryLines, pricesLine, sharesTable } from './render/estimate.js';
import type { Output } from './render/index.js';
import { ndjsonLine } from './render/ndjson.js';

/** What is tabulated where no change is given, in percent. */
const changes = [0, 1, 2, 3, 4, 5, 10, 15, 20, 30, 40, 50, 75, 100] as const;
const memorySizesGiB = [1, 40, 100, 200, 400, 800, 1600, 3200] as const;

/** `snap-to-s3 estimate`. Returns the exit status. */
export async function runEstimate(values: OptionValues, { stdout }: Output): Promise<number> {
  const isJson = values.isOn('json');
  const print = (record: object, lines: Iterable<string>): void => {
    if (isJson) stdout.write(ndjsonLine(record));
    else for (const line of lines) stdout.write(`${line}\n`);
  };
  if (values.isOn('memory-table')) {
    const rows = memorySizesGiB.map((sizeGiB) => ({ sizeGiB, partBytes: partBytesOf(sizeGiB) }));
    print({ kind: 'memory', rows }, memoryLines(rows));
    return exitStatus.done;
  }
  const region = values.text('region') ?? '';
  const prices = pricesOf(region, await readPriceFile(values.text('prices')));
  const series = {
    snapshots: readSnapshots(values),
    volumeGiB: values.number('volume-size'),
    compressionRatio: values.number('compression-ratio'),
  };
  if (values.origin('change').kind === 'default') {
    const rows = changes.map((percent) => ({
      percent,
      ...seriesCost({ ...series, change: percent / 100 }, prices),
    }));
    print({ kind: 'estimates', ...series, prices, rows }, [
      ...sharesTable(series, rows),
      '',
      pricesLine(prices, region),
    ]);
    return exitStatus.done;
  }
  const percent = values.number('change');
  const cost = seriesCost({ ...series, change: percent / 100 }, prices);
  const lines = [...estimateLines({ ...series, percent }, cost), '', pricesLine(prices, region)];
  print({ kind: 'estimate', ...series, percent, prices, ...cost }, lines);
  return exitStatus.done;
}

function readSnapshots(values: OptionValues): number {
  const [text = '12', ...more] = values.list('snapshots');
  if (more.length === 0 && /^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw values.refusal('snapshots', 'is not a number of snapshots.', 'For example: --snapshots 12');
}

function partBytesOf(sizeGiB: number): number {
  const sizeBytes = sizeGiB * GiB;
  return planParts({ expectedBytes: sizeBytes, boundBytes: sizeBytes }).partBytes(1);
}
