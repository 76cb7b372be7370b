import type { SnapshotId, VolumeId } from '../core/index.js';
import type { ThawTier } from '../costs/index.js';
import type { Decryption } from './fitting-key.js';
import type { MigrateDependencies } from './migrate-settings.js';
import type { IndexDependencies } from './validate-against-index.js';

/** An archive that is to be restored. */
export interface ArchiveRequest {
  readonly snapshotId: SnapshotId;
  /** Where it is known only its folder of the bucket is listed. */
  readonly volumeId?: VolumeId | undefined;
  /** Only these objects of it. */
  readonly keys?: readonly string[];
}

/** Where to, and what of it. */
export type RestoreDestination =
  /** The files of tar archives. */
  | {
      readonly kind: 'directory';
      readonly path: string;
      /** Globs; only what they match. All if there are none. */
      readonly patterns: readonly string[];
      /** Device nodes too, which are doors into the kernel of whoever mounts or enters the directory. */
      readonly devices: boolean;
    }
  /** An image as a sparse file. */
  | { readonly kind: 'file'; readonly path: string }
  /** An image onto a disk; `force`: whatever is on it. */
  | { readonly kind: 'device'; readonly path: string; readonly force: boolean }
  /** The raw bytes of one object, tar or image; resolves when more may come. */
  | { readonly kind: 'output'; readonly write: (bytes: Buffer) => Promise<void> }
  /** Nowhere: what is frozen is asked for, and no more. */
  | { readonly kind: 'nowhere' }
  /** A new volume of EC2, in the zone of this instance, that is what the archived one was. */
  | ({ readonly kind: 'new-volume' } & NewVolumeSettings);

/** How a volume is made and filled. */
export interface NewVolumeSettings {
  readonly volumeType: string;
  /** It stays attached to this instance. */
  readonly stayAttached: boolean;
  /** The mark of what is not finished, and what is never a tag of the volume. */
  readonly tag: string;
  /** The directory below which its filesystems are mounted while they are filled. */
  readonly mountPoint: string;
  readonly leaseMs: number;
  /** EC2, and this instance. */
  readonly machine: MigrateDependencies;
}

/** How frozen objects are asked for. */
export interface ThawSettings {
  readonly tier: ThawTier;
  /** How long they stay readable. */
  readonly days: number;
  /** Until they have come. */
  readonly wait: boolean;
}

/** How archives are restored. */
export interface RestoreSettings {
  readonly destination: RestoreDestination;
  /** Only this partition. */
  readonly partition: number | undefined;
  /** Undefined: what is frozen is not asked for. */
  readonly thaw: ThawSettings | undefined;
  readonly downloadStreams: number;
  readonly sessionKeys: readonly string[];
}

/** What restoring works with: S3, and this machine. */
export interface RestoreDependencies extends IndexDependencies {
  readonly isRoot: boolean;
}

/** What restoring one archive needs. */
export interface RestoreObjectDependencies extends RestoreDependencies {
  readonly snapshotId: SnapshotId;
  readonly decryption: Decryption;
  readonly downloadStreams: number;
}
