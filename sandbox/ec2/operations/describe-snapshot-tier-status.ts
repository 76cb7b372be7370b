import { onAnything } from '../access/index.js';
import { tagSet, time } from '../answers/index.js';
import { lastTiering, storageTierAt, tierAt, type Lifecycle } from '../lifecycle/index.js';
import { pageOf, passes, readFilters, readPage, type Answer, type Filterable } from '../query/index.js';
import { isOwnedBy } from '../sharing.js';
import type { Snapshot } from '../state/index.js';
import { operation } from './operation.js';
import { accountOf } from './resources.js';

const action = 'DescribeSnapshotTierStatus';

/** DescribeSnapshotTierStatus, of all the account's own snapshots, those that never were in the archive too. */
export const describeSnapshotTierStatus = operation({
  parse: (parameters) => ({
    filters: readFilters(parameters, filterable),
    page: readPage(parameters, { action, least: 5, most: 1000 }),
  }),
  access: (_, context) => onAnything(action, context),
  perform: (request, context) => {
    const { region, lifecycle } = context;
    const accountId = accountOf(context);
    const page = pageOf(region.snapshots.values(), request.page, {
      action,
      place: ({ sequence }) => [sequence, 0],
      passes: (snapshot) => isOwnedBy(snapshot, accountId) && passes({ snapshot, lifecycle }, request.filters),
    });
    return {
      snapshotTierStatusSet: page.items.map((snapshot) => tierStatus(snapshot, lifecycle)),
      nextToken: page.nextToken,
    };
  },
});

interface Entry {
  readonly snapshot: Snapshot;
  readonly lifecycle: Lifecycle;
}

const filterable: Filterable<Entry> = {
  tagsOf: ({ snapshot }) => snapshot.tags,
  fields: {
    'last-tiering-operation': ({ snapshot, lifecycle }) => {
      const last = lastTiering(snapshot, lifecycle);
      return last === undefined ? [] : [last.status];
    },
    'snapshot-id': ({ snapshot }) => [snapshot.id],
    'volume-id': ({ snapshot }) => [snapshot.volumeId],
  },
};

function tierStatus(snapshot: Snapshot, lifecycle: Lifecycle): Answer {
  const nowMs = lifecycle.clock.now();
  const tier = tierAt(snapshot, nowMs);
  const last = lastTiering(snapshot, lifecycle);
  return {
    snapshotId: snapshot.id,
    volumeId: snapshot.volumeId,
    status: snapshot.status.kind,
    ownerId: snapshot.owner.accountId,
    tagSet: tagSet(snapshot.tags),
    storageTier: storageTierAt(snapshot, nowMs),
    ...(last === undefined
      ? {}
      : {
          lastTieringStartTime: time(last.startedAtMs),
          lastTieringProgress: last.percent,
          lastTieringOperationStatus: last.status,
        }),
    ...('archivedAtMs' in tier ? { archivalCompleteTime: time(tier.archivedAtMs) } : {}),
    ...(tier.kind === 'temporarily-restored' ? { restoreExpiryTime: time(tier.expiresAtMs) } : {}),
  };
}
