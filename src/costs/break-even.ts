import type { Prices, StorageClass } from './prices.js';

/** Where snapshots may go: classes of S3, or EBS's own archive tier. */
export type Destination = StorageClass | 'EBS_ARCHIVE';

/** Those that are shown, from the readiest to the cheapest. */
export const destinations: readonly Destination[] = [
  'STANDARD',
  'STANDARD_IA',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
  'EBS_ARCHIVE',
];

/** Snapshots of one volume, each like the one before but for a part of the volume. */
export interface SnapshotSeries {
  readonly snapshots: number;
  readonly volumeGiB: number;
  /** The share of the volume that is another between two snapshots, 0 to 1. */
  readonly change: number;
  /** Bytes before compression over bytes after it; 1 for none. */
  readonly compressionRatio: number;
}

/** What a series costs at one destination. */
export interface DestinationCost {
  readonly destination: Destination;
  /** Of full copies, as this tool makes them. */
  readonly dollarsPerMonth: number;
  /** Of what EBS takes for the same snapshots: 1 is break-even. */
  readonly share: number;
  /**
   * The change from which on full copies are cheaper than EBS, for so many snapshots and in the limit of many. Negative where
   * they always are; above 1 where they never are.
   */
  readonly breakEvenChange: number;
  readonly breakEvenChangeInTheLimit: number;
  /** If archives had only what has changed, which neither this tool nor EBS's archive tier makes: what it would cost. */
  readonly incrementalDollarsPerMonth: number | undefined;
}

/** What a series costs, per month. */
export interface SeriesCost {
  readonly ebsDollarsPerMonth: number;
  readonly destinations: readonly DestinationCost[];
}

/**
 * What a series costs in EBS, where each snapshot has what changed since the one before, and elsewhere, where each is whole:
 * n full copies against 1 + (n - 1) · change.
 */
export function seriesCost(series: SnapshotSeries, prices: Prices): SeriesCost {
  const { snapshots, volumeGiB, change, compressionRatio } = series;
  const inEbs = volumeGiB * (1 + (snapshots - 1) * change);
  const ebsDollarsPerMonth = inEbs * prices.snapshotPerGiBMonth;
  return {
    ebsDollarsPerMonth,
    destinations: destinations.map((destination) => {
      const perGiB = perGiBMonth(destination, compressionRatio, prices);
      const dollarsPerMonth = snapshots * volumeGiB * perGiB;
      const ratio = perGiB / prices.snapshotPerGiBMonth;
      return {
        destination,
        dollarsPerMonth,
        share: dollarsPerMonth / ebsDollarsPerMonth,
        breakEvenChange: snapshots > 1 ? (snapshots * ratio - 1) / (snapshots - 1) : ratio > 1 ? Infinity : -Infinity,
        breakEvenChangeInTheLimit: ratio,
        incrementalDollarsPerMonth: destination === 'EBS_ARCHIVE' ? undefined : inEbs * perGiB,
      };
    }),
  };
}

/** What a GiB of a volume costs at a destination; EBS's archive tier does not compress. */
export function perGiBMonth(destination: Destination, compressionRatio: number, prices: Prices): number {
  if (destination === 'EBS_ARCHIVE') return prices.snapshotArchive.perGiBMonth;
  return prices.storage[destination].perGiBMonth / compressionRatio;
}
