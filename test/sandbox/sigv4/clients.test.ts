import { DescribeRegionsCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEc2Service } from '../../../sandbox/ec2/index.js';
import { openIdentities } from '../../../sandbox/iam/index.js';
import { createS3Service } from '../../../sandbox/s3/index.js';
import { accountRoot } from '../../../sandbox/server/caller.js';
import { listen, type RunningServer } from '../../../sandbox/server/server.js';
import { authentication, type KnownKey } from '../../../sandbox/sigv4/index.js';
import { createStsService } from '../../../sandbox/sts/index.js';
import { systemClock } from '../../../src/core/index.js';
import { raw } from '../server/support.js';
import { temporaryDirectory } from '../s3/temporary-directory.js';

const caller = { ...accountRoot('123456789012'), arn: 'arn:aws:iam::123456789012:user/tester' };
const permanent = { sessionToken: undefined, expiresAtMs: undefined, caller };
const keys: Readonly<Record<string, KnownKey>> = {
  AKIAGOOD: { secretAccessKey: 'right', ...permanent },
  ASIAGOOD: { secretAccessKey: 'right', sessionToken: 'token', expiresAtMs: Date.now() + 3_600_000, caller },
  ASIAOVER: { secretAccessKey: 'right', sessionToken: 'token', expiresAtMs: Date.now() - 1000, caller },
};

const folder = await temporaryDirectory();
let server: RunningServer;
/** How far the sandbox's clock is ahead of the clients'. */
let aheadMs = 0;

beforeAll(async () => {
  const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
  const services = [
    await createS3Service({ directory: `${folder.path}/s3`, clock: systemClock }),
    await createEc2Service({ directory: `${folder.path}/ec2`, clock: systemClock }),
    createStsService({
      identities: openIdentities({ directory: `${folder.path}/iam`, accountId: '123456789012', clock: systemClock }),
      identityProviders: [],
      clock: systemClock,
    }),
  ];
  server = await listen(services, {
    host: '127.0.0.1',
    port: 0,
    defaultRegion: 'us-east-1',
    onDefect: (error) => {
      throw error;
    },
    stages: [authentication({ find: (id) => keys[id], clock })],
  });
});
afterAll(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}
const good: Credentials = { accessKeyId: 'AKIAGOOD', secretAccessKey: 'right' };
const options = (credentials: Credentials) => ({
  endpoint: server.url,
  region: 'us-east-1',
  credentials,
  maxAttempts: 1,
});

/** The error codes that S3, EC2 and STS answer to somebody. */
async function codes(credentials: Credentials): Promise<string[]> {
  const calls = [
    () => new S3Client(options(credentials)).send(new ListObjectsV2Command({ Bucket: 'none' })),
    () => new EC2Client(options(credentials)).send(new DescribeRegionsCommand({})),
    () => new STSClient(options(credentials)).send(new GetCallerIdentityCommand({})),
  ];
  return Promise.all(
    calls.map((call) =>
      call().then(
        () => 'let in',
        (error: unknown) => (error as Error).name,
      ),
    ),
  );
}

describe('who may come in', () => {
  it.each([
    ['the right key', good, ['NoSuchBucket', 'let in', 'let in']],
    [
      'a temporary key with its token',
      { accessKeyId: 'ASIAGOOD', secretAccessKey: 'right', sessionToken: 'token' },
      ['NoSuchBucket', 'let in', 'let in'],
    ],
    [
      'a wrong secret',
      { accessKeyId: 'AKIAGOOD', secretAccessKey: 'wrong' },
      ['SignatureDoesNotMatch', 'SignatureDoesNotMatch', 'SignatureDoesNotMatch'],
    ],
    [
      'an unknown key',
      { accessKeyId: 'AKIANONE', secretAccessKey: 'right' },
      ['InvalidAccessKeyId', 'AuthFailure', 'InvalidClientTokenId'],
    ],
    [
      'a temporary key without its token',
      { accessKeyId: 'ASIAGOOD', secretAccessKey: 'right' },
      ['InvalidAccessKeyId', 'AuthFailure', 'InvalidClientTokenId'],
    ],
    [
      'a token of another key',
      { accessKeyId: 'ASIAGOOD', secretAccessKey: 'right', sessionToken: 'other' },
      ['InvalidToken', 'AuthFailure', 'InvalidClientTokenId'],
    ],
    [
      'a token that is over',
      { accessKeyId: 'ASIAOVER', secretAccessKey: 'right', sessionToken: 'token' },
      ['ExpiredToken', 'RequestExpired', 'ExpiredToken'],
    ],
  ])('%s', async (_, credentials, expected) => {
    expect(await codes(credentials)).toEqual(expected);
  });

  it('a client whose clock is wrong', async () => {
    aheadMs = 16 * 60_000;
    try {
      expect(await codes(good)).toEqual(['RequestTimeTooSkewed', 'RequestExpired', 'SignatureDoesNotMatch']);
    } finally {
      aheadMs = 0;
    }
  });

  it('nobody, but for hearing what is not there', async () => {
    expect((await fetch(`${server.url}/none/key`)).status).toBe(404);
    await fetch(await bucketUrl(), { method: 'PUT' });
    const answer = await fetch(`${server.url}/bucket/key`);
    expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('<Code>AccessDenied</Code>')]);
  });

  it('signature version 2', async () => {
    const answer = await fetch(`${server.url}/bucket/key`, { headers: { authorization: 'AWS AKIAGOOD:c2lnbmF0dXJl' } });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('Please use AWS4-HMAC-SHA256')]);
  });
});

describe('awkward requests that are signed rightly', () => {
  it.each(['a b+c/ä&=?#%.txt', "it's (a) *star*!", '../up//down/./x', '日本語/~tilde'])('the key %s', async (Key) => {
    const s3 = new S3Client({ ...options(good), forcePathStyle: true });
    await fetch(await bucketUrl(), { method: 'PUT' });
    await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body: 'body', Metadata: { spaces: 'a  b   c' } }));
    const found = await s3.send(new ListObjectsV2Command({ Bucket: 'bucket', Prefix: Key }));
    expect(found.Contents?.map((object) => object.Key)).toEqual([Key]);
    const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket: 'bucket', Key }), { expiresIn: 60 });
    expect((await raw(url)).body).toBe('body');
    expect((await raw(url.replace('X-Amz-Expires=60', 'X-Amz-Expires=61'))).status).toBe(403);
    expect((await raw(`${url}&response-content-type=text/html`)).status).toBe(403);
  });

  it('a presigned PUT', async () => {
    const s3 = new S3Client({ ...options(good), forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' });
    await fetch(await bucketUrl(), { method: 'PUT' });
    const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket: 'bucket', Key: 'put' }), { expiresIn: 60 });
    expect((await fetch(url, { method: 'PUT', body: 'by anyone' })).status).toBe(200);
    expect((await fetch(url, { method: 'GET' })).status).toBe(403);
  });
});

/** A presigned request that makes the bucket; it may exist already. */
async function bucketUrl(): Promise<string> {
  const s3 = new S3Client({ ...options(good), forcePathStyle: true });
  return getSignedUrl(s3, new CreateBucketCommand({ Bucket: 'bucket' }), { expiresIn: 60 });
}
