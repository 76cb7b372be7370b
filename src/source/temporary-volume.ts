import { randomUUID } from 'node:crypto';
import { abandon, AppError, messageOf, poll, type Clock, type EventSink, type VolumeId } from '../core/index.js';
import type { Ec2 } from './ec2.js';
import type { Snapshot } from './snapshot.js';
import type { Instance, Volume } from './volume.js';

/** A volume made of a snapshot, for us alone. Disposing deletes it, unless it is to be kept. */
export interface TemporaryVolume extends AsyncDisposable {
  readonly volumeId: VolumeId;
}

/** How a temporary volume is made. */
export interface TemporaryVolumeOptions {
  readonly ec2: Ec2;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly instance: Instance;
  /** The tag key that marks our volumes; they are found again by it, whatever its value, as the existing tool does. */
  readonly tag: string;
  /** The value of that tag: tells whose volume it was at birth. */
  readonly runId: string;
  /** Undefined: `standard` up to 1 TiB, `gp2` above, as the existing tool does. */
  readonly volumeType: string | undefined;
  /** Do not delete the volume afterwards. */
  readonly keep: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Magnetic (`standard`) volumes are limited to 1 TiB (EC2 user guide, "Amazon EBS volume types"). */
const largestStandardGiB = 1024;
/** The first pause; EC2 is asked ever less often. */
const pollMs = 100;
const creationTimeoutMs = 15 * 60_000;
const deletionTimeoutMs = 5 * 60_000;
/** How long a new volume may be missing from DescribeVolumes; EC2's API is eventually consistent. */
export const visibilityMs = 30_000;
/** How long a volume may be in use after it should have been detached; nothing will change after that. */
const releaseMs = 20_000;

/**
 * The volume of this snapshot that an earlier run has left for us, if there is one. `except` are those that are known to be
 * unusable.
 */
export async function findTemporaryVolume(
  snapshot: Snapshot,
  options: Pick<TemporaryVolumeOptions, 'ec2' | 'instance' | 'tag' | 'signal'>,
  except: readonly VolumeId[],
): Promise<VolumeId | undefined> {
  for await (const found of options.ec2.volumesOf(snapshot.snapshotId, options.tag, options.signal)) {
    if (isOurs(found, snapshot, options) && !except.includes(found.volumeId)) return found.volumeId;
  }
  return undefined;
}

/** Takes over a volume of {@link findTemporaryVolume}. */
export function reuseTemporaryVolume(
  snapshot: Snapshot,
  volumeId: VolumeId,
  options: TemporaryVolumeOptions,
): TemporaryVolume {
  options.events({ kind: 'stage', snapshotId: snapshot.snapshotId, stage: 'reusing-volume', subject: volumeId });
  return deletable(volumeId, { ...options, isNew: false });
}

/** Makes a volume of a snapshot and waits until it can be attached. Throws `timed-out`, and the AWS failures of `callAws`. */
export async function createTemporaryVolume(
  snapshot: Snapshot,
  options: TemporaryVolumeOptions & {
    /** Told its id as soon as there is one. */
    readonly onCreated: (volumeId: VolumeId) => Promise<void>;
  },
): Promise<TemporaryVolume> {
  const { ec2, events, instance, signal } = options;
  events({
    kind: 'stage',
    snapshotId: snapshot.snapshotId,
    stage: 'creating-volume',
    subject: `${snapshot.volumeGiB} GiB in ${instance.availabilityZone}`,
  });
  signal?.throwIfAborted();
  const created = await ec2.createVolume({
    of: snapshot.snapshotId,
    availabilityZone: instance.availabilityZone,
    volumeType: options.volumeType ?? temporaryVolumeType(snapshot),
    tags: { [options.tag]: options.runId, Name: `${snapshot.snapshotId} (temporary, snap-to-s3)` },
    clientToken: randomUUID(),
  });
  const volume = deletable(created, { ...options, isNew: true });
  try {
    await options.onCreated(created);
    await untilAvailable(created, options);
    return volume;
  } catch (error) {
    return await abandon(volume, error);
  }
}

/** The volume type for a temporary volume where none is asked for, as the existing tool chooses it. */
export function temporaryVolumeType({ volumeGiB }: Snapshot): 'standard' | 'gp2' {
  return volumeGiB <= largestStandardGiB ? 'standard' : 'gp2';
}

/** Ours: our tag, made of this snapshot, in this zone, and in no other instance's hands. */
function isOurs(
  volume: Volume,
  snapshot: Snapshot,
  { tag, instance }: Pick<TemporaryVolumeOptions, 'tag' | 'instance'>,
): boolean {
  return (
    Object.hasOwn(volume.tags, tag) &&
    volume.snapshotId === snapshot.snapshotId &&
    volume.availabilityZone === instance.availabilityZone &&
    (volume.state === 'available' || volume.state === 'in-use') &&
    volume.attachments.every((attachment) => attachment.instanceId === instance.instanceId)
  );
}

/** Deletes a volume when it is disposed, unless it is to be kept. */
export interface DeletionOptions {
  readonly ec2: Ec2;
  readonly clock: Clock;
  readonly keep: boolean;
  /** It was made just now and may not be visible yet. */
  readonly isNew: boolean;
}

/** A volume whose disposal deletes it as soon as EC2 lets us. */
export function deletable(volumeId: VolumeId, { ec2, clock, keep, isNew }: DeletionOptions): TemporaryVolume {
  const madeAtMs = clock.now();
  let present = !keep;
  let inUseSinceMs: number | undefined;
  /** A volume that is still being created or detached cannot be deleted. */
  const step = async (): Promise<true | undefined> => {
    const state = (await ec2.volume(volumeId))?.state;
    switch (state) {
      case undefined:
        // Gone is what stays invisible.
        return !isNew || clock.now() - madeAtMs > visibilityMs ? true : undefined;
      case 'deleting':
      case 'deleted':
        return true;
      case 'available':
      case 'error':
        await ec2.deleteVolume(volumeId);
        return true;
      case 'in-use':
        inUseSinceMs ??= clock.now();
        if (clock.now() - inUseSinceMs > releaseMs) throw notDeleted(volumeId, 'it is still attached');
        return undefined;
      default:
        return undefined;
    }
  };
  return {
    volumeId,
    [Symbol.asyncDispose]: async () => {
      if (!present) return;
      const gone = await poll(step, { clock, intervalMs: pollMs, timeoutMs: deletionTimeoutMs }).catch(
        (error: unknown): never => {
          if (error instanceof AppError && error.code === 'cleanup-failed') throw error;
          throw notDeleted(volumeId, messageOf(error), error);
        },
      );
      if (gone === undefined) throw notDeleted(volumeId, `${deletionTimeoutMs / 60_000} minutes were not enough`);
      present = false;
    },
  };
}

function notDeleted(volumeId: VolumeId, why: string, cause?: unknown): AppError {
  const sentence = `The volume ${volumeId} could not be deleted: ${why.replace(/\.$/, '')}.`;
  return new AppError('cleanup-failed', sentence, {
    cause,
    hint: `Look at it in the EC2 console, or run: aws ec2 delete-volume --volume-id ${volumeId}`,
  });
}

/** Waits until a volume can be attached. Throws `timed-out`, and `rejected` for one that EC2 could not make. */
export async function untilAvailable(
  volumeId: VolumeId,
  { ec2, clock, signal }: Pick<TemporaryVolumeOptions, 'ec2' | 'clock' | 'signal'>,
): Promise<void> {
  const state = await poll(
    async () => {
      // A volume that was created just now may not be visible yet.
      const now = (await ec2.volume(volumeId, signal))?.state;
      return now === 'available' || now === 'error' ? now : undefined;
    },
    { clock, intervalMs: pollMs, timeoutMs: creationTimeoutMs, signal },
  );
  if (state === 'available') return;
  throw new AppError(
    state === undefined ? 'timed-out' : 'rejected',
    state === undefined
      ? `The volume ${volumeId} was not available after ${creationTimeoutMs / 60_000} minutes.`
      : `EC2 could not make the volume ${volumeId}: its state is "error".`,
    { hint: 'Where it is encrypted, check that the role may use its KMS key (docs/iam-policy.json).' },
  );
}
