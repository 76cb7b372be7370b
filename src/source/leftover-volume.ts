import { poll, type Clock, type SnapshotId, type VolumeId } from '../core/index.js';
import { detachable } from './attachment.js';
import { deletable, visibilityMs } from './deletable-volume.js';
import type { Ec2 } from './ec2.js';
import type { Instance, Volume } from './volume.js';

/** The temporary or unfinished volume of a dead run, as its journal names it. */
export interface LeftoverVolume {
  /** What it was made of; undefined for one that was made empty, to be filled. */
  readonly snapshotId: SnapshotId | undefined;
  /** The tag key that marks it. */
  readonly tag: string;
  /** The run that was to make it, the value of that tag. */
  readonly runId: string;
  /** Null: it was about to be made. */
  readonly volumeId: VolumeId | null;
  /** It is detached, and stays. */
  readonly keep: boolean;
}

/** What the removal needs. */
export interface LeftoverOptions {
  readonly ec2: Ec2;
  readonly instance: Instance;
  readonly clock: Clock;
  /** How long ago the journal was written. */
  readonly ageMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What became of a leftover volume. */
export type LeftoverOutcome =
  | { readonly kind: 'removed'; readonly volumeIds: readonly VolumeId[] }
  /** Another instance has it attached; only from there it may be taken. */
  | { readonly kind: 'elsewhere'; readonly volumeId: VolumeId; readonly instanceId: string };

const pollMs = 1_000;
/** A stuck attachment stays stuck; nobody is to wait for it again and again. */
const detachTimeoutMs = 30_000;

/**
 * Detaches and deletes what a dead run has made of a snapshot. A volume without our tag (one that was
 * finished has none), or made of another snapshot, is not touched. Throws `cleanup-failed` for one that does not come off, and the AWS failures of `callAws`.
 */
export async function removeLeftoverVolume(
  leftover: LeftoverVolume,
  options: LeftoverOptions,
): Promise<LeftoverOutcome> {
  const removed: VolumeId[] = [];
  for (const volume of await find(leftover, options)) {
    const elsewhere = volume.attachments.find(({ instanceId }) => instanceId !== options.instance.instanceId);
    if (elsewhere !== undefined) {
      return { kind: 'elsewhere', volumeId: volume.volumeId, instanceId: elsewhere.instanceId };
    }
    await remove(volume, leftover, options);
    removed.push(volume.volumeId);
  }
  return { kind: 'removed', volumeIds: removed };
}

async function remove(volume: Volume, { keep }: LeftoverVolume, options: LeftoverOptions): Promise<void> {
  await using _deletion = deletable(volume.volumeId, { ...options, keep, isNew: false });
  await using _detachment = detachable(volume.volumeId, {
    ...options,
    deviceName: volume.attachments[0]?.deviceName ?? 'nowhere',
    timeoutMs: detachTimeoutMs,
  });
}

async function find(leftover: LeftoverVolume, options: LeftoverOptions): Promise<readonly Volume[]> {
  const { ec2, clock, signal } = options;
  const { snapshotId, tag, runId, volumeId } = leftover;
  if (volumeId !== null) {
    const volume = await ec2.volume(volumeId, signal);
    if (volume === undefined || !isThere(volume)) return [];
    return volume.snapshotId === snapshotId && Object.hasOwn(volume.tags, tag) ? [volume] : [];
  }
  const look = async (): Promise<readonly Volume[] | undefined> => {
    const found: Volume[] = [];
    const volumes = snapshotId === undefined ? ec2.volumesTagged(tag, signal) : ec2.volumesOf(snapshotId, tag, signal);
    for await (const volume of volumes) {
      const isOurs = volume.snapshotId === snapshotId && volume.tags[tag] === runId;
      if (isOurs && isThere(volume)) found.push(volume);
    }
    return found.length === 0 ? undefined : found;
  };
  // A volume whose making was asked for a moment ago may not be visible yet.
  const timeoutMs = Math.max(0, visibilityMs - options.ageMs);
  return (await poll(look, { clock, intervalMs: pollMs, timeoutMs, signal })) ?? [];
}

function isThere({ state }: Volume): boolean {
  return state !== 'deleting' && state !== 'deleted';
}
