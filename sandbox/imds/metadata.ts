import { createHash } from 'node:crypto';
import { json, wholeSeconds } from './json.js';
import type { RoleKeys } from './role-keys.js';
import type { Document, Tree } from './tree.js';

/** The instance that the metadata is about. */
export interface ImdsInstance {
  readonly id: string;
  readonly region: string;
  readonly zone: string;
  /** `use1-az1` */
  readonly zoneId: string;
  readonly accountId: string;
  readonly instanceType: string;
  readonly imageId: string;
  readonly privateIp: string;
  readonly launchedAtMs: number;
}

/** A tag of the instance. */
export interface InstanceTag {
  readonly key: string;
  readonly value: string;
}

/** The role of the instance profile. */
export const roleName = 'snap-to-s3';

/** The device that the sandbox's EC2 says the root volume is. */
const rootDevice = '/dev/xvda';

/** What the documents are made of, besides the instance. */
export interface MetadataSources {
  readonly keys: RoleKeys;
  /** Undefined while the metadata options keep tags out. */
  readonly tags: readonly InstanceTag[] | undefined;
}

/** Every document below `/latest/`. Directories list their entries in the order of the alphabet, tags in theirs. */
export function metadataDocuments(instance: ImdsInstance, { keys, tags = [] }: MetadataSources): Tree {
  const host = hostname(instance);
  const mac = macAddress(instance.id);
  const interfacePath = `meta-data/network/interfaces/macs/${mac}`;
  const entries: Readonly<Record<string, Document>> = {
    'dynamic/fws/instance-monitoring': 'disabled',
    'dynamic/instance-identity/document': identityDocument(instance),
    'meta-data/ami-id': instance.imageId,
    'meta-data/ami-launch-index': '0',
    'meta-data/ami-manifest-path': '(unknown)',
    'meta-data/block-device-mapping/ami': rootDevice,
    'meta-data/block-device-mapping/root': rootDevice,
    'meta-data/events/maintenance/history': '[]',
    'meta-data/events/maintenance/scheduled': '[]',
    'meta-data/hostname': host,
    'meta-data/iam/info': async () => profileDocument(instance, (await keys.current()).issuedAtMs),
    [`meta-data/iam/security-credentials/${roleName}`]: () => credentialsDocument(keys),
    'meta-data/instance-action': 'none',
    'meta-data/instance-id': instance.id,
    'meta-data/instance-life-cycle': 'on-demand',
    'meta-data/instance-type': instance.instanceType,
    'meta-data/local-hostname': host,
    'meta-data/local-ipv4': instance.privateIp,
    'meta-data/mac': mac,
    [`${interfacePath}/device-number`]: '0',
    [`${interfacePath}/interface-id`]: instance.id.replace(/^i-/, 'eni-'),
    [`${interfacePath}/local-hostname`]: host,
    [`${interfacePath}/local-ipv4s`]: instance.privateIp,
    [`${interfacePath}/mac`]: mac,
    [`${interfacePath}/owner-id`]: instance.accountId,
    'meta-data/placement/availability-zone': instance.zone,
    'meta-data/placement/availability-zone-id': instance.zoneId,
    'meta-data/placement/region': instance.region,
    'meta-data/reservation-id': instance.id.replace(/^i-/, 'r-'),
    'meta-data/services/domain': 'amazonaws.com',
    'meta-data/services/partition': 'aws',
    ...Object.fromEntries(tags.filter(isReadable).map(({ key, value }) => [`meta-data/tags/instance/${key}`, value])),
  };
  return new Map(Object.entries(entries));
}

/** EC2 does not let tags with other keys exist while tags are in the metadata ("View tags … using instance metadata"). */
function isReadable({ key }: InstanceTag): boolean {
  return /^[A-Za-z0-9+\-=._,:@]+$/.test(key) && key !== '.' && key !== '..' && key !== '_index';
}

function hostname({ privateIp, region }: ImdsInstance): string {
  const domain = region === 'us-east-1' ? 'ec2.internal' : `${region}.compute.internal`;
  return `ip-${privateIp.replaceAll('.', '-')}.${domain}`;
}

/** The same for as long as the instance exists: locally administered, as EC2's are. */
function macAddress(instanceId: string): string {
  const bytes = createHash('sha256').update(instanceId).digest().subarray(0, 5);
  return ['02', ...[...bytes].map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

function identityDocument(instance: ImdsInstance): string {
  return json({
    accountId: instance.accountId,
    architecture: 'x86_64',
    availabilityZone: instance.zone,
    billingProducts: null,
    devpayProductCodes: null,
    marketplaceProductCodes: null,
    imageId: instance.imageId,
    instanceId: instance.id,
    instanceType: instance.instanceType,
    kernelId: null,
    pendingTime: wholeSeconds(instance.launchedAtMs),
    privateIp: instance.privateIp,
    ramdiskId: null,
    region: instance.region,
    version: '2017-09-30',
  });
}

function profileDocument({ accountId }: ImdsInstance, updatedAtMs: number): string {
  return json({
    Code: 'Success',
    LastUpdated: wholeSeconds(updatedAtMs),
    InstanceProfileArn: `arn:aws:iam::${accountId}:instance-profile/${roleName}`,
    InstanceProfileId: 'AIPASNAPTOS3SANDBOX00',
  });
}

async function credentialsDocument(keys: RoleKeys): Promise<string> {
  const key = await keys.current();
  return json({
    Code: 'Success',
    LastUpdated: wholeSeconds(key.issuedAtMs),
    Type: 'AWS-HMAC',
    AccessKeyId: key.accessKeyId,
    SecretAccessKey: key.secretAccessKey,
    Token: key.sessionToken,
    Expiration: wholeSeconds(key.expiresAtMs),
  });
}
