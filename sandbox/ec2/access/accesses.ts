import type { Access } from '../../server/caller.js';
import type { Instance, Snapshot, Tag, Volume } from '../state/index.js';
import { instanceArn, snapshotArn, volumeArn } from './arns.js';
import {
  instanceConditions,
  newVolumeConditions,
  regionConditions,
  requestTagConditions,
  snapshotConditions,
  volumeConditions,
  type Conditions,
  type VolumeTraits,
} from './conditions.js';
import { type AccessContext, placeOf } from './context.js';

// What IAM checks for an action, after the Service Authorization Reference for Amazon EC2. Actions are named without
// their prefix: `DeleteSnapshot`.

/** An action without resources: most that begin with Describe. */
export function onAnything(action: string, context: AccessContext): readonly Access[] {
  return [access(action, '*', { context })];
}

/** An action on a snapshot that is there; `conditions` are what the request adds to those of the snapshot. */
export function onSnapshot(
  action: string,
  snapshot: Snapshot,
  options: { readonly context: AccessContext; readonly conditions?: Conditions; readonly region?: string },
): Access {
  const { context, conditions, region = context.region.name } = options;
  return access(action, snapshotArn(snapshot.id, { region }), {
    context,
    conditions: { ...snapshotConditions(snapshot, context), ...conditions },
  });
}

/** An action on a volume that is there. */
export function onVolume(
  action: string,
  volume: Volume,
  options: { readonly context: AccessContext; readonly conditions?: Conditions },
): Access {
  const { context } = options;
  return access(action, volumeArn(volume.id, placeOf(context)), {
    context,
    conditions: { ...volumeConditions(volume, context), ...options.conditions },
  });
}

/** An action on the instance. */
export function onInstance(
  action: string,
  instance: Instance,
  options: { readonly context: AccessContext; readonly conditions?: Conditions },
): Access {
  const { context } = options;
  return access(action, instanceArn(instance.id, placeOf(context)), {
    context,
    conditions: { ...instanceConditions(instance), ...options.conditions },
  });
}

/** An action that makes a volume, and CreateTags for the tags that it is born with. */
export function onNewVolume(
  action: string,
  traits: VolumeTraits,
  options: { readonly context: AccessContext; readonly tags: readonly Tag[] },
): readonly Access[] {
  const { context, tags } = options;
  const resource = volumeArn('*', placeOf(context));
  const conditions = { ...newVolumeConditions(traits, context), ...requestTagConditions(tags) };
  return [access(action, resource, { context, conditions }), ...atBirth(action, resource, { ...options, conditions })];
}

/** An action that makes a snapshot of a volume, and CreateTags for the tags that it is born with. */
export function onNewSnapshot(
  action: string,
  sizeGiB: number,
  options: { readonly context: AccessContext; readonly volumeId: string; readonly tags: readonly Tag[] },
): readonly Access[] {
  const { context, tags, volumeId } = options;
  const resource = snapshotArn('*', placeOf(context));
  const conditions = {
    'ec2:ParentVolume': [volumeArn(volumeId, placeOf(context))],
    'ec2:VolumeSize': [String(sizeGiB)],
    ...requestTagConditions(tags),
  };
  return [access(action, resource, { context, conditions }), ...atBirth(action, resource, { ...options, conditions })];
}

/** An action that makes a copy of a snapshot, and CreateTags for the tags that it is born with. */
export function onNewCopy(
  action: string,
  source: { readonly snapshot: Snapshot; readonly region: string },
  options: { readonly context: AccessContext; readonly encrypted: boolean; readonly tags: readonly Tag[] },
): readonly Access[] {
  const { context, encrypted, tags } = options;
  const resource = snapshotArn('*', placeOf(context));
  const conditions = {
    'ec2:Encrypted': [String(encrypted)],
    'ec2:ParentSnapshot': [snapshotArn(source.snapshot.id, source)],
    'ec2:VolumeSize': [String(source.snapshot.sizeGiB)],
    ...requestTagConditions(tags),
  };
  return [access(action, resource, { context, conditions }), ...atBirth(action, resource, { ...options, conditions })];
}

/** CreateTags is checked only where tags come with the request; `ec2:CreateAction` says with which. */
function atBirth(
  action: string,
  resource: string,
  options: { readonly context: AccessContext; readonly tags: readonly Tag[]; readonly conditions: Conditions },
): readonly Access[] {
  const { context, conditions, tags } = options;
  if (tags.length === 0) return [];
  return [access('CreateTags', resource, { context, conditions: { ...conditions, 'ec2:CreateAction': [action] } })];
}

function access(
  action: string,
  resource: string,
  options: { readonly context: AccessContext; readonly conditions?: Conditions },
): Access {
  return {
    action: `ec2:${action}`,
    resource,
    context: { ...regionConditions(options.context), ...options.conditions },
  };
}
