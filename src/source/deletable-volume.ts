import { AppError, messageOf, poll, type Clock, type VolumeId } from '../core/index.js';
import type { Ec2 } from './ec2.js';

/** A volume made of a snapshot, for us alone. Disposing deletes it, unless it is to be kept. */
export interface TemporaryVolume extends AsyncDisposable {
  readonly volumeId: VolumeId;
}

/** The first pause; EC2 is asked ever less often. */
const pollMs = 100;
const deletionTimeoutMs = 5 * 60_000;
/** How long a new volume may be missing from DescribeVolumes; EC2's API is eventually consistent. */
export const visibilityMs = 30_000;
/** How long a volume may be in use after it should have been detached; nothing will change after that. */
const releaseMs = 20_000;

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
