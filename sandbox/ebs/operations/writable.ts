import { invalid, snapshotNotFound } from '../errors.js';
import type { Lifecycle } from '../lifecycle/index.js';
import type { SnapshotFacts } from '../snapshot-port.js';
import type { SnapshotRecord } from '../state/index.js';

/** A snapshot that was begun with StartSnapshot, whatever has become of it. */
export interface WritableSnapshot {
  readonly record: SnapshotRecord;
  readonly facts: SnapshotFacts;
}

/**
 * Finds it. Throws `ResourceNotFoundException` for others, and for one that is too new; `ValidationException` for one
 * that was made of a volume.
 */
export function writableSnapshot(region: string, id: string, { clock, snapshots, state }: Lifecycle): WritableSnapshot {
  const facts = snapshots.find(region, id);
  const record = state.get(id);
  if (facts?.status.kind === 'completed' && !facts.writtenDirectly) {
    throw invalid('INVALID_SNAPSHOT_ID', 'Snapshot is already completed');
  }
  if (facts === undefined || record === undefined || clock.now() < record.visibleAtMs) throw snapshotNotFound(id);
  return { record, facts };
}
