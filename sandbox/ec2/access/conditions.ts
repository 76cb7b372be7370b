import { zonesOf } from '../places.js';
import type { Instance, Snapshot, Tag, Volume } from '../state/index.js';
import { snapshotArn, volumeArn } from './arns.js';
import { type AccessContext, placeOf } from './context.js';

/** Condition keys and their values, as `Access.context` has them. */
export type Conditions = Readonly<Record<string, readonly string[]>>;

/** What every request to EC2 has: where it went. */
export function regionConditions({ region }: AccessContext): Conditions {
  return { 'aws:RequestedRegion': [region.name], 'ec2:Region': [region.name] };
}

/** `aws:RequestTag/…` and `aws:TagKeys` of the tags in the request; neither where there are none. */
export function requestTagConditions(tags: readonly Tag[]): Conditions {
  if (tags.length === 0) return {};
  return {
    ...Object.fromEntries(tags.map(({ key, value }) => [`aws:RequestTag/${key}`, [value]])),
    'aws:TagKeys': tags.map(({ key }) => key),
  };
}

/** What a volume is, or will be when the request has made it: without id and tags, which it does not have yet. */
export type VolumeTraits = Pick<
  Volume,
  'zone' | 'sizeGiB' | 'snapshotId' | 'volumeType' | 'iops' | 'throughput' | 'encrypted' | 'kmsKeyId'
>;

/** The condition keys of a volume that the request makes. */
export function newVolumeConditions(traits: VolumeTraits, context: AccessContext): Conditions {
  const { zone, sizeGiB, snapshotId, volumeType, iops, throughput, encrypted, kmsKeyId } = traits;
  const zoneId = zonesOf(context.region.name).find(({ name }) => name === zone)?.id;
  return {
    'ec2:AvailabilityZone': [zone],
    ...(zoneId === undefined ? {} : { 'ec2:AvailabilityZoneId': [zoneId] }),
    'ec2:Encrypted': [String(encrypted)],
    ...(kmsKeyId === null ? {} : { 'ec2:KmsKeyId': [kmsKeyId] }),
    ...(snapshotId === '' ? {} : { 'ec2:ParentSnapshot': [snapshotArn(snapshotId, placeOf(context))] }),
    ...(iops === null ? {} : { 'ec2:VolumeIops': [String(iops)] }),
    'ec2:VolumeSize': [String(sizeGiB)],
    ...(throughput === null ? {} : { 'ec2:VolumeThroughput': [String(throughput)] }),
    'ec2:VolumeType': [volumeType],
  };
}

/** The condition keys of a volume that is there. */
export function volumeConditions(volume: Volume, context: AccessContext): Conditions {
  return {
    ...newVolumeConditions(volume, context),
    'ec2:VolumeID': [volume.id],
    ...resourceTagConditions(volume.tags),
  };
}

/** The condition keys of a snapshot that is there. */
export function snapshotConditions(snapshot: Snapshot, context: AccessContext): Conditions {
  return {
    'ec2:Encrypted': [String(snapshot.encrypted)],
    'ec2:Owner': [snapshot.owner.alias ?? snapshot.owner.accountId],
    'ec2:ParentVolume': [volumeArn(snapshot.volumeId, { ...placeOf(context), accountId: snapshot.owner.accountId })],
    'ec2:SnapshotID': [snapshot.id],
    'ec2:SnapshotTime': [new Date(snapshot.startedAtMs).toISOString()],
    'ec2:VolumeSize': [String(snapshot.sizeGiB)],
    ...resourceTagConditions(snapshot.tags),
  };
}

/** The condition keys of the instance. */
export function instanceConditions(instance: Instance): Conditions {
  return {
    'ec2:AvailabilityZone': [instance.zone],
    'ec2:EbsOptimized': ['true'],
    'ec2:InstanceID': [instance.id],
    'ec2:InstanceType': [instance.instanceType],
    'ec2:RootDeviceType': ['ebs'],
    'ec2:Tenancy': ['default'],
    ...resourceTagConditions(instance.tags),
  };
}

function resourceTagConditions(tags: readonly Tag[]): Conditions {
  return Object.fromEntries(
    tags.flatMap(({ key, value }) => [
      [`aws:ResourceTag/${key}`, [value]],
      [`ec2:ResourceTag/${key}`, [value]],
    ]),
  );
}
