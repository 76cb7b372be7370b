import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseXml, text } from '../../../sandbox/s3/http/xml-body.js';
import { systemClock } from '../../../src/core/index.js';
import {
  beginUpload,
  Bucket,
  completeUpload,
  failsWith,
  get,
  put,
  sendPart,
  statusAndCode,
  useSandbox,
} from './support.js';

const s3 = useSandbox();
beforeAll(async () => {
  await s3.put('k', 'x');
});

const send = (target: string, headers: Record<string, string> = {}) => {
  const [method = '', path = ''] = target.split(' ');
  return statusAndCode(`${s3.url}${path}`, { method, headers, ...(/P/.test(method) ? { body: '' } : {}) });
};

describe('what the sandbox does not have never succeeds', () => {
  it.each([
    'PUT /bucket?tagging',
    'DELETE /bucket?tagging',
    'PUT /other-bucket?lifecycle',
    'DELETE /bucket?policy',
    'PUT /bucket/k?acl',
    'PUT /bucket/k?uploadId=x',
    'PUT /bucket/k?partNumber=1',
    'POST /bucket/k?select&select-type=2',
    'GET /?max-buckets=1',
    'POST /bucket',
  ])('%s', async (target) => {
    expect(await send(target)).toEqual([501, 'NotImplemented']);
    expect((await get(s3.client, 'k')).toString()).toBe('x');
  });

  it.each([
    ['PUT /new-bucket', 'x-amz-bucket-object-lock-token', 'token'],
    ['PUT /bucket/k', 'x-amz-object-lock-event-hold', 'ON'],
    ['PUT /new-bucket', 'x-amz-acl', 'public-read'],
    ['PUT /bucket/k', 'x-amz-grant-read-acp', 'id=1'],
    ['GET /bucket/k', 'x-amz-server-side-encryption-customer-algorithm', 'AES256'],
    ['DELETE /bucket/k', 'x-amz-if-match-size', '1'],
    ['DELETE /bucket/k', 'x-amz-mfa', '1 2'],
    ['PUT /bucket/k', 'x-amz-trailer', 'x-amz-checksum-xxhash64'],
    ['PUT /bucket/k?x-amz-acl=public-read', 'x-amz-meta-a', 'in a presigned URL'],
  ])('%s with %s: %s', async (target, name, value) => {
    expect(await send(target, { [name]: value })).toEqual([501, 'NotImplemented']);
    expect((await get(s3.client, 'k')).toString()).toBe('x');
    expect((await fetch(`${s3.url}/new-bucket`, { method: 'HEAD' })).status).toBe(404);
  });

  it.each([
    ['x-amz-server-side-encryption-customer-algorithm', 'AES256'],
    ['x-amz-acl', 'public-read'],
    ['x-amz-website-redirect-location', '/elsewhere'],
    ['x-amz-checksum-sha512', 'AA=='],
  ])('headers that are not honoured say so: %s', async (name, value) => {
    const answer = await fetch(`${s3.url}/bucket/k`, { method: 'PUT', body: 'x', headers: { [name]: value } });
    expect(answer.status).toBe(501);
  });

  it('somebody else as the owner of the bucket -> AccessDenied', async () => {
    const owner = (id: string) => send('GET /bucket/k', { 'x-amz-expected-bucket-owner': id });
    expect(await owner('999999999999')).toEqual([403, 'AccessDenied']);
    expect(await owner('123456789012')).toEqual([200, undefined]);
  });
});

describe('requests that S3 refuses', () => {
  it('a class, metadata, a key or tags that cannot be', async () => {
    await expect(s3.put('k', 'x', { StorageClass: 'NONSENSE' as 'STANDARD' })).rejects.toMatchObject(
      failsWith('InvalidStorageClass', 400),
    );
    await expect(s3.put('k', 'x', { Metadata: { big: 'x'.repeat(2048) } })).rejects.toMatchObject(
      failsWith('MetadataTooLarge', 400),
    );
    await expect(s3.put('k'.repeat(1025), 'x')).rejects.toMatchObject(failsWith('KeyTooLongError', 400));
    await expect(s3.put('k', 'x', { Tagging: 'a=<' })).rejects.toMatchObject(failsWith('InvalidTag', 400));
  });

  it.each(['ab', 'Upper', 'a..b', '192.168.0.1', '-a-b', 'a'.repeat(64)])('a bucket named %s', async (name) => {
    expect(await send(`PUT /${name}`)).toEqual([400, 'InvalidBucketName']);
  });

  it('a bucket of another region than the one that was asked', async () => {
    const body =
      '<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>';
    const authorization = 'AWS4-HMAC-SHA256 Credential=A/1/us-west-2/s3/aws4_request, Signature=0';
    expect(await statusAndCode(`${s3.url}/elsewhere`, { method: 'PUT', body, headers: { authorization } })).toEqual([
      400,
      'IllegalLocationConstraintException',
    ]);
    await s3.client.send(
      new CreateBucketCommand({ Bucket: 'elsewhere', CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }),
    );
    expect((await fetch(`${s3.url}/elsewhere`, { method: 'HEAD' })).headers.get('x-amz-bucket-region')).toBe(
      'eu-west-1',
    );
  });

  it('a part with a checksum that the upload was not begun with', async () => {
    const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'mixed' }));
    const part = { Bucket, Key: 'mixed', UploadId, PartNumber: 1, Body: 'x', ChecksumAlgorithm: 'SHA256' as const };
    await expect(s3.client.send(new UploadPartCommand(part))).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: 'Checksum Type mismatch occurred, expected checksum Type: null, actual checksum Type: sha256',
    });
  });

  it('a checksum algorithm without a checksum', async () => {
    expect(await send('PUT /bucket/none', { 'x-amz-sdk-checksum-algorithm': 'CRC32' })).toEqual([
      400,
      'InvalidRequest',
    ]);
  });

  it('a body without a length, or too long a one', async () => {
    const withHeaders = (headers: Record<string, string | number>) =>
      new Promise((resolve, reject) => {
        const sent = request(`${s3.url}/bucket/length`, { method: 'PUT', headers, agent: false }, (answer) => {
          resolve(answer.resume().statusCode);
          sent.destroy();
        });
        sent.on('error', reject).flushHeaders();
      });
    // S3 has its own NotImplemented for what HTTP calls chunked; 411 is for a body without any framing.
    expect(await withHeaders({ 'transfer-encoding': 'chunked' })).toBe(501);
    expect(await withHeaders({ 'content-length': 5 * 1024 ** 3 + 1 })).toBe(400);
  });

  it('a damaged frame of an aws-chunked body -> the client learns why, and can go on', async () => {
    const headers = {
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': '3000000',
    };
    const body = Buffer.concat([Buffer.from('zz\r\n'), randomBytes(3_000_000)]);
    expect(await statusAndCode(`${s3.url}/bucket/framed`, { method: 'PUT', body, headers })).toEqual([
      400,
      'IncompleteBody',
    ]);
  });

  it('a client that goes away in the middle of a body leaves nothing', async () => {
    const sent = request(`${s3.url}/bucket/half`, { method: 'PUT', headers: { 'content-length': 100 } });
    sent.on('error', () => undefined).write('half');
    await systemClock.sleep(50);
    sent.destroy();
    await systemClock.sleep(50);
    await expect(get(s3.client, 'half')).rejects.toMatchObject(failsWith('NoSuchKey', 404));
  });

  it('Range together with partNumber', async () => {
    expect(await send('GET /bucket/k?partNumber=1', { range: 'bytes=0-0' })).toEqual([400, 'InvalidRequest']);
  });
});

describe('deletes', () => {
  it('under If-Match delete what one has read and nothing else', async () => {
    const { ETag } = await put(s3.client, 'lease', { Body: 'mine' });
    await put(s3.client, 'lease', { Body: 'theirs' });
    const remove = (Key: string, IfMatch?: string) => s3.client.send(new DeleteObjectCommand({ Bucket, Key, IfMatch }));
    await expect(remove('lease', ETag)).rejects.toMatchObject(failsWith('PreconditionFailed', 412));
    expect((await get(s3.client, 'lease')).toString()).toBe('theirs');
    await remove('lease', `"${createHash('md5').update('theirs').digest('hex')}"`);
    await expect(remove('lease', '*')).rejects.toMatchObject(failsWith('NoSuchKey', 404));
  });

  it('of several keys succeed or fail one by one', async () => {
    const { ETag } = await s3.put('one', 'x');
    await s3.put('two', 'x');
    const Objects = [
      { Key: 'one', ETag },
      { Key: 'two', ETag: '"other"' },
    ];
    const answer = await s3.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(answer.Deleted).toEqual([{ Key: 'one' }]);
    expect(answer.Errors).toMatchObject([{ Key: 'two', Code: 'PreconditionFailed' }]);
  });

  it.each(['new\nline', 'tab\tand & <xml> "quoted"', '🐘', '&#10;'])('find the key %j', async (Key) => {
    await s3.put(Key, 'x');
    await s3.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } }));
    await expect(s3.client.send(new HeadObjectCommand({ Bucket, Key }))).rejects.toMatchObject(
      failsWith('NotFound', 404),
    );
  });

  it('of several keys need a checksum of the list, and a right one', async () => {
    const body = '<Delete><Object><Key>k</Key></Object></Delete>';
    const remove = (headers: Record<string, string>) =>
      statusAndCode(`${s3.url}/bucket?delete`, { method: 'POST', body, headers });
    expect(await remove({})).toEqual([400, 'InvalidRequest']);
    expect(await remove({ 'content-md5': createHash('md5').digest('base64') })).toEqual([400, 'BadDigest']);
    expect(await remove({ 'x-amz-checksum-crc32': 'AAAAAA==' })).toEqual([400, 'BadDigest']);
    expect((await get(s3.client, 'k')).toString()).toBe('x');
  });

  it('of a key with a character that XML cannot carry -> MalformedXML, as S3 says too', async () => {
    await expect(
      s3.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'control\u0001' }] } })),
    ).rejects.toMatchObject(failsWith('MalformedXML', 400));
  });
});

describe('XML bodies', () => {
  it('may have 10,000 parts with entities', async () => {
    const upload = { Key: 'long list', UploadId: await beginUpload(s3.client, 'long list') };
    const part = await sendPart(s3.client, upload, { PartNumber: 1, Body: 'x' });
    const listed = [part, ...Array.from({ length: 9_999 }, (_, n) => ({ ...part, PartNumber: n + 2 }))];
    // The list is understood to its second part, which is not there.
    await expect(completeUpload(s3.client, upload, listed)).rejects.toMatchObject(failsWith('InvalidPart', 400));
    const { Uploads } = await s3.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'long' }));
    expect(Uploads).toHaveLength(1);
  });

  it('with references are decoded once', () => {
    expect(text(parseXml('<A><K>a&#xA;b&#10;c&amp;#10;&lt;&#x1F418;</K></A>', 'A').K)).toBe('a\nb\nc&#10;<🐘');
  });

  it.each(['<A><K>&nbsp;</K></A>', '<A><K>&#x110000;</K></A>'])('%s is malformed', (xml) => {
    expect(() => text(parseXml(xml, 'A').K)).toThrow('not well-formed');
  });
});
