import type { RoleCredentials } from './credentials.js';

/** The instance that the metadata is about. */
export interface ImdsInstance {
  readonly id: string;
  readonly region: string;
  readonly zone: string;
  readonly accountId: string;
  readonly instanceType: string;
  readonly imageId: string;
  readonly privateIp: string;
  readonly launchedAtMs: number;
}

/** The role of the instance profile. */
export const roleName = 'snap-to-s3';

/** How long the credentials handed out now are good for; EC2's are for about six hours. */
const credentialsLifetimeMs = 6 * 60 * 60 * 1000;

/** Every document below `/latest/`, by its path without the leading slash. */
export function metadataDocuments(
  instance: ImdsInstance,
  { credentials, nowMs }: { readonly credentials: RoleCredentials; readonly nowMs: number },
): ReadonlyMap<string, string> {
  const profileArn = `arn:aws:iam::${instance.accountId}:instance-profile/${roleName}`;
  const hostname = `ip-${instance.privateIp.replaceAll('.', '-')}.ec2.internal`;
  const entries: Readonly<Record<string, string>> = {
    'meta-data/ami-id': instance.imageId,
    'meta-data/hostname': hostname,
    'meta-data/iam/info': json({
      Code: 'Success',
      LastUpdated: seconds(nowMs),
      InstanceProfileArn: profileArn,
      InstanceProfileId: 'AIPASNAPTOS3SANDBOX00',
    }),
    [`meta-data/iam/security-credentials/${roleName}`]: json({
      Code: 'Success',
      LastUpdated: seconds(nowMs),
      Type: 'AWS-HMAC',
      AccessKeyId: credentials.accessKeyId,
      SecretAccessKey: credentials.secretAccessKey,
      Token: credentials.sessionToken,
      Expiration: seconds(nowMs + credentialsLifetimeMs),
    }),
    'meta-data/instance-id': instance.id,
    'meta-data/instance-type': instance.instanceType,
    'meta-data/local-hostname': hostname,
    'meta-data/local-ipv4': instance.privateIp,
    'meta-data/placement/availability-zone': instance.zone,
    'meta-data/placement/region': instance.region,
    'meta-data/services/domain': 'amazonaws.com',
    'meta-data/services/partition': 'aws',
    'dynamic/instance-identity/document': json({
      accountId: instance.accountId,
      architecture: 'x86_64',
      availabilityZone: instance.zone,
      imageId: instance.imageId,
      instanceId: instance.id,
      instanceType: instance.instanceType,
      pendingTime: seconds(instance.launchedAtMs),
      privateIp: instance.privateIp,
      region: instance.region,
      version: '2017-09-30',
    }),
  };
  return new Map(Object.entries(entries));
}

/** The document or the listing of a directory at a path; undefined where there is nothing. */
export function lookUp(documents: ReadonlyMap<string, string>, path: string): string | undefined {
  const wanted = path.replace(/\/$/, '');
  const document = documents.get(wanted);
  if (document !== undefined) return document;
  const prefix = `${wanted}/`;
  const names = [...documents.keys()]
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length).replace(/\/.*$/, '/'));
  return names.length === 0 ? undefined : [...new Set(names)].join('\n');
}

function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}

/** The metadata service writes whole seconds. */
function seconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
