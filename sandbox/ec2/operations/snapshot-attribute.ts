import { onSnapshot } from '../access/index.js';
import { incorrectState, invalidParameterValue, operationNotPermitted } from '../errors.js';
import { checkId } from '../ids.js';
import { managedKeyArn } from '../kms.js';
import { storageTierAt } from '../lifecycle/index.js';
import type { Answer, Parameters } from '../query/index.js';
import type { Snapshot } from '../state/index.js';
import { operation, type OperationContext } from './operation.js';
import { changedSharing, readPermissionChange, type PermissionChange } from './permission-change.js';
import { accountOf, ownSnapshotOf } from './resources.js';

/** ModifySnapshotAttribute: shares a snapshot with accounts or with everyone, or ends that. */
export const modifySnapshotAttribute = operation({
  parse: (parameters) => ({ snapshotId: readId(parameters), change: readPermissionChange(parameters) }),
  access: ({ snapshotId, change }, context) => [
    onSnapshot('ModifySnapshotAttribute', ownSnapshotOf(snapshotId, context), {
      context,
      conditions: conditionsOf(change),
    }),
  ],
  perform: async ({ snapshotId, change }, context) => {
    const snapshot = ownSnapshotOf(snapshotId, context);
    if (change.operation === 'add') checkSharing(snapshot, change, context);
    context.region.putSnapshot({ ...snapshot, sharing: changedSharing(snapshot, change) });
    await context.lifecycle.state.save();
    return { return: true };
  },
});

/** DescribeSnapshotAttribute. */
export const describeSnapshotAttribute = operation({
  parse: (parameters) => ({ snapshotId: readId(parameters), attribute: readAttribute(parameters) }),
  access: ({ snapshotId }, context) => [
    onSnapshot('DescribeSnapshotAttribute', ownSnapshotOf(snapshotId, context), { context }),
  ],
  perform: ({ snapshotId, attribute }, context): Answer => {
    const { sharing } = ownSnapshotOf(snapshotId, context);
    if (attribute === 'productCodes') return { snapshotId, productCodes: [] };
    return {
      snapshotId,
      createVolumePermission: [
        ...(sharing.everyone ? [{ group: 'all' }] : []),
        ...sharing.accountIds.map((userId) => ({ userId })),
      ],
    };
  },
});

/** ResetSnapshotAttribute: nobody but the owner may use the snapshot afterwards. */
export const resetSnapshotAttribute = operation({
  parse: (parameters) => {
    const attribute = readAttribute(parameters);
    if (attribute !== 'createVolumePermission') {
      throw invalidParameterValue(`The attribute '${attribute}' of a snapshot cannot be reset.`);
    }
    return { snapshotId: readId(parameters) };
  },
  access: ({ snapshotId }, context) => [
    onSnapshot('ResetSnapshotAttribute', ownSnapshotOf(snapshotId, context), { context }),
  ],
  perform: async ({ snapshotId }, context) => {
    const snapshot = ownSnapshotOf(snapshotId, context);
    context.region.putSnapshot({ ...snapshot, sharing: { everyone: false, accountIds: [] } });
    await context.lifecycle.state.save();
    return { return: true };
  },
});

function readId(parameters: Parameters): string {
  return checkId('snapshot', parameters.required('SnapshotId'), 'snapshotId');
}

function readAttribute(parameters: Parameters): 'createVolumePermission' | 'productCodes' {
  const attribute = parameters.required('Attribute');
  if (attribute === 'createVolumePermission' || attribute === 'productCodes') return attribute;
  throw invalidParameterValue(`Value (${attribute}) for parameter attribute is invalid.`);
}

function conditionsOf({ operation: way, everyone, accountIds }: PermissionChange): Record<string, readonly string[]> {
  const prefix = way === 'add' ? 'ec2:Add' : 'ec2:Remove';
  return {
    ...(everyone ? { [`${prefix}/group`]: ['all'] } : {}),
    ...(accountIds.length === 0 ? {} : { [`${prefix}/userId`]: [...new Set(accountIds)] }),
  };
}

/** What EBS does not share: archived snapshots, and encrypted ones with everyone or with the key that AWS manages. */
function checkSharing(snapshot: Snapshot, change: PermissionChange, context: OperationContext): void {
  const { region, lifecycle } = context;
  if (storageTierAt(snapshot, lifecycle.clock.now()) === 'archive') {
    throw incorrectState(`Snapshot ${snapshot.id} is in the archive tier, where snapshots cannot be shared.`);
  }
  if (!snapshot.encrypted) return;
  if (change.everyone) throw operationNotPermitted('Encrypted snapshots cannot be shared publicly.');
  if (snapshot.kmsKeyId === managedKeyArn({ region: region.name, accountId: accountOf(context) })) {
    throw operationNotPermitted('Encrypted snapshots with EBS default key cannot be shared');
  }
}
