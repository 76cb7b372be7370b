import {
  AppError,
  GiB,
  isAbort,
  toAppError,
  type EventSink,
  type SnapshotId,
  type VolumeId,
} from '../../core/index.js';
import { snapshotCount, type SnapshotFacts, type SnapshotUsage, type VolumeUsage } from '../../costs/reckoning.js';
import type { Ec2, Volume } from '../../source/index.js';

/** What snapshots cost in one region of one account. */
export interface RegionUsage {
  readonly account: string;
  readonly region: string;
  readonly currency: string;
  /** In that currency. */
  readonly dollarsPerMonth: number;
  readonly snapshots: number;
  /** Those of the report that were deleted before its end: in no other figure. */
  readonly deleted: { readonly snapshots: number; readonly dollarsPerMonth: number };
  /** By falling cost. */
  readonly volumes: readonly VolumeUsage[];
}

/** What analysing works with. */
export interface AnalyzeDependencies {
  /** EC2 of a region; undefined: nobody is asked. */
  readonly ec2In: ((region: string) => Ec2) | undefined;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

/** What EC2 of one region knows. */
interface RegionFacts {
  readonly snapshots: ReadonlyMap<SnapshotId, SnapshotFacts>;
  /** Undefined where that was refused. */
  readonly volumes: ReadonlyMap<VolumeId, Volume> | undefined;
}

/** Regions asked at once: each is an endpoint of its own, with a rate of its own. */
const mostRegions = 16;
/** What EC2 has for the volume of a copy: "an arbitrary volume ID that should not be used for any purpose". */
const noVolume = 'vol-ffffffff';
/** Days come with up to a day's delay, and not for all snapshots at once; after three without a line one is gone. */
const goneAfterMs = 3 * 86_400_000;

/**
 * Brings together what a report says of snapshots and what EC2 knows of them and their volumes; regions and volumes by
 * falling cost, snapshots by date. A region that cannot be asked is told, and its snapshots are without facts. Snapshots that
 * the end of the report has no more, and EC2 does not know, are deleted, and only counted as such. Throws `usage` for amounts
 * in several currencies.
 */
export async function analyze(
  usage: readonly SnapshotUsage[],
  dependencies: AnalyzeDependencies,
): Promise<readonly RegionUsage[]> {
  requireOneCurrency(usage);
  const facts = await factsOf(new Set(usage.map(({ region }) => region)), dependencies);
  const regions = grouped(usage, ({ account, region }) => `${region} ${account}`);
  tellUnknownAccounts([...regions.values()], facts, dependencies.events);
  const isGone = gone(usage, facts);
  return [...regions.values()]
    .map((of) => regionUsage(of, { facts: facts.get(of[0].region), isGone }))
    .sort((a, b) => b.dollarsPerMonth - a.dollarsPerMonth);
}

async function factsOf(
  regions: ReadonlySet<string>,
  { ec2In, events, signal }: AnalyzeDependencies,
): Promise<ReadonlyMap<string, RegionFacts>> {
  const facts = new Map<string, RegionFacts>();
  if (ec2In === undefined) return facts;
  const waiting = [...regions].filter((region) => region !== '');
  const work = async (): Promise<void> => {
    for (let region = waiting.shift(); region !== undefined; region = waiting.shift()) {
      try {
        facts.set(region, await asked(region, { ec2: ec2In(region), events, signal }));
      } catch (error) {
        if (isAbort(error)) throw error;
        const { message } = toAppError(error);
        events({ kind: 'warning', text: `${region} cannot be asked about its snapshots: ${message}` });
      }
    }
  };
  await Promise.all(Array.from({ length: mostRegions }, work));
  signal.throwIfAborted();
  return facts;
}

/** EC2 tells of one account's snapshots: that of the credentials. */
function tellUnknownAccounts(
  regions: readonly (readonly SnapshotUsage[])[],
  facts: ReadonlyMap<string, RegionFacts>,
  events: EventSink,
): void {
  const accounts = new Set(regions.map(([first]) => first?.account ?? ''));
  for (const account of accounts) {
    const asked = regions.filter(([first]) => first?.account === account && facts.has(first.region));
    const isKnown = ({ snapshotId, region }: SnapshotUsage): boolean =>
      facts.get(region)?.snapshots.has(snapshotId) ?? false;
    if (asked.length === 0 || asked.some((region) => region.some(isKnown))) continue;
    const text =
      `EC2 knows none of the snapshots of account ${account === '' ? 'unknown' : account}: they are deleted, or these credentials ` +
      "are another account's. In that case run it once more with that one's.";
    events({ kind: 'warning', text });
  }
}

async function asked(
  region: string,
  { ec2, events, signal }: Pick<AnalyzeDependencies, 'events' | 'signal'> & { readonly ec2: Ec2 },
): Promise<RegionFacts> {
  const [snapshots, volumes] = await Promise.all([
    snapshotsIn(ec2, signal),
    // Dates and sizes are worth having without them.
    volumesIn(ec2, signal).catch((error: unknown) => toAppError(error)),
  ]);
  if (!(volumes instanceof AppError)) return { snapshots, volumes };
  signal.throwIfAborted();
  const text = `${region} cannot be asked about its volumes, their names and which are deleted: ${volumes.message}`;
  events({ kind: 'warning', text });
  return { snapshots, volumes: undefined };
}

async function snapshotsIn(ec2: Ec2, signal: AbortSignal): Promise<RegionFacts['snapshots']> {
  const snapshots = new Map<SnapshotId, SnapshotFacts>();
  for await (const { snapshotId, fullSizeBytes, ...snapshot } of ec2.ownSnapshots(signal)) {
    const { volumeId, volumeGiB, startTime, description, tags } = snapshot;
    const fullGiB = fullSizeBytes === undefined ? undefined : fullSizeBytes / GiB;
    snapshots.set(snapshotId, { volumeId, volumeGiB, fullGiB, startTime, description, tags });
  }
  return snapshots;
}

async function volumesIn(ec2: Ec2, signal: AbortSignal): Promise<ReadonlyMap<VolumeId, Volume>> {
  const volumes = new Map<VolumeId, Volume>();
  for await (const volume of ec2.ownVolumes(signal)) volumes.set(volume.volumeId, volume);
  return volumes;
}

/** Tells snapshots that the newest days of their account's report have no more, and that EC2 does not know. */
function gone(
  usage: readonly SnapshotUsage[],
  facts: ReadonlyMap<string, RegionFacts>,
): (one: SnapshotUsage) => boolean {
  // ISO times are in the order of their texts, and a hundred thousand snapshots have the same few.
  const newest = new Map<string, string>();
  for (const { account, periodStart } of usage) {
    const before = newest.get(account);
    if (before === undefined || periodStart > before) newest.set(account, periodStart);
  }
  const goneBefore = new Map(
    [...newest].map(([account, time]) => [account, new Date(Date.parse(time) - goneAfterMs).toISOString()]),
  );
  return ({ account, region, snapshotId, periodStart }) =>
    periodStart < (goneBefore.get(account) ?? '') && facts.get(region)?.snapshots.has(snapshotId) !== true;
}

function regionUsage(
  all: readonly [SnapshotUsage, ...SnapshotUsage[]],
  { facts, isGone }: { readonly facts: RegionFacts | undefined; readonly isGone: (one: SnapshotUsage) => boolean },
): RegionUsage {
  const [{ account, region, partition, currency }] = all;
  const deleted: SnapshotUsage[] = [];
  const known: Known[] = [];
  for (const one of all) {
    if (isGone(one)) deleted.push(one);
    else known.push(knowing(one, facts?.snapshots.get(one.snapshotId)));
  }
  const volumes = [...grouped(known, seriesOf).values()].map((of): VolumeUsage => {
    const snapshots = of.toSorted(
      (a, b) =>
        (a.facts?.startTime.getTime() ?? 0) - (b.facts?.startTime.getTime() ?? 0) ||
        (a.snapshotId < b.snapshotId ? -1 : 1),
    );
    const newest = snapshots.at(-1)?.facts;
    const place = { account, region, partition, currency, snapshots };
    if (newest === undefined) {
      return {
        origin: 'unknown',
        volumeId: undefined,
        volumeGiB: undefined,
        name: undefined,
        isDeleted: undefined,
        ...place,
      };
    }
    const { volumeId, volumeGiB } = newest;
    if (volumeId === noVolume) {
      return { origin: 'copy', volumeId: undefined, volumeGiB, name: newest.tags.Name, isDeleted: undefined, ...place };
    }
    const volume = facts?.volumes?.get(volumeId);
    return {
      origin: 'volume',
      volumeId,
      volumeGiB: volume?.sizeGiB ?? volumeGiB,
      name: volume?.tags.Name,
      isDeleted: facts?.volumes === undefined ? undefined : volume === undefined,
      ...place,
    };
  });
  return {
    account,
    region,
    currency,
    dollarsPerMonth: dollarsOf(known),
    snapshots: snapshotCount({ snapshots: known }),
    deleted: {
      snapshots: new Set(deleted.map(({ snapshotId }) => snapshotId)).size,
      dollarsPerMonth: dollarsOf(deleted),
    },
    volumes: volumes.sort((a, b) => dollarsOf(b.snapshots) - dollarsOf(a.snapshots)),
  };
}

type Known = VolumeUsage['snapshots'][number];

/** Written out: with a spread, a hundred thousand take five times as long. */
function knowing(one: SnapshotUsage, facts: SnapshotFacts | undefined): Known {
  const { snapshotId, tier, gibMonths, dollarsPerMonth, periodStart } = one;
  return { snapshotId, tier, gibMonths, dollarsPerMonth, periodStart, facts };
}

/** What belongs together: the snapshots of a volume; a copy by itself; all of which nothing is known. */
function seriesOf({ snapshotId, facts }: Known): string {
  return facts?.volumeId === noVolume ? snapshotId : (facts?.volumeId ?? '');
}

function requireOneCurrency(usage: readonly SnapshotUsage[]): void {
  const accounts = new Map(usage.map(({ currency, account }) => [currency, account]));
  if (accounts.size < 2) return;
  const found = [...accounts].map(([currency, account]) => `${currency} (account ${account})`);
  throw new AppError('usage', `The reports are in several currencies, which cannot be added up: ${found.join(', ')}.`, {
    hint: 'Give those of each currency by themselves.',
  });
}

/** What some snapshots cost together, a month. */
export function dollarsOf(usage: readonly Pick<SnapshotUsage, 'dollarsPerMonth'>[]): number {
  return usage.reduce((sum, { dollarsPerMonth }) => sum + dollarsPerMonth, 0);
}

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, readonly [T, ...T[]]> {
  const groups = new Map<string, [T, ...T[]]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
}

/** Throws `not-found` for reports that say nothing of snapshots. */
export function requireUsage(usage: readonly SnapshotUsage[]): void {
  if (usage.length > 0) return;
  throw new AppError('not-found', 'The report has no usage of EBS snapshots.', {
    hint: 'Was it made with resource IDs, of the account and the time that you mean? A new report takes a day to fill.',
  });
}
