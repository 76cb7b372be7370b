import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sharePercent } from '../../src/cli/render/estimate.js';
import { listPrices, parsePriceFile, pricesOf, seriesCost, type Destination } from '../../src/costs/index.js';
import { tables } from './reference-tables.js';

// The tables of the existing tool, with the prices that it names.

const path = join(import.meta.dirname, '../../docs/guides/prices-of-2017.json');
const prices = pricesOf('us-west-2', parsePriceFile(readFileSync(path, 'utf8'), path));

const rows = (text: string): readonly (readonly string[])[] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.split(' '));

describe('what a year of monthly snapshots costs', () => {
  it.each([...rows(tables[1]).map((row) => [1, row] as const), ...rows(tables[2]).map((row) => [2, row] as const)])(
    'compressed %i:1, %j, as the existing tool says',
    (compressionRatio, [change = '', ...shares]) => {
      const series = { snapshots: 12, volumeGiB: 500, change: Number(change) / 100, compressionRatio };
      const { destinations } = seriesCost(series, prices);
      const of = (destination: Destination): string =>
        sharePercent(destinations.find((one) => one.destination === destination)?.share ?? NaN);
      expect([of('STANDARD'), of('STANDARD_IA'), of('GLACIER')]).toEqual(shares);
    },
  );

  it.each([
    [1, ['46%', '25%', '8.0%']],
    [2, ['23%', '12.5%', '4.0%']],
  ])('breaks even with many snapshots, compressed %i:1, from %j on', (compressionRatio, shares) => {
    const { destinations } = seriesCost({ snapshots: 12, volumeGiB: 1, change: 0, compressionRatio }, prices);
    const limits = destinations
      .filter(({ destination }) => ['STANDARD', 'STANDARD_IA', 'GLACIER'].includes(destination))
      .map(({ breakEvenChangeInTheLimit }) => sharePercent(breakEvenChangeInTheLimit));
    expect(limits).toEqual(shares);
  });

  it('is the same in EBS and elsewhere at the break-even change, whatever the series', () => {
    for (const snapshots of [2, 3, 12, 365]) {
      for (const compressionRatio of [1, 1.7, 4]) {
        const series = { snapshots, volumeGiB: 123, change: 0, compressionRatio };
        for (const { destination, breakEvenChange } of seriesCost(series, listPrices).destinations) {
          const there = seriesCost({ ...series, change: breakEvenChange }, listPrices).destinations;
          expect(there.find((one) => one.destination === destination)?.share).toBeCloseTo(1, 9);
        }
      }
    }
  });

  it('of one snapshot is a matter of the price alone', () => {
    const { destinations } = seriesCost({ snapshots: 1, volumeGiB: 1, change: 0.5, compressionRatio: 1 }, listPrices);
    expect(destinations.every(({ breakEvenChange }) => breakEvenChange === -Infinity)).toBe(true);
  });

  it('in EBS archive is not compressed', () => {
    const series = { snapshots: 10, volumeGiB: 100, change: 0.1, compressionRatio: 4 };
    const archive = seriesCost(series, listPrices).destinations.find((one) => one.destination === 'EBS_ARCHIVE');
    expect(archive?.dollarsPerMonth).toBeCloseTo(10 * 100 * 0.0125, 9);
  });
});

it('incremental archives would be the same share whatever changes, and EBS archive has none', () => {
  for (const change of [0, 0.1, 1]) {
    const series = { snapshots: 12, volumeGiB: 100, change, compressionRatio: 2 };
    const { ebsDollarsPerMonth, destinations } = seriesCost(series, listPrices);
    const of = (name: Destination): number | undefined =>
      destinations.find(({ destination }) => destination === name)?.incrementalDollarsPerMonth;
    expect((of('STANDARD') ?? NaN) / ebsDollarsPerMonth).toBeCloseTo(0.023 / 2 / 0.05, 12);
    expect(of('EBS_ARCHIVE')).toBeUndefined();
  }
});

describe('a file of prices', () => {
  it('counts over the list, and leaves what it does not say', () => {
    const file = parsePriceFile(
      '{"date":"2026-01-31","regions":{"eu-west-1":{"storage":{"GLACIER":{"perGiBMonth":1}}}}}',
      'f',
    );
    expect(pricesOf('eu-west-1', file)).toMatchObject({
      region: 'eu-west-1',
      date: '2026-01-31',
      own: 'some',
      source: 'file',
      snapshotPerGiBMonth: 0.05,
      storage: { GLACIER: { perGiBMonth: 1, perThousandPuts: 0.03, leastDays: 90 }, STANDARD: { perGiBMonth: 0.023 } },
    });
    expect(pricesOf('eu-south-2', file)).toMatchObject({ region: 'us-east-1', own: 'none', source: 'list' });
    expect(pricesOf('eu-central-1', file)).toMatchObject({
      own: 'some',
      source: 'list',
      snapshotPerGiBMonth: 0.054,
      date: '2026-11-01',
    });
  });

  it.each([
    ['', /is not JSON/],
    ['[]', /is no list of prices/],
    ['{"date":"today","regions":{}}', /date/],
    ['{"date":"2026-01-31","regions":{"Ireland":{}}}', /Ireland/],
    ['{"date":"2026-01-31","regions":{"eu-west-1":{"snapshotPerGibMonth":1}}}', /snapshotPerGibMonth/],
    ['{"date":"2026-01-31","regions":{"eu-west-1":{"snapshotPerGiBMonth":-1}}}', /snapshotPerGiBMonth/],
  ])('%j -> usage, naming the field', (text, sentence) => {
    expect(() => parsePriceFile(text, 'prices.json')).toThrow(sentence);
    expect(() => parsePriceFile(text, 'prices.json')).toThrow(/^prices\.json/);
  });
});
