import type { AppError, InstanceId } from '../../core/index.js';
import type { DryRuns, Ec2, Instance, Snapshot, Volume } from '../../source/index.js';
import { attempt, failureOf, findingsOf, type Finding } from './finding.js';
import { askedOptional, askedPermission, deniedAction, usedPermission } from './permission.js';

/** What the permissions are asked about. */
export interface Ec2PermissionOptions {
  readonly ec2: Ec2;
  readonly dryRuns: DryRuns;
  readonly tag: string;
  readonly instance: Instance | undefined;
  readonly signal: AbortSignal;
}

const findings = findingsOf('ec2');
const used = (permission: string, error?: AppError): Finding => usedPermission(findings, { permission, error });
const asked = (permission: string, error?: AppError): Finding => askedPermission(findings, { permission, error });

const permissions = {
  snapshots: 'ec2:DescribeSnapshots',
  volumes: 'ec2:DescribeVolumes',
  attribute: 'ec2:DescribeInstanceAttribute',
  setTags: 'ec2:CreateTags',
  removeTags: 'ec2:DeleteTags',
  create: 'ec2:CreateVolume',
  tagAtBirth: 'ec2:CreateTags on new volumes',
  attach: 'ec2:AttachVolume',
  detach: 'ec2:DetachVolume',
  delete: 'ec2:DeleteVolume',
  finishTags: 'ec2:CreateTags on temporary volumes',
  finishRemoval: 'ec2:DeleteTags on temporary volumes',
} as const;
const onSnapshots = [permissions.setTags, permissions.removeTags];
const onNewVolumes = [permissions.create, permissions.tagAtBirth];
const onVolumes = [
  permissions.attach,
  permissions.detach,
  permissions.delete,
  permissions.finishTags,
  permissions.finishRemoval,
];
const noInstance = 'the metadata service does not say which instance this is';

const tagAtBirthAdvice =
  'Allow ec2:CreateTags on volumes where ec2:CreateAction is CreateVolume, as docs/iam-policy.json does it ' +
  '(MarkTemporaryVolumesAtBirth).';

/** The findings where EC2 cannot be asked. */
export function* ec2PermissionsNotChecked(because: string): Generator<Finding> {
  yield* notChecked(Object.values(permissions), because);
}

function* notChecked(checks: readonly string[], because: string): Generator<Finding> {
  for (const check of checks) yield findings.notChecked(check, because);
}

/**
 * Uses the permissions that only look, and asks about the others with DryRun, on a snapshot and a temporary volume that
 * are there. Changes nothing; where EC2 does not heed DryRun, the others are not asked about.
 */
export async function* checkEc2Permissions(options: Ec2PermissionOptions): AsyncGenerator<Finding> {
  const { ec2, dryRuns, tag, instance, signal } = options;
  const snapshots = await attempt(() => chooseSnapshot(ec2, { tag, signal }), signal);
  yield used(permissions.snapshots, snapshots.error);
  if (snapshots.error?.code === 'unavailable') {
    // Each of the others would wait as long again to say the same.
    const others = Object.values(permissions).filter((permission) => permission !== permissions.snapshots);
    yield* notChecked(others, 'EC2 does not answer');
    return;
  }
  const volumes = await attempt(() => ourVolumes(ec2, { tag, signal }), signal);
  yield used(permissions.volumes, volumes.error);
  yield instance === undefined
    ? findings.notChecked(permissions.attribute, noInstance)
    : used(permissions.attribute, await failureOf(() => ec2.deviceNames(instance.instanceId, signal), signal));

  const noDryRuns = await dryRunsMissing(dryRuns, signal);
  if (noDryRuns !== undefined) {
    yield* notChecked([...onSnapshots, ...onNewVolumes, ...onVolumes], noDryRuns);
    return;
  }
  if (snapshots.value === undefined) {
    const because =
      snapshots.error === undefined
        ? 'this account has no completed snapshot in this region'
        : 'snapshots could not be listed';
    yield* notChecked([...onSnapshots, ...onNewVolumes], because);
  } else {
    yield* checkSnapshot(snapshots.value, options);
  }
  if (instance === undefined) yield* notChecked(onVolumes, noInstance);
  else if (volumes.error !== undefined) yield* notChecked(onVolumes, 'volumes could not be listed');
  else yield* checkVolumes(volumes.value, { dryRuns, tag, instance, signal });
}

/** One that waits for its migration, or else any that is whole. */
async function chooseSnapshot(
  ec2: Ec2,
  { tag, signal }: { readonly tag: string; readonly signal: AbortSignal },
): Promise<Snapshot | undefined> {
  const isUsable = ({ state, storageTier }: Snapshot): boolean => state === 'completed' && storageTier === 'standard';
  for await (const snapshot of ec2.snapshotsTagged(tag, 'migrate', signal)) if (isUsable(snapshot)) return snapshot;
  for await (const snapshot of ec2.ownSnapshots(signal)) if (isUsable(snapshot)) return snapshot;
  return undefined;
}

async function ourVolumes(
  ec2: Ec2,
  { tag, signal }: { readonly tag: string; readonly signal: AbortSignal },
): Promise<readonly Volume[]> {
  const found: Volume[] = [];
  for await (const volume of ec2.volumesTagged(tag, signal)) found.push(volume);
  return found;
}

/** Why nothing can be asked about with DryRun: what does not heed it would do what is only asked about. */
async function dryRunsMissing(dryRuns: DryRuns, signal: AbortSignal): Promise<string | undefined> {
  const harmless = [() => dryRuns.describeSnapshots(signal), () => dryRuns.describeVolumes(signal)];
  let because = 'neither snapshots nor volumes can be described';
  for (const ask of harmless) {
    const error = await failureOf(ask, signal);
    if (error === undefined) return undefined;
    if (error.code === 'internal') because = 'this EC2 does not heed DryRun';
  }
  return because;
}

async function* checkSnapshot(
  { snapshotId, tags, encrypted }: Snapshot,
  { dryRuns, tag, instance, signal }: Ec2PermissionOptions,
): AsyncGenerator<Finding> {
  if (encrypted) {
    const text = `${snapshotId} is encrypted; whether its key may be used shows only when a volume is made of it.`;
    yield findings.unknown(
      'kms',
      text,
      'Archive one small encrypted snapshot first; docs/guides/kms.md says what it takes.',
    );
  }
  const state = { key: tag, value: tags[tag] ?? 'migrate' };
  yield asked(permissions.setTags, await failureOf(() => dryRuns.setTag(snapshotId, state, signal), signal));
  yield asked(
    permissions.removeTags,
    await failureOf(() => dryRuns.removeTag(snapshotId, `${tag}-id`, signal), signal),
  );
  if (instance === undefined) {
    yield* notChecked(onNewVolumes, noInstance);
    return;
  }
  const { availabilityZone } = instance;
  const create = (withTag: boolean): Promise<AppError | undefined> => {
    const volume = { snapshotId, availabilityZone, tag: withTag ? { key: tag, value: 'doctor' } : undefined };
    return failureOf(() => dryRuns.createVolume(volume, signal), signal);
  };
  const tagged = await create(true);
  if (tagged !== undefined && deniedAction(tagged) === permissions.setTags) {
    yield asked(permissions.create, await create(false));
    yield askedPermission(findings, { permission: permissions.tagAtBirth, error: tagged, advice: tagAtBirthAdvice });
    return;
  }
  yield asked(permissions.create, tagged);
  yield tagged === undefined
    ? asked(permissions.tagAtBirth)
    : findings.notChecked(permissions.tagAtBirth, `${permissions.create} comes first`);
}

async function* checkVolumes(
  volumes: readonly Volume[],
  { dryRuns, tag, instance, signal }: Omit<Ec2PermissionOptions, 'ec2' | 'instance'> & { readonly instance: Instance },
): AsyncGenerator<Finding> {
  const { instanceId } = instance;
  const free = best(volumes, [
    ({ state, availabilityZone }) => state === 'available' && availabilityZone === instance.availabilityZone,
    ({ state }) => state === 'available',
  ]);
  const attached = best(volumes, [(volume) => isAttachedTo(volume, instanceId)]);
  if (free === undefined || attached === undefined) {
    yield* notChecked(onVolumes, 'there is no temporary volume; it is checked when one exists');
    return;
  }
  const place = { volumeId: free.volumeId, instanceId, deviceName: '/dev/sdp' };
  yield asked(permissions.attach, await failureOf(() => dryRuns.attachVolume(place, signal), signal));
  const detached = await failureOf(() => dryRuns.detachVolume(attached.volumeId, instanceId, signal), signal);
  yield asked(permissions.detach, detached);
  yield asked(permissions.delete, await failureOf(() => dryRuns.deleteVolume(free.volumeId, signal), signal));
  const finishing = [
    [permissions.finishTags, () => dryRuns.setTag(free.volumeId, { key: 'Name', value: 'doctor' }, signal)],
    [permissions.finishRemoval, () => dryRuns.removeTag(free.volumeId, tag, signal)],
  ] as const;
  for (const [permission, ask] of finishing) {
    const error = await failureOf(ask, signal);
    yield askedOptional(findings, { permission, error, for: 'restore --to-new-volume' });
  }
}

/** The first volume of which the first possible of the wishes is true, or else the first. */
function best(volumes: readonly Volume[], wishes: readonly ((volume: Volume) => boolean)[]): Volume | undefined {
  for (const wish of wishes) {
    const found = volumes.find(wish);
    if (found !== undefined) return found;
  }
  return volumes[0];
}

function isAttachedTo({ attachments }: Volume, instanceId: InstanceId): boolean {
  return attachments.some((attachment) => attachment.instanceId === instanceId);
}
