import { Ec2Error, invalidParameterCombination, invalidParameterValue, missingParameter } from '../errors.js';
import type { Parameters } from '../query/index.js';
import type { Snapshot } from '../state/index.js';

/** Who is to be added to, or removed from, those who may make volumes of a snapshot. */
export interface PermissionChange {
  readonly operation: 'add' | 'remove';
  readonly everyone: boolean;
  readonly accountIds: readonly string[];
}

/** "You can make up to 500 modifications to a snapshot in a single operation" (ModifySnapshotAttribute). */
const mostModifications = 500;

/** Reads either way of saying it: `CreateVolumePermission.Add.N`, or `OperationType` with `UserId.N` and `UserGroup.N`. */
export function readPermissionChange(parameters: Parameters): PermissionChange {
  const added = items(parameters, 'CreateVolumePermission.Add');
  const removed = items(parameters, 'CreateVolumePermission.Remove');
  const short = shortForm(parameters);
  if (added.length > 0 && removed.length > 0) {
    throw invalidParameterCombination('Accounts can be added or removed in one request, not both.');
  }
  if (added.length > 0) return changeOf('add', added);
  if (removed.length > 0) return changeOf('remove', removed);
  if (short === undefined) throw invalidParameterCombination('No attributes specified.');
  return short;
}

/** Who may make volumes of a snapshot after a change. */
export function changedSharing({ sharing }: Snapshot, change: PermissionChange): Snapshot['sharing'] {
  const { operation, everyone, accountIds } = change;
  if (operation === 'remove') {
    return {
      everyone: sharing.everyone && !everyone,
      accountIds: sharing.accountIds.filter((id) => !accountIds.includes(id)),
    };
  }
  return {
    everyone: sharing.everyone || everyone,
    accountIds: [...new Set([...sharing.accountIds, ...accountIds])].sort(),
  };
}

type Item = { readonly userId: string } | { readonly group: string };

function items(parameters: Parameters, list: string): readonly Item[] {
  return parameters.groups(list).flatMap((group): Item[] => {
    const userId = group.text('UserId');
    const name = group.text('Group');
    return [...(userId === undefined ? [] : [{ userId }]), ...(name === undefined ? [] : [{ group: name }])];
  });
}

function shortForm(parameters: Parameters): PermissionChange | undefined {
  const attribute = parameters.text('Attribute');
  const operation = parameters.text('OperationType');
  const given: readonly Item[] = [
    ...parameters.list('UserId').map((userId) => ({ userId })),
    ...parameters.list('UserGroup').map((group) => ({ group })),
  ];
  if (attribute !== undefined && attribute !== 'createVolumePermission') {
    throw invalidParameterValue(`The attribute '${attribute}' of a snapshot cannot be modified.`);
  }
  if (operation === undefined && given.length === 0) return undefined;
  if (attribute === undefined) throw missingParameter('attribute');
  if (operation !== 'add' && operation !== 'remove') {
    throw invalidParameterCombination('No operation specified for createVolumePermission attribute.');
  }
  return changeOf(operation, given);
}

function changeOf(operation: PermissionChange['operation'], given: readonly Item[]): PermissionChange {
  if (given.length > mostModifications) {
    throw invalidParameterValue(`Modification size must not be greater than ${mostModifications}.`);
  }
  const accountIds = given.flatMap((item) => ('userId' in item ? [checkAccount(item.userId)] : []));
  const groups = given.flatMap((item) => ('group' in item ? [checkGroup(item.group)] : []));
  return { operation, everyone: groups.length > 0, accountIds };
}

function checkAccount(id: string): string {
  if (/^\d{12}$/.test(id)) return id;
  throw new Ec2Error('InvalidAMIAttributeItemValue', `UserId (${id}) is invalid.`);
}

function checkGroup(group: string): string {
  if (group === 'all') return group;
  throw new Ec2Error('InvalidAMIAttributeItemValue', `UserGroup ${group}`);
}
