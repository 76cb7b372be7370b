import type { PricedRegion } from './regions.js';

/** The services whose prices the sandbox has, by the codes of the Price List. */
export type ServiceCode = 'AmazonEC2' | 'AmazonS3' | 'AmazonS3GlacierDeepArchive';

/**
 * Where a price comes from: AWS's Price List as a public repository quotes it; a public repository that does not say where
 * it has it from; or memory, which nobody has checked. `[m]` in FIDELITY.md means the last.
 */
export type PriceBasis = 'price list' | 'quoted' | 'memory';

/** One price, for an amount of usage in a month from `begin` up to `end`, of the row's unit. */
export interface Band {
  readonly begin: string;
  /** `Inf` for the last one. */
  readonly end: string;
  /** Decimal digits, never a number: `0.023`. */
  readonly usd: string;
  /** What follows the price in the description; the row's `says` if not given. */
  readonly says?: string;
  /** The last part of the rate code, where it is known. */
  readonly dimension?: string;
}

/** What something costs in a region. */
export interface RegionalPrice {
  readonly basis: PriceBasis;
  /** The one price, or a price for each band of usage. */
  readonly usd: string | readonly Band[];
  /** As in the Price List, where it is known. */
  readonly sku?: string;
}

/** Something that is sold, with its price in each region. */
export interface PriceRow {
  readonly service: ServiceCode;
  /** Most entries of S3 have none. */
  readonly productFamily?: string;
  /** Without the prefix of a region. */
  readonly usagetype: string;
  readonly operation?: string;
  /** All attributes but those that the region, the service, the usage type and the operation give. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly unit: 'GB-Mo' | 'GB-month' | 'GB' | 'Requests' | 'SnapshotAPIUnits';
  /** What follows the price in the description: `per GB-Month of snapshot data stored`. */
  readonly says: string;
  /** How many units the price in the description is for: 1,000 where it says "per 1,000". Default 1. */
  readonly saysPriceOf?: number;
  readonly prices: Partial<Readonly<Record<PricedRegion, RegionalPrice>>>;
}
