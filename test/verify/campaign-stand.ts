import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { indexKey, type Codec, type Content, type ManifestObject } from '../../src/archive/index.js';
import { decryptWith, encryptFor, findGpg, checkRecipients } from '../../src/codec/index.js';
import { archiveObject } from '../../src/commands/archive-object.js';
import type { FoundArchive, FoundObject } from '../../src/commands/index.js';
import { validateArchive } from '../../src/commands/validate-archive.js';
import {
  AppError,
  snapshotId,
  systemClock,
  volumeId,
  type AppEvent,
  type ArchiveFinding,
} from '../../src/core/index.js';
import { readDevice, tarBytes } from '../../src/disk/index.js';
import { run, runText, type ProgramStage } from '../../src/process/index.js';
import type { ObjectStore } from '../../src/store/index.js';
import { walkDisk } from '../../src/verify/index.js';
import { makeAwkwardTree } from '../archive/tar-tree.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';
import { makeFilesystem } from '../support/loop-disk.js';
import { makeMoreAwkwardFiles } from '../support/more-awkward-files.js';
import { s3Sandbox, type S3Sandbox } from '../support/s3-sandbox.js';

/** How an archive is made. */
export interface Way {
  readonly filesystem: keyof typeof makeFilesystem;
  readonly content: Content;
  readonly codec: Codec;
  readonly encrypted: boolean;
}

/** An archive in the local S3, and the image file of the disk that it was made of. */
export interface Made {
  readonly way: Way;
  readonly image: string;
  readonly object: FoundObject;
}

const id = snapshotId('snap-0123456789abcdef0');
const volume = volumeId('vol-0123456789abcdef0');
const filesystems = ['ext4', 'xfs', 'btrfs'] as const;
const sizes = { ext4: '96M', xfs: '320M', btrfs: '160M' } as const;

/** Disks, archives of them, and their validation, in this process; needs root. */
export interface Stand extends AsyncDisposable {
  /** The untouched disks. */
  readonly images: Readonly<Record<Way['filesystem'], string>>;
  /** Archives an image file; what is made of the untouched ones is made once. */
  archive(way: Way, image?: string): Promise<Made>;
  /** Another disk, to be changed: a copy of an image file. Remove it when done. */
  copy(image: string): Promise<string>;
  mounted<T>(way: Way, image: string, options: 'ro' | 'rw', use: (path: string) => Promise<T>): Promise<T>;
  get(key: string): Promise<Buffer>;
  put(key: string, body: Buffer): Promise<void>;
  /** What validating finds; `image` undefined: against the index. */
  validate(object: FoundObject, way: Way, image: string | undefined): Promise<readonly ArchiveFinding[]>;
}

/** Makes one. */
export async function campaignStand(): Promise<Stand> {
  const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-campaign-'));
  const s3 = await s3Sandbox();
  const keyring = await gpgKeyring();
  await keyring.key('Owner <owner@example.com>');
  const gpg = await findGpg({ home: keyring.home });
  const encrypt = encryptFor(gpg, await checkRecipients(gpg, ['owner@example.com'], new AbortController().signal));
  const images = {} as Record<Way['filesystem'], string>;
  for (const filesystem of filesystems) images[filesystem] = await makeImage(folder, filesystem);
  const parts: StandParts = { folder, s3, client: s3.client(), keyring, encrypt, decrypt: decryptWith(gpg), images };
  const made = new Map<string, Promise<Made>>();
  let copies = 0;
  const archive = async (way: Way, image?: string): Promise<Made> => {
    if (image !== undefined) return makeArchive(way, image, parts);
    const name = JSON.stringify(way);
    const known = made.get(name) ?? makeArchive(way, images[way.filesystem], parts);
    made.set(name, known);
    return known;
  };
  return {
    images,
    archive,
    copy: async (image) => {
      const path = join(folder, `copy-${(copies += 1)}`);
      await run(['cp', '--sparse=always', image, path]);
      return path;
    },
    mounted: (way, image, options, use) => mounted(folder, { image, way, options }, use),
    get: (key) => get(parts, key),
    put: async (key, Body) => {
      await parts.client.send(new PutObjectCommand({ Bucket: 'bucket', Key: key, Body }));
    },
    validate: (object, way, image) => validate(object, { way, image }, parts),
    async [Symbol.asyncDispose]() {
      await keyring[Symbol.asyncDispose]();
      await s3[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

interface StandParts {
  readonly folder: string;
  readonly s3: S3Sandbox;
  readonly client: S3Client;
  readonly keyring: GpgKeyring;
  readonly encrypt: ProgramStage;
  readonly decrypt: ProgramStage;
  readonly images: Readonly<Record<Way['filesystem'], string>>;
}

async function makeImage(folder: string, filesystem: Way['filesystem']): Promise<string> {
  const image = join(folder, filesystem);
  await run(['truncate', '--size', sizes[filesystem], image]);
  await makeFilesystem[filesystem](image);
  const way = { filesystem, content: 'tar', codec: 'lz4', encrypted: false } as const;
  await mounted(folder, { image, way, options: 'rw' }, async (path) => {
    await makeAwkwardTree(path);
    await makeMoreAwkwardFiles(path);
    await run(['dd', 'if=/dev/urandom', `of=${join(path, 'random')}`, 'bs=1M', 'count=6', 'status=none']);
  });
  return image;
}

async function mounted<T>(
  folder: string,
  { image, way, options }: { readonly image: string; readonly way: Way; readonly options: 'ro' | 'rw' },
  use: (path: string) => Promise<T>,
): Promise<T> {
  const at = await mkdtemp(join(folder, 'mnt-'));
  const nouuid = way.filesystem === 'xfs' ? ',nouuid' : '';
  // A copy of a btrfs has the same UUID, and the kernel has only one of them at a time.
  await run(['mount', '-o', `loop,${options}${nouuid}`, '-t', way.filesystem, image, at]);
  try {
    return await use(at);
  } finally {
    await run(['umount', at]);
    await rm(at, { recursive: true });
  }
}

function storeOf({ client, folder }: StandParts): ObjectStore {
  return { client, bucket: 'bucket', clock: systemClock, temporaryDirectory: folder };
}

const signal = new AbortController().signal;

/** Gives the bytes of an image as a device gives them. */
async function withDevice<T>(image: string, use: (device: string, sizeBytes: number) => Promise<T>): Promise<T> {
  const device = (await runText(['losetup', '--find', '--show', '--read-only', image])).trim();
  try {
    return await use(device, Number(await runText(['blockdev', '--getsize64', device])));
  } finally {
    await run(['losetup', '--detach', device]);
  }
}

let archives = 0;

async function makeArchive(way: Way, image: string, parts: StandParts): Promise<Made> {
  const { content, codec, encrypted } = way;
  archives += 1;
  const key = `${volume}/2020-01-01T00:00:00+00:00 ${id}.${archives}.${content === 'tar' ? 'tar' : 'img'}.${codec}${encrypted ? '.gpg' : ''}`;
  const make = (bytes: () => AsyncIterable<Buffer>, sizeBytes: number) =>
    archiveObject(
      {
        snapshotId: id,
        target: { key, contentType: 'application/octet-stream', encryption: undefined },
        content,
        codec,
        level: 1,
        expectedBytes: sizeBytes,
        boundBytes: sizeBytes * 4,
        uploadStreams: 1,
        open: bytes,
      },
      {
        store: storeOf(parts),
        clock: systemClock,
        events: () => undefined,
        parallelism: 2,
        signal,
        ...(encrypted ? { encrypt: parts.encrypt } : {}),
      },
    );
  const result =
    content === 'tar'
      ? await mounted(parts.folder, { image, way, options: 'ro' }, (path) =>
          make(() => tarBytes(path, { filesystemType: way.filesystem, onWarning: () => undefined }), 16 * 1024 ** 2),
        )
      : await withDevice(image, (device, sizeBytes) => make(() => readDevice(device, { sizeBytes }), sizeBytes));
  const expected: ManifestObject = { ...result, content, partition: archives, codec, level: 1, encrypted };
  const name = {
    snapshotId: id,
    volumeId: volume,
    startTime: new Date(0),
    partition: String(archives),
    content,
    codec,
    encrypted,
  };
  const listed = (one: string) => ({
    key: one,
    sizeBytes: 0,
    etag: '',
    storageClass: 'STANDARD',
    lastModified: undefined,
  });
  return { way, image, object: { stored: listed(key), name, expected, index: listed(indexKey(key)) } };
}

async function get({ client }: StandParts, key: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

async function validate(
  object: FoundObject,
  { way, image }: { readonly way: Way; readonly image: string | undefined },
  parts: StandParts,
): Promise<readonly ArchiveFinding[]> {
  const findings: ArchiveFinding[] = [];
  const events = (event: AppEvent): void => {
    if (event.kind === 'finding') findings.push(event);
  };
  const found: FoundArchive = {
    snapshotId: id,
    manifest: {} as never,
    objects: [object],
    missing: [],
    others: [],
    validation: undefined,
  };
  const needs = {
    store: storeOf(parts),
    clock: systemClock,
    events,
    parallelism: 2,
    signal,
    downloadStreams: 3,
    decryption: { kind: 'keys', decrypt: parts.decrypt } as const,
  };
  const verdict = async (use: Parameters<typeof validateArchive>[1]): Promise<'sound' | 'failed'> => {
    try {
      await validateArchive(found, use, needs);
      return 'sound';
    } catch (error) {
      if (error instanceof AppError && error.code === 'validation-failed') return 'failed';
      throw error;
    }
  };
  let result: 'sound' | 'failed';
  if (image === undefined) result = await verdict((_, __, use) => use({ kind: 'index' }));
  else if (way.content === 'image') {
    result = await withDevice(image, (device, sizeBytes) =>
      verdict((_, __, use) => use({ kind: 'device', bytes: () => readDevice(device, { sizeBytes }) })),
    );
  } else {
    result = await mounted(parts.folder, { image, way, options: 'ro' }, (path) => {
      const entries = () => walkDisk(path, { filesystemType: way.filesystem, parallelism: 2 });
      return verdict((_, __, use) => use({ kind: 'tree', entries }));
    });
  }
  // Whoever says that it failed must have said why.
  if ((result === 'failed') !== findings.length > 0) throw new Error(`${result}, with ${findings.length} findings`);
  return findings;
}

/** Reads and writes a file in place. */
export async function changeByte(path: string, offset: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, offset);
    byte[0] = (byte[0] ?? 0) ^ 0x10;
    await file.write(byte, 0, 1, offset);
  } finally {
    await file.close();
  }
}
