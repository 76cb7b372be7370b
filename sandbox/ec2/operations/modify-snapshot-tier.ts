import { onSnapshot } from '../access/index.js';
import { time } from '../answers/index.js';
import { incorrectState, invalidParameterValue, resourceLimitExceeded } from '../errors.js';
import { checkId } from '../ids.js';
import { continueArchiving, tierAt } from '../lifecycle/index.js';
import type { Snapshot } from '../state/index.js';
import { operation, type OperationContext } from './operation.js';
import { accountOf, ownSnapshotOf } from './resources.js';

/** Default quotas of EBS Snapshots Archive (EBS User Guide): archived snapshots of one volume, and archivings at once. */
const mostArchivedOfVolume = 25;
const mostArchiving = 25;

/** ModifySnapshotTier: archives a snapshot. It can be used until that has completed. */
export const modifySnapshotTier = operation({
  parse: (parameters) => {
    const tier = parameters.text('StorageTier');
    if (tier !== undefined && tier !== 'archive') {
      throw invalidParameterValue(`Value (${tier}) for parameter storageTier is invalid. Expected: 'archive'.`);
    }
    return { snapshotId: checkId('snapshot', parameters.required('SnapshotId'), 'snapshotId') };
  },
  access: ({ snapshotId }, context) => [
    onSnapshot('ModifySnapshotTier', ownSnapshotOf(snapshotId, context), { context }),
  ],
  perform: async ({ snapshotId }, context) => {
    const { region, lifecycle } = context;
    const snapshot = ownSnapshotOf(snapshotId, context);
    const startedAtMs = lifecycle.clock.now();
    checkArchivable(snapshot, startedAtMs);
    checkQuotas(snapshot, context);
    const archiving = { ...snapshot, tier: { kind: 'archiving', startedAtMs } } as const;
    region.putSnapshot(archiving);
    await lifecycle.state.save();
    continueArchiving(archiving, region, lifecycle);
    return { snapshotId, tieringStartTime: time(startedAtMs) };
  },
});

function checkArchivable(snapshot: Snapshot, nowMs: number): void {
  const { id, status } = snapshot;
  if (status.kind !== 'completed') throw incorrectState(`Snapshot ${id} is in invalid state - ${status.kind}`);
  const { kind } = tierAt(snapshot, nowMs);
  if (kind !== 'standard' && kind !== 'permanently-restored') {
    throw incorrectState(`Snapshot ${id} cannot be archived: it is ${kind} already.`);
  }
}

function checkQuotas({ volumeId }: Snapshot, context: OperationContext): void {
  let archiving = 0;
  let ofVolume = 0;
  for (const { owner, tier, volumeId: other } of context.region.snapshots.values()) {
    if (owner.accountId !== accountOf(context)) continue;
    if (tier.kind === 'archiving') archiving += 1;
    if (other === volumeId && tier.kind !== 'standard' && tier.kind !== 'permanently-restored') ofVolume += 1;
  }
  if (archiving >= mostArchiving) {
    throw resourceLimitExceeded(`Too many snapshots are being archived. The limit is ${mostArchiving}.`);
  }
  if (ofVolume >= mostArchivedOfVolume) {
    throw resourceLimitExceeded(
      `Too many snapshots of the volume ${volumeId} are archived. The limit is ${mostArchivedOfVolume}.`,
    );
  }
}
