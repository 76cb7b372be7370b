import { listPrices, type Prices } from './prices.js';

/** How an archive is thawed: S3's own words. */
export type ThawTier = 'Expedited' | 'Standard' | 'Bulk';

/** What thawing takes. */
export interface ThawTerms {
  readonly hours: number;
  /** Each object costs some hundredths of a cent besides. */
  readonly dollarsPerGiB: number;
}

/** The longest time that AWS names (S3 user guide, "Archive retrieval options"). */
const longestHours: Readonly<Record<'GLACIER' | 'DEEP_ARCHIVE', Readonly<Partial<Record<ThawTier, number>>>>> = {
  GLACIER: { Expedited: 5 / 60, Standard: 5, Bulk: 12 },
  DEEP_ARCHIVE: { Standard: 12, Bulk: 48 },
};

const priceOf = { Expedited: 'expeditedPerGiB', Standard: 'retrievalPerGiB', Bulk: 'bulkPerGiB' } as const;

/** True for the classes whose objects must be thawed, and whose uploads are staged in STANDARD. */
export function isFrozenClass(storageClass: string): storageClass is 'GLACIER' | 'DEEP_ARCHIVE' {
  return storageClass in longestHours;
}

/** What thawing from a storage class takes; undefined where the class has no such tier, or needs none. */
export function thawTerms(storageClass: string, tier: ThawTier, prices: Prices = listPrices): ThawTerms | undefined {
  if (!isFrozenClass(storageClass)) return undefined;
  const hours = longestHours[storageClass][tier];
  const dollarsPerGiB = prices.storage[storageClass][priceOf[tier]];
  return hours === undefined || dollarsPerGiB === undefined ? undefined : { hours, dollarsPerGiB };
}
