import { describe, expect, it } from 'vitest';
import { pricesSentence } from '../../src/cli/render/prices-sentence.js';
import {
  listPrices,
  parsePriceFile,
  pricesOf,
  refreshedPrices,
  thawTerms,
  uploadCost,
  type PriceFile,
} from '../../src/costs/index.js';

// Whose prices count, and what is said of them.

const said = (region: string, file?: PriceFile): string => pricesSentence(pricesOf(region, file), [region]);
const file = (json: object): PriceFile => parsePriceFile(JSON.stringify(json), 'prices.json');

describe('the sentence on prices is true', () => {
  it('of our list', () => {
    expect(said('us-east-1')).toBe('Prices of us-east-1: list prices of 2026-11-01.');
    expect(said('us-west-2')).toBe(
      'Prices of us-west-2: list prices of 2026-11-01; what is not known of them is as in us-east-1.',
    );
    expect(said('eu-south-2')).toBe(
      'Prices of eu-south-2: list prices of 2026-11-01 in us-east-1, since their own are not known.',
    );
  });

  it('of what was refreshed, with the day of each region', () => {
    const { region: _, date: __, ...whole } = listPrices;
    const refreshed = file({
      date: '2026-12-01',
      source: 'AWS Price List',
      regions: { 'eu-west-1': whole, 'eu-south-1': { date: '2026-11-20', snapshotPerGiBMonth: 0.055 } },
    });
    expect(said('eu-west-1', refreshed)).toBe("Prices of eu-west-1: AWS's Price List of 2026-12-01.");
    expect(said('eu-south-1', refreshed)).toBe(
      "Prices of eu-south-1: AWS's Price List of 2026-11-20; what is not known of them is as in us-east-1.",
    );
    expect(said('us-east-1', refreshed)).toBe('Prices of us-east-1: list prices of 2026-11-01.');
  });

  it("of a file of the user's", () => {
    const own = file({ date: '2026-01-31', regions: { 'us-east-1': { snapshotPerGiBMonth: 0.04 } } });
    expect(said('us-east-1', own)).toBe(
      "Prices of us-east-1: the file's of 2026-01-31; what it does not say is as in our list of 2026-11-01.",
    );
  });
});

it('refreshing a region leaves the others, with their day', () => {
  const before = file({
    date: '2026-11-01',
    source: 'AWS Price List',
    regions: { 'us-east-1': { snapshotPerGiBMonth: 1, instancePerHour: 1 }, 'eu-west-1': { snapshotPerGiBMonth: 2 } },
  });
  const fresh = file({
    date: '2026-12-01',
    source: 'AWS Price List',
    regions: { 'us-east-1': { snapshotPerGiBMonth: 3 } },
  });
  const merged = refreshedPrices(before, fresh);
  expect(merged).toEqual({
    date: '2026-12-01',
    source: 'AWS Price List',
    regions: { 'us-east-1': { snapshotPerGiBMonth: 3 }, 'eu-west-1': { snapshotPerGiBMonth: 2, date: '2026-11-01' } },
  });
  expect(parsePriceFile(JSON.stringify(merged), 'merged')).toEqual(merged);
  expect(refreshedPrices(undefined, fresh)).toEqual(fresh);
});

it('thawing costs what the price table says', () => {
  expect(thawTerms('GLACIER', 'Expedited')).toEqual({ hours: 5 / 60, dollarsPerGiB: 0.03 });
  expect(thawTerms('GLACIER', 'Bulk')).toEqual({ hours: 12, dollarsPerGiB: 0 });
  expect(thawTerms('DEEP_ARCHIVE', 'Expedited')).toBeUndefined();
  expect(thawTerms('GLACIER_IR', 'Standard')).toBeUndefined();
  const dear = file({ date: '2026-01-31', regions: { 'eu-west-1': { storage: { GLACIER: { retrievalPerGiB: 1 } } } } });
  expect(thawTerms('GLACIER', 'Standard', pricesOf('eu-west-1', dear))).toEqual({ hours: 5, dollarsPerGiB: 1 });
});

it.each([
  ['STANDARD', 1_000, (1_002 * 0.005 + 0.1) / 1_000],
  ['GLACIER_IR', 1_000, (1_002 * 0.02 + 0.1) / 1_000],
  // What is staged costs what STANDARD costs.
  ['GLACIER', 1_000, (1_001 * 0.005 + 0.03 + 0.1) / 1_000],
  ['DEEP_ARCHIVE', 1_000, (1_001 * 0.005 + 0.05 + 0.1) / 1_000],
  ['DEEP_ARCHIVE', 1, (0.05 + 0.1) / 1_000],
] as const)('the requests of an upload to %s of %i parts', (storageClass, parts, dollars) => {
  const upload = { archiveBytes: parts * 8_388_608, partBytes: 8_388_608, storageClass };
  expect(uploadCost(upload, listPrices)).toBeCloseTo(dollars, 12);
});
