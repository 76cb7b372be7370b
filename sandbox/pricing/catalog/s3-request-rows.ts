import type { PriceBasis, PriceRow } from './row.js';

/** Requests that put an object into a Glacier class. Parts are staged, and cost what requests of S3 Standard cost. */
const glacierWrites = ['PutObject', 'PostObject', 'CopyObject', 'CompleteMultipartUpload'] as const;
const stagedWrites = ['InitiateMultipartUpload', 'UploadPart'] as const;

/**
 * Requests of S3, for one each; us-west-2 costs what us-east-1 costs, from memory. A usage type alone does not name a price:
 * `Requests-Tier3` and `Requests-GLACIER-Tier1` have several, told apart by their operations.
 */
export const s3RequestRows: readonly PriceRow[] = [
  {
    ...request('Tier1', 'PUT/COPY/POST or LIST requests', ['0.000005', 'price list', 'E9YHNFENF4XQBZR6']),
    says: 'per 1,000 PUT, COPY, POST, or LIST requests',
    productFamily: 'API Request',
  },
  {
    ...request('Tier2', 'GET and all other requests', ['0.0000004', 'price list', 'ZWQ6Q48CRJXX4FXE']),
    says: 'per 10,000 GET and all other requests',
    saysPriceOf: 10_000,
    productFamily: 'API Request',
  },
  ...(['SIA', 'ZIA'] as const).flatMap((infrequent) => [
    {
      ...request(`${infrequent}-Tier1`, `PUT/COPY/POST or LIST requests to ${infrequent}`, ['0.00001', 'quoted']),
      productFamily: 'API Request',
    },
    {
      ...request(`${infrequent}-Tier2`, `GET and all other requests to ${infrequent}`, ['0.000001', 'quoted']),
      productFamily: 'API Request',
    },
  ]),
  request('GIR-Tier1', 'PUT/COPY/POST or LIST requests to GIR', ['0.00002', 'quoted']),
  request('GIR-Tier2', 'GET and all other requests to GIR', ['0.00001', 'quoted']),
  request('INT-Tier1', 'PUT/COPY/POST or LIST requests to INT', ['0.000005', 'quoted']),
  request('INT-Tier2', 'GET and all other requests to INT', ['0.0000004', 'quoted']),
  ...glacierWrites.map((operation) => ({
    ...request('GLACIER-Tier1', `${operation} requests to Glacier`, [
      '0.00003',
      operation === 'PutObject' ? 'price list' : 'memory',
    ]),
    operation,
  })),
  ...stagedWrites.map((operation) => ({
    ...request('GLACIER-Tier1', `${operation} requests to Glacier`, ['0.000005', 'memory']),
    operation,
  })),
  request('GLACIER-Tier2', 'GET and all other requests to Glacier', ['0.0000004', 'memory']),
  request('GDA-Tier2', 'GET and all other requests to GDA', ['0.0000004', 'price list', 'WDAC2WRXVNRSNQS6']),
  {
    ...request('Tier3', 'Glacier restore requests', ['0.00005', 'price list']),
    operation: 'RestoreObject',
  },
  {
    ...request('Tier3', 'Lifecycle transitions to Glacier', ['0.00003', 'price list']),
    operation: 'S3-GlacierTransition',
  },
  {
    ...request('Tier3', 'Lifecycle transitions to Glacier Deep Archive', ['0.00005', 'price list']),
    operation: 'S3-GDATransition',
  },
  request('Tier5', 'Glacier bulk restore requests', ['0', 'memory']),
  request('Tier6', 'Glacier expedited restore requests', ['0.01', 'quoted']),
  ...glacierWrites.map((operation) => ({
    ...request('GDA-Tier1', `${operation} requests to Glacier Deep Archive`, ['0.00005', 'memory']),
    service: 'AmazonS3GlacierDeepArchive' as const,
    operation,
  })),
  {
    ...request('GDA-Tier1', 'Initiate Multipart Upload to Glacier Deep Archive', [
      '0.000005',
      'price list',
      'EQ2HJHQR2HBHM5U8',
    ]),
    service: 'AmazonS3GlacierDeepArchive',
    operation: 'InitiateMultipartUpload',
  },
  {
    ...request('GDA-Tier1', 'UploadPart to Glacier Deep Archive', ['0.000005', 'memory']),
    service: 'AmazonS3GlacierDeepArchive',
    operation: 'UploadPart',
  },
  {
    ...request('GDA-Tier3', 'Glacier Deep Archive restore requests', ['0.0001', 'memory']),
    service: 'AmazonS3GlacierDeepArchive',
    operation: 'DeepArchiveRestoreObject',
  },
  {
    ...request('GDA-Tier5', 'Glacier Deep Archive bulk restore requests', ['0.000025', 'memory']),
    service: 'AmazonS3GlacierDeepArchive',
    operation: 'DeepArchiveRestoreObjectBulk',
  },
];

function request(
  tier: string,
  groupDescription: string,
  [usd, basis, sku]: readonly [string, PriceBasis, string?],
): PriceRow {
  return {
    service: 'AmazonS3',
    usagetype: `Requests-${tier}`,
    attributes: { group: `S3-API-${tier}`, groupDescription },
    unit: 'Requests',
    says: `per 1,000 ${groupDescription}`,
    saysPriceOf: 1000,
    prices: {
      'us-east-1': { basis, usd, ...(sku === undefined ? {} : { sku }) },
      'us-west-2': { basis: 'memory', usd },
    },
  };
}
