import { randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  GetObjectAttributesCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { byUtf8, newKeyIndex } from '../../../sandbox/s3/state/index.js';
import { systemClock } from '../../../src/core/index.js';
import { s3Sandbox, type S3Sandbox } from '../../support/s3-sandbox.js';
import { beginUpload, Bucket, failsWith, MiB, put, putInParts } from './support.js';

let sandbox: S3Sandbox;
let client: S3Client;
beforeAll(async () => {
  sandbox = await s3Sandbox();
  client = sandbox.client();
});
afterEach(() => expect(sandbox.defects).toEqual([]));
afterAll(async () => sandbox[Symbol.asyncDispose]());

describe('the order of keys', () => {
  it('is that of UTF-8 bytes, also where UTF-16 has another', () => {
    const keys = ['a', 'a/', 'ab', '', 'é', '\uffff', '\ue000', '🐘', '🐘a', '\u{10ffff}', 'Z', '~'];
    const byBytes = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect([...keys].sort(byUtf8)).toEqual(byBytes);
    expect([...keys].sort()).not.toEqual(byBytes);
  });

  it('is kept while keys come and go, and costs little with 100,000 of them', () => {
    const index = newKeyIndex<{ readonly key: string }>();
    const key = (n: number) => `vol-${(n * 7919) % 100_003}/x`;
    for (let n = 0; n < 100_000; n += 1) index.set({ key: key(n) });
    index.sortedKeys();
    const beganMs = systemClock.now();
    for (let n = 0; n < 1_000; n += 1) {
      index.delete(key(n));
      index.set({ key: `new-${n}` });
      index.set({ key: `new-${n}` });
      expect(index.sortedKeys()).toHaveLength(100_000);
    }
    // Sorting anew each time would take minutes.
    expect(systemClock.now() - beganMs).toBeLessThan(5_000);
    expect(index.sortedKeys()).toEqual(Array.from(index.values(), (one) => one.key).sort(byUtf8));
  });
});

describe('listings', () => {
  it('of version 1 page by marker, with groups and without', async () => {
    for (const key of ['v1/a/1', 'v1/a/2', 'v1/b', 'v1/c/1', 'v1/d']) await put(client, key);
    const list = async (Delimiter?: string) => {
      const found: (string | undefined)[] = [];
      let Marker: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsCommand({ Bucket, Prefix: 'v1/', MaxKeys: 1, Marker, ...(Delimiter && { Delimiter }) }),
        );
        const names = [
          ...(page.Contents ?? []).map((one) => one.Key),
          ...(page.CommonPrefixes ?? []).map((one) => one.Prefix),
        ];
        expect(names).toHaveLength(1);
        expect(page.Contents?.[0]?.Owner?.ID ?? 'a prefix').not.toBe('');
        found.push(...names);
        // Without a delimiter S3 gives no NextMarker.
        if (Delimiter === undefined) expect(page.NextMarker).toBeUndefined();
        Marker = page.IsTruncated === true ? (page.NextMarker ?? names[0]) : undefined;
      } while (Marker !== undefined);
      return found;
    };
    expect(await list()).toEqual(['v1/a/1', 'v1/a/2', 'v1/b', 'v1/c/1', 'v1/d']);
    expect(await list('/')).toEqual(['v1/a/', 'v1/b', 'v1/c/', 'v1/d']);
  });

  it('show keys that came and went since the last one', async () => {
    const keys = async () =>
      (await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'change/' }))).Contents?.map((one) => one.Key);
    await put(client, 'change/b');
    expect(await keys()).toEqual(['change/b']);
    await put(client, 'change/a');
    await put(client, 'change/c');
    await fetch(`${sandbox.url}/bucket/change/b`, { method: 'DELETE' });
    expect(await keys()).toEqual(['change/a', 'change/c']);
  });

  it('begin after a key that is not there, and give no more than 1,000', async () => {
    await put(client, 'after/b');
    const page = await client.send(
      new ListObjectsV2Command({ Bucket, Prefix: 'after/', StartAfter: 'after/a', MaxKeys: 5_000 }),
    );
    expect([page.MaxKeys, page.Contents?.map((one) => one.Key)]).toEqual([1_000, ['after/b']]);
  });

  it('a wrong token or encoding -> InvalidArgument', async () => {
    for (const wrong of [{ ContinuationToken: 'not one!' }, { EncodingType: 'base64' as 'url' }]) {
      await expect(client.send(new ListObjectsV2Command({ Bucket, ...wrong }))).rejects.toMatchObject(
        failsWith('InvalidArgument', 400),
      );
    }
  });

  it('of uploads to one key go on behind an upload that was aborted meanwhile', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      ids.push(await beginUpload(client, 'same/key'));
      await systemClock.sleep(2);
    }
    const found: (string | undefined)[] = [];
    let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
    for (;;) {
      const page = await client.send(
        new ListMultipartUploadsCommand({ Bucket, Prefix: 'same/', MaxUploads: 1, ...marker }),
      );
      for (const { Key, UploadId } of page.Uploads ?? []) {
        found.push(UploadId);
        await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
      }
      if (page.IsTruncated !== true) break;
      marker = { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' };
    }
    expect(found).toEqual(ids);
  });
});

describe('attributes', () => {
  it('of a multipart object tell its parts in pages', async () => {
    await putInParts(client, { Key: 'attributes', ChecksumType: 'COMPOSITE' }, [
      randomBytes(5 * MiB),
      randomBytes(5 * MiB),
      randomBytes(7),
    ]);
    const ask = (more: object = {}) =>
      client.send(
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
    await putInParts(client, { Key: 'whole' }, [randomBytes(5 * MiB), randomBytes(1)]);
    const found = await client.send(
      new GetObjectAttributesCommand({ Bucket, Key: 'whole', ObjectAttributes: ['ObjectParts'] }),
    );
    expect(found.ObjectParts).toEqual({ TotalPartsCount: 2 });
  });

  it('are those that were asked for, and no others that there are not', async () => {
    await put(client, 'plain');
    const ask = (names: string[]) =>
      client.send(new GetObjectAttributesCommand({ Bucket, Key: 'plain', ObjectAttributes: names as ['ETag'] }));
    const found = await ask(['ObjectSize', 'ObjectParts']);
    expect(found).toMatchObject({ ObjectSize: 1 });
    expect([found.ETag, found.ObjectParts]).toEqual([undefined, undefined]);
    await expect(ask(['Nonsense'])).rejects.toMatchObject(failsWith('InvalidArgument', 400));
  });
});
