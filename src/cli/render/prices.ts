import { destinations, type RegionPrices } from '../../costs/reckoning.js';
import { aligned, destinationNames } from './estimate.js';

/** The prices of regions, a line each. */
export function* pricesLines(prices: readonly RegionPrices[]): Generator<string> {
  yield 'US dollars for a GiB and a month:';
  yield '';
  const archives = destinations.filter((destination) => destination !== 'EBS_ARCHIVE');
  yield* aligned(
    [
      ['region', 'of', 'from', 'EBS', destinationNames.EBS_ARCHIVE, ...archives.map((name) => destinationNames[name])],
      ...prices.map((of) => [
        of.region,
        of.date,
        { list: 'our list', refresh: 'Price List', file: 'the file' }[of.source],
        String(of.snapshotPerGiBMonth),
        String(of.snapshotArchive.perGiBMonth),
        ...archives.map((name) => String(of.storage[name].perGiBMonth)),
      ]),
    ],
    { text: [0, 2] },
  );
  yield '';
  yield 'List prices of AWS without discounts. What is not known of a region is as in us-east-1.';
  yield 'Renew them from AWS with snap-to-s3 prices refresh, or give your own with --prices.';
}
