import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  UploadPartCommand,
  type CreateMultipartUploadCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/index.js';
import { abortLostUploads, hasConditionalWrites, type ObjectStore } from '../../src/store/index.js';
import { s3Sandbox, type S3Sandbox } from '../support/s3-sandbox.js';

let sandbox: S3Sandbox;
let client: S3Client;
let store: ObjectStore;
beforeAll(async () => {
  sandbox = await s3Sandbox();
  client = sandbox.client();
  store = { client, bucket: 'bucket', clock: systemClock, temporaryDirectory: tmpdir() };
});
afterAll(async () => sandbox[Symbol.asyncDispose]());

const ours = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;

async function begin(Key: string, how: Partial<CreateMultipartUploadCommandInput> = ours): Promise<string> {
  const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ Bucket: 'bucket', Key, ...how }));
  return UploadId;
}

async function listed(prefix: string) {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'bucket', Prefix: prefix }));
  return Uploads;
}

async function idsOf(prefix: string): Promise<readonly string[]> {
  return (await listed(prefix)).map(({ UploadId = '' }) => UploadId).sort();
}

const always = { fromMs: 0, untilMs: Infinity };

describe('aborting uploads that nobody knows of', () => {
  it('aborts those that look as ours do, and none that only look alike', async () => {
    const known = await begin('key');
    const lost = [await begin('key'), await begin('key')];
    const withPart = await begin('key');
    const part = { Bucket: 'bucket', Key: 'key', UploadId: withPart, PartNumber: 1, Body: 'a part' };
    await client.send(new UploadPartCommand({ ...part, ChecksumAlgorithm: 'CRC32' }));
    const strangers = [
      known,
      withPart,
      await begin('key', { ChecksumAlgorithm: 'SHA256' }),
      await begin('key', { ChecksumAlgorithm: 'CRC32', ChecksumType: 'COMPOSITE' }),
      await begin('key.index'),
      await begin('key/below'),
    ].sort();
    expect(await idsOf('key')).toHaveLength(strangers.length + lost.length);
    await abortLostUploads(store, 'key', { ...always, except: [known] });
    expect(await idsOf('key')).toEqual(strangers);
  });

  it('aborts none that was begun before or after the time in which ours can have been', async () => {
    const uploadId = await begin('in time');
    const [{ Initiated } = { Initiated: undefined }] = await listed('in time');
    const begunMs = Initiated?.getTime() ?? 0;
    // S3 tells whole seconds.
    for (const time of [
      { fromMs: begunMs + 1_001, untilMs: Infinity },
      { fromMs: 0, untilMs: begunMs - 1_001 },
    ]) {
      await abortLostUploads(store, 'in time', { ...time, except: [] });
      expect(await idsOf('in time')).toEqual([uploadId]);
    }
    await abortLostUploads(store, 'in time', { fromMs: begunMs, untilMs: begunMs, except: [] });
    expect(await idsOf('in time')).toEqual([]);
  });
});

describe('a store that pays no heed to conditions, and answers 200', () => {
  it('has no conditional writes, and what it has written for the question is removed again', async () => {
    let ignored = 0;
    const heedless = sandbox.client();
    heedless.middlewareStack.add(
      (next, context) => (args) => {
        if (context.commandName === 'PutObjectCommand') {
          ignored += 1;
          Reflect.deleteProperty(args.input, 'IfMatch');
        }
        return next(args);
      },
      { step: 'initialize', name: 'heedless' },
    );
    expect(await hasConditionalWrites({ ...store, client: heedless }, 'probe')).toBe(false);
    expect(ignored).toBe(1);
    // Nothing is there: a write that must find something is refused.
    await expect(
      client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'probe', Body: '', IfMatch: '*' })),
    ).rejects.toMatchObject({ name: expect.stringMatching(/NoSuchKey|PreconditionFailed|NotImplemented/) as string });
    expect(await hasConditionalWrites(store, 'probe')).toBe(true);
  });
});
