import { adviceTotals, movePlan, type AdvisedRegion, type AdvisedVolume } from '../../commands/costs/index.js';
import { count, printable } from '../../core/index.js';
import {
  destinations,
  type Destination,
  type Range,
  type RegionPrices,
  type VolumeAdvice,
} from '../../costs/reckoning.js';
import { aligned, destinationNames, sharePercent } from './estimate.js';
import { money } from './money.js';
import { pricesSentence } from './prices-sentence.js';

/** What the reader of advice must know besides. */
export interface AdviceContext {
  readonly destination: Destination;
  readonly compressionRatio: number;
  /** "assumed", "of --compression-ratio", "measured of 12 archives in s3://bucket" */
  readonly ratioFrom: string;
}

const longestName = 40;

/** The advice for each volume, by falling saving, and what its snapshots would cost everywhere. */
export function* adviceLines(regions: readonly AdvisedRegion[], context: AdviceContext): Generator<string> {
  const totals = adviceTotals(regions);
  const name = destinationNames[context.destination];
  const volumes = byFallingSaving(regions);
  const write = (amount: number): string => money(amount, currencyOf(regions));
  yield totals.volumesToMove === 0
    ? `Advice: leave everything where it is. Nothing would be saved by moving it to ${name}.`
    : `Advice: move ${count(totals.snapshotsToMove, 'snapshot')} of ${count(totals.volumesToMove, 'volume')} to ${name}. ` +
      `That saves ${write(totals.savesDollarsPerMonth)} of ${write(totals.dollarsPerMonth)} a month, once they are deleted in EBS.`;
  yield '';
  yield* aligned(
    [
      ['volume', 'now', 'after', 'saves', 'moving costs', 'pays off', 'advice'],
      ...volumes.map((volume) => [
        volumeLabel(volume),
        ...figures(volume.advice, write),
        adviceSentence(volume.advice, context),
      ]),
    ],
    { text: [0, 6] },
  );
  yield '';
  yield `What all snapshots of a volume cost a month, in EBS and as full copies elsewhere, compressed ${ratioText(context)}:`;
  yield '';
  yield* aligned([
    ['volume', 'EBS now', ...destinations.map((destination) => destinationNames[destination])],
    ...volumes.map(({ advice, ...volume }) => [
      volumeLabel(volume),
      write(advice.dollarsPerMonth),
      ...destinations.map((_, at) => {
        const one = advice.classes[at];
        return one === undefined ? '' : write(one.dollarsPerMonth);
      }),
    ]),
  ]);
  yield '';
  yield* movesTable(volumes, write);
  yield* footLines(regions);
}

/** What moving takes, for each class in which a volume's snapshots would save something. */
function* movesTable(volumes: readonly AdvisedVolume[], write: (amount: number) => string): Generator<string> {
  const rows = volumes.flatMap((volume) =>
    volume.advice.classes
      .filter(({ moved }) => moved > 0)
      .map((one, at) => [
        at === 0 ? volumeLabel(volume) : '',
        destinationNames[one.destination],
        String(one.moved),
        write(one.savesDollarsPerMonth),
        rangeText(one.onceDollars, write),
        write(one.directReadDollars),
        write(one.leastTermDollars),
        write(one.backDollars),
        `month ${paybackMonth(one.paybackMonths ?? 0)}`,
      ]),
  );
  if (rows.length === 0) return;
  yield 'What moving takes, class by class, of as many of the oldest snapshots as save the most there:';
  yield '';
  const head = [
    'volume',
    'to',
    'moves',
    'saves',
    'moving costs',
    'direct reads',
    'least term',
    'one copy back',
    'pays off',
  ];
  yield* aligned([head, ...rows], { text: [0, 1] });
  yield '';
  yield 'Direct reads are what the EBS direct APIs would take instead of volume and instance; the least term is owed however early';
  yield 'archives are deleted; a copy back is read, or thawed at the tier Standard.';
  yield '';
}

/** What all amounts are in: of several currencies nothing is added up. */
export function currencyOf(regions: readonly AdvisedRegion[]): string {
  return regions[0]?.currency ?? 'USD';
}

/** Prices and their dates. */
export function* footLines(regions: readonly AdvisedRegion[]): Generator<string> {
  const alike = new Map<string, { readonly prices: RegionPrices; readonly of: Set<string> }>();
  for (const { prices, region } of regions) {
    const id = `${prices.own} ${prices.source} ${prices.date}`;
    const one = alike.get(id) ?? { prices, of: new Set() };
    one.of.add(region === '' ? 'unknown' : region);
    alike.set(id, one);
  }
  for (const { prices, of } of alike.values()) yield pricesSentence(prices, [...of]);
  yield 'EBS costs what the report says. See the guide on costs for how the rest is guessed.';
}

/** All volumes, those first that save most, then those that cost most. */
export function byFallingSaving(regions: readonly AdvisedRegion[]): readonly AdvisedVolume[] {
  const saving = ({ advice }: AdvisedVolume): number => movePlan(advice)?.savesDollarsPerMonth ?? 0;
  return regions
    .flatMap(({ volumes }) => volumes)
    .toSorted((a, b) => saving(b) - saving(a) || b.advice.dollarsPerMonth - a.advice.dollarsPerMonth);
}

/** `vol-… (500GB, web)`, no longer than fits a table. */
export function volumeLabel(volume: Omit<AdvisedVolume, 'advice'>): string {
  const { volumeGiB, name, isDeleted } = volume;
  if (volume.origin === 'unknown') return 'unknown volumes';
  const notes = [
    ...(volumeGiB === undefined ? [] : [`${volumeGiB}GB`]),
    ...(volume.origin === 'copy' ? ['copy'] : []),
    ...(isDeleted === true ? ['deleted'] : []),
    ...(name === undefined || name === '' ? [] : [printable(name)]),
  ];
  const label = `${idOf(volume)} (${notes.join(', ')})`;
  return label.length <= longestName ? label : `${label.slice(0, longestName - 2)}…)`;
}

/** The id of a volume, or of the snapshot that is a copy; empty where none is known. */
export function idOf({ origin, volumeId, snapshots }: Omit<AdvisedVolume, 'advice'>): string {
  return (origin === 'copy' ? snapshots[0]?.snapshotId : volumeId) ?? '';
}

function figures(advice: VolumeAdvice, write: (amount: number) => string): readonly string[] {
  const plan = movePlan(advice);
  if (plan === undefined) return [write(advice.dollarsPerMonth), '', '', '', ''];
  const { dollarsPerMonthAfter, savesDollarsPerMonth, onceDollars, paybackMonths } = plan;
  return [
    write(advice.dollarsPerMonth),
    write(dollarsPerMonthAfter),
    write(savesDollarsPerMonth),
    rangeText(onceDollars, write),
    `month ${paybackMonth(paybackMonths ?? 0)}`,
  ];
}

/** The month in which so many months end, 1 for the first. */
export function paybackMonth(months: number): number {
  return Math.max(1, Math.ceil(months));
}

/** `$1.20-$9.90`. */
export function rangeText({ low, high }: Range, write: (amount: number) => string): string {
  return low === high ? write(low) : `${write(low)}-${write(high)}`;
}

/** What to do, and why, in a few words. */
export function adviceSentence(advice: VolumeAdvice, { destination }: Pick<AdviceContext, 'destination'>): string {
  const { action, move, meanChange, worthwhileChange = Infinity, plan, held, alreadyMoved } = advice;
  const name = destinationNames[destination];
  const notes = [
    ...(held > 0 ? [`${held} held by an AMI, AWS Backup or the archive tier`] : []),
    ...(alreadyMoved > 0 ? [`${alreadyMoved} in S3 already`] : []),
  ];
  const more = notes.length === 0 ? '' : `; ${notes.join(', ')}`;
  if (action === 'move-all') return `move all ${move.length}: a full copy in ${name} is cheaper${more}`;
  // The mean tells nothing where it speaks for the other side: what counts is what EBS would free.
  const change = `${sharePercent(meanChange ?? 0)} changes each time, ${pays(worthwhileChange)}`;
  if (action === 'move-older') {
    const copies = move.length === 1 ? `a full copy in ${name} costs` : `full copies in ${name} cost`;
    const freed = `${copies} less than what EBS frees`;
    return `move the oldest ${move.length}: ${(meanChange ?? 0) >= worthwhileChange ? change : freed}${more}`;
  }
  switch (advice.reason) {
    case 'little-changes':
      if (meanChange === undefined) return `leave: a full copy in ${name} is no cheaper${more}`;
      return meanChange < worthwhileChange
        ? `leave: ${change}${more}`
        : `leave: EBS would free less than full copies in ${name} cost${more}`;
    case 'only-newest':
      return `leave: the newest is what the next one is built on${more}`;
    case 'long-payback':
      return `leave: moving pays off only in month ${paybackMonth(plan?.paybackMonths ?? 0)}${more}`;
    case 'copy':
      return `leave: a copy; which others share its blocks, EC2 does not tell${more}`;
    case 'unknown-prices':
      return 'leave: prices in this currency are not known; give them with --prices';
    case 'unknown-volume':
      return 'leave: of which volume they are, and of when, EC2 does not tell';
    case 'nothing-to-move':
    case 'cheaper':
      return `leave: nothing to move${more}`;
  }
}

function pays(change: number): string {
  return change > 1 ? 'and a copy never pays' : `a copy pays from ${sharePercent(change)} on`;
}

/** `1:1 (assumed)`. */
export function ratioText({ compressionRatio, ratioFrom }: Omit<AdviceContext, 'destination'>): string {
  return `${Number(compressionRatio.toPrecision(3))}:1 (${ratioFrom})`;
}
