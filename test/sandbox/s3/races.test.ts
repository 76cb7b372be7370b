import { readdir } from 'node:fs/promises';
import { IncomingMessage, request, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  HeadBucketCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import type { S3Request } from '../../../sandbox/s3/http/request.js';
import { deleteBucket } from '../../../sandbox/s3/operations/buckets.js';
import { inTurn } from '../../../sandbox/s3/operations/operation.js';
import { openBodies, openStore, writeBody } from '../../../sandbox/s3/state/index.js';
import { newTurns } from '../../../sandbox/s3/state/turns.js';
import { systemClock } from '../../../src/core/index.js';
import { beginUpload, Bucket, completeUpload, get, put, sendPart, useSandbox } from './support.js';
import { temporaryDirectory } from './temporary-directory.js';

const s3 = useSandbox();

describe('turns', () => {
  it('come one after the other for one name, and at once for different names', async () => {
    const turns = newTurns();
    const log: string[] = [];
    const change = (name: string, ms: number) =>
      turns.take(name, async () => {
        log.push(`${name} in`);
        await systemClock.sleep(ms);
        log.push(`${name} out`);
      });
    const all = Promise.all([change('a', 30), change('a', 0), change('b', 0)]);
    expect(turns.busy).toBe(3);
    await all;
    expect(log).toEqual(['a in', 'b in', 'b out', 'a out', 'a in', 'a out']);
    expect(turns.busy).toBe(0);
  });

  it('go on after one that failed', async () => {
    const turns = newTurns();
    const failing = turns.take('a', () => Promise.reject(new Error('no')));
    const next = turns.take('a', () => Promise.resolve('yes'));
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });
});

describe('at the same time', () => {
  it('many writes, deletes and taggings of a few keys -> the same after a restart', async () => {
    const keys = ['r1', 'r2', 'r3'];
    const tag = (Key: string, Value: string) =>
      s3.client.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet: [{ Key: 'n', Value }] } }));
    for (let round = 0; round < 10; round += 1) {
      await Promise.allSettled(
        keys.flatMap((key) =>
          Array.from({ length: 8 }, (_, n) => {
            if (n === 3) return fetch(`${s3.url}/bucket/${key}`, { method: 'DELETE' });
            return n === 6 ? tag(key, String(round)) : put(s3.client, key, { Body: `${round}.${n}` });
          }),
        ),
      );
    }
    const contents = () => Promise.all(keys.map(async (key) => get(s3.client, key).then(String, String)));
    const before = await contents();
    await s3.restart();
    expect(await contents()).toEqual(before);
  });

  it('completing and aborting an upload -> a whole object or none', async () => {
    for (let round = 0; round < 30; round += 1) {
      const upload = { Key: `both/${round}`, UploadId: await beginUpload(s3.client, `both/${round}`) };
      const part = await sendPart(s3.client, upload, { PartNumber: 1, Body: 'hello' });
      const abort = async () => {
        await systemClock.sleep(round % 5);
        return s3.client.send(new AbortMultipartUploadCommand({ Bucket, ...upload }));
      };
      const complete = () => completeUpload(s3.client, upload, [part]);
      const [first, second] = await Promise.allSettled(round % 2 === 0 ? [complete(), abort()] : [abort(), complete()]);
      const completed = round % 2 === 0 ? first : second;
      expect([first.status, second.status].sort()).toEqual(['fulfilled', 'rejected']);
      const found = await get(s3.client, upload.Key).then(String, (error: unknown) => (error as Error).name);
      expect(found).toBe(completed.status === 'fulfilled' ? 'hello' : 'NoSuchKey');
    }
  });

  it('a part that is replaced while the upload is completed -> the object has the bytes that were listed', async () => {
    for (let round = 0; round < 20; round += 1) {
      const upload = { Key: `replaced/${round}`, UploadId: await beginUpload(s3.client, `replaced/${round}`) };
      const part = await sendPart(s3.client, upload, { PartNumber: 1, Body: 'first' });
      const [completed] = await Promise.allSettled([
        completeUpload(s3.client, upload, [part]),
        sendPart(s3.client, upload, { PartNumber: 1, Body: 'other' }),
      ]);
      if (completed.status === 'rejected') expect(completed.reason).toMatchObject({ name: 'InvalidPart' });
      else expect((await get(s3.client, upload.Key)).toString()).toBe('first');
    }
  });

  it('completing two uploads to one key under If-None-Match -> one wins, the other gets 412 or 409', async () => {
    for (let round = 0; round < 15; round += 1) {
      const Key = `twice/${round}`;
      const uploads = await Promise.all(
        ['first', 'other'].map(async (Body) => {
          const upload = { Key, UploadId: await beginUpload(s3.client, Key) };
          return { upload, parts: [await sendPart(s3.client, upload, { PartNumber: 1, Body })] };
        }),
      );
      const results = await Promise.allSettled(
        uploads.map(({ upload, parts }) => completeUpload(s3.client, upload, parts, { IfNoneMatch: '*' })),
      );
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const lost = results.find((result) => result.status === 'rejected');
      expect(['PreconditionFailed', 'ConditionalRequestConflict']).toContain((lost?.reason as Error).name);
    }
  });

  it('a key that is deleted while a body comes for it under If-None-Match -> 409, and nothing is there', async () => {
    await s3.put('deleted', 'old');
    const headers = { 'if-none-match': '*', 'content-length': 10 };
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(`${s3.url}/bucket/deleted`, { method: 'PUT', headers }, (response) => {
        resolve(response.resume().statusCode);
      });
      sent.on('error', reject).write('12345');
      void systemClock
        .sleep(50)
        .then(() => fetch(`${s3.url}/bucket/deleted`, { method: 'DELETE' }))
        .then(() => sent.end('67890'));
    });
    expect(answer).toBe(409);
    await expect(get(s3.client, 'deleted')).rejects.toMatchObject({ name: 'NoSuchKey' });
    await s3.put('deleted', 'new', { IfNoneMatch: '*' });
  });

  it('making a bucket twice and writing to it -> one bucket with the object in it', async () => {
    const make = () => s3.client.send(new CreateBucketCommand({ Bucket: 'twice' }));
    await Promise.all([make(), make(), make()]);
    await put(s3.client, 'k', { Bucket: 'twice' });
    await s3.restart();
    expect((await fetch(`${s3.url}/twice/k`)).status).toBe(200);
  });

  it('deleting a bucket and writing to it -> one of them fails', async () => {
    for (let round = 0; round < 20; round += 1) {
      const name = `short-lived-${round}`;
      await s3.client.send(new CreateBucketCommand({ Bucket: name }));
      const [written, deleted] = await Promise.allSettled([
        put(s3.client, 'k', { Bucket: name }),
        s3.client.send(new DeleteBucketCommand({ Bucket: name })),
      ]);
      const there = await s3.client.send(new HeadBucketCommand({ Bucket: name })).then(
        () => true,
        () => false,
      );
      expect([written.status, deleted.status, there]).toEqual(
        there ? ['fulfilled', 'rejected', true] : ['rejected', 'fulfilled', false],
      );
    }
  });
});

describe('a bucket', () => {
  it('that has gone while a change waited for its turn -> NoSuchBucket', async () => {
    await using directory = await temporaryDirectory();
    const store = await openStore(directory.path);
    const bucket = await store.createBucket({ name: 'b', region: 'us-east-1', createdMs: 0, settings: {} });
    let changed = false;
    const waiting = bucket.turns.take('k', () => store.deleteBucket(bucket));
    const change = inTurn({ store, bucket, key: 'k' }, () => Promise.resolve((changed = true)));
    await expect(change).rejects.toMatchObject({ code: 'NoSuchBucket' });
    await waiting;
    expect(changed).toBe(false);
  });

  it('in which something is being written -> OperationAborted', async () => {
    await using directory = await temporaryDirectory();
    const store = await openStore(directory.path);
    const bucket = await store.createBucket({ name: 'b', region: 'us-east-1', createdMs: 0, settings: {} });
    const context = { store, clock: systemClock, region: 'us-east-1', archiveSpeed: 1 };
    const remove = () =>
      deleteBucket({ bucket: 'b' } as S3Request, new ServerResponse(new IncomingMessage(new Socket())), context);
    const writing = bucket.turns.take('k', () => systemClock.sleep(50));
    await expect(remove()).rejects.toMatchObject({ code: 'OperationAborted' });
    await writing;
    expect(store.buckets.get('b')).toBe(bucket);
  });
});

describe('bodies', () => {
  const bytesOf = (text: string) => Readable.from([Buffer.from(text)]);

  it('that are removed stay until who reads them has finished', async () => {
    await using directory = await temporaryDirectory();
    const bodies = await openBodies(directory.path);
    const { segment } = await writeBody(bytesOf('hello'), bodies, { algorithm: 'CRC32' });
    const reading = bodies.read([segment], 0, 5);
    await bodies.remove([segment]);
    expect(await text(reading.bytes)).toBe('hello');
    expect(await readdir(directory.path)).toHaveLength(1);
    await reading[Symbol.asyncDispose]();
    expect(await readdir(directory.path)).toEqual([]);
  });

  it('whose source fails are not there', async () => {
    await using directory = await temporaryDirectory();
    const bodies = await openBodies(directory.path);
    const failing = (async function* () {
      yield Buffer.from('half');
      await Promise.reject(new Error('gone'));
    })();
    await expect(writeBody(failing, bodies, { algorithm: 'CRC32' })).rejects.toThrow('gone');
    expect(await readdir(directory.path)).toEqual([]);
  });
});
