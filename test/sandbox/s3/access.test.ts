import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from 'vitest';
import { routes } from '../../../sandbox/s3/index.js';
import type { Access } from '../../../sandbox/server/caller.js';
import type { Stage } from '../../../sandbox/server/pipeline.js';
import { Refusal } from '../../../sandbox/server/refusal.js';
import { Bucket, failsWith, statusAndCode, useSandbox } from './support.js';

/** What the caller may do, and what was asked for. */
let isAllowed: (access: Access) => boolean = () => true;
const asked: Access[] = [];
const underPolicy: Stage = (exchange, next) => {
  const { caller } = exchange.request;
  const authorize = (access: Access): void => {
    asked.push(access);
    if (!isAllowed(access)) throw new Refusal('access-denied', `Not authorized to perform: ${access.action}`);
  };
  return next({ ...exchange, request: { ...exchange.request, caller: { ...caller, authorize } } });
};
const s3 = useSandbox({ stages: [underPolicy] });

beforeEach(() => {
  isAllowed = () => true;
  asked.length = 0;
});
const deny = (...actions: readonly string[]): void => {
  isAllowed = ({ action }) => !actions.includes(action);
};
const actionsOf = () => asked.map(({ action, resource }) => `${action} ${resource.replace('arn:aws:s3:::', '')}`);

describe('who may do nothing', () => {
  it.each(routes.filter(({ name }) => name !== 'DeleteObjects').map((route) => [route.name, route] as const))(
    'is refused %s',
    async (_, route) => {
      const query = Array.from(route.query, ([name, value]) => `${name}=${value === '' ? '1' : value}`);
      const path = { service: '/', bucket: '/bucket', object: '/bucket/k' }[route.on];
      isAllowed = () => false;
      const [status, code] = await statusAndCode(`${s3.url}${path}?${query.join('&')}`, {
        method: route.method,
        headers: route.header === undefined ? {} : { [route.header]: 'bucket/k' },
      });
      expect([status, code]).toEqual([403, route.method === 'HEAD' ? undefined : 'AccessDenied']);
    },
  );

  it('is told of a bucket that is not there', async () => {
    isAllowed = () => false;
    await expect(s3.client.send(new GetObjectCommand({ Bucket: 'missing', Key: 'k' }))).rejects.toMatchObject(
      failsWith('NoSuchBucket', 404),
    );
  });
});

describe('the actions', () => {
  beforeEach(async () => {
    await s3.put('tagged', 'x', { Tagging: 'team=a' });
    asked.length = 0;
  });

  it.each([
    ['HeadBucket', () => s3.client.send(new HeadBucketCommand({ Bucket })), ['s3:ListBucket bucket']],
    [
      'HeadObject',
      () => s3.client.send(new HeadObjectCommand({ Bucket, Key: 'tagged' })),
      ['s3:GetObject bucket/tagged'],
    ],
    [
      'a write with tags and a lock',
      () =>
        s3.client.send(
          new CreateMultipartUploadCommand({
            Bucket: 'locked',
            Key: 'k',
            Tagging: 'a=1',
            ObjectLockMode: 'GOVERNANCE',
            ObjectLockRetainUntilDate: new Date('2040-01-01'),
            ObjectLockLegalHoldStatus: 'ON',
          }),
        ),
      [
        's3:PutObject locked/k',
        's3:PutObjectTagging locked/k',
        's3:PutObjectRetention locked/k',
        's3:PutObjectLegalHold locked/k',
      ],
    ],
    [
      'a write under If-None-Match',
      () => s3.client.send(new PutObjectCommand({ Bucket, Key: 'new', Body: 'x', IfNoneMatch: '*' })),
      ['s3:PutObject bucket/new'],
    ],
    [
      'a write under If-Match',
      () => s3.client.send(new PutObjectCommand({ Bucket, Key: 'tagged', Body: 'x', IfMatch: '*' })),
      ['s3:PutObject bucket/tagged', 's3:GetObject bucket/tagged'],
    ],
    [
      'a delete under If-Match',
      () =>
        s3.client.send(
          new DeleteObjectCommand({ Bucket, Key: 'tagged', IfMatch: '"9dd4e461268c8034f5c8564e155c67a6"' }),
        ),
      ['s3:DeleteObject bucket/tagged', 's3:GetObject bucket/tagged'],
    ],
    [
      'a copy with the tags of its source',
      () => s3.client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: 'bucket/tagged' })),
      [
        's3:GetObject bucket/tagged',
        's3:GetObjectTagging bucket/tagged',
        's3:PutObject bucket/copy',
        's3:PutObjectTagging bucket/copy',
      ],
    ],
    [
      'a copy without tags',
      () =>
        s3.client.send(
          new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: 'bucket/tagged', TaggingDirective: 'REPLACE' }),
        ),
      ['s3:GetObject bucket/tagged', 's3:PutObject bucket/copy'],
    ],
    [
      'tags of a version',
      () => s3.client.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged', VersionId: 'null' })),
      ['s3:GetObjectVersionTagging bucket/tagged'],
    ],
    [
      'ListObjectVersions',
      () => s3.client.send(new ListObjectVersionsCommand({ Bucket })),
      ['s3:ListBucketVersions bucket'],
    ],
  ] as const)('of %s', async (_, request, expected) => {
    await s3.client.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }));
    asked.length = 0;
    await request();
    expect(actionsOf()).toEqual(expected);
  });

  it('of a bucket with Object Lock are three', async () => {
    await s3.client.send(new CreateBucketCommand({ Bucket: 'with-lock', ObjectLockEnabledForBucket: true }));
    expect(actionsOf()).toEqual([
      's3:CreateBucket with-lock',
      's3:PutBucketObjectLockConfiguration with-lock',
      's3:PutBucketVersioning with-lock',
    ]);
  });

  it('come with what conditions of policies ask for', async () => {
    await s3.client.send(new ListObjectsV2Command({ Bucket, Prefix: 'p/', Delimiter: '/', MaxKeys: 7 }));
    await s3.put('k', 'x', {
      Tagging: 'team=b',
      StorageClass: 'STANDARD_IA',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'key-1',
    });
    await s3.get('tagged');
    const [list, put, , get] = asked.map(({ context }) => context);
    expect(list).toEqual({
      'aws:RequestedRegion': ['us-east-1'],
      's3:prefix': ['p/'],
      's3:delimiter': ['/'],
      's3:max-keys': ['7'],
    });
    expect(put).toMatchObject({
      's3:x-amz-storage-class': ['STANDARD_IA'],
      's3:x-amz-server-side-encryption': ['aws:kms'],
      's3:x-amz-server-side-encryption-aws-kms-key-id': ['key-1'],
      's3:RequestObjectTag/team': ['b'],
      's3:RequestObjectTagKeys': ['team'],
    });
    expect(get).toMatchObject({ 's3:ExistingObjectTag/team': ['a'] });
  });
});

describe('denials', () => {
  it('of listing hide that a key is not there', async () => {
    const head = () => s3.client.send(new HeadObjectCommand({ Bucket, Key: 'missing' }));
    const copy = () => s3.client.send(new CopyObjectCommand({ Bucket, Key: 'c', CopySource: 'bucket/missing' }));
    await expect(s3.get('missing')).rejects.toMatchObject(failsWith('NoSuchKey', 404));
    deny('s3:ListBucket');
    await expect(s3.get('missing')).rejects.toMatchObject(failsWith('AccessDenied', 403));
    await expect(head()).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    await expect(copy()).rejects.toMatchObject(failsWith('AccessDenied', 403));
  });

  it('of single keys fail these keys of DeleteObjects and no others', async () => {
    await s3.put('mine', 'x');
    await s3.put('theirs', 'x');
    isAllowed = ({ resource }) => !resource.endsWith('/theirs');
    const Objects = [{ Key: 'mine' }, { Key: 'theirs' }];
    const answer = await s3.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(answer.Deleted).toEqual([{ Key: 'mine' }]);
    expect(answer.Errors).toEqual([
      { Key: 'theirs', Code: 'AccessDenied', Message: 'Not authorized to perform: s3:DeleteObject' },
    ]);
    isAllowed = () => true;
    expect((await s3.get('theirs')).toString()).toBe('x');
  });

  it('of PutObject leave what is there', async () => {
    await s3.put('kept', 'old');
    deny('s3:PutObject');
    await expect(s3.put('kept', 'new')).rejects.toMatchObject(failsWith('AccessDenied', 403));
    const complete = new CompleteMultipartUploadCommand({ Bucket, Key: 'kept', UploadId: 'none' });
    await expect(s3.client.send(complete)).rejects.toMatchObject(failsWith('AccessDenied', 403));
    expect((await s3.get('kept')).toString()).toBe('old');
  });
});
