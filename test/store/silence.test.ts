import { randomBytes } from 'node:crypto';
import { GetObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MiB } from '../../src/core/index.js';
import { uploadObject } from '../../src/store/index.js';
import { faultyS3, type FaultyS3 } from '../support/faulty-s3.js';

// A server that takes what is sent, or stops taking it, and says no more: the socket limit of the client notices.

let s3: FaultyS3;
beforeAll(async () => {
  s3 = await faultyS3();
});
afterAll(() => s3[Symbol.asyncDispose]());
afterEach(() => s3.faults.clear());

const bytes = randomBytes(11 * MiB);

describe('silence while sending', () => {
  it.each([
    ['s3:UploadPart', 'before', bytes],
    ['s3:UploadPart', 'after', bytes],
    ['s3:CompleteMultipartUpload', 'before', bytes],
    ['s3:CompleteMultipartUpload', 'after', bytes],
    ['s3:PutObject', 'before', bytes.subarray(0, 3_000_000)],
    ['s3:PutObject', 'after', bytes.subarray(0, 3_000_000)],
  ] as const)('at %s, %s the work, twice -> noticed, sent again, and stored once', async (operation, when, content) => {
    const key = `${operation} ${when}`;
    const fault = s3.faults.add({ operation, fault: { kind: 'hang', when }, times: 2, where: { key } });
    const before = s3.retries.length;
    async function* source() {
      await Promise.resolve();
      yield content;
    }
    const target = { key, contentType: 'application/octet-stream' };
    // On a busy machine half a second may pass by itself.
    const retryPolicy = { attempts: 10, firstPauseMs: 1, longestPauseMs: 5, totalMs: 60_000 };
    const store = { ...s3.store, retryPolicy };
    const stored = await uploadObject(store, source(), target, { partBytes: () => 5 * MiB, streams: 2 });
    expect(fault.fired).toBe(2);
    const reasons = s3.retries.slice(before).map(({ error }) => error.message);
    expect(reasons.length).toBeGreaterThanOrEqual(2);
    for (const reason of reasons) expect(reason).toContain('the request socket timed out after 500 ms of inactivity');
    expect(stored.storedBytes).toBe(content.length);
    const { Body } = await s3.client.send(new GetObjectCommand({ Bucket: 'bucket', Key: key }));
    expect(content.equals(Buffer.from((await Body?.transformToByteArray()) ?? []))).toBe(true);
    const { Uploads = [] } = await s3.client.send(new ListMultipartUploadsCommand({ Bucket: 'bucket' }));
    expect(Uploads).toEqual([]);
  });
});
