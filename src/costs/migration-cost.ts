import { GiB, MiB } from '../core/index.js';
import type { Prices, StorageClass } from './prices.js';
import { isFrozenClass } from './thaw-cost.js';

/** From a low to a high guess. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** What a migration is guessed from. */
export const assumptions = {
  /** Of what is read, so much is stored: from data that halves to data that does not compress. */
  compression: { low: 0.5, high: 1 },
  /** Volumes made of snapshots are loaded lazily; the slow end is what users of magnetic volumes have seen. */
  readBytesPerSecond: { low: 3.5 * MiB, high: 50 * MiB },
  /** Index, manifest, lease and journal. */
  smallRequests: 20,
} as const;

/** One snapshot to be migrated. */
export interface MigrationFacts {
  readonly readBytes: number;
  readonly volumeGiB: number;
  readonly volumeType: string;
  readonly storageClass: StorageClass;
  /** The size of the parts of the upload. */
  readonly partBytes: number;
}

/** What it costs, in US dollars. */
export interface MigrationCost {
  readonly storedBytes: Range;
  /** Requests and the temporary volume; not the instance. */
  readonly onceDollars: Range;
  readonly storedDollarsPerMonth: Range;
  /** What the EBS snapshot costs at most: it shares blocks with others of its volume. */
  readonly snapshotDollarsPerMonthAtMost: number;
}

/** AWS counts so many in a month (aws.amazon.com/ebs/pricing, in its examples). */
export const hoursPerMonth = 730;

/** Guesses what the migration of one snapshot costs, and the archive and the snapshot afterwards. */
export function migrationCost(facts: MigrationFacts, prices: Prices): MigrationCost {
  const { readBytes, volumeGiB, volumeType, partBytes } = facts;
  const storage = prices.storage[facts.storageClass];
  const perVolumeHour = ((prices.volumePerGiBMonth[volumeType] ?? 0) * volumeGiB) / hoursPerMonth;
  const once = (share: number, bytesPerSecond: number): number => {
    const upload = { archiveBytes: share * readBytes, partBytes, storageClass: facts.storageClass };
    return uploadCost(upload, prices) + (readBytes / bytesPerSecond / 3_600) * perVolumeHour;
  };
  const { compression, readBytesPerSecond: rate } = assumptions;
  const perMonth = (share: number): number => ((share * readBytes) / GiB) * storage.perGiBMonth;
  return {
    storedBytes: { low: compression.low * readBytes, high: compression.high * readBytes },
    onceDollars: { low: once(compression.low, rate.high), high: once(compression.high, rate.low) },
    storedDollarsPerMonth: { low: perMonth(compression.low), high: perMonth(compression.high) },
    snapshotDollarsPerMonthAtMost: (readBytes / GiB) * prices.snapshotPerGiBMonth,
  };
}

/**
 * The requests of one archive and of what is small beside it. Parts on their way to GLACIER and DEEP_ARCHIVE are staged, and
 * they and the begin of the upload cost what those of STANDARD cost; only its completion is a request of the class (S3
 * pricing; the Price List names the operations).
 */
export function uploadCost(
  {
    archiveBytes,
    partBytes,
    storageClass,
  }: { readonly archiveBytes: number; readonly partBytes: number; readonly storageClass: StorageClass },
  prices: Prices,
): number {
  const own = prices.storage[storageClass].perThousandPuts;
  const standard = prices.storage.STANDARD.perThousandPuts;
  const parts = Math.ceil(archiveBytes / partBytes);
  const staged = isFrozenClass(storageClass) ? standard : own;
  // What fits into one part is one PutObject.
  const archive = parts <= 1 ? own : (parts + 1) * staged + own;
  return (archive + assumptions.smallRequests * standard) / 1_000;
}
