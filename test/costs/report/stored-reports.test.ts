import { describe, expect, it } from 'vitest';
import { mayBeReport, newestManifests, newestReports, type StoredObjectName } from '../../../src/costs/index.js';

// Which of the objects below a prefix are read.

const at = (day: number, key: string): StoredObjectName => ({
  key,
  sizeBytes: 1,
  lastModified: new Date(Date.UTC(2026, 10, day)),
});
const keys = (objects: readonly StoredObjectName[], months = 1): readonly string[] =>
  newestManifests(objects, months).map(({ key }) => key);

describe('manifests below a prefix', () => {
  const legacy = [
    at(3, 'r/cost/20261001-20261101/cost-Manifest.json'),
    at(2, 'r/cost/20261001-20261101/8b1e/cost-Manifest.json'),
    at(9, 'r/cost/20261101-20261201/1111/cost-Manifest.json'),
    at(10, 'r/cost/20261101-20261201/2222/cost-Manifest.json'),
    at(10, 'r/cost/20261101-20261201/2222/cost-1.csv.gz'),
    at(11, 'r/cost/20261101-20261201/cost-Manifest.json'),
  ];
  const exported = [
    at(5, 'exports/all/metadata/BILLING_PERIOD=2026-10/all-Manifest.json'),
    at(12, 'exports/all/metadata/BILLING_PERIOD=2026-11/2026-11-12T00:00:00Z/all-Manifest.json'),
    at(11, 'exports/all/metadata/BILLING_PERIOD=2026-11/2026-11-11T00:00:00Z/all-Manifest.json'),
    at(12, 'exports/all/data/BILLING_PERIOD=2026-11/2026-11-12T00:00:00Z/all-00001.snappy.parquet'),
  ];

  it('of the newest period the newest', () => {
    expect(keys(legacy)).toEqual(['r/cost/20261101-20261201/cost-Manifest.json']);
    expect(keys(exported)).toEqual([
      'exports/all/metadata/BILLING_PERIOD=2026-11/2026-11-12T00:00:00Z/all-Manifest.json',
    ]);
  });

  it('of as many periods as are asked for, the newest first', () => {
    expect(keys(legacy, 2)).toEqual([
      'r/cost/20261101-20261201/cost-Manifest.json',
      'r/cost/20261001-20261101/cost-Manifest.json',
    ]);
    expect(keys(exported, 12)).toHaveLength(2);
  });

  it('of each report by itself', () => {
    expect(keys([...legacy, ...exported])).toHaveLength(2);
    expect(keys([at(1, 'a/x-Manifest.json'), at(2, 'b/x-Manifest.json')])).toEqual([
      'b/x-Manifest.json',
      'a/x-Manifest.json',
    ]);
  });

  it('and without any the files themselves', () => {
    expect(keys([at(1, 'a/report.csv.gz')])).toEqual([]);
    const names = ['a.csv', 'a.csv.gz', 'a.zip', 'a.snappy.parquet', 'a.json', 'a.txt', 'a.csv.tmp'];
    expect(names.filter((key) => mayBeReport(at(1, key)))).toEqual(names.slice(0, 4));
  });

  it('and without any, of as many periods as are asked for', () => {
    const stored = [
      at(1, 'r/BILLING_PERIOD=2026-09/a.csv.gz'),
      at(2, 'r/BILLING_PERIOD=2026-11/a-1.csv.gz'),
      at(2, 'r/BILLING_PERIOD=2026-11/a-2.csv.gz'),
      at(3, 'r/BILLING_PERIOD=2026-10/a.csv.gz'),
      at(3, 'other/20261001-20261101/b.zip'),
      at(3, 'no-period.csv'),
      at(3, 'r/BILLING_PERIOD=2026-12/a.json'),
    ];
    const named = (months: number): readonly string[] => newestReports(stored, months).map(({ key }) => key);
    expect(named(1)).toEqual([stored[1]?.key, stored[2]?.key, stored[4]?.key, stored[5]?.key]);
    expect(named(2)).toEqual([...named(1).slice(0, 2), stored[3]?.key, ...named(1).slice(2)]);
    expect(named(9)).toHaveLength(6);
  });
});
