import { readLayout, type DiskLayout } from '../disk/index.js';
import {
  attachVolume,
  createTemporaryVolume,
  findDevice,
  findTemporaryVolume,
  reuseTemporaryVolume,
  type Snapshot,
  type TemporaryVolume,
} from '../source/index.js';
import type { SnapshotDependencies } from './snapshot-lease.js';

/** How the disk of a snapshot is come by. */
export interface DiskSettings {
  /** The mark on temporary volumes. */
  readonly tag: string;
  readonly volumeType: string | undefined;
  readonly keepVolumes: boolean;
}

/** What that needs. */
export type DiskDependencies = Omit<SnapshotDependencies, 'encrypt'>;

/**
 * Makes a volume of a snapshot, or takes the one that an earlier run has kept, attaches it, and gives its disk to `use`.
 * Whatever happens, the volume is detached and, unless it is to be kept, deleted. Throws what `source` throws.
 */
export async function withDisk<T>(
  snapshot: Snapshot,
  settings: DiskSettings,
  dependencies: DiskDependencies & { readonly use: (disk: DiskLayout) => Promise<T> },
): Promise<T> {
  const { clock, events, signal, use } = dependencies;
  const { snapshotId } = snapshot;
  await using volume = await temporaryVolume(snapshot, settings, dependencies);
  await using attachment = await attachVolume(volume.volumeId, { ...dependencies, snapshotId });
  events({ kind: 'stage', snapshotId, stage: 'waiting-for-device', subject: volume.volumeId });
  const device = await findDevice(volume.volumeId, { clock, deviceName: attachment.deviceName, signal });
  events({ kind: 'stage', snapshotId, stage: 'reading-disk', subject: device });
  const result = await use(await readLayout(device, { clock, signal }));
  events({ kind: 'stage', snapshotId, stage: 'cleaning-up', subject: volume.volumeId });
  return result;
}

async function temporaryVolume(
  snapshot: Snapshot,
  { tag, volumeType, keepVolumes: keep }: DiskSettings,
  dependencies: DiskDependencies,
): Promise<TemporaryVolume> {
  const { lease, runId } = dependencies;
  const options = { ...dependencies, tag, volumeType, keep };
  // A volume that did not come off is of no use, and was told already.
  const stuck = lease.journal.flatMap((entry) => (entry.kind === 'volume' ? (entry.volumeId ?? []) : []));
  const found = await findTemporaryVolume(snapshot, options, stuck);
  const entry = { kind: 'volume', tag, runId, volumeId: found ?? null, keep } as const;
  return lease.entered(entry, async (revise) => {
    if (found !== undefined) return reuseTemporaryVolume(snapshot, found, options);
    return createTemporaryVolume(snapshot, { ...options, onCreated: (volumeId) => revise({ ...entry, volumeId }) });
  });
}
