import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  type ObjectLockRetentionMode,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Stage } from '../../../sandbox/server/pipeline.js';
import { Refusal } from '../../../sandbox/server/refusal.js';
import { systemClock } from '../../../src/core/index.js';
import { beginUpload, completeUpload, failsWith, put, sendPart, statusAndCode, useSandbox } from './support.js';

const began = Date.parse('2026-03-10T10:30:00Z');
const dayMs = 24 * 3600 * 1000;
let nowMs = began;
/** Actions that the caller may not take. */
let denied: readonly string[] = [];
const underPolicy: Stage = (exchange, next) => {
  const { caller } = exchange.request;
  const authorize = ({ action }: { readonly action: string }): void => {
    if (denied.includes(action)) throw new Refusal('access-denied', `Not authorized to perform: ${action}`);
  };
  return next({ ...exchange, request: { ...exchange.request, caller: { ...caller, authorize } } });
};
const s3 = useSandbox({
  clock: { now: () => nowMs, sleep: (ms, signal) => systemClock.sleep(ms, signal) },
  stages: [underPolicy],
});

const Bucket = 'locked';
beforeAll(() => s3.client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true })));
beforeEach(() => {
  nowMs = began;
  denied = [];
});

const inDays = (days: number) => new Date(began + days * dayMs);
const lock = (mode: ObjectLockRetentionMode, days: number) => ({
  ObjectLockMode: mode,
  ObjectLockRetainUntilDate: inDays(days),
});
const write = async (Key: string, more: Partial<PutObjectCommandInput> = {}) =>
  (await put(s3.client, Key, { Bucket, ...more })).VersionId;
const remove = (Key: string, VersionId: string | undefined, more: object = {}) =>
  s3.client.send(new DeleteObjectCommand({ Bucket, Key, VersionId, ...more }));
const retain = (
  Key: string,
  Retention: { Mode?: ObjectLockRetentionMode; RetainUntilDate?: Date },
  more: object = {},
) => s3.client.send(new PutObjectRetentionCommand({ Bucket, Key, Retention, ...more }));
const head = (Key: string) => s3.client.send(new HeadObjectCommand({ Bucket, Key }));
const bypass = { BypassGovernanceRetention: true };
const isLocked = {
  ...failsWith('AccessDenied', 403),
  message: 'Access Denied because object protected by object lock.',
};

describe('a bucket with Object Lock', () => {
  it('has versioning, which cannot be suspended', async () => {
    expect((await s3.client.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe('Enabled');
    const suspend = { Bucket, VersioningConfiguration: { Status: 'Suspended' as const } };
    await expect(s3.client.send(new PutBucketVersioningCommand(suspend))).rejects.toMatchObject(
      failsWith('InvalidBucketState', 409),
    );
  });

  it('is made of one with versioning, and of no other', async () => {
    const bucket = 'locked-later';
    await s3.client.send(new CreateBucketCommand({ Bucket: bucket }));
    const read = () => s3.client.send(new GetObjectLockConfigurationCommand({ Bucket: bucket }));
    const enable = () => {
      const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled' as const };
      return s3.client.send(new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration }));
    };
    await expect(read()).rejects.toMatchObject(failsWith('ObjectLockConfigurationNotFoundError', 404));
    await expect(enable()).rejects.toMatchObject(failsWith('InvalidBucketState', 409));
    const VersioningConfiguration = { Status: 'Enabled' as const };
    await s3.client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
    await enable();
    expect((await read()).ObjectLockConfiguration).toEqual({ ObjectLockEnabled: 'Enabled' });
  });

  it('gives new objects its default retention, also those that come in parts', async () => {
    const bucket = 'locked-by-default';
    await s3.client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
    const ObjectLockConfiguration = {
      ObjectLockEnabled: 'Enabled' as const,
      Rule: { DefaultRetention: { Mode: 'GOVERNANCE' as const, Days: 2 } },
    };
    await s3.client.send(new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration }));
    await s3.restart();
    const found = await s3.client.send(new GetObjectLockConfigurationCommand({ Bucket: bucket }));
    expect(found.ObjectLockConfiguration).toEqual(ObjectLockConfiguration);
    await put(s3.client, 'whole', { Bucket: bucket });
    const upload = {
      Bucket: bucket,
      Key: 'parts',
      UploadId: await beginUpload(s3.client, 'parts', {
        Bucket: bucket,
        ChecksumAlgorithm: 'CRC32',
        ChecksumType: 'FULL_OBJECT',
      }),
    };
    await completeUpload(s3.client, upload, [await sendPart(s3.client, upload, { PartNumber: 1, Body: 'x' })]);
    for (const Key of ['whole', 'parts']) {
      expect(await s3.client.send(new HeadObjectCommand({ Bucket: bucket, Key }))).toMatchObject(lock('GOVERNANCE', 2));
    }
    const unsummed = await statusAndCode(`${s3.url}/${bucket}/unsummed`, { method: 'PUT', body: 'x' });
    expect(unsummed).toEqual([400, 'InvalidRequest']);
  });

  it.each([
    ['a period of 0 days', 'InvalidArgument', '<Mode>GOVERNANCE</Mode><Days>0</Days>'],
    ['a period of 101 years', 'InvalidArgument', '<Mode>GOVERNANCE</Mode><Years>101</Years>'],
    ['two periods', 'MalformedXML', '<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>'],
    ['no mode', 'MalformedXML', '<Days>1</Days>'],
    ['a mode that is none', 'MalformedXML', '<Mode>governance</Mode><Days>1</Days>'],
  ])('refuses a default with %s -> %s', async (_, code, rule) => {
    const body =
      '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>' +
      `<Rule><DefaultRetention>${rule}</DefaultRetention></Rule></ObjectLockConfiguration>`;
    expect(await statusAndCode(`${s3.url}/${Bucket}?object-lock`, { method: 'PUT', body })).toEqual([400, code]);
  });
});

describe('a locked version', () => {
  it.each(['GOVERNANCE', 'COMPLIANCE'] as const)('in %s is not deleted before its time', async (mode) => {
    const VersionId = await write('timed', lock(mode, 1));
    expect(await head('timed')).toMatchObject(lock(mode, 1));
    await expect(remove('timed', VersionId)).rejects.toMatchObject(isLocked);
    const Objects = [{ Key: 'timed', VersionId }];
    const { Errors } = await s3.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Errors).toEqual([{ Key: 'timed', VersionId, Code: 'AccessDenied', Message: isLocked.message }]);
    await s3.restart();
    nowMs = began + dayMs - 1;
    await expect(remove('timed', VersionId)).rejects.toMatchObject(isLocked);
    nowMs = began + dayMs;
    await remove('timed', VersionId);
  });

  it('is hidden by a delete and overwritten by nothing', async () => {
    const first = await write('below', { Body: 'first', ...lock('COMPLIANCE', 1) });
    await write('below', { Body: 'second' });
    expect((await remove('below', undefined)).DeleteMarker).toBe(true);
    expect((await s3.get('below', { Bucket, VersionId: first })).toString()).toBe('first');
  });

  it('in GOVERNANCE is deleted by who may bypass that and says so', async () => {
    const VersionId = await write('bypass', lock('GOVERNANCE', 1));
    denied = ['s3:BypassGovernanceRetention'];
    await expect(remove('bypass', VersionId, bypass)).rejects.toMatchObject(failsWith('AccessDenied', 403));
    denied = [];
    await remove('bypass', VersionId, bypass);
  });

  it('in COMPLIANCE is deleted by nobody', async () => {
    const VersionId = await write('comply', lock('COMPLIANCE', 1));
    await expect(remove('comply', VersionId, bypass)).rejects.toMatchObject(isLocked);
  });

  it('under a legal hold is deleted when the hold is off', async () => {
    const VersionId = await write('hold', { ObjectLockLegalHoldStatus: 'ON' });
    const hold = (Status: 'ON' | 'OFF') =>
      s3.client.send(new PutObjectLegalHoldCommand({ Bucket, Key: 'hold', LegalHold: { Status } }));
    expect((await head('hold')).ObjectLockLegalHoldStatus).toBe('ON');
    await expect(remove('hold', VersionId, bypass)).rejects.toMatchObject(isLocked);
    await hold('OFF');
    const found = await s3.client.send(new GetObjectLegalHoldCommand({ Bucket, Key: 'hold' }));
    expect(found.LegalHold).toEqual({ Status: 'OFF' });
    await remove('hold', VersionId);
  });

  it('is not copied with its lock', async () => {
    await write('source', lock('COMPLIANCE', 1));
    await s3.client.send(new CopyObjectCommand({ Bucket, Key: 'target', CopySource: `${Bucket}/source` }));
    expect((await head('target')).ObjectLockMode).toBeUndefined();
  });

  it('tells its lock only to who may read it', async () => {
    await write('secret', { ...lock('GOVERNANCE', 1), ObjectLockLegalHoldStatus: 'ON' });
    denied = ['s3:GetObjectRetention', 's3:GetObjectLegalHold'];
    const found = await head('secret');
    expect([found.ObjectLockMode, found.ObjectLockRetainUntilDate, found.ObjectLockLegalHoldStatus]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('the retention of a version', () => {
  it('is made longer by anybody, and shorter only round GOVERNANCE', async () => {
    await write('change');
    await retain('change', { Mode: 'GOVERNANCE', RetainUntilDate: inDays(2) });
    await retain('change', { Mode: 'GOVERNANCE', RetainUntilDate: inDays(3) });
    const shorter = { Mode: 'GOVERNANCE' as const, RetainUntilDate: inDays(1) };
    await expect(retain('change', shorter)).rejects.toMatchObject(isLocked);
    await retain('change', shorter, bypass);
    const found = await s3.client.send(new GetObjectRetentionCommand({ Bucket, Key: 'change' }));
    expect(found.Retention).toEqual(shorter);
    await retain('change', {}, bypass);
    await expect(s3.client.send(new GetObjectRetentionCommand({ Bucket, Key: 'change' }))).rejects.toMatchObject(
      failsWith('NoSuchObjectLockConfiguration', 404),
    );
  });

  it('in COMPLIANCE is made longer, but neither shorter nor weaker', async () => {
    await write('firm', lock('COMPLIANCE', 2));
    for (const [Mode, days] of [
      ['COMPLIANCE', 1],
      ['GOVERNANCE', 3],
    ] as const) {
      await expect(retain('firm', { Mode, RetainUntilDate: inDays(days) }, bypass)).rejects.toMatchObject(isLocked);
    }
    await retain('firm', { Mode: 'COMPLIANCE', RetainUntilDate: inDays(3) });
  });

  it('is refused in the past, in half, and where there is no Object Lock', async () => {
    await write('wrong');
    await expect(retain('wrong', { Mode: 'GOVERNANCE', RetainUntilDate: inDays(-1) })).rejects.toMatchObject(
      failsWith('InvalidArgument', 400),
    );
    await expect(retain('wrong', { Mode: 'GOVERNANCE' })).rejects.toMatchObject(failsWith('MalformedXML', 400));
    await s3.put('plain', 'x');
    await expect(
      retain('plain', { Mode: 'GOVERNANCE', RetainUntilDate: inDays(1) }, { Bucket: 'bucket' }),
    ).rejects.toMatchObject(failsWith('InvalidRequest', 400));
  });
});

describe('a write refuses', () => {
  it.each([
    ['a mode without a date', { 'x-amz-object-lock-mode': 'GOVERNANCE' }, 'InvalidArgument'],
    ['a date without a mode', { 'x-amz-object-lock-retain-until-date': '2040-01-01T00:00:00Z' }, 'InvalidArgument'],
    [
      'a mode that is none',
      { 'x-amz-object-lock-mode': 'STRICT', 'x-amz-object-lock-retain-until-date': '2040-01-01T00:00:00Z' },
      'InvalidArgument',
    ],
    [
      'a date that is none',
      { 'x-amz-object-lock-mode': 'GOVERNANCE', 'x-amz-object-lock-retain-until-date': 'tomorrow' },
      'InvalidArgument',
    ],
    [
      'a date in the past',
      { 'x-amz-object-lock-mode': 'GOVERNANCE', 'x-amz-object-lock-retain-until-date': '2020-01-01T00:00:00Z' },
      'InvalidArgument',
    ],
    ['a hold that is neither on nor off', { 'x-amz-object-lock-legal-hold': 'on' }, 'InvalidArgument'],
    ['a lock without a checksum of the body', { 'x-amz-object-lock-legal-hold': 'ON' }, 'InvalidRequest'],
  ])('%s', async (_, headers, code) => {
    const url = `${s3.url}/${Bucket}/refused`;
    expect(await statusAndCode(url, { method: 'PUT', body: 'x', headers })).toEqual([400, code]);
  });

  it('a lock, and a delete a bypass, where there is no Object Lock', async () => {
    await expect(s3.put('k', 'x', lock('GOVERNANCE', 1))).rejects.toMatchObject(failsWith('InvalidRequest', 400));
    await expect(remove('k', undefined, { Bucket: 'bucket', ...bypass })).rejects.toMatchObject(
      failsWith('InvalidArgument', 400),
    );
  });
});
