import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CopyObjectCommand, DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexKey, type Manifest, type ManifestObject } from '../../src/archive/index.js';
import { findArchive, type FoundArchive, type MigrateSettings } from '../../src/commands/index.js';
import { archiveDisk } from '../../src/commands/archive-disk.js';
import { buildManifest } from '../../src/commands/build-manifest.js';
import { manifestDifferences } from '../../src/commands/manifest-differences.js';
import { withoutLease } from '../../src/commands/snapshot-lease.js';
import { validateDisk } from '../../src/commands/validate-disk.js';
import { AppError, snapshotId, systemClock, volumeId, type AppEvent } from '../../src/core/index.js';
import { readLayout, type DiskLayout } from '../../src/disk/index.js';
import type { Snapshot } from '../../src/source/index.js';
import type { ObjectStore } from '../../src/store/index.js';
import { mountedAt } from '../support/local-aws.js';
import { loopDisk, type LoopDisk } from '../support/loop-disk.js';
import { putManifest } from '../support/plain-archive.js';
import { run } from '../../src/process/index.js';
import { s3Sandbox, type S3Sandbox } from '../support/s3-sandbox.js';

// A disk of two partitions and its archive: what belongs to which, and what the manifest says of the disk.

const snapshot: Snapshot = {
  snapshotId: snapshotId('snap-0123456789abcdef0'),
  volumeId: volumeId('vol-0123456789abcdef0'),
  startTime: new Date(0),
  volumeGiB: 1,
  fullSizeBytes: undefined,
  description: 'the description',
  state: 'completed',
  storageTier: 'standard',
  encrypted: false,
  ownerId: '123456789012',
  tags: {},
};
let folder: string;
let s3: S3Sandbox;
let disk: LoopDisk;
let store: ObjectStore;
let layout: DiskLayout;
let manifest: Manifest;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-partitions-'));
  [s3, disk] = await Promise.all([s3Sandbox(), loopDisk(1024, 'label: gpt\nsize=16MiB\nsize=16MiB\n')]);
  for (const number of [1, 2]) {
    const device = disk.partition(number);
    await run(['mkfs.ext4', '-q', '-F', '-L', `label-${number}`, device]);
    const fill = async (path: string) => {
      await writeFile(join(path, 'file'), `of partition ${number}`);
      // So that they differ in nothing but that.
      await run(['find', path, '-depth', '-exec', 'touch', '--date=@1', '{}', '+']);
    };
    await mountedAt(device, { type: 'ext4', options: 'rw' }, fill);
  }
  store = { client: s3.client(), bucket: 'bucket', clock: systemClock, temporaryDirectory: folder };
  layout = await readLayout(disk.path, { clock: systemClock });
  const settings: MigrateSettings = {
    tag: 'snap-to-s3',
    content: 'tar',
    codec: 'lz4',
    level: 1,
    uploadStreams: 1,
    mountPoint: folder,
    volumeType: undefined,
    keepVolumes: false,
    encryption: undefined,
    storageClass: undefined,
    recipients: [],
    jobs: 1,
    leaseMs: 60_000,
  };
  const archived = await archiveDisk(snapshot, layout, settings, {
    ...needs(() => undefined),
    encrypt: undefined,
    guard: undefined,
  });
  const tool = { name: 'snap-to-s3', version: '0' };
  manifest = buildManifest({ snapshot, layout, archived, region: 'us-east-1', tool, clock: systemClock });
  await putManifest(store, manifest);
});
afterAll(async () => {
  await disk[Symbol.asyncDispose]();
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** What reading takes; EC2 and the instance are not asked. */
function needs(events: (event: AppEvent) => void) {
  return {
    ec2: undefined as never,
    instance: undefined as never,
    store,
    clock: systemClock,
    events,
    parallelism: 1,
    runId: 'run-12345678',
    gnupgHome: undefined,
    tool: { name: 'snap-to-s3', version: '0' },
    lease: withoutLease(),
    signal: new AbortController().signal,
  };
}

/** What is found wrong, as `problem text`; the verdict says the same. */
async function validated(change: (found: FoundArchive) => FoundArchive = (found) => found): Promise<string[]> {
  const findings: string[] = [];
  const events = (event: AppEvent): void => {
    if (event.kind === 'finding') findings.push(`${event.problem} ${event.path ?? ''} ${event.text}`);
  };
  const found = change(await findArchive(store, snapshot.snapshotId));
  const decryption = { kind: 'session-keys', decrypt: [] } as const;
  const dependencies = { ...needs(events), downloadStreams: 1, decryption };
  const verdict = await validateDisk({ found, snapshot, layout }, { mountPoint: folder }, dependencies).then(
    () => 'sound',
    (error: unknown) => (error instanceof AppError ? error.code : error),
  );
  expect(verdict).toBe(findings.length === 0 ? 'sound' : 'validation-failed');
  return findings;
}

/** Exchanges two objects, or what is at two keys. */
async function exchange(one: string, other: string): Promise<void> {
  const copy = (from: string, Key: string) =>
    store.client.send(
      new CopyObjectCommand({ Bucket: 'bucket', Key, CopySource: `bucket/${encodeURIComponent(from)}` }),
    );
  await copy(one, 'kept');
  await copy(other, one);
  await copy('kept', other);
  await store.client.send(new DeleteObjectCommand({ Bucket: 'bucket', Key: 'kept' }));
}

/** The manifest's row of one object, with the bytes of another. */
function withBytesOf(row: ManifestObject, { key: _, index, partition: __, ...bytes }: ManifestObject): ManifestObject {
  return { ...row, ...bytes, index: { ...index, key: row.index.key } };
}

describe('two partitions', () => {
  it('of which nothing is wrong -> nothing is found', async () => expect(await validated()).toEqual([]));

  it('whose objects, indexes and rows of the manifest were exchanged alike -> the files of both are told', async () => {
    const [one = fail(), two = fail()] = manifest.objects;
    const both = async () => {
      await exchange(one.key, two.key);
      await exchange(indexKey(one.key), indexKey(two.key));
    };
    await both();
    try {
      const objects = [withBytesOf(one, two), withBytesOf(two, one)];
      await putManifest(store, { ...manifest, objects });
      expect(await validated()).toEqual([
        expect.stringMatching(/^different file content is /),
        expect.stringMatching(/^different file content is /),
      ]);
    } finally {
      await both();
      await putManifest(store, manifest);
    }
  });

  it('of the existing tool, whose objects were exchanged -> the files of both are told', async () => {
    const old = (found: FoundArchive): FoundArchive => ({
      ...found,
      manifest: undefined,
      objects: found.objects.map(({ stored, name }) => ({ stored, name, expected: undefined, index: undefined })),
    });
    expect(await validated(old)).toEqual([]);
    const exchanged = (found: FoundArchive): FoundArchive => {
      const [one = fail(), two = fail()] = old(found).objects;
      return {
        ...old(found),
        objects: [
          { ...one, stored: two.stored },
          { ...two, stored: one.stored },
        ],
      };
    };
    const findings = await validated(exchanged);
    expect(findings).toHaveLength(2);
    for (const finding of findings) expect(finding).toMatch(/^different file content is /);
  });

  it('one of which has no archive -> it is told', async () => {
    const withoutSecond = (found: FoundArchive): FoundArchive => ({ ...found, objects: found.objects.slice(0, 1) });
    expect(await validated(withoutSecond)).toEqual([expect.stringMatching(/^missing .*partition 2, a filesystem/)]);
  });
});

describe('a manifest', () => {
  const area = (number: number, change: object) => ({
    areas: manifest.disk.areas.map((one) => (one.partition === number ? { ...one, ...change } : one)),
  });
  const dump = (from: RegExp, to: string) => ({ sfdiskDump: (manifest.disk.sfdiskDump ?? '').replace(from, to) });

  it.each<readonly [string, () => object, string]>([
    ['the size of the disk', () => ({ sizeBytes: 5 }), 'the number of bytes of the volume is 1,073,741,824'],
    ['the size of a sector', () => ({ sectorBytes: 4096 }), 'the number of bytes in a sector is 512'],
    ['the kind of its table', () => ({ partitionTable: 'dos' }), 'the kind of the partition table is "gpt"'],
    ['no table', () => ({ sfdiskDump: null }), 'but the manifest says nothing'],
    ['the id of its table', () => dump(/label-id: \S+/, 'label-id: 0'), 'the label-id of the partition table is'],
    ['the start of a partition', () => dump(/start= +2048/, 'start= 4096'), 'the entry of partition 1 in the table'],
    ['the size of a partition', () => dump(/size= +\d+/, 'size= 7'), 'the entry of partition 1 in the table'],
    ['a partition less in the table', () => dump(/\n\S+2 : .*/, ''), 'the entry of partition 2 in the table'],
    ['the first byte of an area', () => area(1, { startBytes: 7 }), 'the first byte of partition 1 is 1,048,576'],
    ['the bytes of an area', () => area(2, { sizeBytes: 7 }), 'the number of bytes of partition 2 is 16,777,216'],
    ['what an area holds', () => area(2, { type: 'xfs' }), 'what partition 2 holds is "ext4"'],
    [
      'its label',
      () => area(2, { label: 'other' }),
      'the label of partition 2 is "label-2", but the manifest says "other"',
    ],
    ['its UUID', () => area(1, { uuid: null }), 'the UUID of partition 1 is'],
    ['an area less', () => ({ areas: manifest.disk.areas.slice(0, 1) }), 'partition 2 is not in the manifest'],
    [
      'an area more',
      () => ({ areas: [...manifest.disk.areas, { ...manifest.disk.areas[0], partition: 3 }] }),
      'partition 3 is in the manifest, and not on the volume',
    ],
  ])('that says otherwise: %s -> that is told, and nothing else', (_, change, text) => {
    const changed = { ...manifest, disk: { ...manifest.disk, ...change() } };
    expect(manifestDifferences(changed, { snapshot, layout })).toEqual([expect.stringContaining(text)]);
  });

  it.each<readonly [string, Partial<Manifest['snapshot']>]>([
    ['the time of the snapshot', { startTime: new Date(1_000).toISOString() }],
    ['the size of the snapshot', { volumeGiB: 2 }],
    ['the description of the snapshot', { description: 'another' }],
    ['the owner of the snapshot', { ownerId: '1' }],
    ['whether the snapshot is encrypted', { encrypted: true }],
  ])('that says otherwise: %s -> that is told', (what, change) => {
    const changed = { ...manifest, snapshot: { ...manifest.snapshot, ...change } };
    expect(manifestDifferences(changed, { snapshot, layout })).toEqual([expect.stringContaining(what)]);
  });

  it('that says so of the same disk as another device, with other headers of sfdisk -> nothing is told', () => {
    const sfdiskDump = (manifest.disk.sfdiskDump ?? '')
      .replaceAll(disk.path, '/dev/nvme12n1')
      .replace('unit: sectors', 'unit: sectors\ngrain: 512');
    const changed = { ...manifest, disk: { ...manifest.disk, sfdiskDump } };
    expect(manifestDifferences(changed, { snapshot, layout })).toEqual([]);
  });

  it('with a row that is not as the name of its object says -> a finding of the whole validation', async () => {
    const [one = fail(), two = fail()] = manifest.objects;
    await putManifest(store, {
      ...manifest,
      objects: [{ ...one, partition: 2 }, two],
      disk: { ...manifest.disk, sectorBytes: 1 },
    });
    expect(await validated()).toEqual([
      'manifest  the number of bytes in a sector is 512, but the manifest says 1',
      'manifest  its partition, by its name, is 1, but the manifest says 2',
    ]);
    await putManifest(store, manifest);
  });
});

function fail(): never {
  throw new Error('There is none.');
}
