import type { PriceRow, RegionalPrice } from './row.js';

/**
 * EBS in AmazonEC2. SKUs and prices of us-east-1 were quoted from the Price List by the ROSA cost estimator on GitHub;
 * snapshot prices of us-west-2 and eu-central-1 by others. gp3 and both snapshot tiers cost the same in us-west-2 as in us-east-1.
 */
export const ebsRows: readonly PriceRow[] = [
  snapshot('EBS:SnapshotUsage', undefined, 'GB-Mo', 'per GB-Month of snapshot data stored', {
    'us-east-1': listed('0.05', '7U7TWP44UP36AT3R'),
    'us-west-2': listed('0.05'),
    'eu-central-1': listed('0.054'),
  }),
  snapshot(
    'EBS:SnapshotArchiveStorage',
    'SnapshotArchiveStorage',
    'GB-Mo',
    'per GB-Month of snapshot archive data stored',
    {
      'us-east-1': listed('0.0125', 'TQQM6CHBJQ7MKT24'),
      'us-west-2': listed('0.0125'),
      'eu-central-1': listed('0.0135'),
    },
  ),
  snapshot(
    'EBS:SnapshotArchiveRetrieval',
    'SnapshotArchiveRetrieval',
    'GB',
    'per GB of snapshot archive data retrieved',
    {
      'us-east-1': listed('0.03', 'DDSCQ4YGF66NWWRJ'),
      'us-west-2': listed('0.03'),
    },
  ),
  snapshot(
    'EBS:SnapshotArchiveEarlyDelete',
    'SnapshotArchiveEarlyDelete',
    'GB-Mo',
    'per GB-Month of snapshot archive data deleted early',
    { 'us-east-1': listed('0.0125', 'GHTDRQFFXQZVJNXF'), 'us-west-2': remembered('0.0125') },
  ),
  directApi('List', 'Requests', ['0.0000006', '9PNNGFWQP7349GGM']),
  directApi('Get', 'SnapshotAPIUnits', ['0.000003', 'QRY3U66NSBVRCCHZ']),
  directApi('Put', 'SnapshotAPIUnits', ['0.000006', 'TUB3X35AQ4QARUZC']),
  volume('gp2', ['General Purpose', 'SSD-backed'], 'gp2', ['0.1', 'HY3BZPP2B6K8MSJF']),
  {
    ...volume('gp3', ['General Purpose', 'SSD-backed'], 'gp3', ['0.08', 'JG3KUJMBRGHV3N8G']),
    prices: { 'us-east-1': listed('0.08', 'JG3KUJMBRGHV3N8G'), 'us-west-2': listed('0.08') },
  },
  volume('io1', ['Provisioned IOPS', 'SSD-backed'], 'piops', ['0.125', 'JR4AM7VS63CTEPMN']),
  // The one volume type whose unit is spelled differently.
  {
    ...volume('io2', ['Provisioned IOPS', 'SSD-backed'], 'io2', ['0.125', '6V576P37PS7K7KYU']),
    unit: 'GB-month',
    prices: {
      'us-east-1': listed('0.125', '6V576P37PS7K7KYU'),
      'us-west-2': remembered('0.125'),
      'eu-central-1': listed('0.149'),
    },
  },
  volume('st1', ['Throughput Optimized HDD', 'HDD-backed'], 'st1', ['0.045', 'YQT3C842QHBG6XCU']),
  volume('sc1', ['Cold HDD', 'HDD-backed'], 'sc1', ['0.015', '6U5VMCFHHMTH3QW6']),
  volume('standard', ['Magnetic', 'HDD-backed'], undefined, ['0.05', '269VXUCZZ7E6JNXT']),
];

function snapshot(
  usagetype: string,
  feeType: string | undefined,
  unit: PriceRow['unit'],
  says: string,
  prices: PriceRow['prices'],
): PriceRow {
  return {
    service: 'AmazonEC2',
    productFamily: 'Storage Snapshot',
    usagetype,
    attributes: {
      storageMedia: 'Amazon S3',
      ...(feeType === undefined ? {} : { snapshotarchivefeetype: feeType }),
    },
    unit,
    says,
    prices,
  };
}

/** A price per request or block; the descriptions of the Price List are not known. */
function directApi(
  verb: 'List' | 'Get' | 'Put',
  unit: PriceRow['unit'],
  [usd, sku]: readonly [string, string],
): PriceRow {
  return {
    service: 'AmazonEC2',
    productFamily: 'EBS direct API Requests',
    usagetype: `EBS:directAPI.snapshot.${verb}`,
    attributes: { group: 'EBS direct API', groupDescription: `${verb} Requests for EBS direct APIs` },
    unit,
    says: `per thousand ${verb === 'List' ? 'requests' : 'blocks'} of EBS direct APIs (${verb})`,
    saysPriceOf: 1000,
    prices: { 'us-east-1': listed(usd, sku), 'us-west-2': remembered(usd) },
  };
}

function volume(
  apiName: string,
  [volumeType, storageMedia]: readonly [string, string],
  suffix: string | undefined,
  [usd, sku]: readonly [string, string],
): PriceRow {
  return {
    service: 'AmazonEC2',
    productFamily: 'Storage',
    usagetype: suffix === undefined ? 'EBS:VolumeUsage' : `EBS:VolumeUsage.${suffix}`,
    attributes: { storageMedia, volumeApiName: apiName, volumeType },
    unit: 'GB-Mo',
    says: `per GB-month of ${volumeType} (${apiName}) provisioned storage`,
    prices: { 'us-east-1': listed(usd, sku), 'us-west-2': remembered(usd) },
  };
}

function listed(usd: string, sku?: string): RegionalPrice {
  return { basis: 'price list', usd, ...(sku === undefined ? {} : { sku }) };
}

function remembered(usd: string): RegionalPrice {
  return { basis: 'memory', usd };
}
