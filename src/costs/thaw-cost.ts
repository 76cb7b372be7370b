/** How an archive is thawed: S3's own words. */
export type ThawTier = 'Expedited' | 'Standard' | 'Bulk';

/** What thawing takes. */
export interface ThawTerms {
  /** The longest time that AWS names (S3 user guide, "Archive retrieval options"). */
  readonly hours: number;
  readonly dollarsPerGiB: number;
}

/** List prices of us-east-1 (aws.amazon.com/s3/pricing), from memory; each object costs some hundredths of a cent besides. */
const terms: Readonly<Record<string, Readonly<Partial<Record<ThawTier, ThawTerms>>>>> = {
  GLACIER: {
    Expedited: { hours: 5 / 60, dollarsPerGiB: 0.03 },
    Standard: { hours: 5, dollarsPerGiB: 0.01 },
    Bulk: { hours: 12, dollarsPerGiB: 0 },
  },
  DEEP_ARCHIVE: {
    Standard: { hours: 12, dollarsPerGiB: 0.02 },
    Bulk: { hours: 48, dollarsPerGiB: 0.0025 },
  },
};

/** What thawing from a storage class takes; undefined where the class has no such tier, or needs none. */
export function thawTerms(storageClass: string, tier: ThawTier): ThawTerms | undefined {
  return terms[storageClass]?.[tier];
}
