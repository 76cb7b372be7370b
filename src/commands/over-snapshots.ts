import { isAbort, toAppError, unfold, type AppError, type EventSink, type SnapshotId } from '../core/index.js';
import type { SnapshotState } from '../source/index.js';
import { recoverAbandoned, type RecoverDependencies } from './recover.js';
import { taggedSnapshots, type Selection } from './select-snapshots.js';

/** What is to be done with the snapshots of a run. */
export interface SnapshotWork {
  /** Which they are, in which order; each is taken when a job is free for it. */
  readonly snapshots: AsyncGenerator<SnapshotId, void>;
  /** How they were chosen: of a list, one that another run has has failed; of `one`, the first is all. */
  readonly selection: Selection['kind'];
  /** Snapshots worked on at once. */
  readonly jobs: number;
  /** Does it with one; throws where it fails. */
  readonly work: (snapshotId: SnapshotId) => Promise<void>;
}

/** How that is told and ended. */
export interface RunDependencies {
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

/** What has become of the snapshots of a run. */
export interface RunResult {
  readonly done: readonly SnapshotId[];
  readonly failed: readonly { readonly snapshotId: SnapshotId; readonly error: AppError }[];
}

/**
 * Does the same with all selected snapshots, several at once; one that fails is reported and does not stop the rest, and
 * one that another run has is left alone. Throws only for what concerns all of them, or an aborted signal.
 */
export async function overSnapshots(what: SnapshotWork, dependencies: RunDependencies): Promise<RunResult> {
  const { signal } = dependencies;
  const done: SnapshotId[] = [];
  const failed: { snapshotId: SnapshotId; error: AppError }[] = [];
  const work = async (): Promise<void> => {
    for (;;) {
      signal.throwIfAborted();
      const next = await what.snapshots.next();
      if (next.done === true) return;
      const snapshotId = next.value;
      const outcome = await workOn(snapshotId, what, dependencies);
      if (outcome.kind === 'done') done.push(snapshotId);
      if (outcome.kind === 'failed') failed.push({ snapshotId, error: outcome.error });
      if (what.selection === 'one' && outcome.kind !== 'left') return;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: what.jobs }, work));
  signal.throwIfAborted();
  const broken = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  if (broken.length > 0) throw broken[0];
  return { done, failed };
}

type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: AppError }
  /** It is another run's. */
  | { readonly kind: 'left' };

async function workOn(
  snapshotId: SnapshotId,
  { selection, work }: SnapshotWork,
  { events, signal }: RunDependencies,
): Promise<Outcome> {
  try {
    await work(snapshotId);
    return { kind: 'done' };
  } catch (error) {
    const [first, ...others] = unfold(error);
    // What went wrong while cleaning up after a failure must be seen too, but is not the failure.
    for (const other of others) {
      const { message, hint } = toAppError(other);
      events({ kind: 'warning', snapshotId, text: hint === undefined ? message : `${message} ${hint}` });
    }
    signal.throwIfAborted();
    if (isAbort(first)) throw first;
    const appError = toAppError(first);
    const isOthers = appError.code === 'claimed-elsewhere' && selection !== 'list';
    if (isOthers || appError.code === 'archived-meanwhile') {
      events({ kind: 'snapshot-left', snapshotId, why: appError.message });
      return { kind: 'left' };
    }
    events({ kind: 'snapshot-failed', snapshotId, error: appError });
    return { kind: 'failed', error: appError };
  }
}

/** Which snapshots are meant, and what finding them takes. */
export interface SelectedOptions {
  readonly selection: Selection;
  /** The key of the state tag, and the state of those that are waiting. */
  readonly tag: string;
  readonly waiting: SnapshotState;
  /** False where the store has no conditional writes, and so no leases of dead runs. */
  readonly hasLeases: boolean;
  readonly leaseMs: number;
}

/**
 * Frees, where snapshots are found by their tags, those of dead runs first; a snapshot of a list is freed in its turn. Looks
 * again for tagged snapshots when those found first are done, until there is none that was not tried.
 */
export async function* selectedSnapshots(
  { selection, tag, waiting, hasLeases, leaseMs }: SelectedOptions,
  dependencies: RecoverDependencies,
): AsyncGenerator<SnapshotId, void> {
  const { ec2, events, signal } = dependencies;
  const task = waiting === 'migrate' ? 'migrate' : 'validate';
  if (selection.kind === 'list') {
    events({ kind: 'snapshots-found', task, snapshotIds: selection.snapshotIds });
    yield* selection.snapshotIds;
    return;
  }
  const tried = new Set<SnapshotId>();
  for (;;) {
    if (hasLeases) await recoverAbandoned(dependencies, { leaseMs });
    const looking = { ec2, tag, state: waiting, signal };
    const found = await taggedSnapshots(selection.kind, looking, ({ snapshotId }) => !tried.has(snapshotId));
    if (found.length === 0 && tried.size > 0) return;
    const snapshotIds = found.map(({ snapshotId }) => snapshotId);
    events({ kind: 'snapshots-found', task, snapshotIds });
    if (found.length === 0) return;
    for (const snapshotId of snapshotIds) {
      tried.add(snapshotId);
      yield snapshotId;
    }
  }
}
