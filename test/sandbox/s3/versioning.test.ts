import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectTaggingCommand,
  type BucketVersioningStatus,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { failsWith, putInParts, get, MiB, put, statusAndCode, useSandbox } from './support.js';

const s3 = useSandbox();
const Bucket = 'versioned';
const setVersioning = (Status: BucketVersioningStatus, bucket = Bucket) =>
  s3.client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status } }));
beforeAll(async () => {
  await s3.client.send(new CreateBucketCommand({ Bucket }));
  await setVersioning('Enabled');
});

const write = async (Key: string, Body: string, bucket = Bucket) =>
  (await put(s3.client, Key, { Bucket: bucket, Body })).VersionId;
const read = async (Key: string, VersionId?: string) =>
  (await get(s3.client, Key, { Bucket, ...(VersionId === undefined ? {} : { VersionId }) })).toString();
const remove = (Key: string, VersionId?: string, bucket = Bucket) =>
  s3.client.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId }));
const versions = (Prefix: string, more: object = {}) =>
  s3.client.send(new ListObjectVersionsCommand({ Bucket, Prefix, ...more }));

describe('a bucket with versioning', () => {
  it('says so, and one that never had it says nothing', async () => {
    const status = async (bucket: string) =>
      (await s3.client.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status;
    expect([await status(Bucket), await status('bucket')]).toEqual(['Enabled', undefined]);
  });

  it('keeps every version, also over a restart', async () => {
    const [first, second] = [await write('kept', 'first'), await write('kept', 'second')];
    expect(first).not.toBe(second);
    await s3.restart();
    expect([await read('kept'), await read('kept', first), await read('kept', second)]).toEqual([
      'second',
      'first',
      'second',
    ]);
    const head = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'kept' }));
    expect(head.VersionId).toBe(second);
  });

  it('deletes by putting a marker on top', async () => {
    const first = await write('marked', 'x');
    const { DeleteMarker, VersionId } = await remove('marked');
    expect(DeleteMarker).toBe(true);
    await expect(read('marked')).rejects.toMatchObject(failsWith('NoSuchKey', 404));
    const missing = await fetch(`${s3.url}/${Bucket}/marked`);
    expect([
      missing.status,
      missing.headers.get('x-amz-delete-marker'),
      missing.headers.get('x-amz-version-id'),
    ]).toEqual([404, 'true', VersionId]);
    expect(await read('marked', first)).toBe('x');
    expect((await s3.client.send(new ListObjectsV2Command({ Bucket, Prefix: 'marked' }))).KeyCount).toBe(0);
    const marker = await fetch(`${s3.url}/${Bucket}/marked?versionId=${VersionId ?? ''}`);
    expect([marker.status, marker.headers.get('allow')]).toEqual([405, 'DELETE']);
    expect(await remove('marked', VersionId)).toMatchObject({ DeleteMarker: true, VersionId });
    expect(await read('marked')).toBe('x');
  });

  it('deletes a version for good, and the one below becomes the current one', async () => {
    const first = await write('gone', 'first');
    const second = await write('gone', 'second');
    expect((await remove('gone', second)).VersionId).toBe(second);
    expect(await read('gone')).toBe('first');
    await expect(read('gone', second)).rejects.toMatchObject(failsWith('NoSuchVersion', 404));
    await remove('gone', second);
    await remove('gone', first);
    expect((await versions('gone')).Versions).toBeUndefined();
  });

  it('deletes several versions with DeleteObjects', async () => {
    const first = await write('several', 'first');
    const { VersionId } = await remove('several');
    const Objects = [{ Key: 'several', VersionId: first }, { Key: 'several', VersionId }, { Key: 'several-new' }];
    const { Deleted } = await s3.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Deleted).toEqual([
      { Key: 'several', VersionId: first },
      { Key: 'several', VersionId, DeleteMarker: true, DeleteMarkerVersionId: VersionId },
      { Key: 'several-new', DeleteMarker: true, DeleteMarkerVersionId: expect.stringMatching(/./) },
    ]);
  });

  it('tags each version for itself', async () => {
    const first = await write('tags', 'first');
    await write('tags', 'second');
    const tag = { TagSet: [{ Key: 'a', Value: '1' }] };
    await s3.client.send(new PutObjectTaggingCommand({ Bucket, Key: 'tags', VersionId: first, Tagging: tag }));
    const tagsOf = async (VersionId?: string) =>
      (await s3.client.send(new GetObjectTaggingCommand({ Bucket, Key: 'tags', VersionId }))).TagSet;
    expect([await tagsOf(first), await tagsOf()]).toEqual([tag.TagSet, []]);
    expect(await read('tags')).toBe('second');
  });

  it('copies an old version on top', async () => {
    const first = await write('back', 'first');
    await write('back', 'second');
    const CopySource = `${Bucket}/back?versionId=${first ?? ''}`;
    const copied = await s3.client.send(new CopyObjectCommand({ Bucket, Key: 'back', CopySource }));
    expect(copied.CopySourceVersionId).toBe(first);
    expect(await read('back')).toBe('first');
    expect((await versions('back')).Versions).toHaveLength(3);
  });

  it('is not empty while there are versions below markers', async () => {
    const bucket = 'to-be-deleted';
    const drop = () => s3.client.send(new DeleteBucketCommand({ Bucket: bucket }));
    await s3.client.send(new CreateBucketCommand({ Bucket: bucket }));
    await setVersioning('Enabled', bucket);
    const VersionId = await write('k', 'x', bucket);
    const marker = await remove('k', undefined, bucket);
    await expect(drop()).rejects.toMatchObject(failsWith('BucketNotEmpty', 409));
    await remove('k', VersionId, bucket);
    await remove('k', marker.VersionId, bucket);
    await drop();
  });

  it('whose versioning is suspended replaces the null version only', async () => {
    const bucket = 'suspended';
    await s3.client.send(new CreateBucketCommand({ Bucket: bucket }));
    expect(await write('k', 'before', bucket)).toBeUndefined();
    await setVersioning('Enabled', bucket);
    const kept = await write('k', 'kept', bucket);
    await setVersioning('Suspended', bucket);
    expect(await write('k', 'after', bucket)).toBe('null');
    const list = async () => {
      const found = await s3.client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
      return [found.Versions?.map((one) => one.VersionId), found.DeleteMarkers?.map((one) => one.VersionId)];
    };
    expect(await list()).toEqual([['null', kept], undefined]);
    expect(await remove('k', undefined, bucket)).toMatchObject({ DeleteMarker: true, VersionId: 'null' });
    expect(await list()).toEqual([[kept], ['null']]);
  });

  it('refuses ids that are none, and knows none where there was never versioning', async () => {
    await write('ids', 'x');
    await expect(read('ids', 'nonsense')).rejects.toMatchObject(failsWith('InvalidArgument', 400));
    await expect(read('ids', 'null')).rejects.toMatchObject(failsWith('NoSuchVersion', 404));
    await s3.put('plain', 'x');
    expect((await s3.get('plain', { VersionId: 'null' })).toString()).toBe('x');
    expect(await statusAndCode(`${s3.url}/bucket/plain?versionId=${'0'.repeat(32)}`, { method: 'DELETE' })).toEqual([
      400,
      'InvalidArgument',
    ]);
  });

  it('gives parts of a multipart version, and its id', async () => {
    await write('parts', 'x');
    await putInParts(s3.client, { Key: 'parts', Bucket }, [Buffer.alloc(5 * MiB), Buffer.from('end')]);
    const part = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'parts', PartNumber: 2 }));
    expect([await part.Body?.transformToString(), part.PartsCount]).toEqual(['end', 2]);
    expect((await versions('parts')).Versions?.[0]).toMatchObject({ VersionId: part.VersionId, IsLatest: true });
  });
});

describe('the listing of versions', () => {
  const names: string[] = [];
  beforeAll(async () => {
    for (const key of ['l/a', 'l/b', 'l/d/1', 'l/d/2']) {
      for (const body of ['1', '2', '3']) names.unshift(`${key} ${(await write(key, body)) ?? ''}`);
    }
    names.sort((a, b) => (a.split(' ')[0] ?? '').localeCompare(b.split(' ')[0] ?? ''));
  });

  const pages = async (
    order: object,
    each: (ids: readonly string[]) => Promise<void> = async () => Promise.resolve(),
  ) => {
    const found: string[] = [];
    let marker: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
    for (;;) {
      const page = await versions('l/', { ...order, ...marker });
      const ids = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map((one) => `${one.Key} ${one.VersionId}`);
      found.push(...ids, ...(page.CommonPrefixes ?? []).map((one) => one.Prefix ?? ''));
      await each(ids);
      if (page.IsTruncated !== true) return found;
      marker = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
    }
  };

  it.each([1, 2, 3, 5, 1000])('in pages of %d gives each once, the newest of a key first', async (MaxKeys) => {
    expect(await pages({ MaxKeys })).toEqual(names);
  });

  it('groups by delimiter', async () => {
    const alone = names.filter((name) => !name.startsWith('l/d/'));
    expect(await pages({ MaxKeys: 2, Delimiter: '/' })).toEqual([...alone, 'l/d/']);
  });

  it('goes on behind a version that was deleted meanwhile', async () => {
    const removed: string[] = [];
    await pages({ MaxKeys: 2 }, async (ids) => {
      for (const id of ids) {
        const [key = '', versionId] = id.split(' ');
        await remove(key, versionId);
        removed.push(id);
      }
    });
    expect(removed).toEqual(names);
    expect((await versions('l/')).Versions).toBeUndefined();
  });

  it('refuses a version marker without a key marker', async () => {
    await expect(versions('l/', { VersionIdMarker: 'null' })).rejects.toMatchObject(failsWith('InvalidArgument', 400));
  });
});
