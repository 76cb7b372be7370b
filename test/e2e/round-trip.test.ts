import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GetObjectTaggingCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { DescribeSnapshotsCommand } from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeSparseFile } from '../../sandbox/seed/awkward-files.js';
import { fillFilesystem } from '../../sandbox/seed/index.js';
import { parseManifest, parseSeekFooter, parseSeekTable, type ManifestObject } from '../../src/archive/index.js';
import { run, runText } from '../../src/process/index.js';
import { filesystemOn, localAws, mountedAt, type LocalAws } from '../support/local-aws.js';
import { makeMoreAwkwardFiles } from '../support/more-awkward-files.js';
import {
  bytesAt,
  decompressed,
  extracted,
  indexLines,
  membersOf,
  sha256OfRange,
  sha256Of,
  sparseFacts,
  textOf,
  type IndexLine,
} from '../support/read-archive.js';
import { s3Witness } from '../support/s3-witness.js';
import { readTree, type TreeEntry } from '../support/tree.js';

// Snapshots are archived by the real command and read back by lz4, zstd, tar and openssl alone.

type Tree = ReadonlyMap<string, TreeEntry>;
type FilesystemType = 'ext4' | 'xfs' | 'btrfs';
type Codec = 'lz4' | 'zstd';

const MiB = 1024 * 1024;
let aws: LocalAws;
beforeAll(async () => {
  aws = await localAws();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  const left = await aws.leftovers();
  // The next test is not to suffer for it.
  await aws.removeVolumes();
  expect(left).toEqual([]);
});

const awkward = { realMiB: 6, realFrom: 0.3, awkward: true, sparseGiB: 0, smallFiles: 20 };

async function fillAwkwardly(path: string): Promise<void> {
  await fillFilesystem(path, awkward);
  await makeMoreAwkwardFiles(path);
}

async function originalTree(device: string, type: FilesystemType): Promise<Tree> {
  const options = type === 'btrfs' ? 'ro,subvolid=5' : 'ro';
  return mountedAt(device, { type, options }, (path) => readTree(path));
}

async function startTimeOf(snapshotId: string): Promise<string> {
  const { Snapshots } = await aws.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }));
  const { StartTime, VolumeId } = Snapshots?.[0] ?? {};
  return `${VolumeId ?? ''}/${StartTime?.toISOString().slice(0, 19) ?? ''}+00:00`;
}

interface Migrated {
  readonly bucket: string;
  readonly objects: readonly ManifestObject[];
}

/** Runs the command on one snapshot and checks what is true of every archive. */
async function migrated(
  snapshotId: string,
  codec: Codec,
  more: readonly string[] = [],
  suffixes: readonly string[] = [],
): Promise<Migrated> {
  const bucket = await aws.bucket();
  await using witness = await s3Witness(aws.url);
  const finished = await aws.command(
    ['migrate', '--snapshots', snapshotId, '--bucket', bucket, '--compression', codec, ...more],
    { env: { AWS_ENDPOINT_URL_S3: witness.url } },
  );
  expect(finished).toMatchObject({ status: 0 });
  const stem = `${await startTimeOf(snapshotId)} ${snapshotId}`;
  const archives = suffixes.map((suffix) => `${stem}${suffix}`);
  const manifestKey = `${stem}.manifest.json`;
  expect(await aws.keys(bucket)).toEqual(
    [...archives, ...archives.map((key) => `${key}.index.jsonl.gz`), manifestKey].sort(),
  );
  const written = witness.answered.filter(
    ({ method, path, query }) =>
      !path.includes('/.snap-to-s3/') &&
      ((method === 'PUT' && !query.has('partNumber')) || (method === 'POST' && query.has('uploadId'))),
  );
  expect(written.at(-1)).toMatchObject({ path: `/${bucket}/${manifestKey}`, status: 200 });
  const manifest = parseManifest(await textOf(await aws.download(bucket, manifestKey)), manifestKey);
  expect(manifest.objects.map(({ key }) => key)).toEqual(archives);
  return { bucket, objects: manifest.objects };
}

/** Downloads an archive and its index, and holds them against the manifest and against the codec's own program. */
async function downloaded({ bucket }: Migrated, object: ManifestObject) {
  const path = await aws.download(bucket, object.key);
  const indexPath = await aws.download(bucket, object.index.key);
  expect(await sha256Of(path)).toBe(object.sha256);
  expect(await sha256Of(indexPath)).toBe(object.index.sha256);
  const raw = await decompressed(path, object.codec);
  expect(Number(await runText(['stat', '--format=%s', raw]))).toBe(object.rawBytes);
  expect(Number(await runText(['stat', '--format=%s', path]))).toBe(object.storedBytes);
  if (object.codec === 'zstd') {
    await run(['zstd', '--test', '-q', path]);
    const said = await runText(['zstd', '-lv', path]);
    expect(said).toMatch(new RegExp(`# Zstandard Frames: ${object.frames}\n`));
    expect(said).toMatch(/# Skippable Frames: 1\n/);
    expect(said).toMatch(new RegExp(`Decompressed Size: .*\\(${object.rawBytes} B\\)`));
    expect(said).toMatch(/Check: XXH64/);
  } else await run(['lz4', '-t', '-q', path]);
  await expectSeekable(path, raw, object);
  return { path, raw, index: await indexLines(indexPath) };
}

/** Any place of the raw bytes can be had from one frame alone. */
async function expectSeekable(path: string, raw: string, object: ManifestObject): Promise<void> {
  const footer = parseSeekFooter(await bytesAt(path, object.storedBytes - 17, 17));
  expect(footer?.frames).toBe(object.frames);
  const tableBytes = footer?.tableBytes ?? 0;
  const table = parseSeekTable(await bytesAt(path, object.storedBytes - tableBytes, tableBytes), object.storedBytes);
  expect(table.rawBytes).toBe(object.rawBytes);
  for (const rawOffset of [0, Math.floor(object.rawBytes / 2), object.rawBytes - 1]) {
    const place = table.find(rawOffset);
    if (place === undefined) throw new Error(`no frame for ${rawOffset}`);
    expect(place.rawOffset).toBeLessThanOrEqual(rawOffset);
    expect(place.rawOffset + place.rawBytes).toBeGreaterThan(rawOffset);
    const alone = await bytesAt(path, place.compressedOffset, place.compressedBytes);
    const frame = await run([object.codec, '-d', '-c', '-q'], { input: alone });
    expect(frame.equals(await bytesAt(raw, place.rawOffset, place.rawBytes))).toBe(true);
  }
}

/** A tar gives back the very tree, and its index names every entry of it once. */
async function expectSameTree(archive: Migrated, object: ManifestObject, original: Tree): Promise<void> {
  const { raw, index } = await downloaded(archive, object);
  expect(await readTree(await extracted(raw))).toEqual(original);
  await expectReadableAlone(raw, expectIndex(index, object, original));
}

/** The index names every path once, with everything that is true of it. Gives its lines by name. */
function expectIndex(index: readonly IndexLine[], object: ManifestObject, original: Tree): Map<string, IndexLine> {
  const [header, ...rest] = index;
  const trailer = rest.pop();
  expect(header).toEqual({ format: 'snap-to-s3-index', version: 1, kind: 'tar' });
  expect(trailer).toEqual({ end: true, entries: original.size, bytes: object.rawBytes });
  expect(object.entries).toBe(original.size);
  const named = new Map(rest.map((line) => [nameIn(line, 'path'), line]));
  expect(rest).toHaveLength(original.size);
  expect([...named.keys()].sort()).toEqual([...original.keys()].sort());
  for (const [name, entry] of original) {
    expect({ name, ...factsOf(named.get(name) ?? {}) }).toEqual({ name, ...expectedFacts(name, entry) });
  }
  return named;
}

function nameIn(line: IndexLine, field: string): string {
  const base64 = line[`${field}Base64`];
  const text = line[field];
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64').toString('latin1');
  return typeof text === 'string' ? Buffer.from(text, 'utf8').toString('latin1') : '';
}

/** What a line of the index says, in the words of `expectedFacts`. */
function factsOf(line: IndexLine): Record<string, unknown> {
  const isHardLink = line.type === 'hardlink';
  const xattrs = (line.xattrs ?? {}) as Record<string, string>;
  return {
    ...(isHardLink ? { hardLinkTo: nameIn(line, 'target') } : { type: line.type }),
    mode: line.mode,
    owner: `${String(line.uid)}:${String(line.gid)}`,
    mtimeNs: nanoseconds(String(line.mtime)),
    ...(line.type === 'file' ? { sizeBytes: line.size, sha256: line.sha256 } : {}),
    ...(line.type === 'symlink' ? { target: nameIn(line, 'target') } : {}),
    ...(isHardLink
      ? {}
      : {
          xattrs: Object.keys(xattrs)
            .map((name) => `${name} ${Buffer.from(xattrs[name] ?? '', 'base64').toString('hex')}`)
            .sort(),
        }),
  };
}

/** What the index must say of a file that lies on the disk. */
function expectedFacts(name: string, entry: TreeEntry): Record<string, unknown> {
  const isHardLink = entry.linkedTo !== undefined && entry.linkedTo !== name;
  return {
    ...(isHardLink ? { hardLinkTo: entry.linkedTo } : { type: entry.type }),
    mode: entry.mode.padStart(4, '0'),
    owner: entry.owner,
    mtimeNs: entry.mtimeNs,
    ...(entry.type === 'file' && !isHardLink ? { sizeBytes: entry.sizeBytes, sha256: entry.sha256 } : {}),
    ...(entry.type === 'symlink' && !isHardLink ? { target: entry.target } : {}),
    ...(isHardLink
      ? {}
      : {
          xattrs: Object.entries(entry.xattrs ?? {})
            .map(([key, value]) => `${unescaped(key)} ${value.replace(/^0x/, '')}`)
            .sort(),
        }),
  };
}

/** getfattr writes unusual bytes of names as \ooo; readTree leaves those of attributes as they are. */
function unescaped(name: string): string {
  const bytes = name.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function nanoseconds(decimal: string): string {
  const [whole = '', fraction = ''] = decimal.replace('-', '').split('.');
  const digits = BigInt(whole + fraction.padEnd(9, '0'));
  return String(decimal.startsWith('-') ? -digits : digits);
}

/** Member follows member without a gap, and the bytes that the index gives for one are a tar of this member alone. */
async function expectReadableAlone(tar: string, named: ReadonlyMap<string, IndexLine>): Promise<void> {
  const inOrder = [...named].sort(([, a], [, b]) => Number(a.offset) - Number(b.offset));
  let end = 0;
  for (const [name, { offset, stored }] of inOrder) {
    expect([name, offset]).toEqual([name, end]);
    end = Number(offset) + Number(stored);
  }
  const odd = inOrder.filter(([name, { sparse }]) => sparse === true || /[^\x20-\x7e]|^.{100}/s.test(name));
  const step = Math.ceil(odd.length / 25);
  for (const [name, { offset, stored, type }] of [...inOrder.slice(0, 1), ...odd.filter((_, at) => at % step === 0)]) {
    const listed = await membersOf(await bytesAt(tar, Number(offset), Number(stored)));
    expect(listed).toBe(`${name === '.' ? '.' : `./${name}`}${type === 'directory' ? '/' : ''}\n`);
  }
}

describe('a disk with partitions', () => {
  const types = ['ext4', 'xfs', 'btrfs'] as const;
  const trees: Tree[] = [];
  let snapshotId = '';
  beforeAll(async () => {
    snapshotId = await aws.snapshot(
      async (device) => {
        const sizes = [200, 310, 150, 32, 'rest'] as const;
        const lines = sizes.map((size) => (size === 'rest' ? 'type=linux' : `size=${size * 2048}, type=linux`));
        const disk = await partitioned(device, lines);
        for (const [index, type] of types.entries()) {
          await filesystemOn(`${disk}p${index + 1}`, type, fillAwkwardly);
          trees.push(await originalTree(`${disk}p${index + 1}`, type));
        }
        await run(['mkswap', '-q', `${disk}p4`]);
      },
      {
        description: 'Größe, "quotes" and a \\ backslash',
        tags: { 'snap-to-s3': 'migrate', 'snap-to-s3-id': 'old', Name: 'web server', 'who?': 'größe; all*' },
      },
    );
  });

  it.each(['lz4', 'zstd'] as const)('comes back from %s, each partition as it was', async (codec) => {
    const archive = await migrated(snapshotId, codec, [], [`.1.tar.${codec}`, `.2.tar.${codec}`, `.3.tar.${codec}`]);
    for (const [index, tree] of trees.entries()) {
      expect(tree.size).toBeGreaterThan(150);
      await expectSameTree(archive, archive.objects[index] as ManifestObject, tree);
    }
  });

  it('is told in manifest, metadata and tags', async () => {
    const archive = await migrated(
      snapshotId,
      'lz4',
      ['--compression-level', '3'],
      ['.1.tar.lz4', '.2.tar.lz4', '.3.tar.lz4'],
    );
    const place = await startTimeOf(snapshotId);
    const manifestKey = `${place} ${snapshotId}.manifest.json`;
    const manifest = parseManifest(await textOf(await aws.download(archive.bucket, manifestKey)), manifestKey);
    expect(manifest.snapshot).toMatchObject({
      snapshotId,
      volumeGiB: 1,
      description: 'Größe, "quotes" and a \\ backslash',
      tags: { Name: 'web server', 'who?': 'größe; all*' },
    });
    expect(manifest.disk).toMatchObject({ partitionTable: 'gpt', sizeBytes: 1024 * MiB });
    expect(manifest.disk.sfdiskDump).toContain(`size=      ${200 * 2048}`);
    expect(manifest.disk.areas.map(({ partition, type, archived }) => [partition, type, archived])).toEqual([
      [1, 'ext4', true],
      [2, 'xfs', true],
      [3, 'btrfs', true],
      [4, 'swap', false],
      [5, null, false],
    ]);
    expect(manifest.objects.map(({ level }) => level)).toEqual([3, 3, 3]);
    const volumeId = place.slice(0, place.indexOf('/'));
    for (const { key: Key, partition, etag, storedBytes, index } of manifest.objects) {
      const head = await aws.s3.send(new HeadObjectCommand({ Bucket: archive.bucket, Key }));
      const used = manifest.disk.areas.find((area) => area.partition === partition)?.usedBytes;
      expect(head.Metadata).toEqual({
        'snapshot-starttime': place.slice(place.indexOf('/') + 1),
        'snapshot-snapshotid': snapshotId,
        'snapshot-volumesize': '1',
        'snapshot-volumeid': volumeId,
        'snapshot-description': `=?UTF-8?B?${Buffer.from('Größe, "quotes" and a \\ backslash').toString('base64')}?=`,
        'uncompressed-size': String(used),
      });
      expect(head).toMatchObject({ ContentType: 'application/x-lz4', ContentLength: storedBytes, ETag: etag });
      const { TagSet } = await aws.s3.send(new GetObjectTaggingCommand({ Bucket: archive.bucket, Key }));
      expect(Object.fromEntries(TagSet?.map(({ Key: key, Value }) => [key, Value]) ?? [])).toEqual({
        Name: 'web server',
        who_: 'größe_ all_',
      });
      const plain = await aws.s3.send(new GetObjectTaggingCommand({ Bucket: archive.bucket, Key: index.key }));
      expect(plain.TagSet).toEqual([]);
    }
  });

  it.each(['lz4', 'zstd'] as const)('comes back from an image in %s byte by byte', async (codec) => {
    const archive = await migrated(snapshotId, codec, ['--dd'], [`.img.${codec}`]);
    const [object] = archive.objects;
    if (object === undefined) throw new Error('no object');
    const { raw, index } = await downloaded(archive, object);
    expect(object).toMatchObject({ rawBytes: 1024 * MiB, content: 'image', partition: null });
    const source = join(aws.stateDirectory, 'ec2', 'snapshots', `${snapshotId}.img`);
    await run(['cmp', raw, source]);
    const chunks = index.slice(1, -1);
    expect(index[0]).toEqual({ format: 'snap-to-s3-index', version: 1, kind: 'image', chunkBytes: 4 * MiB });
    expect(index.at(-1)).toEqual({ end: true, entries: 256, bytes: 1024 * MiB });
    expect(chunks.map(({ offset, size }) => [offset, size])).toEqual(
      Array.from({ length: 256 }, (_, chunk) => [chunk * 4 * MiB, 4 * MiB]),
    );
    for (const { offset, size, sha256 } of [chunks[0], chunks[1], chunks[60], chunks[255]] as IndexLine[]) {
      expect(await sha256OfRange(raw, Number(offset), Number(size))).toBe(sha256);
    }
    // Most of the disk was never written.
    expect(chunks.filter(({ zero }) => zero === true).length).toBeGreaterThan(100);
    const head = await aws.s3.send(new HeadObjectCommand({ Bucket: archive.bucket, Key: object.key }));
    expect(head.Metadata).toMatchObject({ 'uncompressed-size': String(1024 * MiB) });
  });
});

async function partitioned(devicePath: string, lines: readonly string[]): Promise<string> {
  const disk = (await runText(['realpath', devicePath])).trim();
  await run(['sfdisk', '--quiet', '--no-reread', disk], { input: ['label: gpt', ...lines, ''].join('\n') });
  await run(['partx', '--update', disk]);
  return disk;
}

describe('a disk without partition table', () => {
  it.each([
    ['ext4', 'zstd'],
    ['xfs', 'lz4'],
    ['btrfs', 'zstd'],
  ] as const)('of %s comes back from %s', async (type, codec) => {
    let tree: Tree = new Map();
    const snapshotId = await aws.snapshot(async (device) => {
      await filesystemOn(device, type, async (path) => {
        await fillAwkwardly(path);
        if (type === 'btrfs') await makeSubvolumes(path);
      });
      tree = await originalTree(device, type);
    });
    const archive = await migrated(snapshotId, codec, [], [`.tar.${codec}`]);
    const [object] = archive.objects;
    expect(object?.partition).toBeNull();
    await expectSameTree(archive, object as ManifestObject, tree);
    if (type === 'btrfs') expect(tree.has('subvolume/nested/file')).toBe(true);
  });

  it('with a file of 8.5 GiB, nearly all holes, comes back from xfs and zstd', async () => {
    let tree: Tree = new Map();
    let facts = { map: '', sha256: '' };
    const snapshotId = await aws.snapshot(async (device) => {
      await filesystemOn(device, 'xfs', (path) => makeSparseFile(join(path, 'sparse'), 8.5));
      tree = await originalTree(device, 'xfs');
      facts = await mountedAt(device, { type: 'xfs', options: 'ro' }, (path) => sparseFacts(join(path, 'sparse')));
    });
    expect(tree.get('sparse')).toMatchObject({ hasHoles: true, sizeBytes: 8.5 * 1024 * MiB + 12_345 });
    expect(facts.map.match(/DATA/g)).toHaveLength(3);
    const archive = await migrated(snapshotId, 'zstd', [], ['.tar.zstd']);
    const [object] = archive.objects as readonly [ManifestObject];
    expect(object.rawBytes).toBeLessThan(10 * MiB);
    const { raw, index } = await downloaded(archive, object);
    // One complete sum, that of the original, is enough: it is the index's, and the data and the holes are the same.
    expectIndex(index, object, tree);
    const target = await extracted(raw);
    expect(await sparseFacts(join(target, 'sparse'))).toEqual(facts);
    expect(Number(await runText(['stat', '--format=%s', join(target, 'sparse')]))).toBe(tree.get('sparse')?.sizeBytes);
    expect(await readTree(target, { except: ['sparse'] })).toEqual(new Map([...tree].filter(([name]) => name === '.')));
  });

  it.each([
    ['ext4', 'lz4'],
    ['xfs', 'zstd'],
    ['btrfs', 'lz4'],
  ] as const)('with no file at all on %s comes back from %s', async (type, codec) => {
    let tree: Tree = new Map();
    const snapshotId = await aws.snapshot(
      async (device) => {
        await filesystemOn(device, type);
        tree = await originalTree(device, type);
      },
      { tags: {} },
    );
    expect(tree.size).toBe(type === 'ext4' ? 2 : 1);
    const archive = await migrated(snapshotId, codec, [], [`.tar.${codec}`]);
    await expectSameTree(archive, archive.objects[0] as ManifestObject, tree);
    expect(await aws.tags(snapshotId)).toEqual({ 'snap-to-s3': 'migrated' });
  });
});

async function makeSubvolumes(path: string): Promise<void> {
  const nested = join(path, 'subvolume', 'nested');
  await run(['btrfs', 'subvolume', 'create', join(path, 'subvolume')]);
  await run(['btrfs', 'subvolume', 'create', nested]);
  // Files of different subvolumes have the same inode number.
  await writeFile(join(path, 'subvolume', 'file'), 'one');
  await writeFile(join(nested, 'file'), 'two');
  await run(['btrfs', 'subvolume', 'snapshot', nested, join(path, 'snapshot')]);
  await run(['btrfs', 'subvolume', 'snapshot', '-r', nested, join(path, 'read-only')]);
}
