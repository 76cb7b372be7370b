import { printable } from '../../core/index.js';
import { dollarsOf, type RegionUsage } from '../../commands/costs/index.js';
import { snapshotCount, type VolumeUsage } from '../../costs/reckoning.js';
import { money, signOf } from './money.js';

/** The layout of the existing tool: regions and volumes by falling cost, snapshots by date with size and change. */
export function* analysisLines(regions: readonly RegionUsage[]): Generator<string> {
  const hasAccounts = new Set(regions.map(({ account }) => account)).size > 1;
  for (const [at, { account, region, currency, dollarsPerMonth, snapshots, deleted, volumes }] of regions.entries()) {
    if (at > 0) yield '';
    const where = `${region === '' ? 'unknown' : region}${hasAccounts ? ` of account ${account}` : ''}`;
    yield `Region ${where} (${signOf(currency)}${dollarsPerMonth.toFixed(2)}/month for ${counted(snapshots)})`;
    for (const [index, volume] of volumes.entries()) {
      if (index > 0) yield '';
      yield* volumeLines(volume);
    }
    if (deleted.snapshots > 0) {
      const then = `${money(deleted.dollarsPerMonth, currency)}/month for ${counted(deleted.snapshots)}`;
      yield `Deleted before the end of the report, and not counted: ${then}`;
    }
  }
}

function* volumeLines(volume: VolumeUsage): Generator<string> {
  const { volumeId, volumeGiB, snapshots } = volume;
  const total = snapshots.reduce((sum, { gibMonths }) => sum + gibMonths, 0);
  const cost = money(dollarsOf(snapshots), volume.currency);
  const head = `${volumeName(volume)}: ${total.toFixed(0)} GB total, ${cost}/month for ${counted(snapshotCount(volume))}`;
  const change = averageChange(volume);
  yield change === undefined ? head : `${head}, average snapshot change ${percent(change)}`;
  for (const [at, { snapshotId, gibMonths, tier, facts }] of snapshots.entries()) {
    const date = facts?.startTime.toISOString().slice(0, 10) ?? 'of unknown date';
    const share = at === 0 || volumeId === undefined || volumeGiB === undefined ? undefined : gibMonths / volumeGiB;
    const notes = [
      ...(tier === 'archive' ? [' in the archive tier'] : []),
      ...(tier === 'archive' || share === undefined ? [] : [` (${percent(share)})`]),
    ];
    yield `${snapshotId} ${date} ${gibMonths.toFixed(1)} GB${notes.join('')}`;
  }
}

function volumeName({ origin, volumeId, volumeGiB, name, isDeleted }: VolumeUsage): string {
  if (origin === 'unknown') return 'Snapshots of unknown volumes';
  const notes = [
    ...(volumeGiB === undefined ? [] : [`${volumeGiB}GB`]),
    ...(isDeleted === true ? ['deleted'] : []),
    ...(name === undefined || name === '' ? [] : [printable(name)]),
  ];
  return `${volumeId ?? 'A copy'} (${notes.join(', ')})`;
}

/**
 * As the existing tool has it: the changes after the first snapshot, over the number of all snapshots. Undefined where the
 * volume is not known.
 */
function averageChange({ volumeId, volumeGiB, snapshots }: VolumeUsage): number | undefined {
  if (volumeId === undefined || volumeGiB === undefined || volumeGiB === 0) return undefined;
  const changes = snapshots.slice(1).filter(({ tier }) => tier === 'standard');
  return changes.reduce((sum, { gibMonths }) => sum + gibMonths, 0) / snapshots.length / volumeGiB;
}

/** Two significant digits: 52%, 7.9%, 0.069%. */
function percent(share: number): string {
  if (share === 0) return '0%';
  const value = Number((share * 100).toPrecision(2));
  return `${value >= 10 ? value.toFixed(0) : value.toPrecision(2)}%`;
}

function counted(snapshots: number): string {
  return `${snapshots} ${snapshots === 1 ? 'snapshot' : 'snapshots'}`;
}
