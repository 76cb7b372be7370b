import { AppError, messageOf, toAppError, unfold, type SnapshotId } from '../core/index.js';
import { unmount } from '../disk/index.js';
import { ownIdentity } from '../process/index.js';
import { releaseDeadClaim, removeLeftoverVolume } from '../source/index.js';
import { abortLostUploads, abortMultipart, isAbandoned, listLeases, type Inherited } from '../store/index.js';
import { leasedSnapshot, leasePrefix, type JournalEntry } from './journal.js';
import type { MigrateDependencies } from './migrate-settings.js';
import { isDeadHere, leaseSnapshot, type SnapshotLease } from './snapshot-lease.js';

/** What recovery needs. */
export type RecoverDependencies = Pick<
  MigrateDependencies,
  'ec2' | 'store' | 'instance' | 'clock' | 'events' | 'runId' | 'signal'
>;

/** How long a program of a dead run may still hold a mount. */
const unmountTimeoutMs = 10_000;

/**
 * Takes over the leases of all runs that ended without cleaning up, and removes what their journals name. What cannot be
 * removed stays in its journal and is told as a warning. Returns the snapshots that were freed.
 */
export async function recoverAbandoned(
  dependencies: RecoverDependencies,
  { leaseMs }: { readonly leaseMs: number },
): Promise<readonly SnapshotId[]> {
  const { store, events, signal } = dependencies;
  const freed: SnapshotId[] = [];
  for await (const { key, found } of listLeases(store, leasePrefix, signal)) {
    const snapshotId = leasedSnapshot(key);
    if (snapshotId === undefined) continue;
    if (found.kind === 'unreadable') {
      events({ kind: 'warning', snapshotId, text: messageOf(found.error) });
      continue;
    }
    if (!isAbandoned(found.object, { isDead: isDeadHere })) continue;
    try {
      await using lease = await leaseSnapshot(snapshotId, { ...dependencies, lifetimeMs: leaseMs });
      if (await cleanUp(snapshotId, lease, dependencies)) freed.push(snapshotId);
    } catch (error) {
      signal.throwIfAborted();
      // Somebody else was faster, which is just as well.
      if (error instanceof AppError && error.code === 'claimed-elsewhere') continue;
      warn(snapshotId, error, dependencies);
    }
  }
  return freed;
}

/** Removes what the lease's run before this one has left. Returns whether all of it is gone. */
export async function cleanUp(
  snapshotId: SnapshotId,
  lease: SnapshotLease,
  dependencies: RecoverDependencies,
): Promise<boolean> {
  const { inherited } = lease;
  if (inherited === undefined || inherited.journal.length === 0) return true;
  const { events } = dependencies;
  const text = 'A run before this one ended without cleaning up. What it left is removed.';
  events({ kind: 'notice', snapshotId, text });
  // The thing made last goes first, as that run itself would have done it.
  const left = new Set(inherited.journal.toReversed());
  for (const entry of left) {
    // What is mounted cannot be detached: EC2 would keep it "busy".
    if (isVolume(entry) && [...left].some((one) => one.kind === 'mount' && isOfThisBoot(one))) continue;
    try {
      if (!(await removed(snapshotId, entry, inherited, dependencies))) continue;
      left.delete(entry);
      lease.strike(entry);
    } catch (error) {
      dependencies.signal.throwIfAborted();
      warn(snapshotId, error, dependencies);
    }
  }
  // A mount of another boot is gone with it; only while its volume hangs on the other machine it may still be there.
  if ([...left].every(({ kind }) => kind === 'mount')) {
    for (const entry of left) if (entry.kind === 'mount' && !isOfThisBoot(entry)) lease.strike(entry);
  }
  return lease.journal.length === 0;
}

async function removed(
  snapshotId: SnapshotId,
  entry: JournalEntry,
  { ageMs, overAtMs }: Omit<Inherited<unknown>, 'journal'>,
  { ec2, store, instance, clock, events, signal }: RecoverDependencies,
): Promise<boolean> {
  switch (entry.kind) {
    case 'tag':
      await releaseDeadClaim(snapshotId, entry, { ec2, signal }).catch((error: unknown) => {
        if (toAppError(error).code !== 'not-found') throw error;
      });
      return true;
    case 'mount':
      if (!isOfThisBoot(entry)) return false;
      await unmount(entry.path, { clock, timeoutMs: unmountTimeoutMs });
      return true;
    case 'upload':
      if (entry.uploadId === null) {
        const lost = { except: entry.others, fromMs: entry.sinceMs, untilMs: overAtMs };
        await abortLostUploads(store, entry.key, lost);
      } else await abortMultipart(store, entry.key, entry.uploadId);
      return true;
    case 'volume':
    case 'new-volume': {
      const leftover =
        entry.kind === 'volume' ? { ...entry, snapshotId } : { ...entry, snapshotId: undefined, keep: false };
      const outcome = await removeLeftoverVolume(leftover, { ec2, instance, clock, ageMs, signal });
      if (outcome.kind === 'removed') return true;
      const text =
        `The ${entry.kind === 'volume' ? 'temporary' : 'half-restored'} volume ${outcome.volumeId} of a dead run is attached to ${outcome.instanceId}, and is left alone. ` +
        `When that instance is gone or the volume detached, run: snap-to-s3 cleanup --bucket ${store.bucket}`;
      events({ kind: 'warning', snapshotId, text });
      return false;
    }
  }
}

function isVolume({ kind }: JournalEntry): boolean {
  return kind === 'volume' || kind === 'new-volume';
}

function isOfThisBoot({ bootId }: { readonly bootId: string }): boolean {
  return bootId === ownIdentity().bootId;
}

function warn(snapshotId: SnapshotId, error: unknown, { events }: RecoverDependencies): void {
  for (const { message, hint } of unfold(error).map(toAppError)) {
    events({ kind: 'warning', snapshotId, text: hint === undefined ? message : `${message} ${hint}` });
  }
}
