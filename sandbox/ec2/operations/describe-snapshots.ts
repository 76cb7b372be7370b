import { onAnything } from '../access/index.js';
import { snapshotAnswer, time } from '../answers/index.js';
import { Ec2Error, snapshotNotFound } from '../errors.js';
import { checkId } from '../ids.js';
import { progressPercent, storageTierAt, type Lifecycle } from '../lifecycle/index.js';
import { pageOf, passes, readFilters, readPage, type Filterable } from '../query/index.js';
import { isOwnedBy, isSharedWith, isUsableBy } from '../sharing.js';
import type { Snapshot } from '../state/index.js';
import { operation, type OperationContext } from './operation.js';
import { accountOf } from './resources.js';

const action = 'DescribeSnapshots';

/** DescribeSnapshots: the account's own, those that are shared with it, and those that are shared with everyone. */
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
  access: (_, context) => onAnything(action, context),
  perform: ({ snapshotIds, owners, restorableBy, filters, page: wanted }, context) => {
    const { region, lifecycle } = context;
    const accountId = accountOf(context);
    const page = pageOf(snapshotIds.length > 0 ? named(snapshotIds, context) : region.snapshots.values(), wanted, {
      action,
      place: ({ sequence }) => [sequence, 0],
      passes: (snapshot) =>
        isUsableBy(snapshot, accountId) &&
        oneOf(owners, (owner) => isOf(snapshot, { owner, accountId })) &&
        oneOf(restorableBy, (user) => isRestorable(snapshot, { user, accountId })) &&
        (filters.length === 0 || passes({ snapshot, lifecycle }, filters)),
    });
    return {
      snapshotSet: page.items.map((snapshot) => snapshotAnswer(snapshot, lifecycle)),
      nextToken: page.nextToken,
    };
  },
});

/** Unlike elsewhere, a snapshot that is there and may not be used is left out, and no error. */
function named(ids: readonly string[], { region }: OperationContext): readonly Snapshot[] {
  return ids.map((id) => {
    const snapshot = region.snapshots.get(id);
    if (snapshot === undefined) throw snapshotNotFound(id);
    return snapshot;
  });
}

function isOf(
  snapshot: Snapshot,
  { owner, accountId }: { readonly owner: string; readonly accountId: string },
): boolean {
  if (owner === snapshot.owner.alias) return true;
  return isOwnedBy(snapshot, owner === 'self' ? accountId : owner);
}

/** `all` for public ones; another account's number only finds snapshots of one's own. */
function isRestorable(
  snapshot: Snapshot,
  { user, accountId }: { readonly user: string; readonly accountId: string },
): boolean {
  if (user === 'all') return snapshot.sharing.everyone;
  const wanted = user === 'self' ? accountId : user;
  if (wanted !== accountId && !isOwnedBy(snapshot, accountId)) return false;
  return isOwnedBy(snapshot, wanted) || isSharedWith(snapshot, wanted);
}

function oneOf(given: readonly string[], holds: (value: string) => boolean): boolean {
  return given.length === 0 || given.some(holds);
}

interface Entry {
  readonly snapshot: Snapshot;
  readonly lifecycle: Lifecycle;
}

const filterable: Filterable<Entry> = {
  tagsOf: ({ snapshot }) => snapshot.tags,
  fields: {
    description: ({ snapshot }) => [snapshot.description],
    encrypted: ({ snapshot }) => [String(snapshot.encrypted)],
    'owner-alias': ({ snapshot }) => (snapshot.owner.alias === null ? [] : [snapshot.owner.alias]),
    'owner-id': ({ snapshot }) => [snapshot.owner.accountId],
    progress: ({ snapshot, lifecycle }) => [`${progressPercent(snapshot, lifecycle)}%`],
    'snapshot-id': ({ snapshot }) => [snapshot.id],
    'start-time': ({ snapshot }) => [time(snapshot.startedAtMs)],
    status: ({ snapshot }) => [snapshot.status.kind],
    'storage-tier': ({ snapshot, lifecycle }) => [storageTierAt(snapshot, lifecycle.clock.now())],
    'tag-key': ({ snapshot }) => snapshot.tags.map(({ key }) => key),
    'transfer-type': ({ snapshot }) => (snapshot.origin === 'copy' ? ['standard'] : []),
    'volume-id': ({ snapshot }) => [snapshot.volumeId],
    'volume-size': ({ snapshot }) => [String(snapshot.sizeGiB)],
  },
};

function checkUser(user: string): string {
  if (/^(?:\d{12}|self|all|amazon|aws-marketplace|aws-backup-vault|microsoft)$/.test(user)) return user;
  throw new Ec2Error('InvalidUserID.Malformed', `Invalid user id: "${user}"`);
}
