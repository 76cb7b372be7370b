import { onSnapshot } from '../access/index.js';
import { time } from '../answers/index.js';
import {
  incorrectState,
  invalidParameterCombination,
  invalidParameterValue,
  resourceLimitExceeded,
} from '../errors.js';
import { checkId } from '../ids.js';
import { continueRestoring, restored, tierAt } from '../lifecycle/index.js';
import type { Region, SnapshotTier } from '../state/index.js';
import { operation } from './operation.js';
import { ownSnapshotOf } from './resources.js';

/** "The allowed range is 1 - 180. If you do not specify a value, it defaults to 1 day" (EBS User Guide). */
const mostDays = 180;
const usualDays = 1;

/** Default quota of EBS Snapshots Archive (EBS User Guide). */
const mostRestoring = 5;

/** RestoreSnapshotTier: restores an archived snapshot, or changes for how long it is restored. */
export const restoreSnapshotTier = operation({
  parse: (parameters) => {
    const permanent = parameters.flag('PermanentRestore');
    const days = parameters.integer('TemporaryRestoreDays');
    if (permanent && days !== undefined) {
      throw invalidParameterCombination('TemporaryRestoreDays cannot be used with PermanentRestore');
    }
    if (days !== undefined && (days < 1 || days > mostDays)) {
      throw invalidParameterValue(
        `Value (${days}) for parameter temporaryRestoreDays is invalid. Expected a number from 1 to ${mostDays}.`,
      );
    }
    return {
      snapshotId: checkId('snapshot', parameters.required('SnapshotId'), 'snapshotId'),
      days: permanent ? null : (days ?? usualDays),
    };
  },
  access: ({ snapshotId }, context) => [
    onSnapshot('RestoreSnapshotTier', ownSnapshotOf(snapshotId, context), { context }),
  ],
  perform: async ({ snapshotId, days }, context) => {
    const { region, lifecycle } = context;
    const snapshot = ownSnapshotOf(snapshotId, context);
    const nowMs = lifecycle.clock.now();
    const tier = nextTier(tierAt(snapshot, nowMs), { snapshotId, days, nowMs, region });
    region.putSnapshot({ ...snapshot, tier });
    await lifecycle.state.save();
    if (tier.kind === 'restoring') continueRestoring(snapshot, region, lifecycle);
    return {
      snapshotId,
      restoreStartTime: time(nowMs),
      ...(days === null ? {} : { restoreDuration: days }),
      isPermanentRestore: days === null,
    };
  },
});

/** From the archive it takes its time; what is restored already only gets another end, counted from now. */
function nextTier(
  tier: SnapshotTier,
  options: {
    readonly snapshotId: string;
    readonly days: number | null;
    readonly nowMs: number;
    readonly region: Region;
  },
): SnapshotTier {
  const { snapshotId, days, nowMs, region } = options;
  switch (tier.kind) {
    case 'archived':
      checkQuota(region);
      return { kind: 'restoring', startedAtMs: nowMs, archivedAtMs: tier.archivedAtMs, days };
    case 'temporarily-restored':
      return restored({ startedAtMs: nowMs, archivedAtMs: tier.archivedAtMs, days }, nowMs);
    case 'standard':
    case 'archiving':
    case 'restoring':
    case 'permanently-restored':
      throw incorrectState(`Snapshot ${snapshotId} cannot be restored: it is not archived.`);
  }
}

function checkQuota(region: Region): void {
  let restoring = 0;
  for (const { tier } of region.snapshots.values()) if (tier.kind === 'restoring') restoring += 1;
  if (restoring < mostRestoring) return;
  throw resourceLimitExceeded(`Too many snapshots are being restored. The limit is ${mostRestoring}.`);
}
