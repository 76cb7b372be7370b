/** The storage classes of S3 that an archive may go to. */
export type StorageClass =
  'STANDARD' | 'STANDARD_IA' | 'ONEZONE_IA' | 'INTELLIGENT_TIERING' | 'GLACIER_IR' | 'GLACIER' | 'DEEP_ARCHIVE';

/** What one storage class costs. All prices are US dollars; GB are GiB, as AWS counts them. */
export interface StorageClassPrice {
  readonly perGiBMonth: number;
  readonly perThousandPuts: number;
  /** An object that is deleted earlier is charged for so long. */
  readonly leastDays: number;
}

/** List prices of one region at one day. */
export interface Prices {
  readonly region: string;
  /** ISO date on which they were looked up. */
  readonly date: string;
  readonly snapshotPerGiBMonth: number;
  /** EBS's own archive tier: full copies, not compressed. */
  readonly snapshotArchive: {
    readonly perGiBMonth: number;
    readonly restorePerGiB: number;
    readonly leastDays: number;
  };
  /** By the volume type's API name. */
  readonly volumePerGiBMonth: Readonly<Record<string, number>>;
  readonly storage: Readonly<Record<StorageClass, StorageClassPrice>>;
}

/**
 * List prices of us-east-1 (aws.amazon.com/ebs/pricing and /s3/pricing). Those of volumes, of One Zone-IA, Glacier and of
 * requests are from memory; other regions cost up to twice as much.
 */
export const listPrices: Prices = {
  region: 'us-east-1',
  date: '2026-11-01',
  snapshotPerGiBMonth: 0.05,
  snapshotArchive: { perGiBMonth: 0.0125, restorePerGiB: 0.03, leastDays: 90 },
  volumePerGiBMonth: { standard: 0.05, gp2: 0.1, gp3: 0.08, io1: 0.125, io2: 0.125, st1: 0.045, sc1: 0.015 },
  storage: {
    STANDARD: { perGiBMonth: 0.023, perThousandPuts: 0.005, leastDays: 0 },
    STANDARD_IA: { perGiBMonth: 0.0125, perThousandPuts: 0.01, leastDays: 30 },
    ONEZONE_IA: { perGiBMonth: 0.01, perThousandPuts: 0.01, leastDays: 30 },
    INTELLIGENT_TIERING: { perGiBMonth: 0.023, perThousandPuts: 0.005, leastDays: 0 },
    GLACIER_IR: { perGiBMonth: 0.004, perThousandPuts: 0.02, leastDays: 90 },
    GLACIER: { perGiBMonth: 0.0036, perThousandPuts: 0.03, leastDays: 90 },
    DEEP_ARCHIVE: { perGiBMonth: 0.00099, perThousandPuts: 0.05, leastDays: 180 },
  },
};
