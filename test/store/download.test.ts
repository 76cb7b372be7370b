import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../sandbox/faults/index.js';
import { administrator } from '../../sandbox/iam/index.js';
import { createBufferPool, MiB, poll, systemClock, type BufferPool } from '../../src/core/index.js';
import { downloadObject, headObject, requireReadable, type DownloadOptions } from '../../src/store/index.js';
import { faultyS3, type FaultyS3 } from '../support/faulty-s3.js';

const content = randomBytes(5 * MiB + 123);
let s3: FaultyS3;
beforeAll(async () => {
  s3 = await faultyS3();
  await put('object', content);
});
afterEach(() => {
  s3.faults.clear();
  s3.retries.length = 0;
});
afterAll(() => s3[Symbol.asyncDispose]());

async function put(Key: string, Body: Buffer, more: { readonly StorageClass?: 'DEEP_ARCHIVE' } = {}): Promise<void> {
  await s3.client.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body, ...more, Metadata: { source: 'test' } }));
}
interface Asked extends Partial<DownloadOptions> {
  readonly pool?: BufferPool;
}
const rangeBytes = MiB;
async function read(key: string, asked: Asked = {}): Promise<Buffer> {
  const object = await headObject(s3.store, key);
  const pieces: Buffer[] = [];
  const { pool = createBufferPool() } = asked;
  for await (const bytes of downloadObject(s3.store, object, { streams: 3, rangeBytes, ...asked, pool })) {
    pieces.push(Buffer.from(bytes));
    pool.giveBack(bytes);
  }
  return Buffer.concat(pieces);
}

describe('what S3 tells of an object', () => {
  it('is its size, class, checksum and metadata', async () => {
    expect(await headObject(s3.store, 'object')).toMatchObject({
      sizeBytes: content.length,
      storageClass: 'STANDARD',
      thaw: { kind: 'readable' },
      metadata: { source: 'test' },
      checksums: [{ algorithm: 'CRC32', isOfWhole: true }],
    });
  });

  it('says that it is frozen, and what to do', async () => {
    await put('frozen', content.subarray(0, 10), { StorageClass: 'DEEP_ARCHIVE' });
    const facts = await headObject(s3.store, 'frozen');
    expect(facts.thaw).toEqual({ kind: 'frozen' });
    expect(() => requireReadable(s3.store, facts)).toThrow(expect.objectContaining({ code: 'object-frozen' }));
    await expect(read('frozen')).rejects.toMatchObject({
      code: 'object-frozen',
      message: expect.stringContaining('DEEP_ARCHIVE'),
      hint: expect.stringContaining('--thaw'),
    });
  });
});

describe('downloading', () => {
  it('gives every byte in order, from several requests at once', async () => {
    expect((await read('object')).equals(content)).toBe(true);
  });

  it.each([
    [0, 0],
    [0, 1],
    [MiB - 1, 3 * MiB + 1],
    [content.length - 1, content.length],
  ])('gives bytes %i to %i alone', async (from, to) => {
    expect((await read('object', { range: { from, to } })).equals(content.subarray(from, to))).toBe(true);
  });

  it('of an empty object asks for nothing', async () => {
    await put('empty', Buffer.alloc(0));
    expect(await read('empty')).toHaveLength(0);
  });

  const passing: readonly Fault[] = [
    { kind: 'throttled' },
    { kind: 'internal-error' },
    { kind: 'unavailable' },
    { kind: 'reset', when: 'before' },
    { kind: 'hang' },
    { kind: 'truncated', afterBytes: 0 },
    { kind: 'truncated', afterBytes: 300_000 },
    { kind: 'truncated', afterBytes: MiB - 1 },
  ];
  it.each(passing)('meets %j and gives the right bytes', async (fault) => {
    const injected = s3.faults.add({ operation: 's3:GetObject', fault, times: 2, skip: 1 });
    expect((await read('object')).equals(content)).toBe(true);
    expect(injected.fired).toBe(2);
    expect(s3.retries.map(({ call }) => call.action)).toEqual(['s3:GetObject', 's3:GetObject']);
  });

  it('goes on where it broke off', async () => {
    let received = 0;
    s3.faults.add({ operation: 's3:GetObject', fault: { kind: 'truncated', afterBytes: 900_000 }, times: 4 });
    await read('object', { onReceived: (bytes) => void (received += bytes) });
    expect(received).toBe(content.length);
  });

  it('gives up a body that falls silent, and asks for the rest', async () => {
    s3.faults.add({ operation: 's3:GetObject', fault: { kind: 'slow', bytesPerSecond: 1 }, times: 1 });
    expect((await read('object')).equals(content)).toBe(true);
    expect(s3.retries).toHaveLength(1);
  });

  it('that fails for ever ends with an error, and no request is left', async () => {
    const injected = s3.faults.add({ operation: 's3:GetObject', fault: { kind: 'truncated', afterBytes: 0 } });
    await expect(read('object')).rejects.toMatchObject({ code: 'unavailable' });
    const { fired } = injected;
    await systemClock.sleep(50);
    expect(injected.fired).toBe(fired);
  });

  it('of an object that is overwritten meanwhile -> `object-changed`', async () => {
    await put('changing', content);
    const object = await headObject(s3.store, 'changing');
    const reading = downloadObject(s3.store, object, { streams: 1, rangeBytes, pool: createBufferPool() });
    expect((await reading.next()).value?.length).toBe(MiB);
    await put('changing', Buffer.from(content).fill(0));
    await expect(
      (async () => {
        for await (const bytes of reading) expect(content.includes(bytes)).toBe(true);
      })(),
    ).rejects.toMatchObject({ code: 'object-changed', message: expect.stringContaining('s3://bucket/changing') });
  });

  it.each([
    ['shorter', -1],
    ['longer', 1],
  ])('of a store whose body is %s than it says ends with an error, never with wrong bytes', async (_, more) => {
    const server = createServer((_request, response) => {
      response.writeHead(206, { etag: '"e"', 'content-range': 'bytes 0-999/1000' }).end(Buffer.alloc(1000 + more));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = new S3Client({
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      credentials: administrator,
      forcePathStyle: true,
      maxAttempts: 1,
    });
    const object = { key: 'k', sizeBytes: 1000, etag: '"e"' };
    const reading = downloadObject({ ...s3.store, client }, object, { streams: 1, pool: createBufferPool() });
    await expect(reading.next()).rejects.toMatchObject({ code: more < 0 ? 'rejected' : 'unavailable' });
    client.destroy();
    server.close();
  });

  it('ends its requests when the reader leaves', async () => {
    const slow = s3.faults.add({ operation: 's3:GetObject', fault: { kind: 'slow', bytesPerSecond: 1 }, skip: 1 });
    const object = await headObject(s3.store, 'object');
    const reading = downloadObject(s3.store, object, { streams: 3, rangeBytes, pool: createBufferPool() });
    await reading.next();
    await poll(() => Promise.resolve(slow.fired >= 2 ? true : undefined), {
      clock: systemClock,
      intervalMs: 5,
      timeoutMs: 2_000,
    });
    const began = systemClock.now();
    await reading.return();
    expect(systemClock.now() - began).toBeLessThan(400);
  });

  it('stops when it is cancelled', async () => {
    const cancel = new AbortController();
    s3.faults.add({ operation: 's3:GetObject', fault: { kind: 'hang' } });
    const reading = read('object', { signal: cancel.signal });
    setTimeout(() => cancel.abort(), 20);
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('takes no more memory than it has streams, and one', async () => {
    const taken = new Set<ArrayBufferLike>();
    const pool = createBufferPool();
    const counting: BufferPool = {
      ...pool,
      take: (bytes) => {
        const memory = pool.take(bytes);
        taken.add(memory.buffer);
        return memory;
      },
    };
    await read('object', { range: { from: 0, to: 5 * MiB }, streams: 2, rangeBytes: MiB / 4, pool: counting });
    expect(taken.size).toBeLessThanOrEqual(3);
  });
});
