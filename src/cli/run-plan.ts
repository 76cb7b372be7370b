import { planMigration, type PlannedSnapshot } from '../commands/index.js';
import { count, formatBytes, printable } from '../core/index.js';
import { assumptions, pricesOf, type Range, type RegionPrices, type StorageClass } from '../costs/index.js';
import { composeMigrate } from './compose.js';
import { exitStatus } from './exit-status.js';
import type { MigrateRequest } from './migrate-options.js';
import { readPriceFile } from './price-file-of.js';
import type { Output } from './render/index.js';
import { pricesSentence } from './render/prices-sentence.js';
import { wrap } from './render/wrap.js';
import { openReport } from './report.js';
import { processSignals } from './signals.js';

type WouldMigrate = PlannedSnapshot & { readonly kind: 'would-migrate' };

/** `snap-to-s3 migrate --dry-run`: tells what would be done and changes nothing. Returns the exit status. */
export async function runPlan(request: MigrateRequest, output: Output): Promise<number> {
  using report = await openReport(output, request.telling);
  using signals = processSignals((sentence) => report.say(sentence));
  using dependencies = await composeMigrate({
    bucket: request.bucket,
    needsRoot: false,
    events: (event) => report.event(event),
    signal: signals.signal,
  });
  const { region } = dependencies.instance;
  const prices = pricesOf(region, await readPriceFile(request.pricesFile));
  const total = newTotal();
  let failing = 0;
  for await (const planned of planMigration(request.selection, request.settings, { ...dependencies, prices })) {
    if (planned.kind === 'would-fail') {
      failing += 1;
      const { code, message, hint } = planned.error;
      const record = { kind: planned.kind, snapshotId: planned.snapshotId, error: { code, message, hint } };
      report.finding(record, printable(`${planned.snapshotId}  would fail: ${message} ${hint ?? ''}`));
      continue;
    }
    if (total.snapshots === 0) report.finding({ kind: 'plan', region, prices }, heading);
    total.add(planned);
    report.finding(recordOf(planned), row(planned));
  }
  const summary = { kind: 'plan-finished', ...total.record(), wouldFail: failing };
  const storageClass = (request.settings.storageClass ?? 'STANDARD') as StorageClass;
  const priced = { region, prices, storageClass };
  report.result(summary, total.snapshots === 0 ? nothing(failing) : closing(total, { failing, ...priced }));
  return failing > 0 ? exitStatus.failed : exitStatus.done;
}

const widths = [22, 10, 10, 17, 13] as const;

/** Numbers to the right, names to the left. */
function columns(first: string, ...rest: readonly string[]): string {
  return [first.padEnd(widths[0]), ...rest.map((text, at) => text.padStart(widths[at + 1] ?? 0))].join('  ');
}

const heading = columns('snapshot', 'started', 'to read', 'stored, about', '$ a month');

function row({ snapshot, readBytes, cost, isArchived }: WouldMigrate): string {
  const line = columns(
    snapshot.snapshotId,
    snapshot.startTime.toISOString().slice(0, 10),
    formatBytes(readBytes),
    range(cost.storedBytes, formatBytes),
    range(cost.storedDollarsPerMonth, dollars),
  );
  return isArchived ? `${line}\n  It is archived already; its archive and manifest would be written anew.` : line;
}

function range({ low, high }: Range, format: (value: number) => string): string {
  const [from, to] = [format(low), format(high)];
  const [fromNumber, unit] = from.split(' ');
  const shown = unit !== undefined && to.endsWith(` ${unit}`) ? (fromNumber ?? from) : from;
  return from === to ? to : `${shown}-${to}`;
}

/** Cents below ten; nobody knows it better. */
function dollars(value: number): string {
  if (value >= 10) return Math.round(value).toLocaleString('en-US');
  return value >= 0.01 ? value.toFixed(2) : value === 0 ? '0' : '<0.01';
}

function recordOf({ snapshot, cost, kind, key, isArchived, readBytes, volumeType }: WouldMigrate): object {
  const { snapshotId, volumeId, volumeGiB, startTime, description } = snapshot;
  const facts = { snapshotId, volumeId, volumeGiB, startTime, description };
  return { kind, ...facts, key, isArchived, readBytes, volumeType, ...cost };
}

interface Total {
  readonly snapshots: number;
  add(planned: WouldMigrate): void;
  record(): {
    readonly snapshots: number;
    readonly readBytes: number;
    readonly storedBytes: Range;
    readonly onceDollars: Range;
    readonly storedDollarsPerMonth: Range;
    readonly snapshotDollarsPerMonthAtMost: number;
  };
}

function newTotal(): Total {
  let snapshots = 0;
  let readBytes = 0;
  let snapshotDollarsPerMonthAtMost = 0;
  const ranges = {
    storedBytes: { low: 0, high: 0 },
    onceDollars: { low: 0, high: 0 },
    storedDollarsPerMonth: { low: 0, high: 0 },
  };
  return {
    get snapshots() {
      return snapshots;
    },
    add: (planned) => {
      snapshots += 1;
      readBytes += planned.readBytes;
      snapshotDollarsPerMonthAtMost += planned.cost.snapshotDollarsPerMonthAtMost;
      for (const name of ['storedBytes', 'onceDollars', 'storedDollarsPerMonth'] as const) {
        ranges[name].low += planned.cost[name].low;
        ranges[name].high += planned.cost[name].high;
      }
    },
    record: () => ({ snapshots, readBytes, snapshotDollarsPerMonthAtMost, ...ranges }),
  };
}

function nothing(failing: number): string {
  return failing === 0
    ? 'No snapshot is waiting. Nothing was changed.'
    : 'Nothing could be migrated. Nothing was changed.';
}

function closing(
  total: Total,
  {
    failing,
    storageClass,
    region,
    prices,
  }: {
    readonly failing: number;
    readonly storageClass: StorageClass;
    readonly region: string;
    readonly prices: RegionPrices;
  },
): string {
  const { snapshots, readBytes, storedBytes, onceDollars, storedDollarsPerMonth, ...rest } = total.record();
  const { compression, readBytesPerSecond: rate } = assumptions;
  const { leastDays } = prices.storage[storageClass];
  const rates = `${formatBytes(rate.low)}/s to ${formatBytes(rate.high)}/s`;
  const totals = columns(
    count(snapshots, 'snapshot'),
    '',
    formatBytes(readBytes),
    range(storedBytes, formatBytes),
    range(storedDollarsPerMonth, dollars),
  );
  const sentences = [
    `Once, for requests and temporary volumes: about $${range(onceDollars, dollars)}; the instance is not counted.`,
    `The EBS snapshots cost at most $${dollars(rest.snapshotDollarsPerMonthAtMost)} a month; less where they share blocks.`,
    `Assumed: ${compression.low * 100} % to ${compression.high * 100} % of what is read is stored; volumes are read at ${rates}.`,
    'To read is what was ever written to a volume, where EC2 tells, else all of it; files that were deleted are read with --dd only.',
    pricesSentence(prices, [region]),
    `Storage class ${storageClass}${leastDays === 0 ? '' : `, charged for at least ${leastDays} days`}.`,
    ...(failing === 0 ? [] : [`${count(failing, 'snapshot')} could not be migrated: see above.`]),
    'Nothing was changed.',
  ];
  return [totals, '', ...sentences.flatMap((sentence) => wrap(sentence, 80))].join('\n');
}
