import {
  CopyObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  RestoreObjectCommand,
  UploadPartCopyCommand,
  type StorageClass,
  type Tier,
} from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/index.js';
import { s3Sandbox } from '../../support/s3-sandbox.js';
import { beginUpload, Bucket, failsWith, get, put, statusAndCode, useSandbox } from './support.js';

const minute = 60_000;
const hour = 60 * minute;
const began = Date.parse('2026-03-10T10:30:00Z');
let nowMs = began;
const s3 = useSandbox({ clock: { now: () => nowMs, sleep: (ms, signal) => systemClock.sleep(ms, signal) } });
beforeEach(() => {
  nowMs = began;
});

const archive = (Key: string, storageClass: StorageClass = 'GLACIER') =>
  s3.put(Key, 'frozen', { StorageClass: storageClass });
const head = (Key: string) => s3.client.send(new HeadObjectCommand({ Bucket, Key }));
const restore = async (Key: string, Days: number | undefined = 3, tier?: Tier) => {
  const RestoreRequest = { Days, ...(tier === undefined ? {} : { GlacierJobParameters: { Tier: tier } }) };
  const answer = await s3.client.send(new RestoreObjectCommand({ Bucket, Key, RestoreRequest }));
  return answer.$metadata.httpStatusCode;
};
const isReadable = async (Key: string) =>
  s3.get(Key).then(
    () => true,
    () => false,
  );

describe('an archived object', () => {
  it.each(['GLACIER', 'DEEP_ARCHIVE'] as const)('in %s is shown, but neither read nor copied', async (storageClass) => {
    await archive('cold', storageClass);
    const found = await head('cold');
    expect([found.StorageClass, found.Restore]).toEqual([storageClass, undefined]);
    await expect(s3.get('cold')).rejects.toMatchObject({
      ...failsWith('InvalidObjectState', 403),
      StorageClass: storageClass,
    });
    const CopySource = `${Bucket}/cold`;
    await expect(s3.client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource }))).rejects.toMatchObject(
      failsWith('InvalidObjectState', 403),
    );
    const upload = { Key: 'parts', UploadId: await beginUpload(s3.client, 'parts') };
    await expect(
      s3.client.send(new UploadPartCopyCommand({ Bucket, ...upload, PartNumber: 1, CopySource })),
    ).rejects.toMatchObject(failsWith('InvalidObjectState', 403));
  });

  it.each([
    ['GLACIER', 'Expedited', 5 * minute],
    ['GLACIER', 'Standard', 5 * hour],
    ['GLACIER', 'Bulk', 12 * hour],
    ['DEEP_ARCHIVE', 'Standard', 12 * hour],
    ['DEEP_ARCHIVE', 'Bulk', 48 * hour],
  ] as const)('in %s is there after a retrieval of tier %s', async (storageClass, tier, takesMs) => {
    await archive('thaw', storageClass);
    expect(await restore('thaw', 1, tier)).toBe(202);
    nowMs = began + takesMs - 1;
    expect((await head('thaw')).Restore).toBe('ongoing-request="true"');
    expect(await isReadable('thaw')).toBe(false);
    nowMs = began + takesMs;
    expect((await head('thaw')).Restore).toMatch(
      /^ongoing-request="false", expiry-date="\w{3}, \d\d Mar 2026 00:00:00 GMT"$/,
    );
    expect((await s3.get('thaw')).toString()).toBe('frozen');
    await s3.client.send(new CopyObjectCommand({ Bucket, Key: 'thawed', CopySource: `${Bucket}/thaw` }));
    expect((await s3.get('thawed')).toString()).toBe('frozen');
  });

  it('is archived again at the midnight after its days', async () => {
    await archive('expires');
    await restore('expires', 3);
    nowMs = began + 5 * hour;
    expect((await head('expires')).Restore).toBe(
      'ongoing-request="false", expiry-date="Sat, 14 Mar 2026 00:00:00 GMT"',
    );
    nowMs = Date.parse('2026-03-13T23:59:59Z');
    expect(await isReadable('expires')).toBe(true);
    nowMs += 1000;
    expect(await isReadable('expires')).toBe(false);
    expect((await head('expires')).Restore).toBeUndefined();
    expect(await restore('expires')).toBe(202);
  });

  it('whose copy is there is given other days, counted from now', async () => {
    await archive('longer');
    await restore('longer', 1);
    nowMs = began + 24 * hour;
    expect(await restore('longer', 10)).toBe(200);
    expect((await head('longer')).Restore).toContain('expiry-date="Sun, 22 Mar 2026 00:00:00 GMT"');
    expect(await isReadable('longer')).toBe(true);
    expect(await restore('longer', 1)).toBe(200);
    expect((await head('longer')).Restore).toContain('expiry-date="Fri, 13 Mar 2026 00:00:00 GMT"');
  });

  it('that is being restored can only be restored faster', async () => {
    await archive('hurry');
    await restore('hurry', 3, 'Standard');
    nowMs = began + hour;
    for (const [days, tier] of [
      [3, 'Standard'],
      [3, 'Bulk'],
      [4, 'Expedited'],
    ] as const) {
      await expect(restore('hurry', days, tier)).rejects.toMatchObject(failsWith('RestoreAlreadyInProgress', 409));
    }
    expect(await restore('hurry', 3, 'Expedited')).toBe(202);
    nowMs += 5 * minute;
    expect(await isReadable('hurry')).toBe(true);
  });

  it('is restored over a restart of the sandbox', async () => {
    await archive('restart');
    await restore('restart');
    await s3.restart();
    expect((await head('restart')).Restore).toBe('ongoing-request="true"');
    nowMs = began + 5 * hour;
    await s3.restart();
    expect(await isReadable('restart')).toBe(true);
  });

  it('that is written anew is not restored', async () => {
    await archive('anew');
    await restore('anew');
    await archive('anew');
    expect((await head('anew')).Restore).toBeUndefined();
  });

  it('tells in a listing how it stands, where that is asked for', async () => {
    for (const key of ['list/1 cold', 'list/2 thawing', 'list/3 thawed']) await archive(key);
    await restore('list/3 thawed', 3, 'Expedited');
    nowMs = began + hour;
    await restore('list/2 thawing');
    const list = async (more: object) =>
      (await s3.client.send(new ListObjectsV2Command({ Bucket, Prefix: 'list/', ...more }))).Contents?.map(
        (one) => one.RestoreStatus,
      );
    expect(await list({ OptionalObjectAttributes: ['RestoreStatus'] })).toEqual([
      undefined,
      { IsRestoreInProgress: true },
      { IsRestoreInProgress: false, RestoreExpiryDate: new Date('2026-03-14T00:00:00Z') },
    ]);
    expect(await list({})).toEqual([undefined, undefined, undefined]);
    await expect(list({ OptionalObjectAttributes: ['Owner'] })).rejects.toMatchObject(
      failsWith('InvalidArgument', 400),
    );
  });
});

describe('RestoreObject refuses', () => {
  it.each([
    ['STANDARD', 3, 'InvalidObjectState', 403],
    ['GLACIER_IR', 3, 'InvalidObjectState', 403],
    ['INTELLIGENT_TIERING', 3, 'InvalidArgument', 400],
    ['INTELLIGENT_TIERING', undefined, 'ObjectAlreadyInActiveTierError', 403],
    ['GLACIER', undefined, 'MalformedXML', 400],
    ['GLACIER', 0, 'MalformedXML', 400],
  ] as const)('an object in %s for %s days -> %s', async (storageClass, days, code, status) => {
    await archive('refused', storageClass);
    const RestoreRequest = days === undefined ? {} : { Days: days };
    await expect(
      s3.client.send(new RestoreObjectCommand({ Bucket, Key: 'refused', RestoreRequest })),
    ).rejects.toMatchObject(failsWith(code, status));
  });

  it('Expedited from DEEP_ARCHIVE, and tiers that are none', async () => {
    await archive('deep', 'DEEP_ARCHIVE');
    await expect(restore('deep', 1, 'Expedited')).rejects.toMatchObject({
      ...failsWith('InvalidTier', 403),
      message: 'Retrieval option is not supported by this storage class',
    });
    await expect(restore('deep', 1, 'Faster' as Tier)).rejects.toMatchObject(failsWith('MalformedXML', 400));
  });

  it.each(['SelectParameters', 'OutputLocation'])('%s, by name', async (name) => {
    await archive('select');
    const body = `<RestoreRequest><Days>1</Days><${name}/></RestoreRequest>`;
    expect(await statusAndCode(`${s3.url}/${Bucket}/select?restore`, { method: 'POST', body })).toEqual([
      501,
      'NotImplemented',
    ]);
  });
});

describe('with an archive speed of 3,600', () => {
  it('an hour is a second, and the end is told as on AWS', async () => {
    let laterMs = began;
    const clock = { now: () => laterMs, sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms, signal) };
    await using fast = await s3Sandbox({ clock, archiveSpeed: 3600 });
    const client = fast.client();
    const read = () => get(client, 'k').then(String, (error: unknown) => (error as Error).name);
    await put(client, 'k', { StorageClass: 'DEEP_ARCHIVE' });
    await client.send(new RestoreObjectCommand({ Bucket, Key: 'k', RestoreRequest: { Days: 1 } }));
    laterMs = began + 11_999;
    expect(await read()).toBe('InvalidObjectState');
    laterMs = began + 12_000;
    expect(await read()).toBe('x');
    const { Restore } = await client.send(new HeadObjectCommand({ Bucket, Key: 'k' }));
    expect(Restore).toBe('ongoing-request="false", expiry-date="Thu, 12 Mar 2026 00:00:00 GMT"');
    // 37.5 hours from 10:30 to the second midnight.
    laterMs = began + 37_499;
    expect(await read()).toBe('x');
    laterMs = began + 37_500;
    expect(await read()).toBe('InvalidObjectState');
    expect(fast.defects).toEqual([]);
  });
});
