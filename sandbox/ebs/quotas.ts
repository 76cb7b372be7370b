import type { Clock } from '../../src/core/index.js';
import { accountThrottled, snapshotThrottled } from './errors.js';
import type { EbsQuotas } from './settings.js';

/** The operations whose requests are counted. */
export type RateName = Exclude<keyof EbsQuotas, 'pendingSnapshots' | `${string}OfSnapshot`>;

/** The gate that counts requests. */
export interface RequestRates {
  /** Throws `ThrottlingException`. */
  admitAccount(region: string, rate: RateName): void;
  /** Throws `RequestThrottledException`. */
  admitSnapshot(snapshotId: string, rate: 'getSnapshotBlock' | 'putSnapshotBlock'): void;
}

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
  /** Tokens per second, and the most that the bucket holds. */
  readonly rate: number;
}

/** More buckets than this are looked through for full ones, which are as good as none. */
const manyBuckets = 1_000;

/** Token buckets, which hold the requests of one second: who has waited may send so many at once. */
export function openRates(quotas: EbsQuotas, { clock }: { readonly clock: Clock }): RequestRates {
  const buckets = new Map<string, Bucket>();
  const tokensNow = ({ tokens, atMs, rate }: Bucket, nowMs: number): number =>
    Math.min(rate, tokens + (rate * Math.max(0, nowMs - atMs)) / 1_000);
  const take = (key: string, rate: number): boolean => {
    if (rate === Infinity) return true;
    const nowMs = clock.now();
    const bucket = buckets.get(key) ?? { tokens: rate, atMs: nowMs, rate };
    const tokens = tokensNow(bucket, nowMs);
    const taken = tokens >= 1;
    buckets.set(key, { tokens: taken ? tokens - 1 : tokens, atMs: nowMs, rate });
    if (buckets.size > manyBuckets) {
      for (const [name, one] of buckets) if (tokensNow(one, nowMs) >= one.rate) buckets.delete(name);
    }
    return taken;
  };
  return {
    admitAccount: (region, rate) => {
      if (!take(`${region} ${rate}`, quotas[rate])) throw accountThrottled();
    },
    admitSnapshot: (id, rate) => {
      if (!take(`${id} ${rate}`, quotas[`${rate}OfSnapshot`])) throw snapshotThrottled(id);
    },
  };
}
