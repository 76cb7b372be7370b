import { randomBytes } from 'node:crypto';
import { GetObjectAttributesCommand, type ObjectAttributes } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { Bucket, failsWith, MiB, putInParts, useSandbox } from './support.js';

const s3 = useSandbox();

describe('attributes', () => {
  it('of a multipart object tell its parts in pages', async () => {
    await putInParts(s3.client, { Key: 'attributes', ChecksumType: 'COMPOSITE' }, [
      randomBytes(5 * MiB),
      randomBytes(5 * MiB),
      randomBytes(7),
    ]);
    const ask = (more: object = {}) =>
      s3.client.send(
        new GetObjectAttributesCommand({
          Bucket,
          Key: 'attributes',
          ObjectAttributes: ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'],
          ...more,
        }),
      );
    const first = await ask({ MaxParts: 2 });
    expect(first).toMatchObject({
      ETag: expect.stringMatching(/^[0-9a-f]{32}-3$/),
      Checksum: { ChecksumCRC32: expect.stringMatching(/=$/), ChecksumType: 'COMPOSITE' },
      StorageClass: 'STANDARD',
      ObjectSize: 10 * MiB + 7,
      ObjectParts: { TotalPartsCount: 3, IsTruncated: true, NextPartNumberMarker: '2' },
    });
    expect(first.ObjectParts?.Parts).toHaveLength(2);
    const second = await ask({ PartNumberMarker: first.ObjectParts?.NextPartNumberMarker });
    expect(second.ObjectParts).toMatchObject({ IsTruncated: false, Parts: [{ PartNumber: 3, Size: 7 }] });
  });

  it('of a multipart object with a checksum of the whole tell how many parts there are', async () => {
    await putInParts(s3.client, { Key: 'whole' }, [randomBytes(5 * MiB), randomBytes(1)]);
    const found = await s3.client.send(
      new GetObjectAttributesCommand({ Bucket, Key: 'whole', ObjectAttributes: ['ObjectParts'] }),
    );
    expect(found.ObjectParts).toEqual({ TotalPartsCount: 2 });
  });

  it('are those that were asked for, and no others that there are not', async () => {
    await s3.put('plain', 'x');
    const ask = (names: string[]) =>
      s3.client.send(new GetObjectAttributesCommand({ Bucket, Key: 'plain', ObjectAttributes: names as ['ETag'] }));
    const found = await ask(['ObjectSize', 'ObjectParts']);
    expect(found).toMatchObject({ ObjectSize: 1 });
    expect([found.ETag, found.ObjectParts]).toEqual([undefined, undefined]);
    await expect(ask(['Nonsense'])).rejects.toMatchObject(failsWith('InvalidArgument', 400));
  });

  it('of an object in one piece have its checksum', async () => {
    const { ETag } = await s3.put('in one piece', '123456789', { ChecksumAlgorithm: 'CRC32' });
    const ask = (...names: ObjectAttributes[]) =>
      s3.client.send(new GetObjectAttributesCommand({ Bucket, Key: 'in one piece', ObjectAttributes: names }));
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
