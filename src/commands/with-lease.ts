import { isAbort, type SnapshotId } from '../core/index.js';
import type { MigrateDependencies } from './migrate-settings.js';
import { cleanUp } from './recover.js';
import { leaseSnapshot, withoutLease, type SnapshotLease } from './snapshot-lease.js';

/** What the work under a lease gets; its signal aborts when the lease is lost. */
export interface Leased {
  readonly lease: SnapshotLease;
  readonly signal: AbortSignal;
}

/** How the lease is taken. */
export interface WithLeaseOptions {
  /** False where the store knows no conditional writes: then only the tags keep other runs away. */
  readonly hasLeases: boolean;
  readonly leaseMs: number;
}

/**
 * Does something with a snapshot under its lease, when what a run that died has left of it is cleaned up. Throws
 * `claimed-elsewhere` where another run has it, or has taken it over meanwhile.
 */
export async function withLease<T>(
  snapshotId: SnapshotId,
  dependencies: MigrateDependencies & WithLeaseOptions,
  use: (leased: Leased) => Promise<T>,
): Promise<T> {
  const { events, signal, hasLeases, leaseMs } = dependencies;
  events({ kind: 'stage', snapshotId, stage: 'claiming', subject: snapshotId });
  await using lease = hasLeases
    ? await leaseSnapshot(snapshotId, { ...dependencies, lifetimeMs: leaseMs })
    : withoutLease();
  try {
    const leased = { lease, signal: AbortSignal.any([signal, lease.lost]) };
    await cleanUp(snapshotId, lease, { ...dependencies, ...leased });
    return await use(leased);
  } catch (error) {
    // What was cancelled because of the loss says so.
    if (lease.lost.aborted && !signal.aborted && isAbort(error)) throw lease.lost.reason;
    throw error;
  }
}
