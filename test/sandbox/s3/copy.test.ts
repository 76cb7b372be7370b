import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  CopyObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  UploadPartCopyCommand,
  type CopyObjectCommandInput,
  type UploadPartCopyCommandInput,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { beginUpload, Bucket, completeUpload, failsWith, get, MiB, put, putInParts, useSandbox } from './support.js';

const s3 = useSandbox();

const copy = (from: string, Key: string, more: Partial<CopyObjectCommandInput> = {}) =>
  s3.client.send(new CopyObjectCommand({ Bucket, Key, CopySource: encodeURI(`${Bucket}/${from}`), ...more }));
const head = (Key: string) => s3.client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));

describe('a copy', () => {
  it('has the bytes, metadata and tags of its source, but not its storage class', async () => {
    const Body = randomBytes(1_500_000);
    const { ETag } = await put(s3.client, 'source ä', {
      Body,
      Metadata: { a: 'b' },
      Tagging: 't=1',
      StorageClass: 'GLACIER_IR',
    });
    expect((await copy('source ä', 'copy')).CopyObjectResult?.ETag).toBe(ETag);
    expect((await get(s3.client, 'copy')).equals(Body)).toBe(true);
    const found = await head('copy');
    expect(found).toMatchObject({ Metadata: { a: 'b' }, TagCount: 1 });
    expect(found.StorageClass).toBeUndefined();
    await copy('source ä', 'copy', { StorageClass: 'DEEP_ARCHIVE' });
    expect((await head('copy')).StorageClass).toBe('DEEP_ARCHIVE');
  });

  it('has other metadata and tags where they are replaced', async () => {
    await put(s3.client, 'old', { Metadata: { a: 'b' }, Tagging: 't=1', ContentType: 'text/old' });
    await copy('old', 'new', {
      MetadataDirective: 'REPLACE',
      Metadata: { c: 'd' },
      TaggingDirective: 'REPLACE',
      Tagging: 'u=2',
    });
    expect((await head('new')).Metadata).toEqual({ c: 'd' });
    const { TagSet } = await s3.client.send(new GetObjectTaggingCommand({ Bucket, Key: 'new' }));
    expect(TagSet).toEqual([{ Key: 'u', Value: '2' }]);
  });

  it('of a multipart object is one piece, with the MD5 as its ETag', async () => {
    const whole = randomBytes(6 * MiB);
    await putInParts(s3.client, { Key: 'parts' }, [whole.subarray(0, 5 * MiB), whole.subarray(5 * MiB)]);
    const { CopyObjectResult } = await copy('parts', 'joined');
    expect(CopyObjectResult?.ETag).toBe(`"${createHash('md5').update(whole).digest('hex')}"`);
    expect(Buffer.from(CopyObjectResult?.ChecksumCRC32 ?? '', 'base64').readUInt32BE()).toBe(crc32(whole));
    expect((await get(s3.client, 'joined')).equals(whole)).toBe(true);
  });

  it('stays when its source goes', async () => {
    await put(s3.client, 'goes', { Body: 'first' });
    await copy('goes', 'stays');
    await put(s3.client, 'goes', { Body: 'second' });
    expect((await get(s3.client, 'stays')).toString()).toBe('first');
  });

  it('onto itself must change something', async () => {
    await s3.put('self', 'x');
    await expect(copy('self', 'self')).rejects.toMatchObject(failsWith('InvalidRequest', 400));
    await copy('self', 'self', { StorageClass: 'GLACIER_IR' });
    expect((await head('self')).StorageClass).toBe('GLACIER_IR');
    expect((await get(s3.client, 'self')).toString()).toBe('x');
  });

  it('keeps to the conditions on its source and on its target', async () => {
    const { ETag } = await s3.put('conditions', 'x');
    await expect(copy('conditions', 'c', { CopySourceIfMatch: '"other"' })).rejects.toMatchObject(
      failsWith('PreconditionFailed', 412),
    );
    await expect(copy('conditions', 'c', { CopySourceIfNoneMatch: ETag })).rejects.toMatchObject(
      failsWith('PreconditionFailed', 412),
    );
    await copy('conditions', 'c', { CopySourceIfMatch: ETag, IfNoneMatch: '*' });
    await expect(copy('conditions', 'c', { IfNoneMatch: '*' })).rejects.toMatchObject(
      failsWith('PreconditionFailed', 412),
    );
  });

  it('of what is not there is refused', async () => {
    await expect(copy('missing', 'c')).rejects.toMatchObject(failsWith('NoSuchKey', 404));
    await expect(copy('x', 'c', { CopySource: 'no-such-bucket/x' })).rejects.toMatchObject(
      failsWith('NoSuchBucket', 404),
    );
  });
});

describe('parts', () => {
  const partOf = (upload: object, PartNumber: number, more: Partial<UploadPartCopyCommandInput> = {}) =>
    s3.client.send(
      new UploadPartCopyCommand({
        Bucket,
        Key: 'target',
        UploadId: '',
        CopySource: `${Bucket}/parts-source`,
        PartNumber,
        ...upload,
        ...more,
      }),
    );

  it('are copied from ranges, across the parts of their source', async () => {
    const whole = randomBytes(11 * MiB);
    await putInParts(s3.client, { Key: 'parts-source' }, [whole.subarray(0, 5 * MiB), whole.subarray(5 * MiB)]);
    const upload = { Key: 'target', UploadId: await beginUpload(s3.client, 'target') };
    const cut = 5 * MiB + 123;
    const ranges = [`bytes=0-${cut - 1}`, `bytes=${cut}-${whole.length - 1}`];
    const parts = [];
    for (const [index, CopySourceRange] of ranges.entries()) {
      const { CopyPartResult } = await partOf(upload, index + 1, { CopySourceRange });
      parts.push({ PartNumber: index + 1, ETag: CopyPartResult?.ETag, ChecksumCRC32: CopyPartResult?.ChecksumCRC32 });
    }
    const done = await completeUpload(s3.client, upload, parts);
    expect(Buffer.from(done.ChecksumCRC32 ?? '', 'base64').readUInt32BE()).toBe(crc32(whole));
    expect((await get(s3.client, 'target')).equals(whole)).toBe(true);
  });

  it.each(['bytes=0-99999999', 'bytes=5-', '0-5', 'bytes=9-5'])('range %s -> InvalidArgument', async (range) => {
    await put(s3.client, 'parts-source', { Body: 'hello world' });
    const upload = { Key: 'target', UploadId: await beginUpload(s3.client, 'target') };
    await expect(partOf(upload, 1, { CopySourceRange: range })).rejects.toMatchObject(
      failsWith('InvalidArgument', 400),
    );
  });
});
