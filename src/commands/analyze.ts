import { AppError, GiB, isAbort, toAppError, type EventSink, type SnapshotId, type VolumeId } from '../core/index.js';
import type { SnapshotFacts, SnapshotUsage, VolumeUsage } from '../costs/index.js';
import type { Ec2, Volume } from '../source/index.js';

/** What snapshots cost in one region of one account. */
export interface RegionUsage {
  readonly account: string;
  readonly region: string;
  readonly dollarsPerMonth: number;
  readonly snapshots: number;
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
  readonly volumes: ReadonlyMap<VolumeId, Volume>;
}

/** Regions asked at once. */
const mostRegions = 4;

/**
 * Brings together what a report says of snapshots and what EC2 knows of them and their volumes; regions and volumes by
 * falling cost, snapshots by date. A region that cannot be asked is told, and its snapshots are without facts.
 */
export async function analyze(
  usage: readonly SnapshotUsage[],
  dependencies: AnalyzeDependencies,
): Promise<readonly RegionUsage[]> {
  const facts = await factsOf(new Set(usage.map(({ region }) => region)), dependencies);
  const regions = grouped(usage, ({ account, region }) => `${region} ${account}`);
  tellUnknownAccounts([...regions.values()], facts, dependencies.events);
  return [...regions.values()]
    .map((of) => regionUsage(of, facts.get(of[0].region)))
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
        facts.set(region, await asked(ec2In(region), signal));
      } catch (error) {
        if (isAbort(error)) throw error;
        const { message } = toAppError(error);
        events({ kind: 'warning', text: `${region} cannot be asked about its snapshots and volumes: ${message}` });
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

async function asked(ec2: Ec2, signal: AbortSignal): Promise<RegionFacts> {
  const snapshots = new Map<SnapshotId, SnapshotFacts>();
  const volumes = new Map<VolumeId, Volume>();
  for await (const { snapshotId, fullSizeBytes, ...snapshot } of ec2.ownSnapshots(signal)) {
    const { volumeId, volumeGiB, startTime, description, tags } = snapshot;
    const fullGiB = fullSizeBytes === undefined ? undefined : fullSizeBytes / GiB;
    snapshots.set(snapshotId, { volumeId, volumeGiB, fullGiB, startTime, description, tags });
  }
  for await (const volume of ec2.ownVolumes(signal)) volumes.set(volume.volumeId, volume);
  return { snapshots, volumes };
}

function regionUsage(usage: readonly [SnapshotUsage, ...SnapshotUsage[]], facts: RegionFacts | undefined): RegionUsage {
  const [{ account, region }] = usage;
  const known = usage.map((one) => ({ ...one, facts: facts?.snapshots.get(one.snapshotId) }));
  const volumes = [...grouped(known, (one) => one.facts?.volumeId ?? '').values()].map((of): VolumeUsage => {
    const snapshots = of.toSorted(
      (a, b) =>
        (a.facts?.startTime.getTime() ?? 0) - (b.facts?.startTime.getTime() ?? 0) ||
        (a.snapshotId < b.snapshotId ? -1 : 1),
    );
    const newest = snapshots.at(-1)?.facts;
    const volume = newest === undefined ? undefined : facts?.volumes.get(newest.volumeId);
    return {
      volumeId: newest?.volumeId,
      account,
      region,
      volumeGiB: volume?.sizeGiB ?? newest?.volumeGiB,
      name: volume?.tags.Name,
      isDeleted: newest === undefined ? undefined : volume === undefined,
      snapshots,
    };
  });
  return {
    account,
    region,
    dollarsPerMonth: dollarsOf(usage),
    snapshots: new Set(usage.map(({ snapshotId }) => snapshotId)).size,
    volumes: volumes.sort((a, b) => dollarsOf(b.snapshots) - dollarsOf(a.snapshots)),
  };
}

/** What some snapshots cost together, a month. */
export function dollarsOf(usage: readonly SnapshotUsage[]): number {
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
