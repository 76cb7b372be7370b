import { abandon, type SnapshotId, type VolumeId } from '../core/index.js';
import { deletable } from './deletable-volume.js';
import { makeVolume } from './make-volume.js';
import { untilAvailable, type TemporaryVolumeOptions } from './temporary-volume.js';

/** An empty volume that is being filled. Disposing deletes it, unless it was finished. */
export interface NewVolume extends AsyncDisposable {
  readonly volumeId: VolumeId;
  /** It is complete: from now on it is the user's, and no run of ours takes it for its own. */
  finish(): Promise<void>;
}

/** What an empty volume is made with. */
export interface NewVolumeOptions extends Pick<
  TemporaryVolumeOptions,
  'ec2' | 'clock' | 'events' | 'instance' | 'tag' | 'runId' | 'signal'
> {
  /** What it is to be filled with. */
  readonly snapshotId: SnapshotId;
  readonly sizeGiB: number;
  readonly volumeType: string;
  /** With the account's default key for EBS. */
  readonly encrypted: boolean;
  /** What it bears when it is finished. */
  readonly tags: Readonly<Record<string, string>>;
  /** Told its id as soon as there is one. */
  readonly onCreated: (volumeId: VolumeId) => Promise<void>;
}

/**
 * Makes an empty volume and waits until it can be attached. Until it is finished it bears the mark of a temporary volume, so
 * that whatever happens to this run, it is found and removed. Throws `timed-out`, and the AWS failures of `callAws`.
 */
export async function createNewVolume(options: NewVolumeOptions): Promise<NewVolume> {
  const { ec2, events, instance, signal, snapshotId, sizeGiB, encrypted, volumeType, tag } = options;
  const subject = `${sizeGiB} GiB (${volumeType}${encrypted ? ', encrypted' : ''}) in ${instance.availabilityZone}`;
  events({ kind: 'stage', snapshotId, stage: 'creating-new-volume', subject });
  signal?.throwIfAborted();
  const name = `${snapshotId} (being restored, snap-to-s3)`;
  const volumeId = await makeVolume({ of: { sizeGiB, encrypted }, sizeGiB, volumeType, name }, options);
  const deletion = deletable(volumeId, { ...options, keep: false, isNew: true });
  let isFinished = false;
  const volume: NewVolume = {
    volumeId,
    finish: async () => {
      await ec2.setTags(volumeId, options.tags);
      await ec2.removeTags(volumeId, [tag]);
      isFinished = true;
    },
    [Symbol.asyncDispose]: async () => {
      if (!isFinished) await deletion[Symbol.asyncDispose]();
    },
  };
  try {
    await options.onCreated(volumeId);
    await untilAvailable(volumeId, options);
    // What finishing takes and is not allowed shows now, not when the volume is full.
    const { Name: _, ...others } = options.tags;
    await ec2.setTags(volumeId, others, signal);
    await ec2.removeTags(volumeId, [`${tag}-id`], signal);
    return volume;
  } catch (error) {
    return await abandon(volume, error);
  }
}
