import { snapshotAnswer } from '../answers/index.js';
import { Ec2Error } from '../errors.js';
import { checkId } from '../ids.js';
import { progressPercent, type Lifecycle } from '../lifecycle/index.js';
import { pageOf, passes, readFilters, readPage, type Filterable } from '../query/index.js';
import type { Snapshot } from '../state/index.js';
import { operation } from './operation.js';
import { snapshotOf } from './resources.js';

const action = 'DescribeSnapshots';

/** DescribeSnapshots. All snapshots are the caller's own: nobody else's are public here. */
export const describeSnapshots = operation({
  parse: (parameters) => {
    const snapshotIds = parameters.list('SnapshotId').map((id) => checkId('snapshot', id, 'snapshotId'));
    const idList = { name: 'snapshotSet', given: snapshotIds.length > 0 };
    return {
      snapshotIds,
      owners: parameters.list('Owner').map(checkUser),
      restorableBy: parameters.list('RestorableBy').map(checkUser),
      filters: readFilters(parameters, filterable),
      page: readPage(parameters, { action, least: 5, most: 1000, idList }),
    };
  },
  perform: (request, context) => {
    const { region, lifecycle } = context;
    const { accountId } = lifecycle.state.instance;
    const named = request.snapshotIds.map((id) => snapshotOf(id, context));
    const visible =
      includesSelf(request.owners, [accountId, 'self']) &&
      includesSelf(request.restorableBy, [accountId, 'self', 'all']);
    const all = named.length > 0 ? named : [...region.snapshots.values()];
    const found = all
      .map((snapshot) => ({ snapshot, lifecycle }))
      .filter((entry) => visible && passes(entry, request.filters, filterable));
    const page = pageOf(found, request.page, { action, place: ({ snapshot }) => [snapshot.sequence, 0] });
    return {
      snapshotSet: page.items.map(({ snapshot }) => snapshotAnswer(snapshot, lifecycle)),
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
    description: ({ snapshot }) => [snapshot.description],
    encrypted: ({ snapshot }) => [String(snapshot.encrypted)],
    'owner-alias': () => [],
    'owner-id': ({ lifecycle }) => [lifecycle.state.instance.accountId],
    progress: ({ snapshot, lifecycle }) => [`${progressPercent(snapshot, lifecycle)}%`],
    'snapshot-id': ({ snapshot }) => [snapshot.id],
    'start-time': ({ snapshot }) => [new Date(snapshot.startedAtMs).toISOString()],
    status: ({ snapshot }) => [snapshot.status.kind],
    'storage-tier': () => ['standard'],
    'tag-key': ({ snapshot }) => snapshot.tags.map(({ key }) => key),
    'volume-id': ({ snapshot }) => [snapshot.volumeId],
    'volume-size': ({ snapshot }) => [String(snapshot.sizeGiB)],
  },
};

function includesSelf(given: readonly string[], self: readonly string[]): boolean {
  return given.length === 0 || given.some((user) => self.includes(user));
}

function checkUser(user: string): string {
  if (/^(?:\d{12}|self|all|amazon|aws-marketplace|aws-backup-vault|microsoft)$/.test(user)) return user;
  throw new Ec2Error('InvalidUserID.Malformed', `Invalid user id: "${user}"`);
}
