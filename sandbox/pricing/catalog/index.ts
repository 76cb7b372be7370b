import { ebsRows } from './ebs-rows.js';
import { offerOf, type Offer } from './offer.js';
import type { PricedRegion } from './regions.js';
import type { PriceRow, ServiceCode } from './row.js';
import { s3RequestRows } from './s3-request-rows.js';
import { s3RetrievalRows } from './s3-retrieval-rows.js';
import { s3StorageRows } from './s3-storage-rows.js';

export type { Offer, OfferEntry, PriceDimension } from './offer.js';
export type { PriceRow, ServiceCode } from './row.js';

/** Everything that the sandbox knows the price of. */
export const priceRows: readonly PriceRow[] = [...ebsRows, ...s3StorageRows, ...s3RequestRows, ...s3RetrievalRows];

/** Every product in every region that it has a price in, in the order of SKUs, which is as good as none. */
export const offers: readonly Offer[] = priceRows
  .flatMap((row) => Object.entries(row.prices).map(([region, price]) => offerOf(row, region as PricedRegion, price)))
  .sort((one, other) => (one.sku < other.sku ? -1 : 1));

/** The services with prices, in the order of the alphabet. */
export const serviceCodes: readonly ServiceCode[] = ['AmazonEC2', 'AmazonS3', 'AmazonS3GlacierDeepArchive'];
