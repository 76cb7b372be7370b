import { join } from 'node:path';
import { mountReadOnly, requireUnwritten, type DiskLayout, type FilesystemArea, type Mount } from '../disk/index.js';
import type { SnapshotId } from '../core/index.js';
import { ownIdentity } from '../process/index.js';
import type { DiskDependencies } from './snapshot-disk.js';

/** What is mounted, and where. */
export interface AreaToMount {
  readonly snapshotId: SnapshotId;
  readonly area: FilesystemArea;
  readonly layout: DiskLayout;
  /** The directory below which it is mounted. */
  readonly mountPoint: string;
  readonly onNotice: (text: string) => void;
}

/** Mounts a filesystem of a snapshot for this run alone, and journals it. Throws `mount-failed`, `disk-in-use`. */
export async function mountedArea(
  { snapshotId, area, layout, mountPoint, onNotice }: AreaToMount,
  { lease, runId, clock, signal }: Pick<DiskDependencies, 'lease' | 'runId' | 'clock' | 'signal'>,
): Promise<Mount> {
  // The run's own: what a dead run has left mounted is in nobody's way.
  const name = [snapshotId, area.partition, runId.slice(0, 8)].filter((part) => part !== undefined).join('-');
  const path = join(mountPoint, name);
  const entry = { kind: 'mount', path, bootId: ownIdentity().bootId } as const;
  try {
    return await lease.entered(entry, () => mountReadOnly(area, { mountPoint: path, clock, signal, onNotice }));
  } catch (error) {
    // What has been mounted for writing in the meantime explains a refusal better than mount does.
    await requireUnwritten(layout);
    throw error;
  }
}
