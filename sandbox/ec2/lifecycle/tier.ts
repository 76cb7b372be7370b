import type { Region, Snapshot, SnapshotTier } from '../state/index.js';
import type { Lifecycle } from './lifecycle.js';
import { percentOf } from './snapshot.js';

/** The states of archiving and restoring, as EC2 names them. */
export type TieringStatus =
  | 'archival-in-progress'
  | 'archival-completed'
  | 'temporary-restore-in-progress'
  | 'temporary-restore-completed'
  | 'permanent-restore-in-progress'
  | 'permanent-restore-completed';

/** `archiving` -> `archived`. It may be used meanwhile; afterwards nobody has it shared any more. */
export function continueArchiving({ id }: Snapshot, region: Region, lifecycle: Lifecycle): void {
  const { clock, delays, state, tasks } = lifecycle;
  tasks.start(`Archiving ${id}`, async (signal) => {
    await clock.sleep(delays.archiveMs, signal);
    const current = region.snapshots.get(id);
    if (current?.tier.kind !== 'archiving') return;
    const { startedAtMs } = current.tier;
    region.putSnapshot({
      ...current,
      sharing: { everyone: false, accountIds: [] },
      tier: { kind: 'archived', startedAtMs, archivedAtMs: clock.now() },
    });
    await state.save();
  });
}

/** `restoring` -> restored, for good or for some days from now on. */
export function continueRestoring({ id }: Snapshot, region: Region, lifecycle: Lifecycle): void {
  const { clock, delays, state, tasks } = lifecycle;
  tasks.start(`Restoring ${id}`, async (signal) => {
    await clock.sleep(delays.restoreMs, signal);
    const current = region.snapshots.get(id);
    if (current?.tier.kind !== 'restoring') return;
    const { startedAtMs, archivedAtMs, days } = current.tier;
    region.putSnapshot({ ...current, tier: restored({ startedAtMs, archivedAtMs, days }, clock.now()) });
    await state.save();
  });
}

/** The tier of a snapshot that is restored now: for good where there are no days. */
export function restored(
  archive: { readonly startedAtMs: number; readonly archivedAtMs: number; readonly days: number | null },
  nowMs: number,
): SnapshotTier {
  const { startedAtMs, archivedAtMs, days } = archive;
  if (days === null) return { kind: 'permanently-restored', startedAtMs, archivedAtMs };
  return { kind: 'temporarily-restored', startedAtMs, archivedAtMs, expiresAtMs: nowMs + days * dayMs };
}

/** The tier as it is at a time: a temporary restore that is over is the archive again. */
export function tierAt({ tier }: Snapshot, nowMs: number): SnapshotTier {
  if (tier.kind !== 'temporarily-restored' || nowMs < tier.expiresAtMs) return tier;
  return { kind: 'archived', startedAtMs: tier.startedAtMs, archivedAtMs: tier.archivedAtMs };
}

/** Where the bytes are: only what is in `standard` can be used. */
export function storageTierAt(snapshot: Snapshot, nowMs: number): 'standard' | 'archive' {
  const { kind } = tierAt(snapshot, nowMs);
  return kind === 'archived' || kind === 'restoring' ? 'archive' : 'standard';
}

/** The last archiving or restoring of a snapshot; undefined where there was none. */
export function lastTiering(
  snapshot: Snapshot,
  { clock, delays }: Pick<Lifecycle, 'clock' | 'delays'>,
): { readonly status: TieringStatus; readonly startedAtMs: number; readonly percent: number } | undefined {
  const nowMs = clock.now();
  const tier = tierAt(snapshot, nowMs);
  if (tier.kind === 'standard') return undefined;
  const { startedAtMs } = tier;
  const elapsedMs = nowMs - startedAtMs;
  switch (tier.kind) {
    case 'archiving':
      return { status: 'archival-in-progress', startedAtMs, percent: percentOf(elapsedMs, delays.archiveMs) };
    case 'archived':
      return { status: 'archival-completed', startedAtMs, percent: 100 };
    case 'restoring': {
      const status = tier.days === null ? 'permanent-restore-in-progress' : 'temporary-restore-in-progress';
      return { status, startedAtMs, percent: percentOf(elapsedMs, delays.restoreMs) };
    }
    case 'temporarily-restored':
      return { status: 'temporary-restore-completed', startedAtMs, percent: 100 };
    case 'permanently-restored':
      return { status: 'permanent-restore-completed', startedAtMs, percent: 100 };
  }
}

const dayMs = 24 * 60 * 60 * 1000;
