import type { Codec, Content } from '../archive/index.js';
import type { Clock, EventSink } from '../core/index.js';
import type { Ec2, Instance } from '../source/index.js';
import type { ObjectStore, ServerSideEncryption } from '../store/index.js';

/** How snapshots are archived; the same for all snapshots of a run. */
export interface MigrateSettings {
  /** The key of the state tag, and the mark on temporary volumes. */
  readonly tag: string;
  readonly content: Content;
  readonly codec: Codec;
  readonly level: number;
  readonly uploadStreams: number;
  /** The directory below which partitions are mounted. */
  readonly mountPoint: string;
  readonly volumeType: string | undefined;
  readonly keepVolumes: boolean;
  readonly encryption: ServerSideEncryption | undefined;
  /** Of the archives; indexes and manifests are always in S3 Standard. Undefined: what S3 takes where nothing is said. */
  readonly storageClass: string | undefined;
  /** Whose keys archives and indexes are encrypted for, in gpg's words; none: they are not encrypted. */
  readonly recipients: readonly string[];
  /** Snapshots worked on at once. */
  readonly jobs: number;
  /** After so long without a sign of life another run may take a snapshot over. */
  readonly leaseMs: number;
}

/** Everything outside that the migration of a snapshot needs. */
export interface MigrateDependencies {
  readonly ec2: Ec2;
  readonly store: ObjectStore;
  readonly instance: Instance;
  readonly clock: Clock;
  readonly events: EventSink;
  /** Frames compressed at once. */
  readonly parallelism: number;
  /** Unique for this run. */
  readonly runId: string;
  /** The directory of gpg's keyring; undefined: gpg's default. */
  readonly gnupgHome: string | undefined;
  readonly tool: { readonly name: string; readonly version: string };
  readonly signal: AbortSignal;
}
