import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type CopyObjectCommandInput,
  type ObjectAttributes,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { s3Sandbox, type S3Sandbox } from '../../support/s3-sandbox.js';

let sandbox: S3Sandbox;
let client: S3Client;
beforeAll(async () => {
  sandbox = await s3Sandbox();
  client = sandbox.client();
});
afterEach(() => expect(sandbox.defects).toEqual([]));
afterAll(async () => sandbox[Symbol.asyncDispose]());

const Bucket = 'bucket';
const put = (Key: string, Body: string | Buffer | Readable, more: Partial<PutObjectCommandInput> = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
async function get(Key: string, Range?: string): Promise<Buffer> {
  const answer = await client.send(new GetObjectCommand({ Bucket, Key, ...(Range === undefined ? {} : { Range }) }));
  return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
}
const failsWith = (name: string, status: number) => ({
  name,
  $metadata: expect.objectContaining({ httpStatusCode: status }),
});

describe('objects', () => {
  it.each([0, 1, 65_535, 65_536, 1_048_577, 9_000_001])('of %d bytes come back as they were', async (size) => {
    const body = randomBytes(size);
    const { ETag } = await put('round trip', body);
    expect(ETag).toBe(`"${createHash('md5').update(body).digest('hex')}"`);
    expect((await get('round trip')).equals(body)).toBe(true);
    expect(await client.send(new HeadObjectCommand({ Bucket, Key: 'round trip' }))).toMatchObject({
      ContentLength: size,
      ETag,
    });
  });

  it.each(['a/b c+d&e=f%20', 'ünï/🐘', 'a//b', './../x', 'new\nline', '  ', 'a?b#c'])(
    'with the key %j are found again',
    async (key) => {
      await put(key, key);
      expect((await get(key)).toString()).toBe(key);
      const { Contents } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: key, EncodingType: 'url' }));
      expect(Contents?.map((one) => decodeURIComponent((one.Key ?? '').replace(/\+/g, ' ')))).toContain(key);
    },
  );

  it('keep headers, metadata, storage class, encryption and tags', async () => {
    await put('attributes', 'x', {
      ContentType: 'text/x-test',
      CacheControl: 'no-cache',
      Metadata: { 'snapshot-id': 'snap-1', Upper: 'Value' },
      StorageClass: 'STANDARD_IA',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'key-1',
      Tagging: 'a=1&b%20c=2%2B',
    });
    expect(await client.send(new HeadObjectCommand({ Bucket, Key: 'attributes' }))).toMatchObject({
      ContentType: 'text/x-test',
      CacheControl: 'no-cache',
      Metadata: { 'snapshot-id': 'snap-1', upper: 'Value' },
      StorageClass: 'STANDARD_IA',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'key-1',
      TagCount: 2,
    });
    const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'attributes' }));
    expect(TagSet).toEqual([
      { Key: 'a', Value: '1' },
      { Key: 'b c', Value: '2+' },
    ]);
  });

  it('can be tagged and untagged', async () => {
    await put('tags', 'x');
    const tag = (TagSet: { Key: string; Value: string }[]) =>
      client.send(new PutObjectTaggingCommand({ Bucket, Key: 'tags', Tagging: { TagSet } }));
    await tag([{ Key: 'k', Value: 'ä & <b>' }].map((one) => ({ ...one, Value: 'ä b' })));
    expect((await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'tags' }))).TagSet).toEqual([
      { Key: 'k', Value: 'ä b' },
    ]);
    await expect(tag([{ Key: 'k', Value: '<b>' }])).rejects.toMatchObject(failsWith('InvalidTag', 400));
    await expect(tag(Array.from({ length: 11 }, (_, n) => ({ Key: `k${n}`, Value: '' })))).rejects.toMatchObject(
      failsWith('BadRequest', 400),
    );
    await client.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'tags' }));
    expect((await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'tags' }))).TagSet).toEqual([]);
    expect((await get('tags')).toString()).toBe('x');
  });

  it('are deleted, once or again, singly or together', async () => {
    for (const key of ['d1', 'd2', 'd3']) await put(key, key);
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'd1' }));
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'd1' }));
    const { Deleted } = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'd2' }, { Key: 'd3' }, { Key: 'never' }] } }),
    );
    expect(Deleted).toHaveLength(3);
    for (const key of ['d1', 'd2', 'd3']) await expect(get(key)).rejects.toMatchObject(failsWith('NoSuchKey', 404));
  });

  it('that are read while they are replaced are read to their end', async () => {
    const first = randomBytes(20_000_000);
    await put('replaced', first);
    const answer = await client.send(new GetObjectCommand({ Bucket, Key: 'replaced' }));
    await put('replaced', 'second');
    const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(first)).toBe(true);
    expect((await get('replaced')).toString()).toBe('second');
  });
});

describe('ranges', () => {
  const body = randomBytes(3_000_000);
  beforeAll(async () => put('range', body));
  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=1048575-1048577', 1_048_575, 1_048_578],
    ['bytes=2999999-', 2_999_999, 3_000_000],
    ['bytes=-5', 2_999_995, 3_000_000],
    ['bytes=0-99999999', 0, 3_000_000],
  ])('%s', async (range, from, to) => {
    const answer = await client.send(new GetObjectCommand({ Bucket, Key: 'range', Range: range }));
    expect(answer.$metadata.httpStatusCode).toBe(206);
    expect(answer.ContentRange).toBe(`bytes ${from}-${to - 1}/3000000`);
    const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(body.subarray(from, to))).toBe(true);
  });

  it('beyond the end -> 416', async () => {
    await expect(get('range', 'bytes=3000000-')).rejects.toMatchObject(failsWith('InvalidRange', 416));
  });
});

describe('checksums', () => {
  it.each(['CRC32', 'CRC32C', 'SHA1', 'SHA256', 'CRC64NVME'] as const)(
    '%s is verified, kept and given back',
    async (algorithm) => {
      await put('checksum', 'hello', { ChecksumAlgorithm: algorithm });
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'checksum', ChecksumMode: 'ENABLED' }));
      expect(head[`Checksum${algorithm}`]).toMatch(/=$/);
      expect(head.ChecksumType).toBe('FULL_OBJECT');
      // A valid sum of something else.
      await put('other', 'other', { ChecksumAlgorithm: algorithm });
      const other = await client.send(new HeadObjectCommand({ Bucket, Key: 'other', ChecksumMode: 'ENABLED' }));
      const wrong = { [`Checksum${algorithm}`]: other[`Checksum${algorithm}`] };
      await expect(put('checksum', 'hello!', wrong)).rejects.toMatchObject(failsWith('BadDigest', 400));
      expect((await get('checksum')).toString()).toBe('hello');
    },
  );

  it('in the trailer of a stream are verified too', async () => {
    const body = randomBytes(3_000_000);
    const pieces = [body.subarray(0, 7), body.subarray(7, 2_000_000), body.subarray(2_000_000)];
    await put('stream', Readable.from(pieces), { ContentLength: body.length, ChecksumAlgorithm: 'CRC32' });
    expect((await get('stream')).equals(body)).toBe(true);
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'stream' }));
    expect(head.ContentEncoding).toBeUndefined();
  });

  it('damaged on the way -> BadDigest, and nothing is stored', async () => {
    const chunked = (data: string, crc: string) =>
      `${data.length.toString(16)}\r\n${data}\r\n0\r\nx-amz-checksum-crc32:${crc}\r\n\r\n`;
    const send = (body: string, decodedLength: number) =>
      fetch(`${sandbox.url}/bucket/damaged`, {
        method: 'PUT',
        body,
        headers: {
          'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
          'x-amz-trailer': 'x-amz-checksum-crc32',
          'content-encoding': 'aws-chunked',
          'x-amz-decoded-content-length': String(decodedLength),
        },
      });
    const good = 'y/Q5Jg=='; // CRC-32 of "123456789"
    const damaged = await send(chunked('123456780', good), 9);
    expect([damaged.status, await damaged.text()]).toEqual([400, expect.stringContaining('<Code>BadDigest</Code>')]);
    const short = await send(chunked('123456789', good).slice(0, 8), 9);
    expect([short.status, await short.text()]).toEqual([400, expect.stringContaining('<Code>IncompleteBody</Code>')]);
    await expect(get('damaged')).rejects.toMatchObject(failsWith('NoSuchKey', 404));
    expect((await send(chunked('123456789', good), 9)).status).toBe(200);
    expect((await get('damaged')).toString()).toBe('123456789');
  });

  it('by Content-MD5 and x-amz-content-sha256 are verified', async () => {
    const send = async (headers: Record<string, string>) => {
      const answer = await fetch(`${sandbox.url}/bucket/md5`, { method: 'PUT', body: 'hello', headers });
      return [answer.status, /<Code>(.*?)<\/Code>/.exec(await answer.text())?.[1]];
    };
    const md5 = createHash('md5').update('hello').digest('base64');
    expect(await send({ 'content-md5': md5 })).toEqual([200, undefined]);
    expect(await send({ 'content-md5': createHash('md5').digest('base64') })).toEqual([400, 'BadDigest']);
    expect(await send({ 'content-md5': 'nonsense' })).toEqual([400, 'InvalidDigest']);
    expect(await send({ 'x-amz-content-sha256': '0'.repeat(64) })).toEqual([400, 'XAmzContentSHA256Mismatch']);
  });
});

describe('conditions', () => {
  it('If-None-Match: * creates and does not replace', async () => {
    await put('lease', 'a', { IfNoneMatch: '*' });
    await expect(put('lease', 'b', { IfNoneMatch: '*' })).rejects.toMatchObject(failsWith('PreconditionFailed', 412));
    expect((await get('lease')).toString()).toBe('a');
  });

  it('If-Match replaces what one has read and nothing else', async () => {
    const { ETag } = await put('cas', 'a');
    await put('cas', 'b', { IfMatch: ETag });
    await expect(put('cas', 'c', { IfMatch: ETag })).rejects.toMatchObject(failsWith('PreconditionFailed', 412));
    await expect(put('not there', 'c', { IfMatch: ETag })).rejects.toMatchObject(failsWith('NoSuchKey', 404));
    expect((await get('cas')).toString()).toBe('b');
  });

  it('of twenty that create at once exactly one succeeds', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => put('race', `writer ${n}`, { IfNoneMatch: '*' })),
    );
    const won = results.flatMap((result, n) => (result.status === 'fulfilled' ? [n] : []));
    expect(won).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') {
        expect(['PreconditionFailed', 'ConditionalRequestConflict']).toContain((result.reason as Error).name);
      }
    }
    expect((await get('race')).toString()).toBe(`writer ${won[0] ?? ''}`);
  });

  it('of reads answer 304 and 412', async () => {
    const { ETag } = await put('conditional read', 'x');
    const read = (more: object) => client.send(new GetObjectCommand({ Bucket, Key: 'conditional read', ...more }));
    await expect(read({ IfNoneMatch: ETag })).rejects.toMatchObject({
      $metadata: expect.objectContaining({ httpStatusCode: 304 }),
    });
    await expect(read({ IfMatch: '"other"' })).rejects.toMatchObject(failsWith('PreconditionFailed', 412));
    await read({ IfMatch: ETag });
  });
});

describe('listing', () => {
  it('gives all of 2,500 keys in pages, in the order of their UTF-8 bytes', async () => {
    const keys = Array.from({ length: 2_500 }, (_, n) => `many/${n}`);
    for (let from = 0; from < keys.length; from += 50) {
      await Promise.all(keys.slice(from, from + 50).map((key) => put(key, 'x')));
    }
    const listed: string[] = [];
    let ContinuationToken: string | undefined;
    let pages = 0;
    do {
      const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'many/', ContinuationToken }));
      listed.push(...(page.Contents ?? []).map((one) => one.Key ?? ''));
      ContinuationToken = page.NextContinuationToken;
      pages += 1;
    } while (ContinuationToken !== undefined);
    expect(pages).toBe(3);
    expect(listed).toEqual([...keys].sort());
  });

  it('groups by delimiter, across pages too', async () => {
    for (const key of ['g/a/1', 'g/a/2', 'g/b', 'g/c/1', 'g/c/2', 'g/d']) await put(key, 'x');
    const found: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket, Prefix: 'g/', Delimiter: '/', MaxKeys: 1, ContinuationToken }),
      );
      expect(page.KeyCount).toBe(1);
      found.push(
        ...(page.Contents ?? []).map((one) => one.Key ?? ''),
        ...(page.CommonPrefixes ?? []).map((one) => one.Prefix ?? ''),
      );
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(found).toEqual(['g/a/', 'g/b', 'g/c/', 'g/d']);
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'g/', StartAfter: 'g/c/1' }));
    expect(Contents?.map((one) => one.Key)).toEqual(['g/c/2', 'g/d']);
  });
});

describe('the first version of listing', () => {
  it('goes on by marker', async () => {
    for (const key of ['v1/a', 'v1/b/1', 'v1/b/2', 'v1/c']) await put(key, 'x');
    const list = (more: object) => client.send(new ListObjectsCommand({ Bucket, Prefix: 'v1/', ...more }));
    const first = await list({ Delimiter: '/', MaxKeys: 2 });
    expect([first.IsTruncated, first.NextMarker]).toEqual([true, 'v1/b/']);
    const second = await list({ Delimiter: '/', Marker: 'v1/b/' });
    expect(second.Contents?.map((one) => one.Key)).toEqual(['v1/c']);
    expect((await list({ Marker: 'v1/b/1' })).Contents?.map((one) => one.Key)).toEqual(['v1/b/2', 'v1/c']);
  });
});

describe('copies', () => {
  const copy = (more: Partial<CopyObjectCommandInput>) =>
    client.send(
      new CopyObjectCommand({
        Bucket,
        Key: 'copy',
        CopySource: `${Bucket}/${encodeURIComponent('to copy ü')}`,
        ...more,
      }),
    );
  const body = randomBytes(3_000_000);
  let etag = '';
  beforeAll(async () => {
    etag = (await put('to copy ü', body, { Metadata: { a: 'b' }, Tagging: 't=1', ContentType: 'text/x' })).ETag ?? '';
  });

  it('have the bytes, metadata and tags of the original, or new ones', async () => {
    expect((await copy({})).CopyObjectResult?.ETag).toBe(etag);
    expect((await get('copy')).equals(body)).toBe(true);
    const head = () => client.send(new HeadObjectCommand({ Bucket, Key: 'copy' }));
    expect(await head()).toMatchObject({ Metadata: { a: 'b' }, TagCount: 1, ContentType: 'text/x' });
    await copy({
      MetadataDirective: 'REPLACE',
      Metadata: { c: 'd' },
      TaggingDirective: 'REPLACE',
      StorageClass: 'GLACIER',
    });
    expect(await head()).toMatchObject({ Metadata: { c: 'd' }, StorageClass: 'GLACIER' });
    expect((await head()).TagCount).toBeUndefined();
  });

  it('are made under conditions', async () => {
    await copy({ CopySourceIfMatch: etag });
    await expect(copy({ CopySourceIfMatch: '"other"' })).rejects.toMatchObject(failsWith('PreconditionFailed', 412));
    await expect(copy({ CopySourceIfNoneMatch: etag })).rejects.toMatchObject(failsWith('PreconditionFailed', 412));
    await expect(copy({ CopySource: `${Bucket}/none` })).rejects.toMatchObject(failsWith('NoSuchKey', 404));
    await expect(copy({ CopySource: 'none/none' })).rejects.toMatchObject(failsWith('NoSuchBucket', 404));
    await expect(copy({ CopySource: `${Bucket}/copy` })).rejects.toMatchObject(failsWith('InvalidRequest', 400));
  });
});

describe('attributes', () => {
  it('are those that are asked for', async () => {
    const { ETag } = await put('attributed', '123456789', { ChecksumAlgorithm: 'CRC32' });
    const ask = (...names: ObjectAttributes[]) =>
      client.send(new GetObjectAttributesCommand({ Bucket, Key: 'attributed', ObjectAttributes: names }));
    expect(await ask('ETag', 'Checksum', 'ObjectSize', 'StorageClass', 'ObjectParts')).toMatchObject({
      ETag: ETag?.replaceAll('"', ''),
      Checksum: { ChecksumCRC32: 'y/Q5Jg==', ChecksumType: 'FULL_OBJECT' },
      ObjectSize: 9,
      StorageClass: 'STANDARD',
    });
    expect((await ask('ObjectSize')).ETag).toBeUndefined();
    await expect(ask('Nonsense' as 'ETag')).rejects.toMatchObject(failsWith('InvalidArgument', 400));
  });
});

describe('the rest', () => {
  it('buckets', async () => {
    await client.send(new HeadBucketCommand({ Bucket }));
    expect((await client.send(new ListBucketsCommand({}))).Buckets?.map((one) => one.Name)).toEqual(['bucket']);
    await expect(client.send(new HeadBucketCommand({ Bucket: 'missing' }))).rejects.toMatchObject(
      failsWith('NotFound', 404),
    );
    await expect(client.send(new GetObjectCommand({ Bucket: 'missing', Key: 'k' }))).rejects.toMatchObject(
      failsWith('NoSuchBucket', 404),
    );
  });

  it.each(['?acl', '?versioning', '?lifecycle', '?policy', '?restore'])(
    'what is not there says so: GET %s',
    async (query) => {
      const answer = await fetch(`${sandbox.url}/bucket${query}`);
      expect(answer.status).toBe(501);
      expect(await answer.text()).toContain('<Code>NotImplemented</Code>');
    },
  );

  it.each([
    ['x-amz-object-lock-mode', 'GOVERNANCE'],
    ['x-amz-server-side-encryption-customer-algorithm', 'AES256'],
    ['x-amz-acl', 'public-read'],
    ['x-amz-website-redirect-location', '/elsewhere'],
    ['x-amz-checksum-sha512', 'AA=='],
  ])('headers that are not honoured say so: %s', async (name, value) => {
    const answer = await fetch(`${sandbox.url}/bucket/k`, { method: 'PUT', body: 'x', headers: { [name]: value } });
    expect(answer.status).toBe(501);
  });

  it('refuses what S3 refuses', async () => {
    await expect(put('k', 'x', { StorageClass: 'NONSENSE' as 'STANDARD' })).rejects.toMatchObject(
      failsWith('InvalidStorageClass', 400),
    );
    await expect(put('k', 'x', { Metadata: { big: 'x'.repeat(2048) } })).rejects.toMatchObject(
      failsWith('MetadataTooLarge', 400),
    );
    await expect(put('k'.repeat(1025), 'x')).rejects.toMatchObject(failsWith('KeyTooLongError', 400));
    await expect(put('k', 'x', { Tagging: 'a=<' })).rejects.toMatchObject(failsWith('InvalidTag', 400));
  });

  it('survives a restart', async () => {
    const body = randomBytes(100_000);
    await put('kept', body, { Metadata: { a: 'b' }, Tagging: 't=1' });
    await sandbox.restart();
    client = sandbox.client();
    expect((await get('kept')).equals(body)).toBe(true);
    expect(await client.send(new HeadObjectCommand({ Bucket, Key: 'kept' }))).toMatchObject({
      Metadata: { a: 'b' },
      TagCount: 1,
    });
  });

  it('answers with the ids that S3 support asks for', async () => {
    const answer = await fetch(`${sandbox.url}/bucket/none`);
    expect(answer.headers.get('x-amz-request-id')).toMatch(/^[0-9A-F]{16}$/);
    expect(answer.headers.get('x-amz-id-2')).not.toBeNull();
    const text = await answer.text();
    expect(text).toContain(`<RequestId>${answer.headers.get('x-amz-request-id') ?? ''}</RequestId>`);
  });
});
