import type { PriceFile } from './price-file.js';
import { priceList } from './price-list.js';

/** The storage classes of S3 that an archive may go to. */
export type StorageClass =
  'STANDARD' | 'STANDARD_IA' | 'ONEZONE_IA' | 'INTELLIGENT_TIERING' | 'GLACIER_IR' | 'GLACIER' | 'DEEP_ARCHIVE';

/** What one storage class costs. All prices are US dollars; GB are GiB, as AWS counts them. */
export interface StorageClassPrice {
  readonly perGiBMonth: number;
  readonly perThousandPuts: number;
  /** An object that is deleted earlier is charged for so long. */
  readonly leastDays: number;
  /** For reading a GiB back; of GLACIER and DEEP_ARCHIVE for thawing it at the tier Standard. */
  readonly retrievalPerGiB: number;
  /** The same at the other tiers of thawing, where the class has them. */
  readonly expeditedPerGiB?: number;
  readonly bulkPerGiB?: number;
}

/** Prices of one region at one day. */
export interface Prices {
  readonly region: string;
  /** ISO date on which they were looked up. */
  readonly date: string;
  readonly snapshotPerGiBMonth: number;
  /** EBS's own archive tier: full copies, not compressed. */
  readonly snapshotArchive: {
    readonly perGiBMonth: number;
    readonly restorePerGiB: number;
    readonly leastDays: number;
  };
  /** Reading blocks of 512 KiB through the EBS direct APIs. */
  readonly directReadPerThousandBlocks: number;
  /** By the volume type's API name. */
  readonly volumePerGiBMonth: Readonly<Record<string, number>>;
  /** The machine that moves snapshots. */
  readonly instancePerHour: number;
  readonly storage: Readonly<Record<StorageClass, StorageClassPrice>>;
}

/** Our list, AWS's Price List as `prices refresh` has fetched it, or a file of the user's. */
export type PriceSource = 'list' | 'refresh' | 'file';

/** Prices of a region, and whose they are. */
export interface RegionPrices extends Prices {
  /** How many of them are the region's own; the others are those of us-east-1 in our list. */
  readonly own: 'all' | 'some' | 'none';
  /** Where the newest of its own are from; what that does not say is as in our list. */
  readonly source: PriceSource;
}

/** List prices of us-east-1, where nothing else is said. */
export const listPrices: Prices = {
  region: 'us-east-1',
  date: priceList.date,
  ...priceList.regions['us-east-1'],
};

/** The prices of a region: what the file says, over what the list says of that region, over those of us-east-1. */
export function pricesOf(region: string, file?: PriceFile): RegionPrices {
  const given = file?.regions[region];
  const own = [inList(region), given].filter((prices) => prices !== undefined);
  if (own.length === 0) return { ...listPrices, own: 'none', source: 'list' };
  const known = new Set(own.flatMap((part) => pricesIn(part)));
  const isWhole = pricesIn(priceList.regions['us-east-1']).every((name) => known.has(name));
  const about =
    file === undefined || given === undefined
      ? ({ date: priceList.date, source: 'list' } as const)
      : ({ date: given.date ?? file.date, source: file.source === undefined ? 'file' : 'refresh' } as const);
  return { ...own.reduce<Prices>(overlaid, listPrices), region, ...about, own: isWhole ? 'all' : 'some' };
}

/** The names of the prices that a part has. What is alike everywhere, or for nothing, is none. */
function pricesIn(part: object, within = ''): readonly string[] {
  return Object.entries(part).flatMap(([name, value]: [string, unknown]): readonly string[] => {
    if (typeof value === 'object' && value !== null) return pricesIn(value, `${within}${name}.`);
    return ['date', 'leastDays', 'instancePerHour'].includes(name) || value === 0 ? [] : [`${within}${name}`];
  });
}

/** The regions of which something is known, in the order of the alphabet. */
export function pricedRegions(file?: PriceFile): readonly string[] {
  return [...new Set([...Object.keys(priceList.regions), ...Object.keys(file?.regions ?? {})])].sort();
}

type RegionPart = PriceFile['regions'][string];

function inList(region: string): RegionPart | undefined {
  const regions: PriceFile['regions'] = priceList.regions;
  return regions[region];
}

function overlaid(below: Prices, above: RegionPart): Prices {
  const { snapshotArchive, volumePerGiBMonth, storage, ...plain } = above;
  return {
    ...below,
    ...defined(plain),
    snapshotArchive: { ...below.snapshotArchive, ...defined(snapshotArchive) },
    volumePerGiBMonth: { ...below.volumePerGiBMonth, ...volumePerGiBMonth },
    storage: Object.fromEntries(
      Object.entries(below.storage).map(([name, price]) => [
        name,
        { ...price, ...defined(storage?.[name as StorageClass]) },
      ]),
    ) as unknown as Prices['storage'],
  };
}

/** Without what is undefined, which would hide what lies below. */
function defined<T extends object>(some: T | undefined): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(some ?? {}).filter(([, value]) => value !== undefined)) as never;
}
