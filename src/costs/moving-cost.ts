import { GiB } from '../core/index.js';
import type { Destination } from './break-even.js';
import { assumptions, hoursPerMonth, uploadCost, type Range } from './migration-cost.js';
import type { Prices } from './prices.js';

/** What is moved. */
export interface Move {
  readonly snapshots: number;
  readonly volumeGiB: number;
  /** What is read of each. */
  readonly fullGiB: number;
  readonly destination: Destination;
  readonly compressionRatio: number;
  readonly partBytesOf: (archiveBytes: number) => number;
}

/** From this size on temporary volumes are gp2, below they are magnetic, as `migrate` makes them. */
const largestMagneticGiB = 1024;

/**
 * What moving costs once, from a fast to a slow reading of the volume: the instance and the temporary volume for so long, and
 * the requests. EBS's archive tier costs nothing at first; its restore fee is another matter.
 */
export function movingCost(move: Move, prices: Prices): Range {
  const { snapshots, volumeGiB, fullGiB, destination, compressionRatio, partBytesOf } = move;
  if (destination === 'EBS_ARCHIVE') return { low: 0, high: 0 };
  const archiveBytes = (fullGiB * GiB) / compressionRatio;
  const requests = uploadCost(
    { archiveBytes, partBytes: partBytesOf(archiveBytes), storageClass: destination },
    prices,
  );
  const volumeType = volumeGiB > largestMagneticGiB ? 'gp2' : 'standard';
  const perHour = ((prices.volumePerGiBMonth[volumeType] ?? 0) * volumeGiB) / hoursPerMonth + prices.instancePerHour;
  const hoursAt = (bytesPerSecond: number): number => (fullGiB * GiB) / bytesPerSecond / 3_600;
  const { low, high } = assumptions.readBytesPerSecond;
  return {
    low: snapshots * (requests + hoursAt(high) * perHour),
    high: snapshots * (requests + hoursAt(low) * perHour),
  };
}

/** What reading the same through the EBS direct APIs would cost, which takes no volume: 512 KiB a block. */
export function directReadCost(fullGiB: number, prices: Prices): number {
  return ((fullGiB * GiB) / (512 * 1024) / 1_000) * prices.directReadPerThousandBlocks;
}

/** What it costs to have one copy back: reading or thawing (at the tier Standard), or the restore fee of EBS's archive tier. */
export function backCost(
  { fullGiB, destination, compressionRatio }: Pick<Move, 'fullGiB' | 'destination' | 'compressionRatio'>,
  prices: Prices,
): number {
  if (destination === 'EBS_ARCHIVE') return fullGiB * prices.snapshotArchive.restorePerGiB;
  return (fullGiB / compressionRatio) * prices.storage[destination].retrievalPerGiB;
}
