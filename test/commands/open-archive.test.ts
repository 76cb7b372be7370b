import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../sandbox/faults/index.js';
import { decryptWith, findGpg } from '../../src/codec/index.js';
import {
  findArchive,
  openArchive,
  openRandomAccess,
  type ArchiveDependencies,
  type ArchiveVerdict,
  type FoundObject,
} from '../../src/commands/index.js';
import { AppError, createBufferPool, MiB, snapshotId, systemClock, volumeId } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';
import type { ObjectStore } from '../../src/store/index.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';
import { filesystemOn, localAws, type LocalAws } from '../support/local-aws.js';
import { decompressed, sha256Of } from '../support/read-archive.js';

let aws: LocalAws;
let keyring: GpgKeyring;
let folder: string;
/** The stores of what was migrated, by how. */
const stores = new Map<string, { readonly store: ObjectStore; readonly id: ReturnType<typeof snapshotId> }>();
const ways = [
  { name: 'tar.lz4', options: [] },
  { name: 'tar.zstd', options: ['--compression', 'zstd'] },
  { name: 'tar.lz4.gpg', options: ['--gpg-recipient', 'Reader'] },
] as const;
const random = randomBytes(9 * MiB);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-open-'));
  keyring = await gpgKeyring();
  await keyring.key('Reader <reader@example.com>');
  aws = await localAws();
  const snapshot = await aws.snapshot((device) =>
    filesystemOn(device, 'ext4', async (at) => {
      await writeFile(join(at, 'random'), random);
      await writeFile(join(at, 'words'), 'the same again and again\n'.repeat(400_000));
    }),
  );
  for (const { name, options } of ways) {
    const bucket = await aws.bucket();
    const argv = ['migrate', '--snapshots', snapshot, '--bucket', bucket, ...options];
    const done = await aws.command(argv, { env: { GNUPGHOME: keyring.home } });
    expect(done.status, done.stderr).toBe(0);
    stores.set(name, { store: storeOf(bucket), id: snapshotId(snapshot) });
  }
});
afterEach(() => aws.faults.clear());
afterAll(async () => {
  await aws[Symbol.asyncDispose]();
  await keyring[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function storeOf(bucket: string): ObjectStore {
  const retryPolicy = { attempts: 4, firstPauseMs: 1, longestPauseMs: 5, totalMs: 20_000 };
  return { client: aws.s3, bucket, clock: systemClock, temporaryDirectory: folder, retryPolicy };
}
async function migrated(name: string): Promise<{ store: ObjectStore; object: FoundObject }> {
  const { store, id } = stores.get(name) ?? fail();
  const found = await findArchive(store, id);
  const [object] = found.objects;
  expect(found).toMatchObject({ missing: [], others: [], objects: [{}] });
  return { store, object: object ?? fail() };
}
function fail(): never {
  throw new Error('It was not migrated.');
}
async function dependencies(store: ObjectStore): Promise<ArchiveDependencies> {
  const decrypt = decryptWith(await findGpg({ home: keyring.home }));
  return { store, streams: 3, pool: createBufferPool(), parallelism: 2, decrypt };
}
interface Read {
  readonly raw: Buffer;
  readonly verdict: ArchiveVerdict;
}
async function readAll(store: ObjectStore, object: FoundObject, changed: Partial<FoundObject> = {}): Promise<Read> {
  const { stored, name, expected } = { ...object, ...changed };
  const needs = await dependencies(store);
  const archive = await openArchive({ key: stored.key, ...name, expected }, needs);
  const pieces: Buffer[] = [];
  for await (const bytes of archive) {
    pieces.push(Buffer.from(bytes));
    needs.pool.giveBack(bytes);
  }
  return { raw: Buffer.concat(pieces), verdict: archive.verdict() };
}
/** What plain programs make of the object. */
async function byHand(store: ObjectStore, { stored, name }: FoundObject): Promise<Buffer> {
  let path = await aws.download(store.bucket, stored.key);
  if (name.encrypted) {
    await keyring.gpg(['--output', `${path}.plain`, '--decrypt', path]);
    path = `${path}.plain`;
  }
  return readFile(await decompressed(path, name.codec));
}
async function bytesOf(store: ObjectStore, key: string): Promise<Buffer> {
  const { Body } = await aws.s3.send(new GetObjectCommand({ Bucket: store.bucket, Key: key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

describe('an archive of ours', () => {
  it.each(ways)(
    '$name gives what plain programs give, and is proven',
    async ({ name }) => {
      const { store, object } = await migrated(name);
      const { raw, verdict } = await readAll(store, object);
      expect(raw.equals(await byHand(store, object))).toBe(true);
      const { sha256, crc32, storedBytes, rawBytes, frames } = object.expected ?? fail();
      expect(verdict).toEqual({ sha256, crc32, storedBytes, rawBytes, frames, hasSeekTable: true, unchecked: 0 });
      expect(sha256).toBe(await sha256Of(await aws.download(store.bucket, object.stored.key)));
    },
    60_000,
  );

  const passing: readonly Fault[] = [
    { kind: 'throttled' },
    { kind: 'internal-error' },
    { kind: 'reset', when: 'before' },
    { kind: 'truncated', afterBytes: 1_000_000 },
    { kind: 'expired-token' },
  ];
  it.each(passing)('comes right through %j', async (fault) => {
    for (const name of ['tar.zstd', 'tar.lz4.gpg']) {
      const { store, object } = await migrated(name);
      const whole = await byHand(store, object);
      const injected = aws.faults.add({ operation: 's3:GetObject', fault, times: 2 });
      const { raw } = await readAll(store, object);
      expect(injected.fired).toBe(2);
      expect(raw.equals(whole)).toBe(true);
    }
  });

  it('with a bit changed on its way is never taken for whole', async () => {
    for (const { name } of ways) {
      const { store, object } = await migrated(name);
      for (const seed of [1, 2]) {
        const fault = aws.faults.add({ operation: 's3:GetObject', fault: { kind: 'flipped-bit' }, times: 1, seed });
        await expect(readAll(store, object), `${name} ${seed}`).rejects.toMatchObject({
          code: 'corrupt-archive',
          message: expect.stringContaining(object.stored.key),
        });
        expect(fault.fired).toBe(1);
      }
    }
  });

  it('that the manifest tells otherwise is damaged, whatever it is', async () => {
    const { store, object } = await migrated('tar.lz4');
    const expected = object.expected ?? fail();
    const wrong = [
      { storedBytes: 1 },
      { sha256: '0'.repeat(64) },
      { crc32: 'AAAAAA==' },
      { rawBytes: expected.rawBytes + 1 },
      { frames: expected.frames - 1 },
    ];
    for (const one of wrong) {
      await expect(readAll(store, object, { expected: { ...expected, ...one } })).rejects.toMatchObject({
        code: 'corrupt-archive',
        message: expect.stringContaining('the manifest says'),
      });
    }
  });

  it('has no verdict before its end', async () => {
    const { store, object } = await migrated('tar.lz4');
    const archive = await openArchive({ key: object.stored.key, ...object.name }, await dependencies(store));
    for await (const _ of archive) break;
    expect(() => archive.verdict()).toThrow(AppError);
  });

  it('that is cut off and written anew in that way is damaged', async () => {
    const { store, object } = await migrated('tar.zstd');
    const bytes = await bytesOf(store, object.stored.key);
    const key = object.stored.key.replace('.tar', ' - cut.tar');
    for (const cut of [10, 1_000_000]) {
      await aws.s3.send(new PutObjectCommand({ Bucket: store.bucket, Key: key, Body: bytes.subarray(0, -cut) }));
      await expect(
        readAll(store, object, { stored: { ...object.stored, key }, expected: undefined }),
        `${cut}`,
      ).rejects.toMatchObject({ code: 'corrupt-archive' });
    }
    await aws.s3.send(new DeleteObjectCommand({ Bucket: store.bucket, Key: key }));
  });
});

describe('any range', () => {
  it.each(['tar.lz4', 'tar.zstd'])('of %s is had from the frames that hold it', async (name) => {
    const { store, object } = await migrated(name);
    const { raw } = await readAll(store, object);
    await using access =
      (await openRandomAccess({ key: object.stored.key, ...object.name }, await dependencies(store))) ?? fail();
    expect(access.rawBytes).toBe(raw.length);
    const frame = 4 * MiB;
    const ranges = [
      [0, 0],
      [0, 1],
      [frame - 1, frame + 1],
      [frame, 2 * frame],
      [raw.length - 1, raw.length],
      [1000, 3 * frame + 1000],
    ] as const;
    for (const [from, to] of ranges) {
      const pieces: Buffer[] = [];
      for await (const bytes of access.read({ from, to })) pieces.push(bytes);
      expect(Buffer.concat(pieces).equals(raw.subarray(from, to)), `${from} to ${to}`).toBe(true);
    }
  });

  it('fetches no more than that', async () => {
    const { store, object } = await migrated('tar.lz4');
    await using access =
      (await openRandomAccess({ key: object.stored.key, ...object.name }, await dependencies(store))) ?? fail();
    expect(access.fetchedBytes).toBe(64 * 1024);
    for await (const _ of access.read({ from: 10, to: 20 })) continue;
    expect(access.fetchedBytes).toBeLessThan(4.2 * MiB);
  });

  it('of a frame that is damaged is not given', async () => {
    const { store, object } = await migrated('tar.lz4');
    await using access =
      (await openRandomAccess({ key: object.stored.key, ...object.name }, await dependencies(store))) ?? fail();
    aws.faults.add({ operation: 's3:GetObject', fault: { kind: 'flipped-bit', atByte: 500_000 }, times: 1 });
    await expect(
      (async () => {
        for await (const _ of access.read({ from: 0, to: 100 })) continue;
      })(),
    ).rejects.toMatchObject({ code: 'corrupt-archive', message: expect.stringContaining('Frame 0') });
  });
});

describe('an archive of the existing tool', () => {
  const id = snapshotId('snap-0123456789abcdef0');
  const volume = volumeId('vol-0123456789abcdef0');
  const stem = `${volume}/2017-01-02T03:04:05+00:00 ${id}`;
  const kept = { lz4: ['lz4', '-c', '-q'], zstd: ['zstd', '-c', '-q'] };
  let tar: Buffer;
  let bucket: string;
  beforeAll(async () => {
    await writeFile(join(folder, 'big'), Buffer.concat([random, Buffer.alloc(70 * MiB, 'text ')]));
    tar = await run(['tar', '--create', '--directory', folder, 'big'], { maxOutputBytes: 100 * MiB });
    bucket = await aws.bucket();
  });
  const put = (Key: string, Body: Buffer) => aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));

  it.each(['lz4', 'zstd'] as const)('in one frame of %s is found by listing and read', async (codec) => {
    await put(`${stem} - nightly, of "db".1.tar.${codec}`, await run(kept[codec], { input: tar }));
    const store = storeOf(bucket);
    const found = await findArchive(store, id, { volumeId: volume });
    expect(found).toMatchObject({ manifest: undefined, missing: [], others: [] });
    const object = found.objects.find(({ name }) => name.codec === codec) ?? fail();
    expect(object).toMatchObject({ name: { partition: '1', content: 'tar' }, expected: undefined, index: undefined });
    const { raw, verdict } = await readAll(store, object);
    expect(raw.equals(tar)).toBe(true);
    expect(verdict).toMatchObject({ frames: 1, hasSeekTable: false, unchecked: 0, rawBytes: tar.length });
    expect(await openRandomAccess({ key: object.stored.key, codec }, await dependencies(store))).toBeUndefined();
  });

  it('that is encrypted is read with its session key', async () => {
    const encrypted = await run(
      ['gpg', '--batch', '--trust-model=always', '--recipient', 'Reader', '--output', '-', '--encrypt'],
      { input: await run(kept.lz4, { input: tar }), env: { GNUPGHOME: keyring.home }, maxOutputBytes: 100 * MiB },
    );
    const key = `${stem}.2.tar.lz4.gpg`;
    await put(key, encrypted);
    const store = storeOf(bucket);
    const stranger = await gpgKeyring();
    const gpg = await findGpg({ home: stranger.home });
    const sessionKey = await keyring.sessionKey(encrypted);
    const open = (decrypt: ArchiveDependencies['decrypt']) =>
      openArchive(
        { key, codec: 'lz4', encrypted: true },
        { store, streams: 2, pool: createBufferPool(), parallelism: 2, decrypt },
      );
    let bytes = 0;
    for await (const raw of await open(decryptWith(gpg, { sessionKey }))) bytes += raw.length;
    expect(bytes).toBe(tar.length);
    const failing = async (): Promise<void> => {
      for await (const _ of await open(decryptWith(gpg))) continue;
    };
    await expect(failing()).rejects.toMatchObject({ code: 'no-secret-key' });
    await stranger[Symbol.asyncDispose]();
  });

  it('of nothing at all is damaged', async () => {
    const key = `${stem}.3.tar.lz4`;
    await put(key, Buffer.alloc(0));
    const archive = await openArchive({ key, codec: 'lz4', encrypted: false }, await dependencies(storeOf(bucket)));
    await expect(
      (async () => {
        for await (const _ of archive) continue;
      })(),
    ).rejects.toMatchObject({ code: 'corrupt-archive', message: expect.stringContaining('holds nothing') });
  });
});

describe('finding', () => {
  it('nothing of a snapshot says where it looked', async () => {
    const { store } = stores.get('tar.lz4') ?? fail();
    await expect(findArchive(store, snapshotId('snap-00000000'))).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('snap-00000000'),
    });
  });

  it('tells what the manifest names and is gone, and what it does not name', async () => {
    const bucket = await aws.bucket();
    const { store: from, id } = stores.get('tar.lz4') ?? fail();
    const keys = (await aws.keys(from.bucket)).filter((key) => key.includes(id) && key.startsWith('vol-'));
    for (const key of keys.filter((one) => !one.endsWith('.index.jsonl.gz'))) {
      await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: await bytesOf(from, key) }));
    }
    const stray = (keys[0] ?? '').replace(/ (snap-\w+).*/s, ' $1 - old.5.tar.zstd');
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: stray, Body: 'x' }));
    const found = await findArchive(storeOf(bucket), id);
    expect(found.missing).toEqual([expect.stringMatching(/\.index\.jsonl\.gz$/)]);
    expect(found.others.map(({ stored }) => stored.key)).toEqual([stray]);
    expect(found.objects.map(({ expected }) => expected?.codec)).toEqual(['lz4']);
  });

  it('does not believe a manifest that is cut off, or is another snapshot', async () => {
    const bucket = await aws.bucket();
    const { store: from, id } = stores.get('tar.lz4') ?? fail();
    const key = (await aws.keys(from.bucket)).find((one) => one.endsWith('.manifest.json')) ?? fail();
    const manifest = await bytesOf(from, key);
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: manifest.subarray(0, 500) }));
    await expect(findArchive(storeOf(bucket), id)).rejects.toMatchObject({ code: 'corrupt-archive' });
    const other = 'snap-00000000000000000';
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key.replace(id, other), Body: manifest }));
    await expect(findArchive(storeOf(bucket), snapshotId(other))).rejects.toMatchObject({ code: 'corrupt-archive' });
  });
});
