import { invalid, snapshotNotFound } from '../errors.js';
import type { Lifecycle } from '../lifecycle/index.js';
import type { SnapshotTag } from '../snapshot-port.js';
import type { SnapshotRecord } from '../state/index.js';

/**
 * A snapshot that was begun with StartSnapshot, whatever has become of it. Throws `ResourceNotFoundException` for
 * others, and for one that is too new; `ValidationException` for one that was made of a volume.
 */
export function writableSnapshot(
  region: string,
  id: string,
  { clock, snapshots, state }: Lifecycle,
): SnapshotRecord & { readonly tags: readonly SnapshotTag[] } {
  const snapshot = snapshots.find(region, id);
  const record = state.get(id);
  if (snapshot?.status === 'completed' && !snapshot.writtenDirectly) {
    throw invalid('INVALID_SNAPSHOT_ID', 'Snapshot is already completed');
  }
  if (snapshot === undefined || record === undefined || clock.now() < record.visibleAtMs) throw snapshotNotFound(id);
  return { ...record, tags: snapshot.tags };
}
