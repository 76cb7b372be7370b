import { movePlan, type AdvisedRegion } from '../../commands/costs/index.js';
import { destinations, snapshotCount } from '../../costs/reckoning.js';

/** A line for each volume, in CSV (RFC 4180), with a heading. */
export function* adviceCsv(regions: readonly AdvisedRegion[]): Generator<string> {
  yield csvLine([
    'region',
    'account',
    'volume_id',
    'name',
    'volume_gib',
    'volume_deleted',
    'snapshots',
    'billed_gib',
    'full_copy_gib',
    'mean_change',
    'currency',
    'ebs_month',
    ...destinations.map((destination) => `${destination.toLowerCase()}_month`),
    'action',
    'reason',
    'move_snapshots',
    'destination',
    'after_month',
    'saves_month',
    'moving_low',
    'moving_high',
    'direct_read',
    'least_term',
    'one_copy_back',
    'payback_months',
    'prices_of',
    'prices_own',
    'prices_source',
    'prices_date',
  ]);
  for (const { prices, volumes } of regions) {
    for (const { advice, ...volume } of volumes) {
      const plan = movePlan(advice);
      const classes = new Map(advice.classes.map((one) => [one.destination, one.dollarsPerMonth]));
      yield csvLine([
        volume.region,
        volume.account,
        volume.volumeId,
        volume.name,
        volume.volumeGiB,
        volume.isDeleted,
        snapshotCount(volume),
        volume.snapshots.reduce((sum, { gibMonths }) => sum + gibMonths, 0),
        advice.fullGiB,
        advice.meanChange,
        volume.currency,
        advice.dollarsPerMonth,
        ...destinations.map((destination) => classes.get(destination)),
        advice.action,
        advice.reason,
        advice.move.length,
        advice.plan?.destination,
        ...(plan !== undefined
          ? [
              plan.dollarsPerMonthAfter,
              plan.savesDollarsPerMonth,
              plan.onceDollars.low,
              plan.onceDollars.high,
              plan.directReadDollars,
              plan.leastTermDollars,
              plan.backDollars,
              plan.paybackMonths,
            ]
          : Array.from({ length: 8 }, () => undefined)),
        prices.region,
        prices.own,
        prices.source,
        prices.date,
      ]);
    }
  }
}

function csvLine(cells: readonly (string | number | boolean | undefined)[]): string {
  return cells.map((cell) => csvCell(cell ?? '')).join(',');
}

/** A cell; spreadsheets take texts that begin with certain characters for formulas, and names are anybody's. */
function csvCell(cell: string | number | boolean): string {
  if (typeof cell === 'number') return String(Number(cell.toPrecision(12)));
  const text = /^[=+\-@\t\r]/.test(String(cell)) ? `'${String(cell)}` : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
