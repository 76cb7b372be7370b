import { movePlan, type AdvisedRegion, type AdvisedVolume } from '../../commands/costs/index.js';
import { destinations, seriesCost, type BilledDay } from '../../costs/index.js';
import { printable } from '../../core/index.js';
import { byFallingSaving, currencyOf, idOf, type AdviceContext } from '../render/advice.js';
import { destinationNames } from '../render/estimate.js';
import { signOf } from '../render/money.js';

/** One line or row of bars of a chart. */
export interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

/** What a chart shows: the script of the page draws it, and a table says the same. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  /** What is seen, in a sentence or two. */
  readonly says: string;
  readonly kind: 'bars' | 'lying-bars' | 'lines';
  /** How values are written. */
  readonly unit: 'money' | 'percent';
  /** What stands before amounts. */
  readonly sign: string;
  readonly labels: readonly string[];
  readonly series: readonly Series[];
  /** Single points over the lines: x among the labels' values. */
  readonly points?: readonly { readonly x: number; readonly y: number; readonly name: string }[];
  /** What stands below the chart. */
  readonly labelsAre: string;
}

const mostBars = 15;
const mostPoints = 300;
const mostDays = 62;

/** The charts of a page. */
export function charts(
  regions: readonly AdvisedRegion[],
  { context, days }: { readonly context: AdviceContext; readonly days: readonly BilledDay[] },
): readonly Chart[] {
  const sign = signOf(currencyOf(regions));
  const all = [byVolume(regions), overTime(days), byClass(regions), breakEven(regions, context)];
  return all.map((chart) => ({ ...chart, sign }));
}

type Unsigned = Omit<Chart, 'sign'>;

function byVolume(regions: readonly AdvisedRegion[]): Unsigned {
  const volumes = byFallingSaving(regions)
    .toSorted((a, b) => b.advice.dollarsPerMonth - a.advice.dollarsPerMonth)
    .slice(0, mostBars);
  const after = volumes.map(({ advice }) => movePlan(advice)?.dollarsPerMonthAfter ?? advice.dollarsPerMonth);
  return {
    id: 'by-volume',
    title: 'Cost by volume',
    says: `The ${volumes.length} dearest volumes: what their snapshots cost a month now, and what they cost after the advised moves.`,
    kind: 'lying-bars',
    unit: 'money',
    labels: volumes.map(shortLabel),
    labelsAre: 'Volume',
    series: [
      { name: 'Now', values: volumes.map(({ advice }) => advice.dollarsPerMonth) },
      { name: 'After', values: after },
    ],
  };
}

/** By day, or where those are many by month. */
function overTime(days: readonly BilledDay[]): Unsigned {
  const byMonth = days.length > mostDays;
  const sums = new Map<string, number>();
  for (const { day, dollars } of days) {
    const at = byMonth ? day.slice(0, 7) : day;
    sums.set(at, (sums.get(at) ?? 0) + dollars);
  }
  const what = byMonth ? 'month' : 'day';
  return {
    id: 'over-time',
    title: 'Cost over time',
    says: `What was billed for all snapshots, ${what} by ${what}, as far as the reports go back.`,
    kind: 'bars',
    unit: 'money',
    labels: [...sums.keys()],
    labelsAre: byMonth ? 'Month' : 'Day',
    series: [{ name: 'Billed', values: [...sums.values()] }],
  };
}

function byClass(regions: readonly AdvisedRegion[]): Unsigned {
  const advice = regions.flatMap(({ volumes }) => volumes.map((volume) => volume.advice));
  const saved = destinations.map((destination) =>
    advice.reduce(
      (sum, { classes, reason }) =>
        reason === 'copy'
          ? sum
          : sum + (classes.find((one) => one.destination === destination)?.savesDollarsPerMonth ?? 0),
      0,
    ),
  );
  return {
    id: 'by-class',
    title: 'Saving by storage class',
    says: 'What would be saved a month, if of each volume as many snapshots were moved to that class as save the most there.',
    kind: 'bars',
    unit: 'money',
    labels: destinations.map((destination) => destinationNames[destination]),
    labelsAre: 'Class',
    series: [{ name: 'Saved a month', values: saved }],
  };
}

const changes = [0, 0.5, 1, 2, 3, 4, 5, 7.5, 10, 15, 20, 25, 30, 40, 50, 75, 100];

function breakEven(regions: readonly AdvisedRegion[], context: AdviceContext): Unsigned {
  const volumes = byFallingSaving(regions).filter(({ advice }) => advice.meanChange !== undefined);
  const counts = volumes.map(({ snapshots }) => snapshots.length).sort((a, b) => a - b);
  const snapshots = counts[Math.floor(counts.length / 2)] ?? 12;
  // That of the most money.
  const [first] = regions;
  const rows = changes.map((percent) => {
    const series = { snapshots, volumeGiB: 1, change: percent / 100, compressionRatio: context.compressionRatio };
    return first === undefined ? [] : seriesCost(series, first.prices).destinations;
  });
  return {
    id: 'break-even',
    title: 'Break-even',
    says:
      `What full copies cost of what EBS takes, by how much changes between snapshots, for ${snapshots} snapshots of a full volume. ` +
      `Below 100% the copies are cheaper. Each point is one of your volumes, in ${destinationNames[context.destination]}` +
      `${first === undefined ? '' : `; the lines are at the prices of ${first.prices.region}, the points at those of their own regions`}.`,
    kind: 'lines',
    unit: 'percent',
    labels: changes.map((percent) => `${percent}%`),
    labelsAre: 'Change',
    series: destinations.map((destination) => ({
      name: destinationNames[destination],
      values: rows.map((row) => 100 * (row.find((one) => one.destination === destination)?.share ?? NaN)),
    })),
    points: volumes.slice(0, mostPoints).map((volume) => ({
      x: 100 * (volume.advice.meanChange ?? 0),
      y: (100 * (volume.advice.plan?.dollarsPerMonth ?? NaN)) / volume.advice.dollarsPerMonth,
      name: shortLabel(volume),
    })),
  };
}

const longestLabel = 24;

/** The name, or the id where there is none: there is little room. */
function shortLabel(volume: AdvisedVolume): string {
  const { name, origin } = volume;
  const id = origin === 'unknown' ? 'unknown volumes' : idOf(volume);
  const label = name === undefined || name === '' ? id : printable(name);
  return label.length <= longestLabel ? label : `${label.slice(0, longestLabel - 1)}…`;
}
