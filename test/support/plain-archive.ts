import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import {
  archiveKey,
  encodeManifest,
  manifestKey,
  type ArchivedSnapshot,
  type Codec,
  type Content,
  type Manifest,
  type ManifestObject,
} from '../../src/archive/index.js';
import { archiveObject } from '../../src/commands/archive-object.js';
import { MiB, snapshotId, systemClock, volumeId } from '../../src/core/index.js';
import { tarBytes } from '../../src/disk/index.js';
import type { ProgramStage } from '../../src/process/index.js';
import type { ObjectStore } from '../../src/store/index.js';

/** An archive of a folder, as a run makes it, without a snapshot, a volume, and root. */
export interface PlainArchive {
  readonly snapshot: ArchivedSnapshot;
  /** Of the tar. */
  readonly key: string;
  readonly manifestKey: string;
  readonly manifest: Manifest;
}

let made = 0;

/** What no other archive is of. */
export function plainSnapshot(): ArchivedSnapshot {
  made += 1;
  const digits = made.toString(16).padStart(8, '0');
  return { snapshotId: snapshotId(`snap-${digits}`), volumeId: volumeId(`vol-${digits}`), startTime: new Date(0) };
}

/** A folder of so many bytes that do not get smaller, and some words. */
export async function folderToArchive(below: string, bytes: number): Promise<string> {
  const folder = await mkdtemp(join(below, 'tree-'));
  await writeFile(join(folder, 'random'), randomBytes(bytes));
  await writeFile(join(folder, 'words'), 'the same again and again\n'.repeat(1_000));
  return folder;
}

/** How it is archived. */
export interface PlainOptions {
  /** `image`: what is archived is a file, byte by byte. */
  readonly content?: Content;
  readonly codec?: Codec;
  readonly encrypt?: ProgramStage;
}

/** Archives a folder, or as an image a file. */
export async function archivePlain(
  store: ObjectStore,
  path: string,
  { content = 'tar', codec = 'lz4', encrypt }: PlainOptions = {},
): Promise<PlainArchive> {
  const snapshot = plainSnapshot();
  const [partition, encrypted] = [undefined, encrypt !== undefined];
  const key = archiveKey({ ...snapshot, partition, content, codec, encrypted });
  const result = await archiveObject(
    {
      snapshotId: snapshot.snapshotId,
      target: { key, contentType: 'application/octet-stream', encryption: undefined },
      content,
      codec,
      level: 1,
      expectedBytes: 32 * MiB,
      boundBytes: 64 * MiB,
      uploadStreams: 2,
      open: () =>
        content === 'tar'
          ? tarBytes(path, { filesystemType: 'ext4', onWarning: () => undefined })
          : (createReadStream(path) as AsyncIterable<Buffer>),
    },
    {
      store,
      clock: systemClock,
      events: () => undefined,
      parallelism: 2,
      signal: new AbortController().signal,
      ...(encrypt === undefined ? {} : { encrypt }),
    },
  );
  const manifest = manifestOf(snapshot, { ...result, content, partition: null, codec, level: 1, encrypted });
  await putManifest(store, manifest);
  return { snapshot, key, manifestKey: manifestKey(snapshot), manifest };
}

/** Writes a manifest where its snapshot has it. */
export async function putManifest(store: ObjectStore, manifest: Manifest): Promise<void> {
  const { snapshotId: id, volumeId: volume, startTime } = manifest.snapshot;
  const Key = manifestKey({ snapshotId: snapshotId(id), volumeId: volumeId(volume), startTime: new Date(startTime) });
  const Body = encodeManifest(manifest);
  await store.client.send(new PutObjectCommand({ Bucket: store.bucket, Key, Body, ChecksumAlgorithm: 'CRC32' }));
}

function manifestOf(
  { snapshotId: id, volumeId: volume, startTime }: ArchivedSnapshot,
  object: ManifestObject,
): Manifest {
  const sizeBytes = 1024 * MiB;
  const area = { partition: null, startBytes: 0, sizeBytes, type: 'ext4', label: null, uuid: null, usedBytes: 0 };
  return {
    format: 'snap-to-s3-manifest',
    version: 1,
    tool: { name: 'snap-to-s3', version: '0' },
    createdAt: new Date(0).toISOString(),
    region: 'us-east-1',
    snapshot: {
      snapshotId: id,
      volumeId: volume,
      startTime: startTime.toISOString(),
      volumeGiB: 1,
      description: '',
      ownerId: '123456789012',
      encrypted: false,
      tags: {},
    },
    disk: {
      sizeBytes,
      sectorBytes: 512,
      partitionTable: null,
      sfdiskDump: null,
      areas: [{ ...area, archived: true }],
    },
    objects: [object],
  };
}
