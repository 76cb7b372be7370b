import type { SnapshotId, VolumeId } from '../core/index.js';

/** Where something is, and in what it is billed. */
export interface BilledPlace {
  /** Twelve digits; empty where the report does not tell. */
  readonly account: string;
  /** Empty where the report does not tell. */
  readonly region: string;
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
  /** `USD`, `CNY`: what the amounts of the report are in. */
  readonly currency: string;
}

/** What one snapshot takes in one storage tier, by the newest period that a cost report has of it. */
export interface SnapshotAmounts {
  readonly snapshotId: SnapshotId;
  readonly tier: 'standard' | 'archive';
  /** What is billed for a whole month: the blocks that the snapshot has and the one before it has not, in GiB. */
  readonly gibMonths: number;
  /** In that currency. */
  readonly dollarsPerMonth: number;
  /** ISO time at which that period began. */
  readonly periodStart: string;
}

/** The same of a snapshot that stands by itself. */
export interface SnapshotUsage extends BilledPlace, SnapshotAmounts {}

/** What EC2 knows of a snapshot and its volume. */
export interface SnapshotFacts {
  readonly volumeId: VolumeId;
  readonly volumeGiB: number;
  /** All blocks of it, shared with others or not; undefined where EC2 does not tell. */
  readonly fullGiB: number | undefined;
  readonly startTime: Date;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What the snapshots of one volume take, or a snapshot that is a copy, or those that EC2 does not tell of. */
export interface VolumeUsage extends BilledPlace {
  /** A copy has no volume, and which others share its blocks nobody tells. */
  readonly origin: 'volume' | 'copy' | 'unknown';
  /** Of the origin `volume`. */
  readonly volumeId: VolumeId | undefined;
  readonly volumeGiB: number | undefined;
  readonly name: string | undefined;
  /** Undefined where nobody could be asked. */
  readonly isDeleted: boolean | undefined;
  /** By their dates; one that is in both tiers comes twice. */
  readonly snapshots: readonly (SnapshotAmounts & { readonly facts: SnapshotFacts | undefined })[];
}

/** How many snapshots these are: one in both tiers is one. */
export function snapshotCount({ snapshots }: Pick<VolumeUsage, 'snapshots'>): number {
  return new Set(snapshots.map(({ snapshotId }) => snapshotId)).size;
}
