import { abandon, AppError, type Clock, type SnapshotId } from '../core/index.js';
import type { Ec2 } from './ec2.js';
import type { Snapshot } from './snapshot.js';

/** The public states of a snapshot, as the value of its tag. */
export type SnapshotState = 'migrate' | 'migrating' | 'migrated' | 'validating' | 'validated';

/** The right to work on one snapshot. Disposing it without `finish` puts the tag back to what it was before the work. */
export interface Claim extends AsyncDisposable {
  /** Sets the final state; after that disposing does nothing. */
  finish(state: SnapshotState): Promise<void>;
}

/** How a claim is made. */
export interface ClaimOptions {
  readonly ec2: Ec2;
  readonly clock: Clock;
  /** The key of the state tag; the owner's id is in `<tag>-id`. */
  readonly tag: string;
  /** Unique for this run. */
  readonly runId: string;
  /** The state during the work. */
  readonly during: SnapshotState;
  /** The state when the work fails. */
  readonly otherwise: SnapshotState;
  readonly signal?: AbortSignal | undefined;
  /** How long others get to overwrite our id before we believe that it stands; tags are eventually consistent. */
  readonly settleMs?: number;
}

const defaultSettleMs = 2_000;

/**
 * Claims a snapshot by its tags: writes the state and our id, waits, and reads back whose id stands. The last writer
 * wins, all others see that and leave the snapshot alone. Throws `claimed-elsewhere`.
 */
export async function claimSnapshot(snapshot: Snapshot, options: ClaimOptions): Promise<Claim> {
  const { ec2, tag, runId, signal } = options;
  const idTag = `${tag}-id`;
  const id: SnapshotId = snapshot.snapshotId;
  let open = true;
  const claim: Claim = {
    finish: async (state) => {
      await ec2.setTags(id, { [tag]: state }, signal);
      open = false;
      await ec2.removeTags(id, [idTag]);
    },
    [Symbol.asyncDispose]: async () => {
      if (!open) return;
      open = false;
      // Who has been overtaken leaves the tags to the one that has the snapshot now.
      if ((await ec2.snapshot(id)).tags[idTag] !== runId) return;
      await ec2.setTags(id, { [tag]: options.otherwise });
      await ec2.removeTags(id, [idTag]);
    },
  };
  await ec2.setTags(id, { [tag]: options.during, [idTag]: runId });
  try {
    await options.clock.sleep(options.settleMs ?? defaultSettleMs, signal);
    const owner = (await ec2.snapshot(id, signal)).tags[idTag];
    if (owner === runId) return claim;
    // The snapshot is somebody else's now, and so are its tags.
    open = false;
    throw new AppError('claimed-elsewhere', `Snapshot ${id} was claimed by another run (${owner ?? 'unknown'}).`);
  } catch (error) {
    return await abandon(claim, error);
  }
}
