import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { byUtf8, newKeyIndex } from '../../../sandbox/s3/state/index.js';
import { systemClock } from '../../../src/core/index.js';
import { beginUpload, Bucket, failsWith, useSandbox } from './support.js';

const s3 = useSandbox();

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
  it('give all of 2,500 keys in pages, in the order of their UTF-8 bytes', async () => {
    const keys = Array.from({ length: 2_500 }, (_, n) => `many/${n}`);
    for (let from = 0; from < keys.length; from += 50) {
      await Promise.all(keys.slice(from, from + 50).map((key) => s3.put(key, 'x')));
    }
    const listed: string[] = [];
    let ContinuationToken: string | undefined;
    let pages = 0;
    do {
      const page = await s3.client.send(new ListObjectsV2Command({ Bucket, Prefix: 'many/', ContinuationToken }));
      listed.push(...(page.Contents ?? []).map((one) => one.Key ?? ''));
      ContinuationToken = page.NextContinuationToken;
      pages += 1;
    } while (ContinuationToken !== undefined);
    expect(pages).toBe(3);
    expect(listed).toEqual([...keys].sort());
  });

  it('group by delimiter, across pages too', async () => {
    for (const key of ['g/a/1', 'g/a/2', 'g/b', 'g/c/1', 'g/c/2', 'g/d']) await s3.put(key, 'x');
    const found: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await s3.client.send(
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
    const { Contents } = await s3.client.send(new ListObjectsV2Command({ Bucket, Prefix: 'g/', StartAfter: 'g/c/1' }));
    expect(Contents?.map((one) => one.Key)).toEqual(['g/c/2', 'g/d']);
  });

  it('of version 1 page by marker, with groups and without', async () => {
    for (const key of ['v1/a/1', 'v1/a/2', 'v1/b', 'v1/c/1', 'v1/d']) await s3.put(key, 'x');
    const list = async (Delimiter?: string) => {
      const found: (string | undefined)[] = [];
      let Marker: string | undefined;
      do {
        const page = await s3.client.send(
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
      (await s3.client.send(new ListObjectsV2Command({ Bucket, Prefix: 'change/' }))).Contents?.map((one) => one.Key);
    await s3.put('change/b', 'x');
    expect(await keys()).toEqual(['change/b']);
    await s3.put('change/a', 'x');
    await s3.put('change/c', 'x');
    await fetch(`${s3.url}/bucket/change/b`, { method: 'DELETE' });
    expect(await keys()).toEqual(['change/a', 'change/c']);
  });

  it('begin after a key that is not there, and give no more than 1,000', async () => {
    await s3.put('after/b', 'x');
    const page = await s3.client.send(
      new ListObjectsV2Command({ Bucket, Prefix: 'after/', StartAfter: 'after/a', MaxKeys: 5_000 }),
    );
    expect([page.MaxKeys, page.Contents?.map((one) => one.Key)]).toEqual([1_000, ['after/b']]);
  });

  it('a wrong token or encoding -> InvalidArgument', async () => {
    for (const wrong of [{ ContinuationToken: 'not one!' }, { EncodingType: 'base64' as 'url' }]) {
      await expect(s3.client.send(new ListObjectsV2Command({ Bucket, ...wrong }))).rejects.toMatchObject(
        failsWith('InvalidArgument', 400),
      );
    }
  });

  it('of uploads to one key go on behind an upload that was aborted meanwhile', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      ids.push(await beginUpload(s3.client, 'same/key'));
      await systemClock.sleep(2);
    }
    const found: (string | undefined)[] = [];
    let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
    for (;;) {
      const page = await s3.client.send(
        new ListMultipartUploadsCommand({ Bucket, Prefix: 'same/', MaxUploads: 1, ...marker }),
      );
      for (const { Key, UploadId } of page.Uploads ?? []) {
        found.push(UploadId);
        await s3.client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
      }
      if (page.IsTruncated !== true) break;
      marker = { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' };
    }
    expect(found).toEqual(ids);
  });

  it('of uploads group by delimiter, across pages too', async () => {
    for (const key of ['u/a/1', 'u/a/2', 'u/b', 'u/c/1', 'u/d']) await beginUpload(s3.client, key);
    const found: (string | undefined)[] = [];
    let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
    for (;;) {
      const page = await s3.client.send(
        new ListMultipartUploadsCommand({ Bucket, Prefix: 'u/', Delimiter: '/', MaxUploads: 1, ...marker }),
      );
      const names = [
        ...(page.CommonPrefixes ?? []).map((one) => one.Prefix),
        ...(page.Uploads ?? []).map((one) => one.Key),
      ];
      expect([names.length, page.Delimiter]).toEqual([1, '/']);
      found.push(...names);
      if (page.IsTruncated !== true) break;
      marker = { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' };
    }
    expect(found).toEqual(['u/a/', 'u/b', 'u/c/', 'u/d']);
  });
});
