import { MiB } from '../../core/index.js';
import { type Destination, type DestinationCost, type RegionPrices, type SeriesCost } from '../../costs/reckoning.js';
import { money } from './money.js';
import { pricesSentence } from './prices-sentence.js';

/** What a destination is called in tables. */
export const destinationNames: Readonly<Record<Destination, string>> = {
  STANDARD: 'S3 Std',
  STANDARD_IA: 'S3 IA',
  ONEZONE_IA: 'One Zone IA',
  INTELLIGENT_TIERING: 'Tiering',
  GLACIER_IR: 'Glacier IR',
  GLACIER: 'Glacier',
  DEEP_ARCHIVE: 'Deep Archive',
  EBS_ARCHIVE: 'EBS archive',
};

const dollars = (amount: number): string => money(amount, 'USD');

interface Series {
  readonly snapshots: number;
  readonly volumeGiB: number;
  readonly compressionRatio: number;
}

/**
 * A share as a percentage with two significant digits: 550%, 8.0%. With three between 100 and 105 %, where two would hide on
 * which side of break-even it is, and where three are all there are and two would only be a rounded half: 102%, 12.5%.
 */
export function sharePercent(share: number): string {
  const percent = Number((share * 100).toPrecision(12));
  const two = Number(percent.toPrecision(2));
  const three = Number(percent.toPrecision(3));
  const isHalf = percent === three && /5$/.test(percent.toPrecision(3)) && percent < 100;
  const digits = (two === 100 && three !== 100) || isHalf ? 3 : 2;
  const rounded = Number(percent.toPrecision(digits));
  return `${rounded >= 10 ** (digits - 1) ? String(rounded) : percent.toPrecision(digits)}%`;
}

/** The costs of each change, as shares of those of EBS. */
export function* sharesTable(
  series: Series,
  rows: readonly (SeriesCost & { readonly percent: number })[],
): Generator<string> {
  yield `${told(series)}: what the archives cost of what EBS takes for the snapshots.`;
  yield '';
  const [first] = rows;
  const ratio = series.compressionRatio === 1 ? '' : ` ${series.compressionRatio}:1`;
  const head = (first?.destinations ?? []).map(({ destination }) =>
    destination === 'EBS_ARCHIVE' ? destinationNames[destination] : `${destinationNames[destination]}${ratio}`,
  );
  yield* aligned([
    ['change', ...head],
    ...rows.map(({ percent, destinations }) => [
      `${percent}%`,
      ...destinations.map(({ share }) => sharePercent(share)),
    ]),
    ['break-even at', ...(first?.destinations ?? []).map(({ breakEvenChange }) => breakEven(breakEvenChange))],
    ['with many snapshots', ...(first?.destinations ?? []).map((one) => breakEven(one.breakEvenChangeInTheLimit))],
    ['if incremental', ...(first?.destinations ?? []).map((one) => incrementalShare(one, first?.ebsDollarsPerMonth))],
  ]);
  yield '';
  yield 'Below 100% the archives are cheaper. From the break-even change on they are.';
  yield '"If incremental" is what archives of the changes alone would cost, whatever changes; nothing here makes them.';
}

/** The costs of one series. */
export function* estimateLines(
  series: Series & { readonly percent: number },
  { ebsDollarsPerMonth, destinations }: SeriesCost,
): Generator<string> {
  yield `${told(series)}, ${series.percent}% of it another each time:`;
  yield '';
  yield* aligned([
    ['', 'a month', 'of EBS', 'break-even at', 'with many', 'if incremental'],
    ['EBS snapshots', dollars(ebsDollarsPerMonth), '100%', '', '', dollars(ebsDollarsPerMonth)],
    ...destinations.map((one) => [
      destinationNames[one.destination],
      dollars(one.dollarsPerMonth),
      sharePercent(one.share),
      breakEven(one.breakEvenChange),
      breakEven(one.breakEvenChangeInTheLimit),
      one.incrementalDollarsPerMonth === undefined ? '' : dollars(one.incrementalDollarsPerMonth),
    ]),
  ]);
  yield '';
  yield 'Each archive is a full copy. "If incremental" is what archives of the changes alone would cost; nothing here makes them.';
}

/** Whose prices they are, and of which day. */
export function pricesLine(prices: RegionPrices, asked: string): string {
  return `${pricesSentence(prices, [asked])} --prices takes others.`;
}

/** The memory that the parts of uploads take. */
export function* memoryLines(
  rows: readonly { readonly sizeGiB: number; readonly partBytes: number }[],
): Generator<string> {
  yield 'What an upload holds in memory, besides about 200 MiB of the rest:';
  yield '';
  yield* aligned([
    ['volume, full', '--upload-streams 1', '--upload-streams 4'],
    ...rows.map(({ sizeGiB, partBytes }) => [
      `${sizeGiB.toLocaleString('en-US')} GiB`,
      mebibytes(partBytes),
      mebibytes(4 * partBytes),
    ]),
  ]);
}

/** With two significant digits, as the existing tool has them. */
function mebibytes(bytes: number): string {
  return `${Number((bytes / MiB).toPrecision(2)).toLocaleString('en-US')} MiB`;
}

function incrementalShare(one: DestinationCost, ebsDollarsPerMonth = NaN): string {
  if (one.incrementalDollarsPerMonth === undefined) return '';
  return sharePercent(one.incrementalDollarsPerMonth / ebsDollarsPerMonth);
}

function told({ snapshots, volumeGiB, compressionRatio }: Series): string {
  const ratio = compressionRatio === 1 ? 'not compressed' : `compressed ${compressionRatio}:1`;
  const what = snapshots === 1 ? '1 snapshot' : `${snapshots.toLocaleString('en-US')} snapshots`;
  return `${what} of ${volumeGiB.toLocaleString('en-US')} GiB, ${ratio}`;
}

function breakEven(change: number): string {
  if (change <= 0) return 'always';
  return change > 1 ? 'never' : sharePercent(change);
}

/** Columns of which some, the first alone if nothing is said, are text, and the others are numbers. */
export function* aligned(
  rows: readonly (readonly string[])[],
  { text }: { readonly text: readonly number[] } = { text: [0] },
): Generator<string> {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  const padded = (cell: string, at: number): string =>
    text.includes(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0);
  for (const row of rows) yield row.map(padded).join('  ').trimEnd();
}
