import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompletedPart,
  type CreateMultipartUploadCommandInput,
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
afterEach(() => {
  expect(sandbox.defects).toEqual([]);
});
afterAll(async () => sandbox[Symbol.asyncDispose]());

const Bucket = 'bucket';
const MiB = 1024 ** 2;
const failsWith = (name: string, status: number) => ({
  name,
  $metadata: expect.objectContaining({ httpStatusCode: status }),
});
async function begin(Key: string, more: Partial<CreateMultipartUploadCommandInput> = {}): Promise<string> {
  return (await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))).UploadId ?? '';
}
async function part(Key: string, UploadId: string, PartNumber: number, Body: Buffer): Promise<CompletedPart> {
  const sent = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
  return { PartNumber, ETag: sent.ETag, ChecksumCRC32: sent.ChecksumCRC32 };
}
const complete = (Key: string, UploadId: string, Parts: CompletedPart[], more = {}) =>
  client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }));
const base64Crc32 = (bytes: Buffer): string => {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(crc32(bytes));
  return out.toString('base64');
};
const crc32Full = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
const crc32Composite = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'COMPOSITE' } as const;

describe('multipart uploads', () => {
  it('become one object: parts in any order, ETag of ETags, attributes of the beginning', async () => {
    const pieces = [randomBytes(5 * MiB), randomBytes(6 * MiB), randomBytes(7)];
    const UploadId = await begin('object', {
      ...crc32Full,
      Metadata: { a: 'b' },
      Tagging: 't=1',
      StorageClass: 'GLACIER_IR',
    });
    const parts: CompletedPart[] = [];
    for (const number of [3, 1, 2])
      parts[number - 1] = await part('object', UploadId, number, pieces[number - 1] ?? Buffer.alloc(0));
    const whole = Buffer.concat(pieces);
    const done = await complete('object', UploadId, parts, {
      ChecksumCRC32: base64Crc32(whole),
      ChecksumType: 'FULL_OBJECT',
      MpuObjectSize: whole.length,
    });
    const md5s = Buffer.concat(pieces.map((piece) => createHash('md5').update(piece).digest()));
    expect(done.ETag).toBe(`"${createHash('md5').update(md5s).digest('hex')}-3"`);
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'object' }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(whole)).toBe(true);
    const across = await client.send(
      new GetObjectCommand({ Bucket, Key: 'object', Range: `bytes=${5 * MiB - 3}-${5 * MiB + 3}` }),
    );
    expect(
      Buffer.from((await across.Body?.transformToByteArray()) ?? []).equals(whole.subarray(5 * MiB - 3, 5 * MiB + 4)),
    ).toBe(true);
    expect(await client.send(new HeadObjectCommand({ Bucket, Key: 'object', ChecksumMode: 'ENABLED' }))).toMatchObject({
      ChecksumCRC32: base64Crc32(whole),
      ChecksumType: 'FULL_OBJECT',
      Metadata: { a: 'b' },
      TagCount: 1,
      StorageClass: 'GLACIER_IR',
    });
    expect(await client.send(new HeadObjectCommand({ Bucket, Key: 'object', PartNumber: 2 }))).toMatchObject({
      ContentLength: 6 * MiB,
      PartsCount: 3,
    });
    await expect(client.send(new ListPartsCommand({ Bucket, Key: 'object', UploadId }))).rejects.toMatchObject(
      failsWith('NoSuchUpload', 404),
    );
  });

  it('have composite checksums where asked', async () => {
    const pieces = [randomBytes(5 * MiB), randomBytes(100)];
    const UploadId = await begin('composite', crc32Composite);
    const parts = [
      await part('composite', UploadId, 1, pieces[0] ?? Buffer.alloc(0)),
      await part('composite', UploadId, 2, pieces[1] ?? Buffer.alloc(0)),
    ];
    const done = await complete('composite', UploadId, parts);
    const sums = Buffer.concat(pieces.map((piece) => Buffer.from(base64Crc32(piece), 'base64')));
    expect(done).toMatchObject({ ChecksumCRC32: `${base64Crc32(sums)}-2`, ChecksumType: 'COMPOSITE' });
  });

  it('get CRC64NVME where the client asks for none', async () => {
    const UploadId = await begin('default');
    const answer = await fetch(`${sandbox.url}/bucket/default?partNumber=1&uploadId=${UploadId}`, {
      method: 'PUT',
      body: '123456789',
    });
    const etag = answer.headers.get('etag') ?? '';
    await complete('default', UploadId, [{ PartNumber: 1, ETag: etag }]);
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'default', ChecksumMode: 'ENABLED' }));
    expect(Buffer.from(head.ChecksumCRC64NVME ?? '', 'base64').toString('hex')).toBe('ae8b14860a799888');
  });

  it.each([
    ['too small', 'EntityTooSmall', [1 * MiB, 1 * MiB], [1, 2]],
    ['out of order', 'InvalidPartOrder', [5 * MiB, 5 * MiB], [2, 1]],
    ['named twice', 'InvalidPartOrder', [5 * MiB], [1, 1]],
    ['not there', 'InvalidPart', [5 * MiB], [1, 2]],
  ] as const)('whose parts are %s -> %s, and the upload goes on', async (_, code, sizes, order) => {
    const UploadId = await begin('rules', crc32Full);
    const parts: CompletedPart[] = [];
    for (const [index, size] of sizes.entries())
      parts.push(await part('rules', UploadId, index + 1, randomBytes(size)));
    const listed = order.map((PartNumber) => ({ ...(parts[PartNumber - 1] ?? { ETag: '"0"' }), PartNumber }));
    await expect(complete('rules', UploadId, listed)).rejects.toMatchObject(failsWith(code, 400));
    expect((await client.send(new ListPartsCommand({ Bucket, Key: 'rules', UploadId }))).Parts).toHaveLength(
      sizes.length,
    );
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'rules', UploadId }));
  });

  it('that are not what the client says of them are refused', async () => {
    const UploadId = await begin('sums', crc32Full);
    const body = randomBytes(100);
    const parts = [await part('sums', UploadId, 1, body)];
    const wrong = base64Crc32(Buffer.from('other'));
    await expect(complete('sums', UploadId, parts, { ChecksumCRC32: wrong })).rejects.toMatchObject(
      failsWith('BadDigest', 400),
    );
    await expect(complete('sums', UploadId, parts, { MpuObjectSize: 101 })).rejects.toMatchObject(
      failsWith('InvalidRequest', 400),
    );
    await expect(complete('sums', UploadId, parts, { ChecksumType: 'COMPOSITE' })).rejects.toMatchObject(
      failsWith('InvalidRequest', 400),
    );
    await expect(complete('sums', UploadId, [{ ...parts[0], ETag: '"0123"' }])).rejects.toMatchObject(
      failsWith('InvalidPart', 400),
    );
    await complete('sums', UploadId, parts, { ChecksumCRC32: base64Crc32(body), MpuObjectSize: 100 });
  });

  it('refuse pairs of checksum and type that S3 does not have', async () => {
    await expect(begin('k', { ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' })).rejects.toMatchObject(
      failsWith('InvalidRequest', 400),
    );
    await expect(begin('k', { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'COMPOSITE' })).rejects.toMatchObject(
      failsWith('InvalidRequest', 400),
    );
  });

  it('take part numbers from 1 to 10,000', async () => {
    const UploadId = await begin('numbers');
    for (const number of [0, 10_001]) {
      await expect(part('numbers', UploadId, number, Buffer.from('x'))).rejects.toMatchObject(
        failsWith('InvalidArgument', 400),
      );
    }
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'numbers', UploadId }));
  });

  it('take parts from other objects, whole or in ranges', async () => {
    const body = randomBytes(6 * MiB);
    await client.send(new PutObjectCommand({ Bucket, Key: 'source', Body: body }));
    const UploadId = await begin('assembled', crc32Full);
    const copyPart = async (PartNumber: number, CopySourceRange?: string): Promise<CompletedPart> => {
      const range = CopySourceRange === undefined ? {} : { CopySourceRange };
      const { CopyPartResult } = await client.send(
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
    await complete('assembled', UploadId, parts, { ChecksumCRC32: base64Crc32(whole) });
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'assembled' }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(whole)).toBe(true);
  });

  it('can be aborted, and are gone then', async () => {
    const UploadId = await begin('aborted', crc32Full);
    await part('aborted', UploadId, 1, randomBytes(100));
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'aborted', UploadId }));
    await expect(part('aborted', UploadId, 2, randomBytes(100))).rejects.toMatchObject(failsWith('NoSuchUpload', 404));
    await expect(
      client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'aborted', UploadId })),
    ).rejects.toMatchObject(failsWith('NoSuchUpload', 404));
  });

  it('replace an object only under the conditions given', async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: 'condition', Body: 'first' }));
    const UploadId = await begin('condition', crc32Full);
    const parts = [await part('condition', UploadId, 1, randomBytes(10))];
    await expect(complete('condition', UploadId, parts, { IfNoneMatch: '*' })).rejects.toMatchObject(
      failsWith('PreconditionFailed', 412),
    );
    await complete('condition', UploadId, parts);
    expect((await client.send(new HeadObjectCommand({ Bucket, Key: 'condition' }))).ContentLength).toBe(10);
  });

  it('and their parts are listed in pages, and survive a restart', async () => {
    const UploadId = await begin('listed', crc32Full);
    const parts: CompletedPart[] = [];
    for (let number = 1; number <= 5; number += 1)
      parts.push(await part('listed', UploadId, number, randomBytes(5 * MiB)));
    const others = await Promise.all(['many/1', 'many/2', 'many/3'].map((key) => begin(key)));
    await sandbox.restart();
    client = sandbox.client();

    const numbers: (number | undefined)[] = [];
    let PartNumberMarker: string | undefined;
    do {
      const page = await client.send(
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
      } = (await client.send(
        new ListMultipartUploadsCommand({ Bucket, Prefix: 'many/', MaxUploads: 2, ...markers }),
      )) as never;
      uploads.push(...(page.Uploads ?? []).map((one) => one.UploadId));
      markers =
        page.IsTruncated === true
          ? { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' }
          : undefined;
    }
    expect(uploads).toEqual(others);
    await complete('listed', UploadId, parts);
    expect((await client.send(new HeadObjectCommand({ Bucket, Key: 'listed' }))).ContentLength).toBe(25 * MiB);
  });
});
