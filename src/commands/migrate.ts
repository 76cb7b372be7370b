import { checkRecipients, encryptFor, findGpg } from '../codec/index.js';
import { isAbort, toAppError, unfold, type AppError, type SnapshotId } from '../core/index.js';
import type { ProgramStage } from '../process/index.js';
import { hasConditionalWrites, requireBucket } from '../store/index.js';
import type { MigrateDependencies, MigrateSettings } from './migrate-settings.js';
import { migrateSnapshot } from './migrate-snapshot.js';
import { recoverAbandoned } from './recover.js';
import { taggedSnapshots, type Selection } from './select-snapshots.js';

/** What a run has done. */
export interface MigrateResult {
  readonly archived: readonly SnapshotId[];
  readonly failed: readonly { readonly snapshotId: SnapshotId; readonly error: AppError }[];
}

/**
 * Migrates the selected snapshots, `jobs` at once; one that fails is reported and does not stop the rest. What runs that
 * died have left is cleaned up first. Throws only for what concerns all of them: the bucket, the credentials, the gpg
 * recipients, or an aborted signal.
 */
export async function migrate(
  selection: Selection,
  settings: MigrateSettings,
  dependencies: MigrateDependencies,
): Promise<MigrateResult> {
  const { clock, events, runId, store, signal } = dependencies;
  const runStartedMs = clock.now();
  await requireBucket(store, signal);
  const encrypt = await encryption(settings, dependencies);
  const hasLeases = await hasConditionalWrites(store, `.snap-to-s3/probe-${runId}`, signal);
  if (!hasLeases) events({ kind: 'notice', text: noLeases });
  // Jobs share the cores; each has buffers for as many frames as it has threads.
  const parallelism = Math.max(1, Math.round(dependencies.parallelism / settings.jobs));
  const shared = { ...dependencies, parallelism };
  const run: Run = { selection, settings, dependencies: shared, runStartedMs, hasLeases, encrypt };
  const snapshots = select(run);
  const archived: SnapshotId[] = [];
  const failed: { snapshotId: SnapshotId; error: AppError }[] = [];
  const work = async (): Promise<void> => {
    for (;;) {
      signal.throwIfAborted();
      const next = await snapshots.next();
      if (next.done === true) return;
      const snapshotId = next.value;
      const outcome = await migrateOne(snapshotId, run);
      if (outcome.kind === 'archived') archived.push(snapshotId);
      if (outcome.kind === 'failed') failed.push({ snapshotId, error: outcome.error });
      if (selection.kind === 'one' && outcome.kind !== 'left') return;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: settings.jobs }, work));
  signal.throwIfAborted();
  const broken = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  if (broken.length > 0) throw broken[0];
  return { archived, failed };
}

const noLeases =
  'This store has no conditional writes, so that two runs at once are kept apart by tags only, and what a run leaves that ' +
  'dies is not found by the next one.';

/** What the work on all snapshots of a run has in common. */
interface Run {
  readonly selection: Selection;
  readonly settings: MigrateSettings;
  readonly dependencies: MigrateDependencies;
  readonly runStartedMs: number;
  readonly hasLeases: boolean;
  readonly encrypt: ProgramStage | undefined;
}

/** The keys are found once, before anything is made: the whole run encrypts for these. */
async function encryption(
  { recipients }: MigrateSettings,
  { gnupgHome: home, signal }: MigrateDependencies,
): Promise<ProgramStage | undefined> {
  if (recipients.length === 0) return undefined;
  const gpg = await findGpg({ home, signal });
  return encryptFor(gpg, await checkRecipients(gpg, recipients, signal));
}

type Outcome =
  | { readonly kind: 'archived' }
  | { readonly kind: 'failed'; readonly error: AppError }
  /** It is another run's. */
  | { readonly kind: 'left' };

async function migrateOne(snapshotId: SnapshotId, run: Run): Promise<Outcome> {
  const { selection, settings, dependencies, ...common } = run;
  const { ec2, events, signal } = dependencies;
  try {
    const snapshot = await ec2.snapshot(snapshotId, signal);
    const from = selection.kind === 'list' ? undefined : 'migrate';
    await migrateSnapshot(snapshot, settings, { ...dependencies, ...common, from });
    return { kind: 'archived' };
  } catch (error) {
    const [first, ...others] = unfold(error);
    for (const other of others) reportLeftover(snapshotId, other, dependencies);
    signal.throwIfAborted();
    if (isAbort(first)) throw first;
    const appError = toAppError(first);
    const isOthers = appError.code === 'claimed-elsewhere' && selection.kind !== 'list';
    if (isOthers || appError.code === 'archived-meanwhile') {
      events({ kind: 'snapshot-left', snapshotId, why: appError.message });
      return { kind: 'left' };
    }
    events({ kind: 'snapshot-failed', snapshotId, error: appError });
    return { kind: 'failed', error: appError };
  }
}

/** What went wrong while cleaning up after a failure must be seen too, but is not the failure. */
function reportLeftover(snapshotId: SnapshotId, error: unknown, { events }: MigrateDependencies): void {
  const { message, hint } = toAppError(error);
  events({ kind: 'warning', snapshotId, text: hint === undefined ? message : `${message} ${hint}` });
}

/**
 * Frees, where snapshots are found by their tags, those of dead runs first; a snapshot of a list is freed in its turn. Looks
 * again for tagged snapshots when those found first are done, until there is none that was not tried.
 */
async function* select({ selection, settings, dependencies, hasLeases }: Run): AsyncGenerator<SnapshotId, void> {
  const { ec2, events, signal } = dependencies;
  if (selection.kind === 'list') {
    events({ kind: 'snapshots-found', snapshotIds: selection.snapshotIds });
    yield* selection.snapshotIds;
    return;
  }
  const tried = new Set<SnapshotId>();
  for (;;) {
    if (hasLeases) await recoverAbandoned(dependencies, settings);
    const looking = { ec2, tag: settings.tag, signal };
    const found = await taggedSnapshots(selection.kind, looking, ({ snapshotId }) => !tried.has(snapshotId));
    if (found.length === 0 && tried.size > 0) return;
    const snapshotIds = found.map(({ snapshotId }) => snapshotId);
    events({ kind: 'snapshots-found', snapshotIds });
    if (found.length === 0) return;
    for (const snapshotId of snapshotIds) {
      tried.add(snapshotId);
      yield snapshotId;
    }
  }
}
