import type { RetrievalTier } from '../../state/index.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/**
 * How long a retrieval takes: the longest time that AWS names for it (S3 user guide, "Archive retrieval options").
 * Undefined where a class does not have the tier.
 */
export type RetrievalTimes = Readonly<Record<RetrievalTier, number | undefined>>;

const glacier: RetrievalTimes = { Expedited: 5 * minuteMs, Standard: 5 * hourMs, Bulk: 12 * hourMs };
const deepArchive: RetrievalTimes = { Expedited: undefined, Standard: 12 * hourMs, Bulk: 48 * hourMs };

/** The times of a storage class; undefined for one that can be read at once. */
export function retrievalTimesOf(storageClass: string): RetrievalTimes | undefined {
  switch (storageClass) {
    case 'GLACIER':
      return glacier;
    case 'DEEP_ARCHIVE':
      return deepArchive;
    default:
      return undefined;
  }
}

/** Whether it is a tier, in S3's spelling. */
export function isTier(text: string): text is RetrievalTier {
  return Object.hasOwn(glacier, text);
}
