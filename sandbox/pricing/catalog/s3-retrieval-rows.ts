import type { PriceBasis, PriceRow, ServiceCode } from './row.js';

/**
 * What S3 takes for reading from the colder classes, and for objects that are deleted before their class's minimum. That the
 * prices of early deletion are those of storage is from memory; their usage types are those of the billing reports.
 */
export const s3RetrievalRows: readonly PriceRow[] = [
  { ...retrieval('Retrieval-SIA', ['0.01', 'quoted']), attributes: { group: 'S3-API-SIA-Retrieval' } },
  { ...retrieval('Retrieval-ZIA', ['0.01', 'quoted']), attributes: { group: 'S3-API-ZIA-Retrieval' } },
  { ...retrieval('Retrieval-GIR', ['0.03', 'quoted']), attributes: { group: 'S3-API-GIR-Retrieval' } },
  { ...restore('Expedited', ['0.03', 'quoted']) },
  { ...restore('Standard', ['0.01', 'price list']), operation: 'RestoreObject' },
  { ...restore('Bulk', ['0', 'memory']), operation: 'RestoreObject' },
  { ...restore('Standard', ['0.02', 'price list']), operation: 'DeepArchiveRestoreObject' },
  { ...restore('Bulk', ['0.0025', 'memory']), operation: 'DeepArchiveRestoreObject' },
  earlyDelete('EarlyDelete-SIA', 'Standard-Infrequent Access', '0.0125'),
  earlyDelete('EarlyDelete-ZIA', 'One Zone-Infrequent Access', '0.01'),
  earlyDelete('EarlyDelete-GIR', 'Glacier Instant Retrieval', '0.004'),
  earlyDelete('EarlyDelete-ByteHrs', 'Glacier', '0.0036'),
  earlyDelete('EarlyDelete-GDA', 'Glacier Deep Archive', '0.00099', 'AmazonS3GlacierDeepArchive'),
];

function restore(speed: 'Expedited' | 'Standard' | 'Bulk', price: readonly [string, PriceBasis]): PriceRow {
  return {
    ...retrieval(`${speed}-Retrieval-Bytes`, price),
    productFamily: 'Fee',
    attributes: { feeCode: `S3-${speed}-Retrieval`, feeDescription: `${speed} data retrieval fee` },
  };
}

function retrieval(usagetype: string, [usd, basis]: readonly [string, PriceBasis]): PriceRow {
  return {
    service: 'AmazonS3',
    usagetype,
    attributes: {},
    unit: 'GB',
    says: 'per GB of data retrieved',
    prices: { 'us-east-1': { basis, usd }, 'us-west-2': { basis: 'memory', usd } },
  };
}

function earlyDelete(usagetype: string, className: string, usd: string, service: ServiceCode = 'AmazonS3'): PriceRow {
  return {
    service,
    productFamily: 'Fee',
    usagetype,
    attributes: { feeCode: usagetype, feeDescription: `Early deletion from ${className}` },
    unit: 'GB-Mo',
    says: `per GB-Month prorated for data deleted early from ${className}`,
    prices: { 'us-east-1': { basis: 'memory', usd }, 'us-west-2': { basis: 'memory', usd } },
  };
}
