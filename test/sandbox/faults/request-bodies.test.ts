import { Readable } from 'node:stream';
import { ListObjectsV2Command, ListPartsCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { beginUpload, Bucket, completeUpload, failsWith, get, MiB, put, sendPart } from '../s3/support.js';
import { presignedTarget, presignedUrl } from '../../support/presigned.js';
import { faultySandbox, onTheWire, type FaultySandbox } from './support.js';

const content = Buffer.from(Array.from({ length: 300 * 1024 }, (_, index) => (index * 7) % 251));

async function keys({ s3 }: FaultySandbox): Promise<readonly (string | undefined)[]> {
  return ((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).map(({ Key }) => Key);
}

/** A body that the SDK sends in aws-chunked, with its checksum behind it. */
const streamed = () => ({
  Body: Readable.from([content.subarray(0, 100_000), content.subarray(100_000)]),
  ContentLength: content.length,
});

describe('an upload with a flipped bit', () => {
  it('is noticed by its checksum and leaves nothing behind', async () => {
    const sandbox = await faultySandbox();
    const fault = sandbox.faults.add({ operation: 's3:PutObject', fault: { kind: 'flipped-bit' }, times: 1 });
    await expect(put(sandbox.s3, 'key', { Body: content })).rejects.toMatchObject({
      name: 'XAmzContentSHA256Mismatch',
    });
    expect(fault.fired).toBe(1);
    expect(await keys(sandbox)).toEqual([]);
    await put(sandbox.s3, 'key', { Body: content });
    expect((await get(sandbox.s3, 'key')).equals(content)).toBe(true);
  });

  it('differs in a byte of the content, never in the framing, wherever it is in an aws-chunked body', async () => {
    const sandbox = await faultySandbox();
    for (const atByte of [0, 65_535, 65_536, 150_000, content.length - 1]) {
      const fault = sandbox.faults.add({ operation: 's3:PutObject', fault: { kind: 'flipped-bit', atByte } });
      await expect(put(sandbox.s3, 'key', streamed())).rejects.toMatchObject(failsWith('BadDigest', 400));
      expect(fault.fired).toBe(1);
      fault.remove();
    }
    const beyond = sandbox.faults.add({
      operation: 's3:PutObject',
      fault: { kind: 'flipped-bit', atByte: content.length },
    });
    await put(sandbox.s3, 'key', streamed());
    expect(beyond.fired).toBe(0);
    expect((await get(sandbox.s3, 'key')).equals(content)).toBe(true);
  });

  it('that nothing protects is stored as it came: exactly one bit is another one', async () => {
    const sandbox = await faultySandbox();
    sandbox.faults.add({ operation: 's3:PutObject', fault: { kind: 'flipped-bit', atByte: 2 } });
    const { status } = await fetch(presignedUrl(sandbox.url, 'PUT', `/${Bucket}/key`), { method: 'PUT', body: 'text' });
    expect(status).toBe(200);
    const stored = await get(sandbox.s3, 'key');
    const changed = stored.map((byte, at) => byte ^ ('text'.codePointAt(at) ?? 0));
    expect([...changed].filter((bits) => bits !== 0)).toEqual([
      expect.toSatisfy((bits: number) => Number.isInteger(Math.log2(bits))),
    ]);
    expect(changed[2]).not.toBe(0);
  });
});

describe('an upload whose connection dies', () => {
  it('after so many bytes: a reset, and no object', async () => {
    const sandbox = await faultySandbox();
    const fault = sandbox.faults.add({ operation: 's3:PutObject', fault: { kind: 'truncated', afterBytes: 100 } });
    const target = presignedTarget({ method: 'PUT', path: `/${Bucket}/key`, host: 'localhost' });
    const head = `PUT ${target} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n`;
    expect(await onTheWire(sandbox.url, head + 'x'.repeat(101))).toEqual({ text: '', ended: 'reset' });
    expect(fault.fired).toBe(1);
    await expect(put(sandbox.s3, 'key', { Body: content })).rejects.toThrow(/ECONNRESET|EPIPE/);
    expect(fault.fired).toBe(2);
    expect(await keys(sandbox)).toEqual([]);
    expect(sandbox.notices).toEqual([]);
  });

  it('does not die when the body is no longer than that', async () => {
    const sandbox = await faultySandbox();
    const fault = sandbox.faults.add({ operation: 's3:PutObject', fault: { kind: 'truncated', afterBytes: 4 } });
    const { status } = await fetch(presignedUrl(sandbox.url, 'PUT', `/${Bucket}/key`), { method: 'PUT', body: 'text' });
    expect([status, fault.fired]).toEqual([200, 0]);
  });

  it('in one part of an upload: the others stay, and the part can be sent again', async () => {
    const { s3, faults } = await faultySandbox();
    const fault = faults.add({
      operation: 's3:UploadPart',
      fault: { kind: 'truncated', afterBytes: MiB, body: 'request' },
      where: { key: 'ke*', partNumber: '2' },
    });
    const upload = { Key: 'key', UploadId: await beginUpload(s3, 'key') };
    const part = (PartNumber: number) => sendPart(s3, upload, { PartNumber, Body: Buffer.alloc(5 * MiB, PartNumber) });
    const [first, second, third] = await Promise.allSettled([part(1), part(2), part(3)]);
    expect([first.status, second.status, third.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const { Parts = [] } = await s3.send(new ListPartsCommand({ Bucket, ...upload }));
    expect(Parts.map(({ PartNumber }) => PartNumber)).toEqual([1, 3]);
    fault.remove();
    const parts = [await part(1), await part(2), await part(3)];
    await completeUpload(s3, upload, parts);
    expect(await get(s3, 'key')).toHaveLength(15 * MiB);
    expect([fault.met, fault.fired]).toEqual([1, 1]);
  });
});

describe('a slow upload', () => {
  it('is taken as fast as it may, and whole', async () => {
    const { s3, faults } = await faultySandbox();
    const fault = faults.add({ operation: 's3:PutObject', fault: { kind: 'slow', bytesPerSecond: 600 * 1024 } });
    const startedMs = performance.now();
    await put(s3, 'key', streamed());
    expect(performance.now() - startedMs).toBeGreaterThan(450);
    expect(fault.fired).toBe(1);
    expect((await get(s3, 'key')).equals(content)).toBe(true);
  });

  it('that is refused gets its answer at once, and the connection can be used again', async () => {
    const { s3, url, faults } = await faultySandbox();
    const fault = faults.add({ operation: 's3:PutObject', fault: { kind: 'slow', bytesPerSecond: 1000 } });
    const startedMs = performance.now();
    const refused = fetch(presignedUrl(url, 'PUT', '/no-such-bucket/key'), {
      method: 'PUT',
      body: Buffer.alloc(2 * MiB),
    });
    expect((await refused).status).toBe(404);
    expect(performance.now() - startedMs).toBeLessThan(60_000);
    fault.remove();
    await put(s3, 'key', { Body: 'text' });
    expect((await get(s3, 'key')).toString()).toBe('text');
  });
});
