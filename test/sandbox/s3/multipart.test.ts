import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCopyCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/index.js';
import { beginUpload, Bucket, completeUpload, failsWith, MiB, sendPart, useSandbox } from './support.js';

const s3 = useSandbox();

const base64Crc32 = (bytes: Buffer): string => {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(crc32(bytes));
  return out.toString('base64');
};
const crc32Composite = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'COMPOSITE' } as const;

describe('multipart uploads', () => {
  it('become one object: parts in any order, ETag of ETags, attributes of the beginning', async () => {
    const pieces = [randomBytes(5 * MiB), randomBytes(6 * MiB), randomBytes(7)];
    const UploadId = await beginUpload(s3.client, 'object', {
      ChecksumAlgorithm: 'CRC32',
      ChecksumType: 'FULL_OBJECT',
      Metadata: { a: 'b' },
      Tagging: 't=1',
      StorageClass: 'GLACIER_IR',
    });
    const parts: CompletedPart[] = [];
    for (const number of [3, 1, 2])
      parts[number - 1] = await sendPart(
        s3.client,
        { Key: 'object', UploadId },
        { PartNumber: number, Body: pieces[number - 1] ?? Buffer.alloc(0) },
      );
    const whole = Buffer.concat(pieces);
    const done = await completeUpload(s3.client, { Key: 'object', UploadId }, parts, {
      ChecksumCRC32: base64Crc32(whole),
      ChecksumType: 'FULL_OBJECT',
      MpuObjectSize: whole.length,
    });
    const md5s = Buffer.concat(pieces.map((piece) => createHash('md5').update(piece).digest()));
    expect(done.ETag).toBe(`"${createHash('md5').update(md5s).digest('hex')}-3"`);
    const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'object' }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(whole)).toBe(true);
    const across = await s3.client.send(
      new GetObjectCommand({ Bucket, Key: 'object', Range: `bytes=${5 * MiB - 3}-${5 * MiB + 3}` }),
    );
    expect(
      Buffer.from((await across.Body?.transformToByteArray()) ?? []).equals(whole.subarray(5 * MiB - 3, 5 * MiB + 4)),
    ).toBe(true);
    expect(
      await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'object', ChecksumMode: 'ENABLED' })),
    ).toMatchObject({
      ChecksumCRC32: base64Crc32(whole),
      ChecksumType: 'FULL_OBJECT',
      Metadata: { a: 'b' },
      TagCount: 1,
      StorageClass: 'GLACIER_IR',
    });
    expect(await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'object', PartNumber: 2 }))).toMatchObject({
      ContentLength: 6 * MiB,
      PartsCount: 3,
    });
    await expect(s3.client.send(new ListPartsCommand({ Bucket, Key: 'object', UploadId }))).rejects.toMatchObject(
      failsWith('NoSuchUpload', 404),
    );
  });

  it('have composite checksums where asked', async () => {
    const pieces = [randomBytes(5 * MiB), randomBytes(100)];
    const UploadId = await beginUpload(s3.client, 'composite', crc32Composite);
    const parts = [
      await sendPart(s3.client, { Key: 'composite', UploadId }, { PartNumber: 1, Body: pieces[0] ?? Buffer.alloc(0) }),
      await sendPart(s3.client, { Key: 'composite', UploadId }, { PartNumber: 2, Body: pieces[1] ?? Buffer.alloc(0) }),
    ];
    const done = await completeUpload(s3.client, { Key: 'composite', UploadId }, parts);
    const sums = Buffer.concat(pieces.map((piece) => Buffer.from(base64Crc32(piece), 'base64')));
    expect(done).toMatchObject({ ChecksumCRC32: `${base64Crc32(sums)}-2`, ChecksumType: 'COMPOSITE' });
  });

  it('get CRC64NVME where the client asks for none', async () => {
    const UploadId = await beginUpload(s3.client, 'default', {});
    const answer = await fetch(`${s3.url}/bucket/default?partNumber=1&uploadId=${UploadId}`, {
      method: 'PUT',
      body: '123456789',
    });
    const etag = answer.headers.get('etag') ?? '';
    await completeUpload(s3.client, { Key: 'default', UploadId }, [{ PartNumber: 1, ETag: etag }]);
    const head = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'default', ChecksumMode: 'ENABLED' }));
    expect(Buffer.from(head.ChecksumCRC64NVME ?? '', 'base64').toString('hex')).toBe('ae8b14860a799888');
  });

  it.each([
    ['too small', 'EntityTooSmall', [1 * MiB, 1 * MiB], [1, 2]],
    ['out of order', 'InvalidPartOrder', [5 * MiB, 5 * MiB], [2, 1]],
    ['named twice', 'InvalidPartOrder', [5 * MiB], [1, 1]],
    ['not there', 'InvalidPart', [5 * MiB], [1, 2]],
  ] as const)('whose parts are %s -> %s, and the upload goes on', async (_, code, sizes, order) => {
    const UploadId = await beginUpload(s3.client, 'rules');
    const parts: CompletedPart[] = [];
    for (const [index, size] of sizes.entries())
      parts.push(
        await sendPart(s3.client, { Key: 'rules', UploadId }, { PartNumber: index + 1, Body: randomBytes(size) }),
      );
    const listed = order.map((PartNumber) => ({ ...(parts[PartNumber - 1] ?? { ETag: '"0"' }), PartNumber }));
    await expect(completeUpload(s3.client, { Key: 'rules', UploadId }, listed)).rejects.toMatchObject(
      failsWith(code, 400),
    );
    expect((await s3.client.send(new ListPartsCommand({ Bucket, Key: 'rules', UploadId }))).Parts).toHaveLength(
      sizes.length,
    );
    await s3.client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'rules', UploadId }));
  });

  it('that are not what the client says of them are refused', async () => {
    const UploadId = await beginUpload(s3.client, 'sums');
    const body = randomBytes(100);
    const parts = [await sendPart(s3.client, { Key: 'sums', UploadId }, { PartNumber: 1, Body: body })];
    const wrong = base64Crc32(Buffer.from('other'));
    await expect(
      completeUpload(s3.client, { Key: 'sums', UploadId }, parts, { ChecksumCRC32: wrong }),
    ).rejects.toMatchObject(failsWith('BadDigest', 400));
    await expect(
      completeUpload(s3.client, { Key: 'sums', UploadId }, parts, { MpuObjectSize: 101 }),
    ).rejects.toMatchObject(failsWith('InvalidRequest', 400));
    await expect(
      completeUpload(s3.client, { Key: 'sums', UploadId }, parts, { ChecksumType: 'COMPOSITE' }),
    ).rejects.toMatchObject(failsWith('InvalidRequest', 400));
    await expect(
      completeUpload(s3.client, { Key: 'sums', UploadId }, [{ ...parts[0], ETag: '"0123"' }]),
    ).rejects.toMatchObject(failsWith('InvalidPart', 400));
    await completeUpload(s3.client, { Key: 'sums', UploadId }, parts, {
      ChecksumCRC32: base64Crc32(body),
      MpuObjectSize: 100,
    });
  });

  it('refuse pairs of checksum and type that S3 does not have', async () => {
    await expect(
      beginUpload(s3.client, 'k', { ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' }),
    ).rejects.toMatchObject(failsWith('InvalidRequest', 400));
    await expect(
      beginUpload(s3.client, 'k', { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'COMPOSITE' }),
    ).rejects.toMatchObject(failsWith('InvalidRequest', 400));
  });

  it('take part numbers from 1 to 10,000', async () => {
    const UploadId = await beginUpload(s3.client, 'numbers', {});
    for (const number of [0, 10_001]) {
      await expect(
        sendPart(s3.client, { Key: 'numbers', UploadId }, { PartNumber: number, Body: Buffer.from('x') }),
      ).rejects.toMatchObject(failsWith('InvalidArgument', 400));
    }
    await s3.client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'numbers', UploadId }));
  });

  it('take parts from other objects, whole or in ranges', async () => {
    const body = randomBytes(6 * MiB);
    await s3.client.send(new PutObjectCommand({ Bucket, Key: 'source', Body: body }));
    const UploadId = await beginUpload(s3.client, 'assembled');
    const copyPart = async (PartNumber: number, CopySourceRange?: string): Promise<CompletedPart> => {
      const range = CopySourceRange === undefined ? {} : { CopySourceRange };
      const { CopyPartResult } = await s3.client.send(
        new UploadPartCopyCommand({
          Bucket,
          Key: 'assembled',
          UploadId,
          PartNumber,
          CopySource: 'bucket/source',
          ...range,
        }),
      );
      return { PartNumber, ETag: CopyPartResult?.ETag, ChecksumCRC32: CopyPartResult?.ChecksumCRC32 };
    };
    const parts = [await copyPart(1), await copyPart(2, 'bytes=10-19')];
    await expect(copyPart(3, `bytes=0-${6 * MiB}`)).rejects.toMatchObject(failsWith('InvalidArgument', 400));
    const whole = Buffer.concat([body, body.subarray(10, 20)]);
    await completeUpload(s3.client, { Key: 'assembled', UploadId }, parts, { ChecksumCRC32: base64Crc32(whole) });
    const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'assembled' }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(whole)).toBe(true);
  });

  it('can be aborted, and are gone then', async () => {
    const UploadId = await beginUpload(s3.client, 'aborted');
    await sendPart(s3.client, { Key: 'aborted', UploadId }, { PartNumber: 1, Body: randomBytes(100) });
    await s3.client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'aborted', UploadId }));
    await expect(
      sendPart(s3.client, { Key: 'aborted', UploadId }, { PartNumber: 2, Body: randomBytes(100) }),
    ).rejects.toMatchObject(failsWith('NoSuchUpload', 404));
    await expect(
      s3.client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'aborted', UploadId })),
    ).rejects.toMatchObject(failsWith('NoSuchUpload', 404));
  });

  it('replace an object only under the conditions given', async () => {
    await s3.client.send(new PutObjectCommand({ Bucket, Key: 'condition', Body: 'first' }));
    const UploadId = await beginUpload(s3.client, 'condition');
    const parts = [await sendPart(s3.client, { Key: 'condition', UploadId }, { PartNumber: 1, Body: randomBytes(10) })];
    await expect(
      completeUpload(s3.client, { Key: 'condition', UploadId }, parts, { IfNoneMatch: '*' }),
    ).rejects.toMatchObject(failsWith('PreconditionFailed', 412));
    await completeUpload(s3.client, { Key: 'condition', UploadId }, parts);
    expect((await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'condition' }))).ContentLength).toBe(10);
  });

  it('that are completed again with the same parts answer the same, while the object is there', async () => {
    const upload = { Key: 'again', UploadId: await beginUpload(s3.client, 'again') };
    const parts = [await sendPart(s3.client, upload, { PartNumber: 1, Body: 'x' })];
    const complete = (listed = parts) => completeUpload(s3.client, upload, listed, { IfNoneMatch: '*' });
    const { ETag } = await complete();
    await s3.restart();
    expect((await complete()).ETag).toBe(ETag);
    const other = [{ ...parts[0], ETag: `"${'0'.repeat(32)}"` }];
    await expect(complete(other)).rejects.toMatchObject(failsWith('NoSuchUpload', 404));
    await s3.put('again', 'other');
    await expect(complete()).rejects.toMatchObject(failsWith('NoSuchUpload', 404));
    expect((await s3.get('again')).toString()).toBe('other');
  });

  it('become objects that are as old as they are', async () => {
    const upload = { Key: 'old', UploadId: await beginUpload(s3.client, 'old') };
    const parts = [await sendPart(s3.client, upload, { PartNumber: 1, Body: 'x' })];
    const { Uploads } = await s3.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'old' }));
    await systemClock.sleep(1100);
    await completeUpload(s3.client, upload, parts);
    const { Contents } = await s3.client.send(new ListObjectsV2Command({ Bucket, Prefix: 'old' }));
    expect(Contents?.[0]?.LastModified).toEqual(Uploads?.[0]?.Initiated);
  });

  it('and their parts are listed in pages, and survive a restart', async () => {
    const UploadId = await beginUpload(s3.client, 'listed');
    const parts: CompletedPart[] = [];
    for (let number = 1; number <= 5; number += 1)
      parts.push(
        await sendPart(s3.client, { Key: 'listed', UploadId }, { PartNumber: number, Body: randomBytes(5 * MiB) }),
      );
    const others = await Promise.all(['many/1', 'many/2', 'many/3'].map((key) => beginUpload(s3.client, key, {})));
    await s3.restart();

    const numbers: (number | undefined)[] = [];
    let PartNumberMarker: string | undefined;
    do {
      const page = await s3.client.send(
        new ListPartsCommand({ Bucket, Key: 'listed', UploadId, MaxParts: 2, PartNumberMarker }),
      );
      numbers.push(...(page.Parts ?? []).map((one) => one.PartNumber));
      PartNumberMarker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    } while (PartNumberMarker !== undefined);
    expect(numbers).toEqual([1, 2, 3, 4, 5]);

    const uploads: (string | undefined)[] = [];
    let markers: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
    while (markers !== undefined) {
      const page: {
        Uploads?: { UploadId?: string }[];
        IsTruncated?: boolean;
        NextKeyMarker?: string;
        NextUploadIdMarker?: string;
      } = (await s3.client.send(
        new ListMultipartUploadsCommand({ Bucket, Prefix: 'many/', MaxUploads: 2, ...markers }),
      )) as never;
      uploads.push(...(page.Uploads ?? []).map((one) => one.UploadId));
      markers =
        page.IsTruncated === true
          ? { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' }
          : undefined;
    }
    expect(uploads).toEqual(others);
    await completeUpload(s3.client, { Key: 'listed', UploadId }, parts);
    expect((await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'listed' }))).ContentLength).toBe(25 * MiB);
  });
});
