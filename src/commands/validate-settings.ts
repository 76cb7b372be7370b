import type { DiskSettings } from './snapshot-disk.js';

/** How archives are validated; the same for all snapshots of a run. */
export interface ValidateSettings extends DiskSettings {
  /** The directory below which partitions are mounted. */
  readonly mountPoint: string;
  /** Requests to S3 at once, for each archive. */
  readonly downloadStreams: number;
  /** What gpg calls session keys, of single archives; none: the keys that gpg has. */
  readonly sessionKeys: readonly string[];
  /** Snapshots worked on at once. */
  readonly jobs: number;
  readonly leaseMs: number;
}
