import type { Band, PriceRow, RegionalPrice } from './row.js';

/**
 * Storage of S3 for a month. Deep Archive is another service in the Price List: the one entry of AmazonS3 whose volume
 * type is "Glacier Deep Archive" is the staging of uploads, at twenty times the price. Prices of us-west-2 are those of
 * us-east-1, from memory except where a row says otherwise.
 */
export const s3StorageRows: readonly PriceRow[] = [
  {
    ...storage('TimedStorage-ByteHrs', ['General Purpose', 'Standard', '99.99%']),
    says: 'per GB - storage used / month',
    prices: {
      'us-east-1': { basis: 'price list', sku: 'WP9ANXZGBYYSGJEA', usd: standardBands(['0.023', '0.022', '0.021']) },
      'us-west-2': { basis: 'memory', sku: 'Z3FQZG73HYSPVABR', usd: standardBands(['0.023', '0.022', '0.021']) },
      // The first 50 TB are from the Price List, the other bands from memory.
      'eu-central-1': { basis: 'memory', sku: 'NRYRNCXF5TWHB476', usd: standardBands(['0.0245', '0.0235', '0.0225']) },
    },
  },
  {
    ...storage('TimedStorage-SIA-ByteHrs', ['Infrequent Access', 'Standard - Infrequent Access', '99.9%']),
    says: 'per GB-Month of storage used in Standard-Infrequent Access',
    prices: everywhere('0.0125', { basis: 'price list', sku: '379GYJUQ5WFBUYGM' }),
  },
  {
    ...storage('TimedStorage-ZIA-ByteHrs', ['Infrequent Access', 'One Zone - Infrequent Access', '99.5%']),
    says: 'per GB-Month of storage used in One Zone-Infrequent Access',
    prices: everywhere('0.01', { basis: 'price list' }),
  },
  {
    ...storage('TimedStorage-GIR-ByteHrs', ['Archive Instant Retrieval', 'Glacier Instant Retrieval', '99.9%']),
    says: 'per GB-Month of storage used in Glacier Instant Retrieval',
    prices: everywhere('0.004', { basis: 'price list' }),
  },
  {
    ...storage('TimedStorage-GlacierByteHrs', ['Archive', 'Amazon Glacier', '99.99%']),
    says: 'per GB-Month of storage used in Glacier',
    prices: everywhere('0.0036', { basis: 'price list' }),
  },
  {
    ...storage('TimedStorage-GDA-Staging', ['Archive', 'Glacier Deep Archive', '99.99%']),
    says: 'per GB-Month of storage used in GlacierStagingStorage',
    prices: everywhere('0.021', { basis: 'price list', sku: 'EXB3YJ6YV5CRH4JN' }),
  },
  {
    service: 'AmazonS3GlacierDeepArchive',
    usagetype: 'TimedStorage-GDA-ByteHrs',
    attributes: { storageClass: 'Archive', volumeType: 'Glacier Deep Archive' },
    unit: 'GB-Mo',
    says: 'per GB-Month for storage used in Glacier Deep Archive',
    prices: everywhere('0.00099', { basis: 'price list', sku: 'SKAKWE8C8SPXCVHA' }),
  },
  {
    ...storage('TimedStorage-INT-FA-ByteHrs', ['Intelligent-Tiering', 'Intelligent-Tiering Frequent Access', '99.9%']),
    says: 'per GB-Month of storage used in Intelligent-Tiering, Frequent Access Tier',
    prices: {
      'us-east-1': { basis: 'price list', usd: standardBands(['0.023', '0.022', '0.021']) },
      'us-west-2': { basis: 'memory', usd: standardBands(['0.023', '0.022', '0.021']) },
    },
  },
  intelligentTier('IA', 'Intelligent-Tiering Infrequent Access', ['0.0125']),
  intelligentTier('AIA', 'IntelligentTieringArchiveInstantAccess', ['0.004']),
  intelligentTier('AA', 'IntelligentTieringArchiveAccess', ['0.0036']),
  intelligentTier('DAA', 'IntelligentTieringDeepArchiveAccess', ['0.00099', '82TFRVR9729PGTNP']),
];

function storage(
  usagetype: string,
  [storageClass, volumeType, availability]: readonly [string, string, string],
): Omit<PriceRow, 'says' | 'prices'> {
  return {
    service: 'AmazonS3',
    productFamily: 'Storage',
    usagetype,
    attributes: { availability, durability: '99.999999999%', storageClass, volumeType },
    unit: 'GB-Mo',
  };
}

function intelligentTier(tier: string, volumeType: string, [usd, sku]: readonly [string, string?]): PriceRow {
  return {
    ...storage(`TimedStorage-INT-${tier}-ByteHrs`, ['Intelligent-Tiering', volumeType, 'N/A']),
    says: `per Gigabyte Month for TimedStorage-INT-${tier}-ByteHrs`,
    prices: everywhere(usd, { basis: 'price list', ...(sku === undefined ? {} : { sku }) }),
  };
}

/** 50 TB and 500 TB, in GB. */
function standardBands([first, next, over]: readonly [string, string, string]): readonly Band[] {
  return [
    {
      begin: '0',
      end: '51200',
      usd: first,
      says: 'per GB - first 50 TB / month of storage used',
      dimension: 'PGHJ3S3EYE',
    },
    {
      begin: '51200',
      end: '512000',
      usd: next,
      says: 'per GB - next 450 TB / month of storage used',
      dimension: 'D42MF2PVJS',
    },
    {
      begin: '512000',
      end: 'Inf',
      usd: over,
      says: 'per GB - storage used / month over 500 TB',
      dimension: 'PXJDJ3YRG3',
    },
  ];
}

function everywhere(usd: string, virginia: Omit<RegionalPrice, 'usd'>): PriceRow['prices'] {
  return { 'us-east-1': { ...virginia, usd }, 'us-west-2': { basis: 'memory', usd } };
}
