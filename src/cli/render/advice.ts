import { adviceTotals, isMove, type AdvisedRegion, type AdvisedVolume } from '../../commands/index.js';
import { count, printable } from '../../core/index.js';
import { destinations, type Destination, type Range, type VolumeAdvice } from '../../costs/index.js';
import { aligned, destinationNames, dollars, sharePercent } from './estimate.js';

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
  yield totals.volumesToMove === 0
    ? `Advice: leave everything where it is. Nothing would be saved by moving it to ${name}.`
    : `Advice: move ${count(totals.snapshotsToMove, 'snapshot')} of ${count(totals.volumesToMove, 'volume')} to ${name}. ` +
      `That saves ${dollars(totals.savesDollarsPerMonth)} of ${dollars(totals.dollarsPerMonth)} a month, once they are deleted in EBS.`;
  yield '';
  yield* aligned(
    [
      ['volume', 'now', 'after', 'saves', 'moving costs', 'pays off', 'advice'],
      ...volumes.map((volume) => [volumeLabel(volume), ...figures(volume.advice), adviceSentence(volume.advice)]),
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
      dollars(advice.dollarsPerMonth),
      ...advice.classes.map((one) => dollars(one.dollarsPerMonth)),
    ]),
  ]);
  yield '';
  yield* footLines(regions);
}

/** Prices and their dates. */
export function* footLines(regions: readonly AdvisedRegion[]): Generator<string> {
  const own = new Map<string, string[]>();
  for (const { prices, region } of regions) {
    const whose = prices.isOwn ? prices.date : `${prices.date} in ${prices.region}, since their own are not known`;
    own.set(whose, [...new Set([...(own.get(whose) ?? []), region === '' ? 'unknown' : region])]);
  }
  for (const [whose, of] of own) yield `Prices of ${of.join(', ')}: list prices of ${whose}.`;
  yield 'EBS costs what the report says. See the guide on costs for how the rest is guessed.';
}

/** All volumes, those first that save most, then those that cost most. */
export function byFallingSaving(regions: readonly AdvisedRegion[]): readonly AdvisedVolume[] {
  const saving = ({ advice }: AdvisedVolume): number => (isMove(advice) ? advice.plan.savesDollarsPerMonth : 0);
  return regions
    .flatMap(({ volumes }) => volumes)
    .toSorted((a, b) => saving(b) - saving(a) || b.advice.dollarsPerMonth - a.advice.dollarsPerMonth);
}

/** `vol-… (500GB, web)`, no longer than fits a table. */
export function volumeLabel({ volumeId, volumeGiB, name, isDeleted }: Omit<AdvisedVolume, 'advice'>): string {
  if (volumeId === undefined) return 'unknown volumes';
  const notes = [
    ...(volumeGiB === undefined ? [] : [`${volumeGiB}GB`]),
    ...(isDeleted === true ? ['deleted'] : []),
    ...(name === undefined || name === '' ? [] : [printable(name)]),
  ];
  const label = `${volumeId} (${notes.join(', ')})`;
  return label.length <= longestName ? label : `${label.slice(0, longestName - 2)}…)`;
}

function figures(advice: VolumeAdvice): readonly string[] {
  if (!isMove(advice)) return [dollars(advice.dollarsPerMonth), '', '', '', ''];
  const { dollarsPerMonthAfter, savesDollarsPerMonth, onceDollars, paybackMonths } = advice.plan;
  return [
    dollars(advice.dollarsPerMonth),
    dollars(dollarsPerMonthAfter),
    dollars(savesDollarsPerMonth),
    rangeText(onceDollars),
    `month ${paybackMonth(paybackMonths ?? 0)}`,
  ];
}

/** The month in which so many months end, 1 for the first. */
export function paybackMonth(months: number): number {
  return Math.max(1, Math.ceil(months));
}

/** `$1.20-$9.90`. */
export function rangeText({ low, high }: Range): string {
  return low === high ? dollars(low) : `${dollars(low)}-${dollars(high)}`;
}

/** What to do, and why, in a few words. */
export function adviceSentence(advice: VolumeAdvice): string {
  const { action, move, meanChange, worthwhileChange, plan, held, alreadyMoved } = advice;
  const name = destinationNames[plan.destination];
  const notes = [
    ...(held > 0 ? [`${held} held by an AMI, AWS Backup or the archive tier`] : []),
    ...(alreadyMoved > 0 ? [`${alreadyMoved} in S3 already`] : []),
  ];
  const more = notes.length === 0 ? '' : `; ${notes.join(', ')}`;
  if (action === 'move-all') return `move all ${move.length}: a full copy in ${name} is cheaper${more}`;
  if (action === 'move-older') {
    const change =
      meanChange === undefined ? '' : `: ${sharePercent(meanChange)} changes each time, ${pays(worthwhileChange)}`;
    return `move the oldest ${move.length}${change}${more}`;
  }
  switch (advice.reason) {
    case 'little-changes':
      return meanChange === undefined
        ? `leave: a full copy in ${name} is no cheaper${more}`
        : `leave: ${sharePercent(meanChange)} changes each time, ${pays(worthwhileChange)}${more}`;
    case 'only-newest':
      return `leave: the newest is what the next one is built on${more}`;
    case 'long-payback':
      return `leave: moving pays off only in month ${paybackMonth(plan.paybackMonths ?? 0)}${more}`;
    case 'unknown-prices':
      return 'leave: prices are not known there; give them with --prices';
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

/** A line for each volume, in CSV (RFC 4180), with a heading. */
export function* adviceCsv(regions: readonly AdvisedRegion[]): Generator<string> {
  yield csvLine([
    'region',
    'account',
    'volume_id',
    'name',
    'volume_gib',
    'volume_deleted',
    'snapshots',
    'billed_gib',
    'full_copy_gib',
    'mean_change',
    'ebs_usd_month',
    ...destinations.map((destination) => `${destination.toLowerCase()}_usd_month`),
    'action',
    'reason',
    'move_snapshots',
    'destination',
    'after_usd_month',
    'saves_usd_month',
    'moving_usd_low',
    'moving_usd_high',
    'direct_read_usd',
    'least_term_usd',
    'one_copy_back_usd',
    'payback_months',
    'prices_of',
    'prices_date',
  ]);
  for (const { prices, volumes } of regions) {
    for (const { advice, ...volume } of volumes) {
      const { plan } = advice;
      yield csvLine([
        volume.region,
        volume.account,
        volume.volumeId,
        volume.name,
        volume.volumeGiB,
        volume.isDeleted,
        volume.snapshots.length,
        volume.snapshots.reduce((sum, { gibMonths }) => sum + gibMonths, 0),
        advice.fullGiB,
        advice.meanChange,
        advice.dollarsPerMonth,
        ...advice.classes.map((one) => one.dollarsPerMonth),
        advice.action,
        advice.reason,
        advice.move.length,
        plan.destination,
        ...(isMove(advice)
          ? [
              plan.dollarsPerMonthAfter,
              plan.savesDollarsPerMonth,
              plan.onceDollars.low,
              plan.onceDollars.high,
              advice.directReadDollars,
              plan.leastTermDollars,
              plan.backDollars,
              plan.paybackMonths,
            ]
          : Array.from({ length: 8 }, () => undefined)),
        prices.region,
        prices.date,
      ]);
    }
  }
}

function csvLine(cells: readonly (string | number | boolean | undefined)[]): string {
  return cells.map((cell) => csvCell(cell ?? '')).join(',');
}

/** A cell; spreadsheets take texts that begin with certain characters for formulas, and names are anybody's. */
function csvCell(cell: string | number | boolean): string {
  if (typeof cell === 'number') return String(Number(cell.toPrecision(12)));
  const text = /^[=+\-@\t\r]/.test(String(cell)) ? `'${String(cell)}` : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
