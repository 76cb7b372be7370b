import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AppError, MiB, systemClock } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';
import {
  createPartBuffer,
  encodeCrc32,
  requireBucket,
  requireTemporaryDirectory,
  uploadObject,
  type ObjectStore,
  type UploadGuard,
} from '../../src/store/index.js';
import { s3Sandbox, type S3Sandbox } from '../support/s3-sandbox.js';

let sandbox: S3Sandbox;
let client: S3Client;
let store: ObjectStore;
beforeAll(async () => {
  sandbox = await s3Sandbox();
  client = sandbox.client();
  store = {
    client,
    bucket: 'bucket',
    clock: systemClock,
    temporaryDirectory: tmpdir(),
    retryPolicy: { attempts: 4, firstPauseMs: 1, longestPauseMs: 2, totalMs: 10_000 },
  };
});
afterEach(async () => {
  expect(sandbox.defects).toEqual([]);
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'bucket' }));
  expect(Uploads ?? []).toEqual([]);
});
afterAll(async () => sandbox[Symbol.asyncDispose]());

async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes)
    yield await Promise.resolve(bytes.subarray(at, at + pieceBytes));
}
const target = (key: string) => ({ key, contentType: 'application/x-lz4', metadata: { a: 'b' }, tagging: 'x=y' });
const options = { partBytes: () => 5 * MiB, streams: 2 };
async function get(key: string): Promise<Buffer> {
  const answer = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: key }));
  return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
}

/** Makes the n-th and following requests of a kind fail so many times; counts how often it did. */
function failing(commandName: string, failures: readonly (string | undefined)[]) {
  const left = [...failures];
  const fault = { fired: 0 };
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const name = context.commandName === commandName ? left.shift() : undefined;
      if (name === undefined) return next(args);
      fault.fired += 1;
      throw Object.assign(new Error(`injected ${name}`), { name, $metadata: {} });
    },
    { step: 'finalizeRequest', name: 'fault', override: true },
  );
  return fault;
}
afterEach(() => client.middlewareStack.remove('fault'));

describe('uploading a stream', () => {
  it.each([0, 1, 5 * MiB - 1, 5 * MiB])('of %d bytes takes one PutObject', async (size) => {
    const bytes = randomBytes(size);
    const stored = await uploadObject(store, inPieces(bytes, 100_000), target('small'), options);
    expect(stored).toMatchObject({
      key: 'small',
      storedBytes: size,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      crc32: encodeCrc32(crc32(bytes)),
      etag: `"${createHash('md5').update(bytes).digest('hex')}"`,
    });
    expect((await get('small')).equals(bytes)).toBe(true);
  });

  it.each([5 * MiB + 1, 10 * MiB, 21 * MiB + 12_345])(
    'of %d bytes takes several parts, with one checksum',
    async (size) => {
      const bytes = randomBytes(size);
      const told: number[] = [];
      const stored = await uploadObject(store, inPieces(bytes, 1_234_567), target('large'), {
        ...options,
        onStored: (n) => told.push(n),
      });
      expect(stored).toMatchObject({ storedBytes: size, crc32: encodeCrc32(crc32(bytes)) });
      expect(stored.etag).toMatch(/-\d+"$/);
      expect(told.at(-1)).toBe(size);
      expect((await get('large')).equals(bytes)).toBe(true);
      const head = await client.send(
        new HeadObjectCommand({ Bucket: 'bucket', Key: 'large', ChecksumMode: 'ENABLED' }),
      );
      expect(head).toMatchObject({
        ChecksumCRC32: stored.crc32,
        ChecksumType: 'FULL_OBJECT',
        Metadata: { a: 'b' },
        TagCount: 1,
        ContentType: 'application/x-lz4',
      });
    },
  );

  it('holds at most `streams` parts and the one being filled', async () => {
    let read = 0;
    let stored = 0;
    let most = 0;
    const source = async function* () {
      const block = randomBytes(MiB);
      for (let n = 0; n < 60; n += 1) {
        read += block.length;
        most = Math.max(most, read - stored);
        yield await Promise.resolve(block);
      }
    };
    await uploadObject(store, source(), target('bounded'), {
      ...options,
      onStored: (n) => {
        stored = n;
      },
    });
    expect(most).toBeLessThanOrEqual(4 * 5 * MiB);
    expect(stored).toBe(60 * MiB);
  });

  it('sends a part again that was lost, throttled or answered with an error', async () => {
    const fault = failing('UploadPartCommand', ['ECONNRESET', 'SlowDown', 'InternalError']);
    const bytes = randomBytes(12 * MiB);
    await uploadObject(store, inPieces(bytes, MiB), target('again'), options);
    expect(fault.fired).toBe(3);
    expect((await get('again')).equals(bytes)).toBe(true);
  });

  it('gives up when the attempts are used up, and aborts', async () => {
    const fault = failing(
      'UploadPartCommand',
      Array.from({ length: 20 }, () => 'InternalError'),
    );
    await expect(
      uploadObject(store, inPieces(randomBytes(12 * MiB), MiB), target('gave up'), options),
    ).rejects.toMatchObject({ code: 'unavailable' });
    expect(fault.fired).toBeGreaterThanOrEqual(4);
    await expect(get('gave up')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('outlasts more throttling than it has attempts for failures', async () => {
    const fault = failing(
      'UploadPartCommand',
      Array.from({ length: 20 }, () => 'SlowDown'),
    );
    const bytes = randomBytes(12 * MiB);
    await uploadObject(store, inPieces(bytes, MiB), target('slow'), options);
    expect(fault.fired).toBe(20);
    expect((await get('slow')).equals(bytes)).toBe(true);
  });

  it.each([
    ['UploadPartCommand', 'NoSuchUpload', 'not-found', /AbortIncompleteMultipartUpload/],
    ['UploadPartCommand', 'NoSuchBucket', 'not-found', /--bucket/],
    ['UploadPartCommand', 'KMS.DisabledException', 'rejected', /KMS key/],
    ['CompleteMultipartUploadCommand', 'EntityTooSmall', 'rejected', undefined],
    ['CompleteMultipartUploadCommand', 'InvalidPart', 'rejected', undefined],
    ['CompleteMultipartUploadCommand', 'BadDigest', 'upload-mismatch', /Nothing was stored/],
    ['CompleteMultipartUploadCommand', 'PreconditionFailed', 'claimed-elsewhere', undefined],
    ['CreateMultipartUploadCommand', 'KeyTooLongError', 'rejected', undefined],
  ])('fails at once when %s says %s, and leaves nothing', async (command, name, code, hint) => {
    const fault = failing(command, [name]);
    const failure: unknown = await uploadObject(
      store,
      inPieces(randomBytes(12 * MiB), MiB),
      target('no'),
      options,
    ).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code });
    if (hint !== undefined) expect((failure as AppError).hint).toMatch(hint);
    expect(fault.fired).toBe(1);
    await expect(get('no')).rejects.toMatchObject({ name: 'NoSuchKey' });
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'bucket' }));
    expect(Uploads).toEqual([]);
  });

  it.each([
    ['UploadPartCommand', 'BadDigest'],
    ['CompleteMultipartUploadCommand', 'ConditionalRequestConflict'],
  ])('is tried again when %s says %s', async (command, name) => {
    const fault = failing(command, [name]);
    const bytes = randomBytes(12 * MiB);
    await uploadObject(store, inPieces(bytes, MiB), target('again'), options);
    expect(fault.fired).toBe(1);
    expect((await get('again')).equals(bytes)).toBe(true);
  });

  it('that somebody aborts in its middle says so, and leaves nothing', async () => {
    let read = 0;
    const source = async function* () {
      for (; read < 12; read += 1) {
        if (read === 11) {
          const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'bucket' }));
          for (const { Key, UploadId } of Uploads) {
            await client.send(new AbortMultipartUploadCommand({ Bucket: 'bucket', Key, UploadId }));
          }
        }
        yield randomBytes(MiB);
      }
    };
    await expect(uploadObject(store, source(), target('aborted'), options)).rejects.toMatchObject({
      code: 'not-found',
      hint: expect.stringContaining('lifecycle rule'),
    });
    expect(read).toBeGreaterThanOrEqual(11);
    await expect(get('aborted')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('fails at once where permission is missing', async () => {
    const fault = failing('CreateMultipartUploadCommand', ['AccessDenied', 'AccessDenied']);
    await expect(
      uploadObject(store, inPieces(randomBytes(12 * MiB), MiB), target('denied'), options),
    ).rejects.toMatchObject({
      code: 'access-denied',
      message: expect.stringContaining('s3:PutObject on s3://bucket/denied'),
    });
    expect(fault.fired).toBe(1);
  });

  it('whose source fails leaves nothing behind', async () => {
    const source = async function* () {
      for (let n = 0; n < 20; n += 1) yield await Promise.resolve(randomBytes(MiB));
      throw new AppError('source-unreadable', 'The disk broke.');
    };
    await expect(uploadObject(store, source(), target('broken'), options)).rejects.toMatchObject({
      code: 'source-unreadable',
    });
    await expect(get('broken')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('can be cancelled at any time', async () => {
    const controller = new AbortController();
    const source = async function* () {
      for (let n = 0; n < 100; n += 1) {
        if (n === 20) controller.abort();
        yield await Promise.resolve(randomBytes(MiB));
      }
    };
    await expect(
      uploadObject(store, source(), target('cancelled'), { ...options, signal: controller.signal }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    await expect(get('cancelled')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('whose completion was done although the answer was lost succeeds', async () => {
    const bytes = randomBytes(12 * MiB);
    let lost = 0;
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const answer = await next(args);
        if (context.commandName === 'CompleteMultipartUploadCommand' && lost === 0) {
          lost += 1;
          throw Object.assign(new Error('lost'), { name: 'TimeoutError' });
        }
        return answer;
      },
      { step: 'finalizeRequest', name: 'fault', override: true },
    );
    const stored = await uploadObject(store, inPieces(bytes, MiB), target('lost answer'), options);
    expect(lost).toBe(1);
    expect(stored.storedBytes).toBe(bytes.length);
  });

  it('is not believed when S3 has something else', async () => {
    let changed = 0;
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const answer = await next(args);
        if (context.commandName === 'HeadObjectCommand') {
          changed += 1;
          (answer.output as { ChecksumCRC32?: string }).ChecksumCRC32 = 'AAAAAA==';
        }
        return answer;
      },
      { step: 'initialize', name: 'fault', override: true },
    );
    await expect(uploadObject(store, inPieces(randomBytes(100), 100), target('lies'), options)).rejects.toMatchObject({
      code: 'upload-mismatch',
    });
    expect(changed).toBe(1);
  });

  it('to a bucket that is not there -> a sentence with the command that makes it', async () => {
    await expect(requireBucket({ ...store, bucket: 'missing' })).rejects.toMatchObject({
      code: 'not-found',
      message: 'The bucket missing does not exist.',
      hint: expect.stringContaining('aws s3 mb s3://missing'),
    });
    await requireBucket(store);
  });
});

describe('an upload that is overtaken', () => {
  /** Between the last question whether it is still ours and the write, another run makes the object. */
  const overtaking = (Key: string, guard: { finished: number }): UploadGuard => ({
    beginning: () => Promise.resolve(),
    begun: () => Promise.resolve(),
    over: () => undefined,
    finishing: async () => {
      guard.finished += 1;
      await client.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body: 'of another run' }));
    },
  });
  it.each([
    ['PutObject', 'absent', MiB],
    ['PutObject', 'there before', MiB],
    ['CompleteMultipartUpload', 'absent', 12 * MiB],
    ['CompleteMultipartUpload', 'there before', 12 * MiB],
  ])('at %s, the object %s -> claimed-elsewhere, and the other one stays as it is', async (_, before, size) => {
    const key = `overtaken, ${before}, ${size}`;
    if (before !== 'absent') await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: key, Body: 'older' }));
    const told = { finished: 0 };
    await expect(
      uploadObject(store, inPieces(randomBytes(size), MiB), target(key), { ...options, guard: overtaking(key, told) }),
    ).rejects.toMatchObject({ code: 'claimed-elsewhere', message: expect.stringContaining(key) as string });
    expect(told.finished).toBe(1);
    expect((await get(key)).toString()).toBe('of another run');
  });
});

describe('a part', () => {
  it('that must wait in a directory without room for a file -> disk-full, naming TMPDIR', async () => {
    const temporaryDirectory = await mkdtemp(join(tmpdir(), 'snap-to-s3-no-room-'));
    await run(['mount', '-t', 'tmpfs', '-o', 'nr_inodes=1', 'none', temporaryDirectory]);
    try {
      const full = { code: 'disk-full', hint: expect.stringContaining('TMPDIR') as string };
      const options = { capacityBytes: 5 * MiB, temporaryDirectory, inMemoryBytes: 0 };
      await expect(createPartBuffer(options)).rejects.toMatchObject(full);
      await expect(requireTemporaryDirectory(options)).rejects.toMatchObject(full);
    } finally {
      await run(['umount', temporaryDirectory]);
      await rm(temporaryDirectory, { recursive: true });
    }
  });

  it.each([0, 2 ** 30])('can be read as often as need be (in memory up to %d bytes)', async (inMemoryBytes) => {
    await using part = await createPartBuffer({ capacityBytes: 5 * MiB, temporaryDirectory: tmpdir(), inMemoryBytes });
    const bytes = randomBytes(3 * MiB + 5);
    for await (const piece of inPieces(bytes, 1_000_000)) await part.append(piece);
    expect(part).toMatchObject({ sizeBytes: bytes.length, crc32: encodeCrc32(crc32(bytes)) });
    for (let round = 0; round < 2; round += 1) {
      const pieces: Buffer[] = [];
      for await (const piece of part.read()) pieces.push(piece as Buffer);
      expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
    }
    expect((await readdir(tmpdir())).filter((name) => name.startsWith('snap-to-s3-part-'))).toEqual([]);
  });
});
