import {
  AppError,
  messageOf,
  poll,
  type AppEvent,
  type Clock,
  type EventSink,
  type SnapshotId,
} from '../core/index.js';
import type { Ec2 } from './ec2.js';
import type { Snapshot } from './snapshot.js';

/** The public states of a snapshot, as the value of its tag. */
export type SnapshotState = 'migrate' | 'migrating' | 'migrated' | 'validating' | 'validated';

/** The right to work on one snapshot. Disposing it without `finish` puts the tag back to what it was before the work. */
export interface Claim extends AsyncDisposable {
  /**
   * Resolves when it is known that nobody has overwritten our id. Nothing may come into being for the snapshot before that.
   * Throws `claimed-elsewhere`, and `timed-out` where the tag is not to be seen.
   */
  stands(): Promise<void>;
  /** Aborts when `stands` throws, with what it throws; for who works meanwhile. */
  readonly lost: AbortSignal;
  /** Sets the final state; after that disposing does nothing. An id that cannot be taken off is told as a warning. */
  finish(state: SnapshotState): Promise<void>;
}

/** How a claim is made. */
export interface ClaimOptions {
  readonly ec2: Ec2;
  readonly clock: Clock;
  readonly events: EventSink;
  /** The key of the state tag; the owner's id is in `<tag>-id`. */
  readonly tag: string;
  /** Unique for this run. */
  readonly runId: string;
  /** The state in which it must still be; undefined: whatever its tags say. */
  readonly from?: SnapshotState | undefined;
  /** The state during the work. */
  readonly during: SnapshotState;
  /** The state when the work fails. */
  readonly otherwise: SnapshotState;
  /** Whether the snapshot is this run's as far as is known by other means than tags. */
  readonly isOurs: () => Promise<boolean>;
  readonly signal?: AbortSignal | undefined;
  /** How long others get to overwrite our id before we believe that it stands; tags are eventually consistent. */
  readonly settleMs?: number;
}

const defaultSettleMs = 2_000;
/** How long tags may take to be seen. */
const visibilityMs = 30_000;
const pollMs = 500;

/**
 * Claims a snapshot by its tags: writes the state and our id, waits, and reads back whose id stands. The last writer
 * wins, all others see that and leave the snapshot alone. Returns when the tags are written; a volume can be made while
 * `stands` waits. Throws `claimed-elsewhere`.
 */
export async function claimSnapshot(snapshot: Snapshot, options: ClaimOptions): Promise<Claim> {
  const { ec2, tag, runId, signal } = options;
  const idTag = `${tag}-id`;
  const id: SnapshotId = snapshot.snapshotId;
  if (options.from !== undefined) requireState(await ec2.snapshot(id, signal), options.from, tag);
  let open = true;
  let standing: Promise<void> = Promise.resolve();
  const loss = new AbortController();
  const claim: Claim = {
    stands: () => standing,
    lost: loss.signal,
    finish: async (state) => {
      await ec2.setTags(id, { [tag]: state }, signal);
      open = false;
      // The work is done, and the state says so; whoever claims the snapshot next writes over the id.
      await ec2.removeTags(id, [idTag]).catch((error: unknown) => options.events(idStays(id, idTag, error)));
    },
    [Symbol.asyncDispose]: async () => {
      await standing.catch(() => undefined);
      if (!open) return;
      open = false;
      // Who has been overtaken leaves the tags to the one that has the snapshot now, or has done it already.
      if (!(await options.isOurs())) return;
      await ec2.setTags(id, { [tag]: options.otherwise });
      await ec2.removeTags(id, [idTag]);
    },
  };
  try {
    await ec2.setTags(id, { [tag]: options.during, [idTag]: runId });
  } catch (error) {
    // EC2 may have set them although every answer was lost.
    await releaseDeadClaim(id, options, { ec2 }).catch((second: unknown) => {
      throw new AggregateError([error, notReleased(id, options, second)], 'Cleaning up failed too', { cause: second });
    });
    throw error;
  }
  const readBack = async (): Promise<void> => {
    await options.clock.sleep(options.settleMs ?? defaultSettleMs, signal);
    const look = async (): Promise<string | undefined> => (await ec2.snapshot(id, signal)).tags[idTag];
    const owner = await poll(look, { clock: options.clock, intervalMs: pollMs, timeoutMs: visibilityMs, signal });
    if (owner === runId) return;
    if (owner === undefined) throw neverSeen(id, idTag);
    // The snapshot is somebody else's now, and so are its tags.
    open = false;
    throw new AppError('claimed-elsewhere', `Snapshot ${id} was claimed by another run (${owner}).`);
  };
  standing = readBack();
  standing.catch((error: unknown) => loss.abort(error));
  return claim;
}

function idStays(snapshotId: SnapshotId, idTag: string, error: unknown): AppEvent {
  const text =
    `The tag ${idTag} stays on snapshot ${snapshotId}, which is done: ${messageOf(error)} ` +
    `It does no harm. Take it off with: aws ec2 delete-tags --resources ${snapshotId} --tags Key=${idTag}`;
  return { kind: 'warning', snapshotId, text };
}

function notReleased(id: SnapshotId, { tag, otherwise }: ClaimOptions, cause: unknown): AppError {
  return new AppError('cleanup-failed', `The claim on snapshot ${id} could not be taken off: ${messageOf(cause)}`, {
    cause,
    hint: `The next run does it; or do it yourself: aws ec2 create-tags --resources ${id} --tags Key=${tag},Value=${otherwise}`,
  });
}

function neverSeen(id: SnapshotId, idTag: string): AppError {
  return new AppError(
    'timed-out',
    `The tag ${idTag} that was set on snapshot ${id} was not to be seen after ${visibilityMs / 1_000} s.`,
    { hint: 'Something takes it away again, or EC2 is very slow. Run it again in a while.' },
  );
}

/** Between our looking for snapshots and our turn another run may have had it. */
function requireState({ snapshotId, tags }: Snapshot, state: SnapshotState, tag: string): void {
  const found = tags[tag];
  if (found === state) return;
  const now = found === undefined ? 'gone' : JSON.stringify(found);
  throw new AppError('claimed-elsewhere', `The tag ${tag} of snapshot ${snapshotId} is ${now} by now.`);
}

/** The claim of a run that is dead. */
export interface DeadClaim {
  readonly tag: string;
  readonly runId: string;
  readonly otherwise: SnapshotState;
}

/** Takes a dead run's claim off a snapshot; nothing happens where the tags are not (any more) what that run wrote. */
export async function releaseDeadClaim(
  id: SnapshotId,
  { tag, runId, otherwise }: DeadClaim,
  { ec2, signal }: { readonly ec2: Ec2; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const idTag = `${tag}-id`;
  const { tags } = await ec2.snapshot(id, signal);
  if (tags[idTag] !== runId) return;
  if (tags[tag] === 'migrating' || tags[tag] === 'validating') await ec2.setTags(id, { [tag]: otherwise });
  await ec2.removeTags(id, [idTag]);
}
