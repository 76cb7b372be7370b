import { createHash, randomBytes } from 'node:crypto';
import {
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { Bucket, failsWith, useSandbox } from './support.js';

const s3 = useSandbox();

describe('objects', () => {
  it.each([0, 1, 65_535, 65_536, 1_048_577, 9_000_001])('of %d bytes come back as they were', async (size) => {
    const body = randomBytes(size);
    const { ETag } = await s3.put('round trip', body);
    expect(ETag).toBe(`"${createHash('md5').update(body).digest('hex')}"`);
    expect((await s3.get('round trip')).equals(body)).toBe(true);
    expect(await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'round trip' }))).toMatchObject({
      ContentLength: size,
      ETag,
    });
  });

  it.each(['a/b c+d&e=f%20', 'ünï/🐘', 'a//b', './../x', 'new\nline', '  ', 'a?b#c'])(
    'with the key %j are found again',
    async (key) => {
      await s3.put(key, key);
      expect((await s3.get(key)).toString()).toBe(key);
      const { Contents } = await s3.client.send(new ListObjectsV2Command({ Bucket, Prefix: key, EncodingType: 'url' }));
      expect(Contents?.map((one) => decodeURIComponent((one.Key ?? '').replace(/\+/g, ' ')))).toContain(key);
    },
  );

  it('keep headers, metadata, storage class, encryption and tags', async () => {
    await s3.put('attributes', 'x', {
      ContentType: 'text/x-test',
      CacheControl: 'no-cache',
      Metadata: { 'snapshot-id': 'snap-1', Upper: 'Value' },
      StorageClass: 'STANDARD_IA',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'key-1',
      Tagging: 'a=1&b%20c=2%2B',
    });
    expect(await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'attributes' }))).toMatchObject({
      ContentType: 'text/x-test',
      CacheControl: 'no-cache',
      Metadata: { 'snapshot-id': 'snap-1', upper: 'Value' },
      StorageClass: 'STANDARD_IA',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'key-1',
      TagCount: 2,
    });
    const { TagSet } = await s3.client.send(new GetObjectTaggingCommand({ Bucket, Key: 'attributes' }));
    expect(TagSet).toEqual([
      { Key: 'a', Value: '1' },
      { Key: 'b c', Value: '2+' },
    ]);
  });

  it('can be tagged and untagged', async () => {
    await s3.put('tags', 'x');
    const tag = (TagSet: { Key: string; Value: string }[]) =>
      s3.client.send(new PutObjectTaggingCommand({ Bucket, Key: 'tags', Tagging: { TagSet } }));
    await tag([{ Key: 'k', Value: 'ä & <b>' }].map((one) => ({ ...one, Value: 'ä b' })));
    expect((await s3.client.send(new GetObjectTaggingCommand({ Bucket, Key: 'tags' }))).TagSet).toEqual([
      { Key: 'k', Value: 'ä b' },
    ]);
    await expect(tag([{ Key: 'k', Value: '<b>' }])).rejects.toMatchObject(failsWith('InvalidTag', 400));
    await expect(tag(Array.from({ length: 11 }, (_, n) => ({ Key: `k${n}`, Value: '' })))).rejects.toMatchObject(
      failsWith('BadRequest', 400),
    );
    await s3.client.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'tags' }));
    expect((await s3.client.send(new GetObjectTaggingCommand({ Bucket, Key: 'tags' }))).TagSet).toEqual([]);
    expect((await s3.get('tags')).toString()).toBe('x');
  });

  it('are deleted, once or again, singly or together', async () => {
    for (const key of ['d1', 'd2', 'd3']) await s3.put(key, key);
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'd1' }));
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'd1' }));
    const { Deleted } = await s3.client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'd2' }, { Key: 'd3' }, { Key: 'never' }] } }),
    );
    expect(Deleted).toHaveLength(3);
    for (const key of ['d1', 'd2', 'd3']) await expect(s3.get(key)).rejects.toMatchObject(failsWith('NoSuchKey', 404));
  });

  it('that are read while they are replaced are read to their end', async () => {
    const first = randomBytes(20_000_000);
    await s3.put('replaced', first);
    const answer = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'replaced' }));
    await s3.put('replaced', 'second');
    const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(first)).toBe(true);
    expect((await s3.get('replaced')).toString()).toBe('second');
  });

  it('survive a restart', async () => {
    const body = randomBytes(100_000);
    await s3.put('kept', body, { Metadata: { a: 'b' }, Tagging: 't=1' });
    await s3.restart();
    expect((await s3.get('kept')).equals(body)).toBe(true);
    expect(await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'kept' }))).toMatchObject({
      Metadata: { a: 'b' },
      TagCount: 1,
    });
  });

  it('are answered for with the ids that S3 support asks for', async () => {
    const answer = await fetch(`${s3.url}/bucket/none`);
    expect(answer.headers.get('x-amz-request-id')).toMatch(/^[0-9A-F]{16}$/);
    expect(answer.headers.get('x-amz-id-2')).not.toBeNull();
    const text = await answer.text();
    expect(text).toContain(`<RequestId>${answer.headers.get('x-amz-request-id') ?? ''}</RequestId>`);
  });
});

describe('ranges', () => {
  const body = randomBytes(3_000_000);
  beforeAll(async () => {
    await s3.put('range', body);
  });
  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=1048575-1048577', 1_048_575, 1_048_578],
    ['bytes=2999999-', 2_999_999, 3_000_000],
    ['bytes=-5', 2_999_995, 3_000_000],
    ['bytes=0-99999999', 0, 3_000_000],
  ])('%s', async (range, from, to) => {
    const answer = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'range', Range: range }));
    expect(answer.$metadata.httpStatusCode).toBe(206);
    expect(answer.ContentRange).toBe(`bytes ${from}-${to - 1}/3000000`);
    const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(body.subarray(from, to))).toBe(true);
  });

  it('beyond the end -> 416', async () => {
    await expect(s3.get('range', { Range: 'bytes=3000000-' })).rejects.toMatchObject(failsWith('InvalidRange', 416));
  });
});
