import type { SnapshotId } from '../core/index.js';
import { destinations, perGiBMonth, type Destination } from './break-even.js';
import { backCost, directReadCost, movingCost } from './moving-cost.js';
import type { Range } from './migration-cost.js';
import type { RegionPrices } from './prices.js';
import { snapshotCount, type VolumeUsage } from './snapshot-usage.js';

/** What advice is made with. */
export interface AdviceOptions {
  readonly prices: RegionPrices;
  /** Where snapshots would go. */
  readonly destination: Destination;
  /** Bytes before compression over bytes after it. */
  readonly compressionRatio: number;
  /** So many of the newest stay; undefined: one of a volume that is or may be there, none of a deleted one. */
  readonly keepNewest: number | undefined;
  /** A move that takes longer to pay off is not worth it. */
  readonly mostPaybackMonths: number;
  /** The key of the tag that marks what is migrated already. */
  readonly tag: string;
  /** The size of the parts of an upload of so many bytes. */
  readonly partBytesOf: (archiveBytes: number) => number;
}

/** What to do with the snapshots of a volume. */
export type Action = 'move-all' | 'move-older' | 'leave';

/** Why. */
export type Reason =
  /** Full copies there are cheaper than what EBS takes. */
  | 'cheaper'
  /** Between snapshots so little changes that EBS's sharing is the cheaper way. */
  | 'little-changes'
  /** Nothing but what must stay. */
  | 'only-newest'
  /** The move costs more than is saved in the time that was allowed. */
  | 'long-payback'
  /** They are in S3 already, or cannot be moved: in EBS's archive tier, or another service's. */
  | 'nothing-to-move'
  /** Prices there are in another currency, and not known. */
  | 'unknown-prices'
  /** It is a copy: which others share its blocks is not known, and so not what its end would save. */
  | 'copy'
  /** EC2 does not know them, or was not asked: neither dates nor sizes are known. */
  | 'unknown-volume';

/** What a plan for one destination comes to. */
export interface ClassPlan {
  readonly destination: Destination;
  /** Of all snapshots, as full copies there. */
  readonly dollarsPerMonth: number;
  /** How many are moved at the best, the oldest ones; 0: none. */
  readonly moved: number;
  /** What those cost there, and those that stay in EBS. */
  readonly dollarsPerMonthAfter: number;
  readonly savesDollarsPerMonth: number;
  /** For moving them. */
  readonly onceDollars: Range;
  /** At the higher cost of moving; undefined where nothing is saved. */
  readonly paybackMonths: number | undefined;
  /** What is owed for the class's least time, however early they are deleted there. */
  readonly leastTermDollars: number;
  /** To have one copy back: reading or thawing (at the tier Standard), or the restore fee of EBS's archive tier. */
  readonly backDollars: number;
  /** What reading the same through the EBS direct APIs would cost, which takes neither volume nor instance. */
  readonly directReadDollars: number;
}

/** What is known of the snapshots of one volume, and what should be done with them. */
export interface VolumeAdvice {
  readonly action: Action;
  readonly reason: Reason;
  /** To be moved, by date. */
  readonly move: readonly SnapshotId[];
  /** In S3 already by their tags: to be deleted once that is proven. */
  readonly alreadyMoved: number;
  /** In EBS's archive tier, or made by AWS Backup or for an AMI, which only those may delete. */
  readonly held: number;
  /** The size of one full copy before compression. */
  readonly fullGiB: number | undefined;
  /** Whether EC2 told it, or it is guessed from the report. */
  readonly fullGiBFrom: 'ec2' | 'report';
  /** Mean over the n - 1 changes between n snapshots, as a share of the volume; undefined for less than two. */
  readonly meanChange: number | undefined;
  /** From that change on a full copy at the destination is cheaper than the change in EBS. */
  readonly worthwhileChange: number | undefined;
  readonly dollarsPerMonth: number;
  /** For the advised destination; undefined where the volume or the prices are not known. */
  readonly plan: ClassPlan | undefined;
  /** For each destination; none where there is no plan. */
  readonly classes: readonly ClassPlan[];
}

type Snapshot = VolumeUsage['snapshots'][number];

/** What is made of it by the state that our tag tells. */
const inS3 = new Set(['migrated', 'validating', 'validated']);

/**
 * Advice for one volume. A snapshot that is deleted frees only what no newer one shares with it, so what stays is reckoned
 * anew: the oldest that stays is whole, and each one after it is what has changed since the one before that stays.
 */
export function adviseVolume(volume: VolumeUsage, options: AdviceOptions): VolumeAdvice {
  const { destination } = options;
  const found = series(volume, options);
  const unknown = unknownOf(volume, options);
  const known = {
    alreadyMoved: found.standard.filter((one) => isMoved(one, options.tag)).length,
    held: snapshotCount(volume) - found.standard.length + found.standard.filter(isHeld).length,
    fullGiBFrom: found.fullGiBFrom,
    dollarsPerMonth: found.dollarsPerMonth,
  };
  if (unknown !== undefined) {
    const none = {
      fullGiB: undefined,
      meanChange: undefined,
      worthwhileChange: undefined,
      plan: undefined,
      classes: [],
    };
    return { action: 'leave', reason: unknown, move: [], ...known, ...none };
  }
  const facts = movable(found, volume, options);
  const classes = destinations.map((one) => bestPlan(facts, one, options));
  const plan = classes.find((one) => one.destination === destination) ?? bestPlan(facts, destination, options);
  const perCopy = facts.fullGiB * perGiBMonth(destination, options.compressionRatio, options.prices);
  const about = {
    ...known,
    fullGiB: facts.fullGiB,
    meanChange: facts.meanChange,
    worthwhileChange: perCopy / facts.rate / (volume.volumeGiB ?? facts.fullGiB),
    plan,
    classes,
  };
  const reason = reasonOf(volume, facts, plan, options);
  if (reason !== 'cheaper') return { action: 'leave', reason, move: [], ...about };
  const move = facts.movable.slice(0, plan.moved).map(({ snapshotId }) => snapshotId);
  return { action: move.length === facts.standard.length ? 'move-all' : 'move-older', reason, move, ...about };
}

/** Why nothing can be said of copies elsewhere. Our list is in US dollars; a file's prices are taken for the bill's currency. */
function unknownOf(volume: VolumeUsage, { prices }: AdviceOptions): Reason | undefined {
  if (volume.origin === 'unknown') return 'unknown-volume';
  const isGiven = prices.source === 'file' && prices.own !== 'none';
  return volume.currency !== 'USD' && !isGiven ? 'unknown-prices' : undefined;
}

function reasonOf(volume: VolumeUsage, facts: MovableSeries, plan: ClassPlan, options: AdviceOptions): Reason {
  if (volume.origin === 'copy') return 'copy';
  if (facts.movable.length === 0) {
    const isFree = (one: Snapshot): boolean => !isHeld(one) && !isMoved(one, options.tag);
    return facts.standard.some(isFree) ? 'only-newest' : 'nothing-to-move';
  }
  if (plan.moved === 0) return 'little-changes';
  return (plan.paybackMonths ?? Infinity) > options.mostPaybackMonths ? 'long-payback' : 'cheaper';
}

/** The snapshots of a volume that are in EBS's standard tier, and what follows from them. */
interface Series {
  readonly standard: readonly Snapshot[];
  readonly dollarsPerMonth: number;
  /** What a GiB costs a month, by the report. */
  readonly rate: number;
  readonly volumeGiB: number;
  readonly fullGiB: number;
  readonly fullGiBFrom: 'ec2' | 'report';
  readonly meanChange: number | undefined;
}

/** A series, and what can go from it. */
interface MovableSeries extends Series {
  /** Those that may be moved, by date. */
  readonly movable: readonly Snapshot[];
  /** What EBS keeps when the first of them is gone, the first two, and so on. */
  readonly remainingGiB: readonly number[];
}

function series(volume: VolumeUsage, { prices }: AdviceOptions): Series {
  const archived = new Set(
    volume.snapshots.filter(({ tier }) => tier === 'archive').map(({ snapshotId }) => snapshotId),
  );
  // One in both tiers was archived in this period, or is restored for some days: its place is the archive.
  const standard = volume.snapshots.filter(({ snapshotId }) => !archived.has(snapshotId));
  const [gib, dollarsPerMonth] = [sum(standard, 'gibMonths'), sum(standard, 'dollarsPerMonth')];
  const told = standard.map(({ facts }) => facts?.fullGiB).filter((one) => one !== undefined);
  // The first one has everything that there was, and so has one after which all was written anew.
  const guessed = standard.reduce((most, { gibMonths }) => Math.max(most, gibMonths), 0);
  const fullGiB = Math.min(volume.volumeGiB ?? Infinity, told.reduce((most, one) => Math.max(most, one), 0) || guessed);
  const volumeGiB = volume.volumeGiB ?? fullGiB;
  return {
    standard,
    dollarsPerMonth,
    rate: gib > 0 && dollarsPerMonth > 0 ? dollarsPerMonth / gib : prices.snapshotPerGiBMonth,
    volumeGiB,
    fullGiB,
    fullGiBFrom: told.length > 0 ? 'ec2' : 'report',
    meanChange:
      standard.length < 2 || volumeGiB === 0
        ? undefined
        : sum(standard.slice(1), 'gibMonths') / (standard.length - 1) / volumeGiB,
  };
}

function movable(found: Series, volume: VolumeUsage, { keepNewest, tag }: AdviceOptions): MovableSeries {
  const { standard, fullGiB } = found;
  const kept = keepNewest ?? (volume.isDeleted === true ? 0 : 1);
  const candidates = standard.slice(0, Math.max(0, standard.length - kept));
  const free = candidates.filter((one) => !isHeld(one) && !isMoved(one, tag));
  return { ...found, movable: free, remainingGiB: remaining(standard, new Set(free), fullGiB) };
}

/** Moves as many of the oldest as save the most. */
function bestPlan(facts: MovableSeries, destination: Destination, options: AdviceOptions): ClassPlan {
  const { prices, compressionRatio, partBytesOf } = options;
  const perCopy = facts.fullGiB * perGiBMonth(destination, compressionRatio, prices);
  // What stays as it is, is what the report says: the model has no share in it.
  let [moved, dollarsPerMonthAfter] = [0, facts.dollarsPerMonth];
  for (const [at, remainingGiB] of facts.remainingGiB.entries()) {
    const dollars = remainingGiB * facts.rate + (at + 1) * perCopy;
    if (dollars < dollarsPerMonthAfter) [moved, dollarsPerMonthAfter] = [at + 1, dollars];
  }
  const savesDollarsPerMonth = facts.dollarsPerMonth - dollarsPerMonthAfter;
  const onceDollars = movingCost({ snapshots: moved, ...facts, destination, compressionRatio, partBytesOf }, prices);
  const leastDays =
    destination === 'EBS_ARCHIVE' ? prices.snapshotArchive.leastDays : prices.storage[destination].leastDays;
  return {
    destination,
    dollarsPerMonth: facts.standard.length * perCopy,
    moved,
    dollarsPerMonthAfter,
    savesDollarsPerMonth,
    onceDollars,
    paybackMonths: savesDollarsPerMonth > 0 ? onceDollars.high / savesDollarsPerMonth : undefined,
    leastTermDollars: (moved * perCopy * leastDays) / daysPerMonth,
    backDollars: backCost({ fullGiB: facts.fullGiB, destination, compressionRatio }, prices),
    directReadDollars: destination === 'EBS_ARCHIVE' ? 0 : moved * directReadCost(facts.fullGiB, prices),
  };
}

const daysPerMonth = 365 / 12;

/**
 * What EBS keeps, in GiB, when the first movable one is gone, the first two, and so on: the oldest that stays is whole, and
 * each one after it is what has changed since the one before that stays. Its length is the number of movable ones.
 */
function remaining(standard: readonly Snapshot[], movable: ReadonlySet<Snapshot>, fullGiB: number): readonly number[] {
  // Of those that follow one that stays, as they are.
  const from: number[] = [0];
  for (const { gibMonths } of standard.toReversed()) from.push((from.at(-1) ?? 0) + Math.min(fullGiB, gibMonths));
  from.reverse();
  const found: number[] = [];
  let [kept, sinceLast, isFirst] = [0, 0, true];
  /** What several changes have in common counts once; it cannot be more than everything. */
  const keptAs = (own: number): number => {
    const all = sinceLast + own;
    return isFirst && all > own ? fullGiB : Math.min(fullGiB, all);
  };
  for (const [at, one] of standard.entries()) {
    if (movable.has(one)) {
      sinceLast += one.gibMonths;
      const next = standard[at + 1];
      found.push(kept + (next === undefined ? 0 : keptAs(next.gibMonths)) + (from[at + 2] ?? 0));
    } else {
      kept += keptAs(one.gibMonths);
      [sinceLast, isFirst] = [0, false];
    }
  }
  return found;
}

/** Only AWS Backup deletes what it has made, and a snapshot of an AMI cannot be deleted before that. */
function isHeld({ facts }: Snapshot): boolean {
  if (facts === undefined) return false;
  const isOfBackup = Object.keys(facts.tags).some((key) => key.startsWith('aws:backup:'));
  return isOfBackup || /^(?:Created by CreateImage\(|Copied for DestinationAmi )/.test(facts.description);
}

function isMoved({ facts }: Snapshot, tag: string): boolean {
  return inS3.has(facts?.tags[tag] ?? '');
}

function sum(snapshots: readonly Snapshot[], field: 'gibMonths' | 'dollarsPerMonth'): number {
  return snapshots.reduce((total, one) => total + one[field], 0);
}
