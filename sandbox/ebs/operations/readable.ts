import { snapshotNotFound } from '../errors.js';
import type { Layer } from '../blocks/layers.js';
import type { Lifecycle } from '../lifecycle/index.js';
import type { SnapshotFacts } from '../snapshot-port.js';

/**
 * A snapshot that can be read. Throws `ResourceNotFoundException` for one that is not there, and also for one that is not
 * completed, or not long enough.
 */
export function readableSnapshot(region: string, id: string, { clock, delays, snapshots }: Lifecycle): SnapshotFacts {
  const snapshot = snapshots.find(region, id);
  if (snapshot?.status.kind !== 'completed') throw snapshotNotFound(id);
  const { status, writtenDirectly } = snapshot;
  if (writtenDirectly && clock.now() < status.completedAtMs + delays.unreadableMs) throw snapshotNotFound(id);
  return snapshot;
}

/** The layers of its blocks, the uppermost first. */
export async function layersOf(
  snapshot: SnapshotFacts,
  { files, snapshots, state }: Lifecycle,
): Promise<readonly Layer[]> {
  const { id, sizeGiB } = snapshot;
  const record = state.get(id);
  if (record !== undefined) return files.layersOf(id, record.inherited);
  return [await files.layerOfVolume(id, { file: snapshots.file(id), sizeGiB })];
}
