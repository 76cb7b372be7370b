import { AppError, type SnapshotId, type VolumeId } from '../core/index.js';

/** A snapshot as EC2 describes it, parsed. */
export interface Snapshot {
  readonly snapshotId: SnapshotId;
  readonly volumeId: VolumeId;
  readonly startTime: Date;
  readonly volumeGiB: number;
  /** All blocks that were ever written to the volume, shared with other snapshots or not; not told by every region. */
  readonly fullSizeBytes: number | undefined;
  readonly description: string;
  readonly state: string;
  readonly storageTier: string;
  readonly encrypted: boolean;
  readonly ownerId: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Makes sure that a volume can be made from the snapshot. Throws `snapshot-unusable` with what to do. */
export function requireUsable(snapshot: Snapshot): void {
  if (snapshot.storageTier === 'archive') {
    throw new AppError(
      'snapshot-unusable',
      `Snapshot ${snapshot.snapshotId} is in EBS's archive tier, and no volume can be made of it there.`,
      {
        hint: `Restore it first: aws ec2 restore-snapshot-tier --snapshot-id ${snapshot.snapshotId} --temporary-restore-days 7`,
      },
    );
  }
  if (snapshot.state !== 'completed') {
    throw new AppError('snapshot-unusable', `Snapshot ${snapshot.snapshotId} is in the state "${snapshot.state}".`, {
      hint:
        snapshot.state === 'pending'
          ? 'Wait until EC2 shows it as completed, and run again.'
          : 'Only completed snapshots can be read.',
    });
  }
}
