import { randomUUID } from 'node:crypto';
import { AppError, messageOf, type Clock, type VolumeId } from '../core/index.js';
import type { CreateVolumeRequest, Ec2 } from './ec2.js';
import { removeLeftoverVolume } from './leftover-volume.js';
import { iopsOf } from './volume-type.js';
import type { Instance } from './volume.js';

/** What a volume is made with. */
export interface VolumeWish extends Pick<CreateVolumeRequest, 'of' | 'volumeType'> {
  /** Its size, which is also that of the snapshot it is made of. */
  readonly sizeGiB: number;
  /** For people, in the EC2 console. */
  readonly name: string;
}

/** What making it takes. */
export interface MakeVolumeOptions {
  readonly ec2: Ec2;
  readonly clock: Clock;
  readonly instance: Instance;
  /** The tag key that marks our volumes. */
  readonly tag: string;
  /** The value of that tag. */
  readonly runId: string;
}

/**
 * Asks EC2 for a volume that bears our mark from birth. Where the answers were lost, EC2 may have made it all the same: it is
 * looked for by its mark and removed, before the failure is thrown. Throws the AWS failures of `callAws`, and `cleanup-failed` behind
 * them for a volume that may be there still.
 */
export async function makeVolume(wish: VolumeWish, options: MakeVolumeOptions): Promise<VolumeId> {
  const { ec2, instance, tag, runId } = options;
  try {
    return await ec2.createVolume({
      of: wish.of,
      volumeType: wish.volumeType,
      iops: iopsOf(wish.volumeType, wish.sizeGiB),
      availabilityZone: instance.availabilityZone,
      tags: { [tag]: runId, Name: wish.name },
      clientToken: randomUUID(),
    });
  } catch (error) {
    // What EC2 has refused in the end it has not made; an attempt before that would be to be seen by now.
    const isUnknown = !(error instanceof AppError) || error.retryable;
    const snapshotId = typeof wish.of === 'string' ? wish.of : undefined;
    const mark = { snapshotId, tag, runId, volumeId: null, keep: false };
    await removeLeftoverVolume(mark, { ...options, ageMs: isUnknown ? 0 : Infinity, signal: undefined }).catch(
      (second: unknown) => {
        throw new AggregateError([error, notLookedFor(wish, options, second)], 'Cleaning up failed too', {
          cause: second,
        });
      },
    );
    throw error;
  }
}

function notLookedFor({ of }: VolumeWish, { tag, runId }: MakeVolumeOptions, cause: unknown): AppError {
  if (cause instanceof AppError && cause.code === 'cleanup-failed') return cause;
  const what = typeof of === 'string' ? ` of ${of}` : '';
  return new AppError(
    'cleanup-failed',
    `Whether EC2 has made a volume${what} could not be found out: ${messageOf(cause)}`,
    {
      cause,
      hint: `The next run looks for it; or look yourself: aws ec2 describe-volumes --filters Name=tag:${tag},Values=${runId}`,
    },
  );
}
