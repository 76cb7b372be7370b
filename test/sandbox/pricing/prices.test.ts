import type { PricingClient } from '@aws-sdk/client-pricing';
import { describe, expect, it } from 'vitest';
import { priceRows } from '../../../sandbox/pricing/catalog/index.js';
import { getProducts, pricesOf, terms, testPricing } from './support.js';

/** The one product that the terms find, and its first price. */
async function only(client: PricingClient, service: string, fields: Readonly<Record<string, string>>) {
  const { entries } = await getProducts(client, { ServiceCode: service, Filters: terms(fields) });
  const [entry, ...more] = entries;
  if (entry === undefined || more.length > 0)
    throw new Error(`${more.length} more than one for ${JSON.stringify(fields)}`);
  const [first, ...others] = pricesOf(entry);
  return { entry, usd: Number(first?.pricePerUnit.USD), unit: first?.unit, bands: 1 + others.length };
}

describe('the prices in the local Price List', () => {
  it('have everything on EBS that a cost model needs, by usage type', async () => {
    const { client } = await testPricing();
    const expected: Readonly<Record<string, readonly [number, string]>> = {
      'EBS:SnapshotUsage': [0.05, 'GB-Mo'],
      'EBS:SnapshotArchiveStorage': [0.0125, 'GB-Mo'],
      'EBS:SnapshotArchiveRetrieval': [0.03, 'GB'],
      'EBS:SnapshotArchiveEarlyDelete': [0.0125, 'GB-Mo'],
      'EBS:directAPI.snapshot.List': [0.0000006, 'Requests'],
      'EBS:directAPI.snapshot.Get': [0.000003, 'SnapshotAPIUnits'],
      'EBS:directAPI.snapshot.Put': [0.000006, 'SnapshotAPIUnits'],
      'EBS:VolumeUsage.gp2': [0.1, 'GB-Mo'],
      'EBS:VolumeUsage.gp3': [0.08, 'GB-Mo'],
      'EBS:VolumeUsage.piops': [0.125, 'GB-Mo'],
      'EBS:VolumeUsage.io2': [0.125, 'GB-month'],
      'EBS:VolumeUsage.st1': [0.045, 'GB-Mo'],
      'EBS:VolumeUsage.sc1': [0.015, 'GB-Mo'],
    };
    for (const [usagetype, [usd, unit]] of Object.entries(expected)) {
      const fields = { regionCode: 'us-east-1', usagetype };
      expect(await only(client(), 'AmazonEC2', fields), usagetype).toMatchObject({ usd, unit });
    }
  });

  it('are found on EBS by volume name and by the kind of archive fee, as other tools ask', async () => {
    const { client } = await testPricing();
    const gp3 = { productFamily: 'Storage', volumeApiName: 'gp3', location: 'US East (N. Virginia)' };
    expect((await only(client(), 'AmazonEC2', gp3)).usd).toBe(0.08);
    const archive = { snapshotarchivefeetype: 'SnapshotArchiveStorage', regionCode: 'us-west-2' };
    expect((await only(client(), 'AmazonEC2', archive)).usd).toBe(0.0125);
    const snapshots = { productFamily: 'Storage Snapshot', regionCode: 'eu-central-1' };
    const { entries } = await getProducts(client(), { ServiceCode: 'AmazonEC2', Filters: terms(snapshots) });
    const usage = entries.map(({ product }) => product.attributes.usagetype).sort();
    expect(usage).toEqual(['EUC1-EBS:SnapshotArchiveStorage', 'EUC1-EBS:SnapshotUsage']);
  });

  it('have the storage of every class of S3, Deep Archive as a service of its own', async () => {
    const { client } = await testPricing();
    const expected: readonly (readonly [string, string, number, number])[] = [
      ['AmazonS3', 'TimedStorage-ByteHrs', 0.023, 3],
      ['AmazonS3', 'TimedStorage-SIA-ByteHrs', 0.0125, 1],
      ['AmazonS3', 'TimedStorage-ZIA-ByteHrs', 0.01, 1],
      ['AmazonS3', 'TimedStorage-INT-FA-ByteHrs', 0.023, 3],
      ['AmazonS3', 'TimedStorage-GIR-ByteHrs', 0.004, 1],
      ['AmazonS3', 'TimedStorage-GlacierByteHrs', 0.0036, 1],
      ['AmazonS3GlacierDeepArchive', 'TimedStorage-GDA-ByteHrs', 0.00099, 1],
    ];
    for (const [region, prefix] of [
      ['us-east-1', ''],
      ['us-west-2', 'USW2-'],
    ] as const) {
      for (const [service, usagetype, usd, bands] of expected) {
        const found = await only(client(), service, { regionCode: region, usagetype: `${prefix}${usagetype}` });
        expect(found, `${region} ${usagetype}`).toMatchObject({ usd, bands, unit: 'GB-Mo' });
      }
    }
  });

  it('mislead who looks for Deep Archive in AmazonS3 as those of AWS do: only its staging is there', async () => {
    const { client } = await testPricing();
    const fields = { regionCode: 'us-east-1', productFamily: 'Storage', volumeType: 'Glacier Deep Archive' };
    const { entry, usd } = await only(client(), 'AmazonS3', fields);
    expect([entry.product.attributes.usagetype, usd]).toEqual(['TimedStorage-GDA-Staging', 0.021]);
  });

  it('have requests, retrieval and early deletion of every class, where need be by operation', async () => {
    const { client } = await testPricing();
    const gda = 'AmazonS3GlacierDeepArchive';
    const expected: readonly (readonly [string, string, string, number])[] = [
      ['AmazonS3', 'Requests-Tier1', '', 0.000005],
      ['AmazonS3', 'Requests-Tier2', '', 0.0000004],
      ['AmazonS3', 'Requests-SIA-Tier1', '', 0.00001],
      ['AmazonS3', 'Requests-ZIA-Tier1', '', 0.00001],
      ['AmazonS3', 'Requests-GIR-Tier1', '', 0.00002],
      ['AmazonS3', 'Requests-GLACIER-Tier1', 'PutObject', 0.00003],
      ['AmazonS3', 'Requests-GLACIER-Tier1', 'UploadPart', 0.000005],
      [gda, 'Requests-GDA-Tier1', 'PutObject', 0.00005],
      [gda, 'Requests-GDA-Tier1', 'InitiateMultipartUpload', 0.000005],
      ['AmazonS3', 'Requests-Tier3', 'RestoreObject', 0.00005],
      ['AmazonS3', 'Requests-Tier3', 'S3-GlacierTransition', 0.00003],
      ['AmazonS3', 'Retrieval-SIA', '', 0.01],
      ['AmazonS3', 'Retrieval-GIR', '', 0.03],
      ['AmazonS3', 'Standard-Retrieval-Bytes', 'RestoreObject', 0.01],
      ['AmazonS3', 'Standard-Retrieval-Bytes', 'DeepArchiveRestoreObject', 0.02],
      ['AmazonS3', 'Bulk-Retrieval-Bytes', 'RestoreObject', 0],
      ['AmazonS3', 'EarlyDelete-ByteHrs', '', 0.0036],
      [gda, 'EarlyDelete-GDA', '', 0.00099],
    ];
    for (const [service, usagetype, operation, usd] of expected) {
      const Filters = terms({ regionCode: 'us-east-1', usagetype });
      const { entries } = await getProducts(client(), { ServiceCode: service, Filters });
      const fitting = entries.filter((entry) => entry.product.attributes.operation === operation);
      expect(
        fitting.map((entry) => Number(pricesOf(entry)[0]?.pricePerUnit.USD)),
        `${usagetype} ${operation}`,
      ).toEqual([usd]);
    }
  });

  it('come as a string of JSON for each product, with bands, rate codes and ten decimals, as AWS writes it', async () => {
    const { client } = await testPricing();
    const { entry } = await only(client(), 'AmazonS3', { usagetype: 'TimedStorage-ByteHrs' });
    expect(entry).toMatchObject({
      product: {
        sku: 'WP9ANXZGBYYSGJEA',
        productFamily: 'Storage',
        attributes: {
          servicecode: 'AmazonS3',
          locationType: 'AWS Region',
          storageClass: 'General Purpose',
          operation: '',
        },
      },
      serviceCode: 'AmazonS3',
      version: '20260728131000',
      publicationDate: '2026-07-28T13:10:00Z',
    });
    const term = entry.terms.OnDemand['WP9ANXZGBYYSGJEA.JRTCKXETXF'];
    expect(term).toMatchObject({ sku: 'WP9ANXZGBYYSGJEA', offerTermCode: 'JRTCKXETXF', termAttributes: {} });
    expect(term?.priceDimensions['WP9ANXZGBYYSGJEA.JRTCKXETXF.PGHJ3S3EYE']).toEqual({
      unit: 'GB-Mo',
      endRange: '51200',
      description: '$0.023 per GB - first 50 TB / month of storage used',
      appliesTo: [],
      rateCode: 'WP9ANXZGBYYSGJEA.JRTCKXETXF.PGHJ3S3EYE',
      beginRange: '0',
      pricePerUnit: { USD: '0.0230000000' },
    });
    expect(pricesOf(entry).map(({ endRange }) => endRange)).toEqual(['51200', '512000', 'Inf']);
    const requests = await only(client(), 'AmazonS3', { usagetype: 'Requests-Tier2' });
    expect(pricesOf(requests.entry)[0]).toMatchObject({
      description: '$0.004 per 10,000 GET and all other requests',
      pricePerUnit: { USD: '0.0000004000' },
    });
  });

  it('say of each where it comes from, and no two have the same SKU or the same usage type and operation', async () => {
    const { client } = await testPricing();
    const skus: string[] = [];
    const meters: string[] = [];
    for (const service of ['AmazonEC2', 'AmazonS3', 'AmazonS3GlacierDeepArchive']) {
      const { entries } = await getProducts(client(), { ServiceCode: service });
      for (const { product } of entries) {
        skus.push(product.sku);
        meters.push([service, product.attributes.usagetype, product.attributes.operation].join(' '));
        expect(product.sku).toMatch(/^[A-Z0-9]{16}$/);
      }
    }
    expect(new Set(skus).size).toBe(skus.length);
    expect(new Set(meters).size).toBe(meters.length);
    expect(skus).toHaveLength(priceRows.flatMap((row) => Object.values(row.prices)).length);
  });
});
