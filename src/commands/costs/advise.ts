import { planParts } from '../../archive/part-plan.js';
import { isAbort, toAppError, type EventSink, type SnapshotId } from '../../core/index.js';
import {
  adviseVolume,
  pricesOf,
  type AdviceOptions,
  type ClassPlan,
  type PriceFile,
  type RegionPrices,
  type VolumeAdvice,
  type VolumeUsage,
} from '../../costs/reckoning.js';
import type { Ec2 } from '../../source/index.js';
import type { RegionUsage } from './analyze.js';

/** A volume, and what should be done with its snapshots. */
export type AdvisedVolume = VolumeUsage & { readonly advice: VolumeAdvice };

/** A region of an account, its volumes in the order that they came in. */
export interface AdvisedRegion extends Omit<RegionUsage, 'volumes'> {
  readonly prices: RegionPrices;
  readonly volumes: readonly AdvisedVolume[];
}

/** How advice is made. */
export interface AdviseSettings extends Omit<AdviceOptions, 'prices' | 'partBytesOf'> {
  /** What counts over the list of prices. */
  readonly priceFile: PriceFile | undefined;
}

/** Advises each volume by the prices of its region. */
export function advise(regions: readonly RegionUsage[], settings: AdviseSettings): readonly AdvisedRegion[] {
  // An archive is as large in each class, and planning is most of the work of advice.
  const known = new Map<number, number>();
  const partBytesOf = (archiveBytes: number): number => {
    const expectedBytes = Math.ceil(archiveBytes);
    const partBytes = known.get(expectedBytes) ?? planParts({ expectedBytes, boundBytes: expectedBytes }).partBytes(1);
    known.set(expectedBytes, partBytes);
    return partBytes;
  };
  return regions.map((region) => {
    const prices = pricesOf(region.region, settings.priceFile);
    const adviceOf = (volume: VolumeUsage): VolumeAdvice => adviseVolume(volume, { ...settings, prices, partBytesOf });
    return { ...region, prices, volumes: region.volumes.map((volume) => ({ ...volume, advice: adviceOf(volume) })) };
  });
}

/** The plan of what should be moved; undefined where nothing should. */
export function movePlan({ action, plan }: VolumeAdvice): ClassPlan | undefined {
  return action === 'leave' ? undefined : plan;
}

/** What the advice comes to. */
export interface AdviceTotals {
  readonly volumes: number;
  readonly volumesToMove: number;
  readonly snapshotsToMove: number;
  readonly dollarsPerMonth: number;
  readonly savesDollarsPerMonth: number;
  readonly onceDollars: { readonly low: number; readonly high: number };
}

/** Adds the advice up. */
export function adviceTotals(regions: readonly AdvisedRegion[]): AdviceTotals {
  const moves = regions.flatMap(({ volumes }) =>
    volumes.flatMap(({ advice }) => {
      const plan = movePlan(advice);
      return plan === undefined ? [] : [{ plan, move: advice.move }];
    }),
  );
  const sum = (of: (move: (typeof moves)[number]) => number): number =>
    moves.reduce((total, one) => total + of(one), 0);
  return {
    volumes: regions.reduce((total, { volumes }) => total + volumes.length, 0),
    volumesToMove: moves.length,
    snapshotsToMove: sum(({ move }) => move.length),
    dollarsPerMonth: regions.reduce((total, { dollarsPerMonth }) => total + dollarsPerMonth, 0),
    savesDollarsPerMonth: sum(({ plan }) => plan.savesDollarsPerMonth),
    onceDollars: { low: sum(({ plan }) => plan.onceDollars.low), high: sum(({ plan }) => plan.onceDollars.high) },
  };
}

/** What tagging works with. */
export interface TagRecommendedOptions {
  readonly ec2In: (region: string) => Pick<Ec2, 'setTags'>;
  readonly tag: string;
  readonly dryRun: boolean;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

/** What tagging came to, in numbers of snapshots. */
export interface Tagged {
  readonly tagged: number;
  /** They have the tag already, with whatever value. */
  readonly alreadyTagged: number;
  readonly failed: number;
}

/**
 * Puts the tag `migrate` on every snapshot that should be moved, so that `migrate --all` finds them; one that has the tag
 * with any value is left as it is. What fails is told, and the others go on.
 */
export async function tagRecommended(
  regions: readonly AdvisedRegion[],
  { ec2In, tag, dryRun, events, signal }: TagRecommendedOptions,
): Promise<Tagged> {
  let [tagged, alreadyTagged, failed] = [0, 0, 0];
  const setTags = (region: string, ids: readonly SnapshotId[]): Promise<void> =>
    ec2In(region).setTags(ids, { [tag]: 'migrate' }, signal);
  for (const { region, volumes } of regions) {
    const moves = volumes.flatMap((volume) => {
      const tags = new Map(volume.snapshots.map(({ snapshotId, facts }) => [snapshotId, facts?.tags ?? {}]));
      return volume.advice.move.map((snapshotId) => ({
        snapshotId,
        isTagged: tags.get(snapshotId)?.[tag] !== undefined,
      }));
    });
    alreadyTagged += moves.filter(({ isTagged }) => isTagged).length;
    const ids = moves.filter(({ isTagged }) => !isTagged).map(({ snapshotId }) => snapshotId);
    for (let from = 0; from < ids.length; from += taggedAtOnce) {
      signal.throwIfAborted();
      const batch = ids.slice(from, from + taggedAtOnce);
      const refused = dryRun ? [] : await refusedOf(batch, (some) => setTags(region, some));
      for (const { snapshotId, error } of refused) {
        events({ kind: 'warning', text: `${snapshotId} in ${region} is not tagged: ${toAppError(error).message}` });
      }
      tagged += batch.length - refused.length;
      failed += refused.length;
    }
  }
  return { tagged, alreadyTagged, failed };
}

/** CreateTags takes 1,000; EC2 advises to send fewer. */
const taggedAtOnce = 100;

/** Tags all at once, and where that is refused each alone: one that is gone must not keep the others from it. */
async function refusedOf(
  batch: readonly SnapshotId[],
  setTags: (some: readonly SnapshotId[]) => Promise<void>,
): Promise<readonly { readonly snapshotId: SnapshotId; readonly error: unknown }[]> {
  const failure = async (some: readonly SnapshotId[]): Promise<unknown> => {
    try {
      await setTags(some);
      return undefined;
    } catch (error) {
      if (isAbort(error)) throw error;
      return error;
    }
  };
  if ((await failure(batch)) === undefined) return [];
  const refused: { readonly snapshotId: SnapshotId; readonly error: unknown }[] = [];
  for (const snapshotId of batch) {
    const error = await failure([snapshotId]);
    if (error !== undefined) refused.push({ snapshotId, error });
  }
  return refused;
}
