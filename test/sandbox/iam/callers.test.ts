import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePolicy, type Policy } from '../../../sandbox/iam/index.js';
import type { Access } from '../../../sandbox/server/caller.js';
import { allowing, reading, refusalOf, testIdentities } from './support.js';

const hour = 3_600_000;

async function callers(policies: readonly Policy[]) {
  const { identities, clock } = await testIdentities();
  const tags = { team: 'red' };
  const user = identities.addUser({ name: 'jane', policies, tags });
  const role = identities.addRole({ name: 'role', policies, tags });
  const callerOf = ({ accessKeyId }: { readonly accessKeyId: string }) => identities.find(accessKeyId)?.caller;
  return {
    user: callerOf(user),
    userSession: callerOf(user.issue({ lifetimeMs: hour })),
    roleSession: callerOf(role.issue({ sessionName: 'i-1', lifetimeMs: hour })),
    role,
    clock,
  };
}

describe('what a denial says', () => {
  const session = 'User: arn:aws:sts::123456789012:assumed-role/role/i-1 is not authorized to perform:';
  const volume = 'arn:aws:ec2:us-east-1:123456789012:volume/vol-1';
  const rows: readonly (readonly [Access, string])[] = [
    [
      reading,
      `${session} s3:GetObject on resource: "arn:aws:s3:::bucket/key" because no identity-based policy allows the s3:GetObject action`,
    ],
    [
      { action: 's3:ListAllMyBuckets', resource: '*' },
      `${session} s3:ListAllMyBuckets because no identity-based policy allows the s3:ListAllMyBuckets action`,
    ],
    [
      { action: 'ec2:DeleteVolume', resource: volume },
      `${session} ec2:DeleteVolume on resource: ${volume} because no identity-based policy allows the ec2:DeleteVolume action`,
    ],
    [
      { action: 'ebs:GetSnapshotBlock', resource: 'arn:aws:ec2:us-east-1::snapshot/snap-1' },
      `${session} ebs:GetSnapshotBlock on resource: arn:aws:ec2:us-east-1::snapshot/snap-1 because no identity-based policy allows the ebs:GetSnapshotBlock action`,
    ],
    [
      { action: 'sts:AssumeRole', resource: 'arn:aws:iam::123456789012:role/other' },
      `${session} sts:AssumeRole on resource: arn:aws:iam::123456789012:role/other`,
    ],
  ];

  it.each(rows)('%j', async (access, message) => {
    const { roleSession, role } = await callers([]);
    expect(refusalOf(roleSession, access)).toBe(message);
    role.setPolicies([parsePolicy('{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}')]);
    expect(refusalOf(roleSession, access)).toBe(
      `${message.replace(/ because .*$/, '')} with an explicit deny in an identity-based policy`,
    );
  });
});

describe('what every request tells its policies', () => {
  const all = ['user', 'userSession', 'roleSession'] as const;
  const rows: readonly (readonly [operator: string, key: string, value: string, holdsFor: readonly string[]])[] = [
    ['StringEquals', 'aws:PrincipalAccount', '123456789012', all],
    ['ArnEquals', 'aws:PrincipalArn', 'arn:aws:iam::123456789012:user/jane', ['user', 'userSession']],
    ['ArnEquals', 'aws:PrincipalArn', 'arn:aws:iam::123456789012:role/role', ['roleSession']],
    ['StringEquals', 'aws:PrincipalType', 'User', ['user', 'userSession']],
    ['StringEquals', 'aws:PrincipalType', 'AssumedRole', ['roleSession']],
    ['StringEquals', 'aws:PrincipalTag/team', 'red', all],
    ['StringLike', 'aws:userid', 'AIDA*', ['user', 'userSession']],
    ['StringLike', 'aws:userid', 'AROA*:i-1', ['roleSession']],
    ['StringEquals', 'aws:username', 'jane', ['user', 'userSession']],
    ['Null', 'aws:username', 'true', ['roleSession']],
    ['DateEquals', 'aws:CurrentTime', '2026-11-23T12:00:00Z', all],
    ['NumericEquals', 'aws:EpochTime', String(Date.UTC(2026, 10, 23, 12) / 1000), all],
    ['DateGreaterThan', 'aws:EpochTime', '2026-11-23T11:59:59Z', all],
    ['Bool', 'aws:SecureTransport', 'false', all],
    ['IpAddress', 'aws:SourceIp', '127.0.0.0/8', all],
    ['DateEquals', 'aws:TokenIssueTime', '2026-11-23T12:00:00Z', ['userSession', 'roleSession']],
    ['Bool', 'aws:MultiFactorAuthPresent', 'false', ['userSession', 'roleSession']],
    ['StringEquals', 'aws:RequestedRegion', 'eu-west-1', all],
  ];

  it.each(rows)('%s %s %s', async (operator, key, value, holdsFor) => {
    const known = await callers([allowing('*', '*', { [operator]: { [key]: value } })]);
    const access: Access = { ...reading, context: { 'aws:RequestedRegion': ['eu-west-1'] } };
    expect(all.filter((name) => refusalOf(known[name], access) === undefined)).toEqual(holdsFor);
  });

  it('is not what the service says of the caller', async () => {
    const { user } = await callers([allowing('*', '*', { StringEquals: { 'aws:username': 'joe' } })]);
    expect(refusalOf(user, { ...reading, context: { 'AWS:UserName': ['joe'] } })).toBeDefined();
  });
});

describe('the policy that the manual gives', () => {
  const here = 'us-east-1:123456789012';
  const tagged = { 'aws:ResourceTag/snap-to-s3': ['snap-1'] };
  const atBirth = { 'ec2:CreateAction': ['CreateVolume'] };
  const rows: readonly (readonly [action: string, resource: string, context: Access['context'], allowed: boolean])[] = [
    ['ec2:DescribeSnapshots', '*', {}, true],
    ['ec2:DescribeInstances', '*', {}, false],
    ['ec2:CreateTags', 'arn:aws:ec2:us-east-1::snapshot/snap-1', {}, true],
    ['ec2:CreateTags', `arn:aws:ec2:${here}:volume/vol-1`, {}, false],
    ['ec2:CreateTags', `arn:aws:ec2:${here}:volume/vol-1`, atBirth, true],
    ['ec2:CreateTags', `arn:aws:ec2:${here}:volume/vol-1`, { 'ec2:CreateAction': ['CreateSnapshot'] }, false],
    ['ec2:DeleteSnapshot', 'arn:aws:ec2:us-east-1::snapshot/snap-1', {}, false],
    ['ec2:CreateVolume', `arn:aws:ec2:${here}:volume/*`, {}, true],
    ['ec2:AttachVolume', `arn:aws:ec2:${here}:instance/i-1`, {}, true],
    ['ec2:AttachVolume', `arn:aws:ec2:${here}:volume/vol-1`, tagged, true],
    ['ec2:DeleteVolume', `arn:aws:ec2:${here}:volume/vol-1`, tagged, true],
    ['ec2:DeleteVolume', `arn:aws:ec2:${here}:volume/vol-1`, { 'aws:ResourceTag/Name': ['x'] }, false],
    ['s3:ListBucket', 'arn:aws:s3:::backups.example.com', {}, true],
    ['s3:ListBucket', 'arn:aws:s3:::backups-example-com', {}, false],
    ['s3:PutObject', 'arn:aws:s3:::backups.example.com/vol-1/2026-01-01T00:00:00+00:00 snap-1.tar.lz4', {}, true],
    ['s3:DeleteObject', 'arn:aws:s3:::backups.example.com/vol-1/x', {}, false],
  ];

  it.each(rows)('%s on %s with %j: %s', async (action, resource, context, allowed) => {
    const text = await readFile(join(import.meta.dirname, '../../../docs/iam-policy.json'), 'utf8');
    const { roleSession } = await callers([parsePolicy(text)]);
    const access = { action, resource, ...(context === undefined ? {} : { context }) };
    expect(refusalOf(roleSession, access) === undefined).toBe(allowed);
  });
});
