import { snapshotId, volumeId } from '../../src/core/index.js';
import { pricesOf, type AdviceOptions, type SnapshotFacts, type VolumeUsage } from '../../src/costs/index.js';

/** How advice is made where a test says nothing else. */
export const madeOptions: AdviceOptions = {
  prices: pricesOf('us-east-1'),
  destination: 'DEEP_ARCHIVE',
  compressionRatio: 2,
  keepNewest: undefined,
  mostPaybackMonths: 12,
  tag: 'snap-to-s3',
  partBytesOf: () => 8 * 1024 ** 2,
};

/** One snapshot. */
export interface Made {
  readonly gib: number;
  readonly tier?: 'standard' | 'archive';
  readonly tags?: Record<string, string>;
  readonly description?: string;
  readonly fullGiB?: number;
}
/** What is known of its volume. */
export interface MadeVolume {
  readonly volumeGiB?: number;
  readonly isDeleted?: boolean;
  readonly region?: string;
  readonly name?: string;
  readonly id?: string;
}

/** A volume, a snapshot a day. */
export function madeVolume(snapshots: readonly Made[], about: MadeVolume = {}): VolumeUsage {
  const { volumeGiB = 100, isDeleted = false, region = 'us-east-1', name, id = 'vol-00000001' } = about;
  return {
    origin: 'volume',
    partition: 'aws',
    currency: 'USD',
    volumeId: volumeId(id),
    account: '123456789012',
    region,
    volumeGiB,
    name,
    isDeleted,
    snapshots: snapshots.map(({ gib, tier = 'standard', tags = {}, description = '', fullGiB }, at) => {
      const startTime = new Date(Date.UTC(2026, 0, 1 + at));
      const facts: SnapshotFacts = { volumeId: volumeId(id), volumeGiB, fullGiB, startTime, description, tags };
      return {
        snapshotId: snapshotId(`snap-${String(at).padStart(17, '0')}`),
        tier,
        gibMonths: gib,
        dollarsPerMonth: gib * 0.05,
        periodStart: '2026-11-01T00:00:00Z',
        facts,
      };
    }),
  };
}
/** The first of so many GiB, and after each of the others so many have changed. */
export const daily = (first: number, change: number, count: number): readonly Made[] =>
  Array.from({ length: count }, (_, at) => ({ gib: at === 0 ? first : change }));
