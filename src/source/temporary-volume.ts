import { abandon, AppError, poll, type Clock, type EventSink, type VolumeId } from '../core/index.js';
import { deletable, type TemporaryVolume } from './deletable-volume.js';
import type { Ec2 } from './ec2.js';
import { makeVolume } from './make-volume.js';
import type { Snapshot } from './snapshot.js';
import { temporaryVolumeType } from './volume-type.js';
import type { Instance, Volume } from './volume.js';

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
  /** Undefined: see {@link temporaryVolumeType}. */
  readonly volumeType: string | undefined;
  /** Do not delete the volume afterwards. */
  readonly keep: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The first pause; EC2 is asked ever less often. */
const pollMs = 100;
const creationTimeoutMs = 15 * 60_000;

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
  const { events, instance, signal } = options;
  events({
    kind: 'stage',
    snapshotId: snapshot.snapshotId,
    stage: 'creating-volume',
    subject: `${snapshot.volumeGiB} GiB in ${instance.availabilityZone}`,
  });
  signal?.throwIfAborted();
  const created = await makeVolume(
    {
      of: snapshot.snapshotId,
      sizeGiB: snapshot.volumeGiB,
      volumeType: options.volumeType ?? temporaryVolumeType(snapshot),
      name: `${snapshot.snapshotId} (temporary, snap-to-s3)`,
    },
    options,
  );
  const volume = deletable(created, { ...options, isNew: true });
  try {
    await options.onCreated(created);
    await untilAvailable(created, options);
    return volume;
  } catch (error) {
    return await abandon(volume, error);
  }
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
