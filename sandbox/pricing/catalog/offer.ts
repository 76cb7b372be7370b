import { createHash } from 'node:crypto';
import { pricedRegions, type PricedRegion } from './regions.js';
import type { Band, PriceRow, RegionalPrice, ServiceCode } from './row.js';

/** Which state of AWS's prices the sandbox has: that of the S3 offer that most of it was taken from. */
const version = '20260728131000';
const publicationDate = '2026-07-28T13:10:00Z';
const effectiveDate = '2026-07-01T00:00:00Z';

/** The same for all prices on demand of all services. */
const onDemand = 'JRTCKXETXF';
/** The last part of the rate code of a price that has no bands. */
const onlyDimension = '6YS6EN2CT7';

/** A product with its price in one region, as the Price List has it. */
export interface Offer {
  readonly service: ServiceCode;
  readonly sku: string;
  /** What filters look at: the attributes, and `productFamily` where there is one. */
  readonly fields: Readonly<Record<string, string>>;
  /** The entry as GetProducts hands it out. */
  readonly entry: OfferEntry;
}

/** One entry of a PriceList; it travels as a string of JSON. */
export interface OfferEntry {
  readonly product: {
    readonly productFamily?: string;
    readonly attributes: Readonly<Record<string, string>>;
    readonly sku: string;
  };
  readonly serviceCode: ServiceCode;
  readonly terms: { readonly OnDemand: Readonly<Record<string, OfferTerm>> };
  readonly version: string;
  readonly publicationDate: string;
}

/** The terms on which a product is sold. */
export interface OfferTerm {
  readonly priceDimensions: Readonly<Record<string, PriceDimension>>;
  readonly sku: string;
  readonly effectiveDate: string;
  readonly offerTermCode: string;
  readonly termAttributes: Readonly<Record<string, never>>;
}

/** One price. */
export interface PriceDimension {
  readonly unit: string;
  readonly endRange: string;
  readonly description: string;
  readonly appliesTo: readonly string[];
  readonly rateCode: string;
  readonly beginRange: string;
  /** Ten decimals. */
  readonly pricePerUnit: { readonly USD: string };
}

const serviceNames: Readonly<Record<ServiceCode, string>> = {
  AmazonEC2: 'Amazon Elastic Compute Cloud',
  AmazonS3: 'Amazon Simple Storage Service',
  AmazonS3GlacierDeepArchive: 'Amazon S3 Glacier Deep Archive',
};

/** Makes the entry of a row in a region. */
export function offerOf(row: PriceRow, region: PricedRegion, price: RegionalPrice): Offer {
  const { location, usagePrefix } = pricedRegions[region];
  const usagetype = `${usagePrefix}${row.usagetype}`;
  const sku = price.sku ?? derivedSku([row.service, usagetype, row.operation ?? '']);
  const attributes = {
    ...row.attributes,
    servicecode: row.service,
    servicename: serviceNames[row.service],
    location,
    locationType: 'AWS Region',
    regionCode: region,
    usagetype,
    operation: row.operation ?? '',
  };
  const family = row.productFamily === undefined ? {} : { productFamily: row.productFamily };
  const bands: readonly Band[] =
    typeof price.usd === 'string' ? [{ begin: '0', end: 'Inf', usd: price.usd }] : price.usd;
  const dimensions = bands.map((band) => dimensionOf(band, row, sku));
  const term: OfferTerm = {
    priceDimensions: Object.fromEntries(dimensions.map((dimension) => [dimension.rateCode, dimension])),
    sku,
    effectiveDate,
    offerTermCode: onDemand,
    termAttributes: {},
  };
  return {
    service: row.service,
    sku,
    fields: { ...attributes, ...family },
    entry: {
      product: { ...family, attributes, sku },
      serviceCode: row.service,
      terms: { OnDemand: { [`${sku}.${onDemand}`]: term } },
      version,
      publicationDate,
    },
  };
}

function dimensionOf(band: Band, { unit, says, saysPriceOf = 1 }: PriceRow, sku: string): PriceDimension {
  const told = String(Number((Number(band.usd) * saysPriceOf).toPrecision(12)));
  return {
    unit,
    endRange: band.end,
    description: `$${told} ${band.says ?? says}`,
    appliesTo: [],
    rateCode: `${sku}.${onDemand}.${band.dimension ?? onlyDimension}`,
    beginRange: band.begin,
    pricePerUnit: { USD: tenDecimals(band.usd) },
  };
}

function tenDecimals(usd: string): string {
  const [whole = '0', decimals = ''] = usd.split('.');
  return `${whole}.${decimals.padEnd(10, '0')}`;
}

/** Sixteen letters and digits, as AWS's, and always the same ones. */
function derivedSku(parts: readonly string[]): string {
  const alphabet = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';
  const bytes = createHash('sha256').update(parts.join('\n')).digest().subarray(0, 16);
  return [...bytes].map((byte) => alphabet.charAt(byte % alphabet.length)).join('');
}
