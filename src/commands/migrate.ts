import { isAbort, toAppError, unfold, type AppError, type SnapshotId } from '../core/index.js';
import type { Snapshot } from '../source/index.js';
import { requireBucket } from '../store/index.js';
import type { MigrateDependencies, MigrateSettings } from './migrate-settings.js';
import { migrateSnapshot } from './migrate-snapshot.js';

/** Which snapshots are meant. */
export type Selection =
  /** All whose tag is `migrate`, those tagged meanwhile included. */
  | { readonly kind: 'all' }
  /** Any one whose tag is `migrate`. */
  | { readonly kind: 'one' }
  /** These, whatever their tags say. */
  | { readonly kind: 'list'; readonly snapshotIds: readonly SnapshotId[] };

/** What a run has done. */
export interface MigrateResult {
  readonly archived: readonly SnapshotId[];
  readonly failed: readonly { readonly snapshotId: SnapshotId; readonly error: AppError }[];
}

/**
 * Migrates the selected snapshots, one after the other; one that fails is reported and does not stop the rest. Throws
 * only for what concerns all of them: the bucket, the credentials, or an aborted signal.
 */
export async function migrate(
  selection: Selection,
  settings: MigrateSettings,
  dependencies: MigrateDependencies,
): Promise<MigrateResult> {
  const { events, signal } = dependencies;
  await requireBucket(dependencies.store, signal);
  const archived: SnapshotId[] = [];
  const failed: { snapshotId: SnapshotId; error: AppError }[] = [];
  for await (const snapshotId of select(selection, settings.tag, dependencies)) {
    try {
      const snapshot = await dependencies.ec2.snapshot(snapshotId, signal);
      await migrateSnapshot(snapshot, settings, dependencies);
      archived.push(snapshotId);
      if (selection.kind === 'one') break;
    } catch (error) {
      const [first, ...others] = unfold(error);
      for (const other of others) reportLeftover(snapshotId, other, dependencies);
      signal.throwIfAborted();
      if (isAbort(first)) throw first;
      const appError = toAppError(first);
      if (appError.code === 'claimed-elsewhere' && selection.kind !== 'list') {
        events({ kind: 'notice', snapshotId, text: `${appError.message} It is left to that run.` });
        continue;
      }
      failed.push({ snapshotId, error: appError });
      events({ kind: 'snapshot-failed', snapshotId, error: appError });
      if (selection.kind === 'one') break;
    }
  }
  return { archived, failed };
}

/** What went wrong while cleaning up after a failure must be seen too, but is not the failure. */
function reportLeftover(snapshotId: SnapshotId, error: unknown, { events }: MigrateDependencies): void {
  const { message, hint } = toAppError(error);
  events({ kind: 'warning', snapshotId, text: hint === undefined ? message : `${message} ${hint}` });
}

/** Looks again for tagged snapshots when those found first are done, until there is none that was not tried. */
async function* select(
  selection: Selection,
  tag: string,
  { ec2, events, signal }: MigrateDependencies,
): AsyncGenerator<SnapshotId> {
  if (selection.kind === 'list') {
    events({ kind: 'snapshots-found', snapshotIds: selection.snapshotIds });
    yield* selection.snapshotIds;
    return;
  }
  const tried = new Set<SnapshotId>();
  for (;;) {
    const found: Snapshot[] = [];
    for await (const snapshot of ec2.snapshotsTagged(tag, 'migrate', signal)) {
      if (!tried.has(snapshot.snapshotId)) found.push(snapshot);
    }
    if (found.length === 0 && tried.size > 0) return;
    found.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
    const wanted = selection.kind === 'one' ? found.slice(0, 1) : found;
    const snapshotIds = wanted.map((snapshot) => snapshot.snapshotId);
    events({ kind: 'snapshots-found', snapshotIds });
    if (found.length === 0) return;
    for (const snapshotId of snapshotIds) {
      tried.add(snapshotId);
      yield snapshotId;
    }
  }
}
