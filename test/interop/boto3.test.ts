import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awsHosts } from './support/aws-hosts.js';
import { interopSandbox, type InteropSandbox } from './support/interop-sandbox.js';
import { python } from './support/python.js';

let sandbox: InteropSandbox;
beforeAll(async () => {
  sandbox = await interopSandbox();
});
afterAll(() => sandbox[Symbol.asyncDispose]());

describe('boto3', () => {
  it('uploads, downloads and copies 100 MB, eight parts at a time', async () => {
    expect(await python(sandbox, 'transfer.py', await sandbox.bucket())).toEqual({
      progress: 100_000_000,
      same: true,
      etag: expect.stringMatching(/^"[0-9a-f]{32}-13"$/),
      metadata: { 'made-by': 's3transfer' },
      storageClass: 'STANDARD_IA',
      checksum: expect.stringMatching(/=-13$/),
      copy: [expect.stringMatching(/-13"$/), 100_000_000, {}],
    });
  });

  it('waits for buckets, objects, volumes and snapshots to come and go', async () => {
    expect(await python(sandbox, 'waiters.py')).toEqual([
      'bucket_exists',
      'object_exists',
      'object_not_exists',
      'bucket_not_exists',
      'volume_available',
      'snapshot_completed',
      'volume_deleted',
    ]);
  });

  it('walks through listings of many pages', async () => {
    expect(await python(sandbox, 'pages.py', await sandbox.bucket())).toEqual({
      listObjectsV2: [1_000, 1_000, 500],
      listObjects: [1_000, 1_000, 500],
      commonPrefixes: [3, 3, 1],
      commonPrefixesV1: [3, 3, 1],
      inOrder: true,
      fractionsOfSeconds: [0],
      resumed: [1_200, 1_300],
      listParts: [3, 3, 1],
      listMultipartUploads: [2, 2, 2, 1],
      describeSnapshots: expect.toSatisfy((sizes: number[]) => sizes.slice(0, 2).every((size) => size === 5)),
      deleted: [1_000, 1_000, 500],
    });
  });

  it('makes presigned URLs of signature version 4 that work, and of version 2 that S3 no longer takes', async () => {
    expect(await python(sandbox, 'presigned.py', await sandbox.bucket())).toEqual({
      get: { status: 200, code: null, content: 'presigned', type: 'text/plain' },
      override: 'text/html',
      put: 200,
      putWithMetadata: [200, { from: 'url' }, 'text/x-mine', 'STANDARD_IA'],
      chunked: [501, 'NotImplemented', ['Transfer-Encoding']],
      delete: 204,
      getAfterwards: 'NoSuchKey',
      signatureVersion2: [400, 'InvalidRequest'],
      // S3 has uploads from HTML forms; the sandbox says that it has not.
      post: [501, 'NotImplemented'],
    });
  });

  it('reads, writes, copies, tags and deletes, and knows the errors by their classes and codes', async () => {
    expect(await python(sandbox, 'objects.py', await sandbox.bucket())).toEqual({
      tags: [
        { Key: 't', Value: '1' },
        { Key: 'u', Value: '2' },
      ],
      tagCount: 1,
      body: 'content',
      copied: ['content', { a: '1' }, 'no-cache'],
      trailers: [
        ['x-amz-checksum-crc32', true],
        ['x-amz-checksum-sha1', true],
        ['x-amz-checksum-sha256', true],
      ],
      trailing: [2_500_000, null],
      ifNoneMatch: ['ClientError', '304', 304],
      ifMatch: ['ClientError', 'PreconditionFailed', 412],
      ifModifiedSince: ['ClientError', '304', 304],
      ifUnmodifiedSince: ['ClientError', 'PreconditionFailed', 412],
      copyIfMatch: ['ClientError', 'PreconditionFailed', 412],
      noSuchKey: ['NoSuchKey', 'NoSuchKey', 404],
      isClass: true,
      noSuchBucket: ['NoSuchBucket', 'NoSuchBucket', 404],
      noSuchUpload: ['NoSuchUpload', 'NoSuchUpload', 404],
      headMissing: ['ClientError', '404', 404],
      range: ['ClientError', 'InvalidRange', 416],
      badTags: ['ClientError', 'BadRequest', 400],
      badDigest: ['ClientError', 'BadDigest', 400],
      sameBucketAgain: 200,
      usEast1ByName: ['ClientError', 'InvalidLocationConstraint', 400],
      acl: ['ClientError', 'NotImplemented', 501],
      deleteTwice: [204, 204],
      deleteFullBucket: ['ClientError', 'BucketNotEmpty', 409],
    });
  });

  it('makes an object only if there is none, and replaces only what it has read: one of sixteen wins', async () => {
    const refused = ['ClientError', 'PreconditionFailed', 412];
    expect(await python(sandbox, 'conditional_writes.py', await sandbox.bucket())).toEqual({
      winners: 1,
      holds: true,
      others: expect.toSatisfy((outcomes: unknown[][]) =>
        outcomes.every(([, code]) => code === 'PreconditionFailed' || code === 'ConditionalRequestConflict'),
      ),
      afterwards: refused,
      wrongETag: refused,
      rightETag: 'not refused',
      nothingToMatch: ['NoSuchKey', 'NoSuchKey', 404],
    });
  });

  it('speaks to a bucket by its host name, of the region and without', async () => {
    const bucket = await sandbox.bucket();
    await using hosts = await awsHosts(sandbox.url);
    const keys = ['a/b c+d', 'copy'];
    expect(await python(sandbox, 'virtual_host.py', bucket, hosts.url)).toEqual({
      roundTrips: [
        [true, keys],
        [true, keys],
      ],
      hosts: [`${bucket}.s3.amazonaws.com`, `${bucket}.s3.us-east-1.amazonaws.com`],
    });
    expect([...hosts.hosts].sort()).toEqual([`${bucket}.s3.amazonaws.com`, `${bucket}.s3.us-east-1.amazonaws.com`]);
  });
});
