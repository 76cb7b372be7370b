/** An object below the prefix of reports. */
export interface StoredObjectName {
  readonly key: string;
  readonly sizeBytes: number;
  readonly lastModified: Date;
}

/** The manifest of one delivery. */
export interface StoredManifest extends StoredObjectName {
  /** What tells reports of one bucket apart. */
  readonly report: string;
  /** Sorts as time does: `2026-11`, `20261101-20261201`; empty where the key does not tell. */
  readonly period: string;
}

const periodInKey = /(?:^|\/)(?:BILLING_PERIOD=)?(\d{4}-\d{2}|\d{8}-\d{8})(?=\/)/;

/**
 * The manifests that count, the newest period first: of each report the newest so many periods, and of each of those the
 * newest manifest. AWS writes a manifest when all files of a delivery are there.
 */
export function newestManifests(objects: readonly StoredObjectName[], months: number): readonly StoredManifest[] {
  const newest = new Map<string, StoredManifest>();
  for (const one of objects) {
    if (!one.key.endsWith('-Manifest.json')) continue;
    const period = periodInKey.exec(one.key);
    const name = one.key.slice(one.key.lastIndexOf('/') + 1);
    const report = `${one.key.slice(0, period?.index ?? one.key.lastIndexOf('/'))} ${name}`;
    const manifest = { ...one, report, period: period?.[1] ?? '' };
    const id = `${report} ${manifest.period}`;
    const known = newest.get(id);
    // S3 tells seconds; of two in one second that counts whose key is later, for keys may have the time of the delivery in them.
    if (known === undefined || known.lastModified <= manifest.lastModified) newest.set(id, manifest);
  }
  const periodsOf = new Map<string, number>();
  return [...newest.values()].sort(fallingPeriod).filter(({ report }) => {
    const periods = (periodsOf.get(report) ?? 0) + 1;
    periodsOf.set(report, periods);
    return periods <= months;
  });
}

/**
 * The reports that count where there is no manifest: of each folder of billing periods the newest so many of them, and all
 * whose keys tell no period.
 */
export function newestReports(objects: readonly StoredObjectName[], months: number): readonly StoredObjectName[] {
  const reports = objects.filter(mayBeReport).map((one) => {
    const period = periodInKey.exec(one.key);
    return { one, folder: one.key.slice(0, period?.index ?? 0), period: period?.[1] };
  });
  const periods = new Map<string, Set<string>>();
  for (const { folder, period } of reports) {
    if (period !== undefined) periods.set(folder, new Set([...(periods.get(folder) ?? []), period]));
  }
  return reports.flatMap(({ one, folder, period }) => {
    const newest = [...(periods.get(folder) ?? [])].sort().slice(-months);
    return period === undefined || newest.includes(period) ? [one] : [];
  });
}

function fallingPeriod(a: StoredManifest, b: StoredManifest): number {
  if (a.period === b.period) return b.lastModified.getTime() - a.lastModified.getTime();
  return a.period < b.period ? 1 : -1;
}

/** True for what may be a file of a report that has no manifest. */
export function mayBeReport({ key }: StoredObjectName): boolean {
  return /\.(?:csv|csv\.gz|gz|zip|parquet)$/i.test(key);
}
