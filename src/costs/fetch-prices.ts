import type { Filter, PricingClient } from '@aws-sdk/client-pricing';
import { z } from 'zod';
import { AppError, callAws, credentialsRenewal, type AwsCallHabits, type Clock } from '../core/index.js';
import type { PriceFile } from './price-file.js';
import type { StorageClass } from './prices.js';

/** How the Price List is asked. */
export interface FetchPricesOptions {
  readonly clock: Clock;
  /** Only these regions; all if not given. */
  readonly regions?: readonly string[] | undefined;
  readonly habits?: AwsCallHabits;
  readonly signal?: AbortSignal | undefined;
  /** Told of each question before it is asked: "EBS snapshots". */
  readonly onQuestion?: (about: string) => void;
}

/** The pages of GetProducts hold at most 100. */
const pageSize = 100;

/** A price of one region, and where it belongs. */
type Setter = (usd: number) => PriceFile['regions'][string];

/** A question to the Price List, and which of the products in its answer are meant, by their usage types. */
interface Question {
  readonly about: string;
  readonly service: string;
  readonly fields: Readonly<Record<string, string>>;
  /** By the usage type without the prefix of its region. */
  readonly wanted: Readonly<Record<string, Setter>>;
}

type StoragePrice = 'perGiBMonth' | 'perThousandPuts' | 'retrievalPerGiB' | 'expeditedPerGiB' | 'bulkPerGiB';
const storageOf = (name: StorageClass, price: StoragePrice, scale = 1): Setter => {
  // What the bill has is a millionth of a dollar; a thousand times that is not a whole number of them in binary.
  return (usd) => ({ storage: { [name]: { [price]: Number((usd * scale).toPrecision(12)) } } });
};
const stored = (name: StorageClass): Setter => storageOf(name, 'perGiBMonth');
const puts = (name: StorageClass): Setter => storageOf(name, 'perThousandPuts', 1_000);

const volumeTypes = { standard: '', gp2: '.gp2', gp3: '.gp3', io1: '.piops', io2: '.io2', st1: '.st1', sc1: '.sc1' };

const thawing = { 'Standard-Retrieval-Bytes': 'retrievalPerGiB', 'Bulk-Retrieval-Bytes': 'bulkPerGiB' } as const;

const questions: readonly Question[] = [
  {
    about: 'EBS snapshots',
    service: 'AmazonEC2',
    fields: { productFamily: 'Storage Snapshot' },
    wanted: {
      'EBS:SnapshotUsage': (usd) => ({ snapshotPerGiBMonth: usd }),
      'EBS:SnapshotArchiveStorage': (usd) => ({ snapshotArchive: { perGiBMonth: usd } }),
      'EBS:SnapshotArchiveRetrieval': (usd) => ({ snapshotArchive: { restorePerGiB: usd } }),
    },
  },
  {
    about: 'EBS direct reads',
    service: 'AmazonEC2',
    fields: { group: 'EBS direct API' },
    wanted: {
      'EBS:directAPI.snapshot.Get': (usd) => ({ directReadPerThousandBlocks: Number((usd * 1_000).toPrecision(12)) }),
    },
  },
  {
    about: 'EBS volumes',
    service: 'AmazonEC2',
    fields: { productFamily: 'Storage' },
    wanted: Object.fromEntries(
      Object.entries(volumeTypes).map(([type, suffix]): [string, Setter] => [
        `EBS:VolumeUsage${suffix}`,
        (usd) => ({ volumePerGiBMonth: { [type]: usd } }),
      ]),
    ),
  },
  {
    about: 'storage in S3',
    service: 'AmazonS3',
    fields: { productFamily: 'Storage' },
    wanted: {
      'TimedStorage-ByteHrs': stored('STANDARD'),
      'TimedStorage-SIA-ByteHrs': stored('STANDARD_IA'),
      'TimedStorage-ZIA-ByteHrs': stored('ONEZONE_IA'),
      'TimedStorage-INT-FA-ByteHrs': stored('INTELLIGENT_TIERING'),
      'TimedStorage-GIR-ByteHrs': stored('GLACIER_IR'),
      'TimedStorage-GlacierByteHrs': stored('GLACIER'),
    },
  },
  // Of Deep Archive, AmazonS3 has the staging of uploads only, at twenty times the price.
  {
    about: 'storage in S3 Glacier Deep Archive',
    service: 'AmazonS3GlacierDeepArchive',
    fields: {},
    wanted: { 'TimedStorage-GDA-ByteHrs': stored('DEEP_ARCHIVE') },
  },
  request('S3-API-Tier1', 'Requests-Tier1', 'STANDARD'),
  request('S3-API-SIA-Tier1', 'Requests-SIA-Tier1', 'STANDARD_IA'),
  request('S3-API-ZIA-Tier1', 'Requests-ZIA-Tier1', 'ONEZONE_IA'),
  request('S3-API-INT-Tier1', 'Requests-INT-Tier1', 'INTELLIGENT_TIERING'),
  request('S3-API-GIR-Tier1', 'Requests-GIR-Tier1', 'GLACIER_IR'),
  request('S3-API-GLACIER-Tier1', 'Requests-GLACIER-Tier1', 'GLACIER', { operation: 'PutObject' }),
  {
    ...request('S3-API-GDA-Tier1', 'Requests-GDA-Tier1', 'DEEP_ARCHIVE', { operation: 'PutObject' }),
    service: 'AmazonS3GlacierDeepArchive',
  },
  reading('STANDARD_IA', { group: 'S3-API-SIA-Retrieval' }, { 'Retrieval-SIA': 'retrievalPerGiB' }),
  reading('ONEZONE_IA', { group: 'S3-API-ZIA-Retrieval' }, { 'Retrieval-ZIA': 'retrievalPerGiB' }),
  reading('GLACIER_IR', { group: 'S3-API-GIR-Retrieval' }, { 'Retrieval-GIR': 'retrievalPerGiB' }),
  reading('GLACIER', { feeCode: 'S3-Expedited-Retrieval' }, { 'Expedited-Retrieval-Bytes': 'expeditedPerGiB' }),
  // Both classes have the same usage types; the operation tells them apart.
  reading('GLACIER', { productFamily: 'Fee', operation: 'RestoreObject' }, thawing),
  reading('DEEP_ARCHIVE', { productFamily: 'Fee', operation: 'DeepArchiveRestoreObject' }, thawing),
];

function reading(
  name: StorageClass,
  fields: Readonly<Record<string, string>>,
  prices: Readonly<Record<string, StoragePrice>>,
): Question {
  const wanted = Object.entries(prices).map(([usageType, price]) => [usageType, storageOf(name, price)] as const);
  return { about: `reading from ${name}`, service: 'AmazonS3', fields, wanted: Object.fromEntries(wanted) };
}

function request(group: string, usageType: string, name: StorageClass, fields: Record<string, string> = {}): Question {
  return {
    about: `requests of ${name}`,
    service: 'AmazonS3',
    fields: { group, ...fields },
    wanted: { [usageType]: puts(name) },
  };
}

/**
 * Asks AWS's Price List for everything that estimates are made of, in the form of a file of `--prices`, dated today. What the
 * Price List does not have, of a region or at all, is left out. Throws the failures of `callAws`, and `not-found` where it
 * has none of the prices.
 */
export async function fetchPrices(client: PricingClient, options: FetchPricesOptions): Promise<PriceFile> {
  const { clock, regions: wantedRegions, onQuestion } = options;
  const regions = new Map<string, PriceFile['regions'][string]>();
  for (const question of questions) {
    onQuestion?.(question.about);
    for await (const { region, usageType, usd } of products(client, question, options)) {
      if (wantedRegions !== undefined && !wantedRegions.includes(region)) continue;
      // `USW2-EBS:SnapshotUsage`: prefixes have no dash in them; us-east-1 has none.
      const setter = question.wanted[usageType] ?? question.wanted[usageType.replace(/^[A-Z0-9]+-/, '')];
      if (setter !== undefined) regions.set(region, merged(regions.get(region) ?? {}, setter(usd)));
    }
  }
  if (regions.size === 0) {
    throw new AppError('not-found', 'The Price List has no prices of the regions that were asked for.', {
      hint: 'Regions are named like eu-west-1. Those of China have a Price List of their own.',
    });
  }
  const sorted = [...regions].sort(([one], [other]) => (one < other ? -1 : 1));
  const date = new Date(clock.now()).toISOString().slice(0, 10);
  return { date, source: 'AWS Price List', regions: Object.fromEntries(sorted) };
}

type Part = PriceFile['regions'][string];

function merged(below: Part, above: Part): Part {
  return mergedObjects(below, above);
}

function mergedObjects(below: object, above: object): object {
  const all = new Map<string, unknown>(Object.entries(below));
  for (const [key, value] of Object.entries(above) as [string, unknown][]) {
    const old = all.get(key);
    const areObjects = typeof old === 'object' && old !== null && typeof value === 'object' && value !== null;
    all.set(key, areObjects ? mergedObjects(old, value) : value);
  }
  return Object.fromEntries(all);
}

interface Product {
  readonly region: string;
  readonly usageType: string;
  readonly usd: number;
}

const productSchema = z.object({
  product: z.object({
    attributes: z.object({
      regionCode: z.string().optional(),
      // Local Zones and Outposts have prices of their own, with the code of the region that they belong to.
      locationType: z.string().optional(),
      usagetype: z.string(),
    }),
  }),
  terms: z.object({
    OnDemand: z
      .record(
        z.string(),
        z.object({
          priceDimensions: z.record(
            z.string(),
            z.object({ beginRange: z.string().optional(), pricePerUnit: z.object({ USD: z.string().optional() }) }),
          ),
        }),
      )
      .optional(),
  }),
});

async function* products(
  client: PricingClient,
  { about, service, fields }: Question,
  { clock, habits, signal }: FetchPricesOptions,
): AsyncGenerator<Product> {
  // Only who asks for prices needs it.
  const { GetProductsCommand } = await import('@aws-sdk/client-pricing');
  const Filters = Object.entries(fields).map(([Field, Value]): Filter => ({ Type: 'TERM_MATCH', Field, Value }));
  let token: string | undefined;
  do {
    const after = token === undefined ? {} : { NextToken: token };
    const page = await callAws(
      { action: 'pricing:GetProducts', resource: about },
      (abortSignal) =>
        client.send(
          new GetProductsCommand({
            ServiceCode: service,
            Filters,
            FormatVersion: 'aws_v1',
            MaxResults: pageSize,
            ...after,
          }),
          { abortSignal },
        ),
      { clock, signal, renewCredentials: credentialsRenewal(client.config.credentials), ...habits },
    );
    for (const text of page.PriceList ?? []) {
      const product = productOf(String(text));
      if (product !== undefined) yield product;
    }
    token = page.NextToken;
  } while (token !== undefined && token !== '');
}

/** The price of the first GB of a month; undefined for what is not sold on demand, for dollars, in a region. */
function productOf(text: string): Product | undefined {
  const parsed = productSchema.safeParse(JSON.parse(text));
  if (!parsed.success) return undefined;
  const { regionCode, locationType, usagetype } = parsed.data.product.attributes;
  if (regionCode === undefined || (locationType !== undefined && locationType !== 'AWS Region')) return undefined;
  const dimensions = Object.values(parsed.data.terms.OnDemand ?? {}).flatMap((term) =>
    Object.values(term.priceDimensions),
  );
  const usd = dimensions.find(({ beginRange = '0' }) => Number(beginRange) === 0)?.pricePerUnit.USD;
  return usd === undefined ? undefined : { region: regionCode, usageType: usagetype, usd: Number(usd) };
}
