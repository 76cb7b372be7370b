import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AttachVolumeCommand,
  DescribeVolumesCommand,
  DisableEbsEncryptionByDefaultCommand,
  EnableEbsEncryptionByDefaultCommand,
  type Volume,
} from '@aws-sdk/client-ec2';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fillFilesystem } from '../../sandbox/seed/index.js';
import { decryptionOf, findArchive } from '../../src/commands/index.js';
import { manifestDifferences } from '../../src/commands/manifest-differences.js';
import { validateArchive, type WithSource } from '../../src/commands/validate-archive.js';
import { poll, snapshotId, systemClock, volumeId } from '../../src/core/index.js';
import { readDevice, readLayout, type DiskLayout } from '../../src/disk/index.js';
import { run, runText } from '../../src/process/index.js';
import { walkDisk, type TreeEntry } from '../../src/verify/index.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';
import { localAws, mountedAt, type Finished, type LocalAws } from '../support/local-aws.js';
import { makeMoreAwkwardFiles } from '../support/more-awkward-files.js';

// `snap-to-s3 restore --to-new-volume`: the volume is held against the one that was archived, filesystem by filesystem.

let aws: LocalAws;
let ring: GpgKeyring;
beforeAll(async () => {
  [aws, ring] = await Promise.all([localAws(), gpgKeyring()]);
  await ring.key('Open <open@example.com>');
});
afterAll(async () => {
  await ring[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
});
afterEach(async () => {
  aws.faults.clear();
  await aws.removeVolumes();
  expect(await aws.leftovers()).toEqual([]);
});

const said = ({ stdout, stderr }: Finished): string => stdout + stderr;
const env = (): { env: Record<string, string> } => ({ env: { GNUPGHOME: ring.home } });

/** Not every kernel that the tests run on has it. */
const knowsFat = await run(['modprobe', 'vfat']).then(
  () => true,
  async () => /\tvfat$/m.test(await readFile('/proc/filesystems', 'utf8')),
);

type Partition = readonly [number: number, size: string, type: string];
type Trees = ReadonlyMap<string, ReadonlyMap<string, TreeEntry>>;

/** Labels and UUIDs of our own, so that it shows when they are not kept. */
async function makeFilesystem(device: string, type: string, at: number): Promise<void> {
  const uuid = `0a1b2c3d-0000-4000-8000-${Math.random().toString(16).slice(2, 14).padEnd(12, '0')}`;
  const label = `part-${at}`;
  const commands: Readonly<Record<string, readonly string[]>> = {
    xfs: ['mkfs.xfs', '-q', '-f', '-L', label, '-m', `uuid=${uuid}`, device],
    btrfs: ['mkfs.btrfs', '-q', '-f', '-L', label, '-U', uuid, device],
    swap: ['mkswap', '-L', label, '-U', uuid, device],
    vfat: ['mkfs.vfat', '-F', '32', '-n', `ESP ${at}`, '-i', uuid.slice(-8), device],
  };
  await run(commands[type] ?? [`mkfs.${type}`, '-q', '-F', '-L', label, '-U', uuid, device]);
}

/** Those of ext3 have no `lost+found`: mke2fs's is taken away again, and the root has its own time all the same. */
async function fill(device: string, type: string): Promise<void> {
  await mountedAt(device, { type, options: 'rw' }, async (path) => {
    if (type === 'vfat') {
      await run(['bash', '-ec', 'mkdir -p EFI/BOOT; head -c 2M /dev/urandom > EFI/BOOT/BOOTX64.EFI'], { cwd: path });
      await writeFile(join(path, 'EFI/BOOT/a name that is long.cfg'), 'search --set root\n');
      return;
    }
    await fillFilesystem(path, { realMiB: 6, realFrom: 0.3, awkward: true, sparseGiB: 0, smallFiles: 20 });
    await makeMoreAwkwardFiles(path);
    if (type === 'ext3') await rm(join(path, 'lost+found'), { recursive: true });
    await run(['touch', '--date=@1500000000.5', path]);
  });
}

/** Every bit that there is of every file of every filesystem of a disk. */
async function treesOf(device: string): Promise<Trees> {
  const trees = new Map<string, Map<string, TreeEntry>>();
  for (const { path, partition, contents } of (await readLayout(device, { clock: systemClock })).areas) {
    if (contents.kind !== 'filesystem') continue;
    const { type } = contents;
    const options = type === 'btrfs' ? 'ro,subvolid=5' : type === 'xfs' ? 'ro,nouuid' : 'ro';
    const entries = new Map<string, TreeEntry>();
    await mountedAt(path, { type, options }, async (mounted) => {
      for await (const entry of walkDisk(mounted, { parallelism: 2, filesystemType: type })) {
        entries.set(entry.path.toString('latin1'), entry);
      }
    });
    trees.set(String(partition), entries);
  }
  return trees;
}

/** What does not depend on where the disk is attached. */
function shape({ areas, partitionTable, sizeBytes }: DiskLayout): object {
  const dump = partitionTable?.dump?.split('\n').filter((line) => !line.startsWith('device:'));
  return {
    sizeBytes,
    table: dump?.map((line) => line.replace(/^\/dev\/\S*?(\d+) :/, '$1 :')),
    areas: areas.map(({ path: _, ...area }) => area),
  };
}

interface Original {
  readonly id: string;
  readonly layout: object;
  readonly trees: Trees;
}

async function original(
  build: (device: string) => Promise<void>,
  tags: Readonly<Record<string, string>> = { Name: 'web server', 'snap-to-s3': 'migrate' },
): Promise<Original> {
  let [layout, trees]: [object, Trees] = [{}, new Map()];
  const id = await aws.snapshot(
    async (device) => {
      await build(device);
      layout = shape(await readLayout(device, { clock: systemClock }));
      trees = await treesOf(device);
    },
    { tags },
  );
  return { id, layout, trees };
}

/** What `type=` is in sfdisk's words; L is for filesystems. */
const kinds: Readonly<Record<string, string>> = {
  swap: 'S',
  extended: 'E',
  // Where GRUB lies on a disk with GPT.
  bios: '21686148-6449-6E6F-744E-656564454649',
  vfat: 'U',
};

async function partitioned(device: string, label: string, partitions: readonly Partition[]): Promise<void> {
  const disk = (await runText(['realpath', device])).trim();
  const lines = partitions.map(([number, size, type]) => {
    const fields = [`type=${kinds[type] ?? 'L'}`];
    if (size !== '') fields.unshift(`size=${size}`);
    if (label === 'gpt') fields.push(`name="number ${number}"`);
    return `${disk}p${number} : ${fields.join(', ')}`;
  });
  await run(['sfdisk', '--quiet', '--no-reread', disk], { input: [`label: ${label}`, ...lines, ''].join('\n') });
  await run(['partx', '--add', disk]);
  for (const [number, , type] of partitions) {
    if (type === 'extended' || type === 'bios' || type === 'nothing') continue;
    await makeFilesystem(`${disk}p${number}`, type, number);
    if (type !== 'swap') await fill(`${disk}p${number}`, type);
  }
}

async function migrated({ id }: Original, ...options: readonly string[]): Promise<string> {
  const bucket = await aws.bucket();
  const done = await aws.command(['migrate', '--bucket', bucket, '--snapshots', id, ...options, '--json'], env());
  expect(done.status, said(done)).toBe(0);
  return bucket;
}

const restore = (id: string, bucket: string, ...options: readonly string[]): Promise<Finished> =>
  aws.command(['restore', id, '--bucket', bucket, '--to-new-volume', ...options, '--json'], env());

function volumeOf({ events }: Finished): string {
  const event = events.find(({ kind }) => kind === 'snapshot-restored') as { readonly to?: string } | undefined;
  return event?.to ?? '';
}

async function described(VolumeId: string): Promise<Volume> {
  const { Volumes } = await aws.ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }));
  return Volumes?.[0] ?? {};
}

/** The device of a volume, which is attached for it. */
async function attached(VolumeId: string): Promise<string> {
  if ((await described(VolumeId)).Attachments?.length === 0) {
    await aws.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: aws.machine.instanceId, Device: '/dev/sdp' }));
  }
  const found = await poll(
    async () => {
      const { Attachments } = await described(VolumeId);
      return Attachments?.[0]?.State === 'attached' ? true : undefined;
    },
    { clock: systemClock, intervalMs: 20, timeoutMs: 10_000 },
  );
  expect(found).toBe(true);
  return (
    await runText(['realpath', `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${VolumeId.replace('-', '')}`])
  ).trim();
}

/** Validates what is on a device against the archive that it was restored from, and its layout against the manifest. */
async function expectValid(device: string, { id }: Original, bucket: string): Promise<void> {
  const store = { client: aws.s3, bucket, clock: systemClock, temporaryDirectory: aws.folder };
  const signal = new AbortController().signal;
  const layout = await readLayout(device, { clock: systemClock });
  const found = await findArchive(store, snapshotId(id), { signal });
  if (found.manifest === undefined) throw new Error(`${id} has no manifest.`);
  const { snapshot } = found.manifest.content;
  const told = { ...snapshot, volumeId: volumeId(snapshot.volumeId), startTime: new Date(snapshot.startTime) };
  expect(manifestDifferences(found.manifest.content, { snapshot: told, layout })).toEqual([]);
  const withSource: WithSource = async ({ name }, _, use) => {
    if (name.content === 'image') {
      return use({ kind: 'device', bytes: () => readDevice(device, { sizeBytes: layout.sizeBytes, signal }) });
    }
    const area = layout.areas.find(({ partition }) => String(partition ?? '') === (name.partition ?? ''));
    if (area?.contents.kind !== 'filesystem') throw new Error(`There is no filesystem ${name.partition ?? ''}.`);
    const { type } = area.contents;
    const options = type === 'btrfs' ? 'ro,subvolid=5' : 'ro';
    return mountedAt(area.path, { type, options }, (path) =>
      use({ kind: 'tree', entries: () => walkDisk(path, { parallelism: 2, filesystemType: type, signal }) }),
    );
  };
  const validated = await validateArchive(found, withSource, {
    store,
    clock: systemClock,
    events: () => undefined,
    parallelism: 2,
    downloadStreams: 2,
    decryption: decryptionOf({ sessionKeys: [] }, { gnupgHome: ring.home, signal }),
    signal,
  });
  expect(validated.map(({ findings }) => findings)).toEqual(found.objects.map(() => 0));
  expect(validated.length).toBeGreaterThan(0);
}

async function expectSame(volumeId: string, before: Original, bucket: string): Promise<void> {
  const { layout, trees } = before;
  const device = await attached(volumeId);
  await expectValid(device, before, bucket);
  expect(shape(await readLayout(device, { clock: systemClock }))).toEqual(layout);
  const found = await treesOf(device);
  expect([...found.keys()]).toEqual([...trees.keys()]);
  for (const [partition, tree] of trees) {
    const restored = found.get(partition);
    expect([...(restored?.keys() ?? [])]).toEqual([...tree.keys()]);
    for (const [path, entry] of tree) expect(restored?.get(path), `${partition}: ${path}`).toEqual(entry);
  }
  for (const { path, contents } of (await readLayout(device, { clock: systemClock })).areas) {
    if (contents.kind === 'filesystem' && contents.type.startsWith('ext')) await run(['e2fsck', '-fn', path]);
  }
}

describe('a new volume', () => {
  // Where the kernel does not know it, what is said of that is tested below.
  if (knowsFat) {
    it('with a system partition of UEFI is what the old one was', async () => {
      const before = await original((device) =>
        partitioned(device, 'gpt', [
          [1, '200M', 'ext4'],
          [15, '106M', 'vfat'],
        ]),
      );
      const bucket = await migrated(before);
      const restored = await restore(before.id, bucket);
      expect(restored.status, said(restored)).toBe(0);
      await expectSame(volumeOf(restored), before, bucket);
    });
  }

  it.each<readonly [string, readonly Partition[], readonly string[]]>([
    [
      'gpt',
      // With a gap in the numbers.
      [
        [1, '1M', 'bios'],
        [2, '200M', 'ext4'],
        [3, '310M', 'xfs'],
        [5, '150M', 'btrfs'],
        [6, '32M', 'swap'],
        [15, '', 'nothing'],
      ],
      [],
    ],
    [
      'gpt',
      [
        [1, '300M', 'ext3'],
        [2, '', 'ext2'],
      ],
      ['--compression', 'zstd', '--gpg-recipient', 'open@example.com'],
    ],
    [
      'dos',
      [
        [1, '200M', 'ext4'],
        [2, '', 'extended'],
        [5, '64M', 'swap'],
        [6, '310M', 'xfs'],
      ],
      ['--compression', 'zstd'],
    ],
    ['dos', [[1, '', 'ext4']], []],
  ])('of %s with %j, archived with %j, is what the old one was', async (label, partitions, options) => {
    const before = await original((device) => partitioned(device, label, partitions));
    const bucket = await migrated(before, ...options);
    const restored = await restore(before.id, bucket);
    expect(restored.status, said(restored)).toBe(0);
    const volumeId = volumeOf(restored);
    const facts = { State: 'available', Size: 1, VolumeType: 'gp3', Encrypted: false, Attachments: [] };
    expect(await described(volumeId)).toMatchObject(facts);
    const notices = restored.events.filter(({ kind }) => kind === 'notice').map(({ text }) => text);
    expect(notices).toContainEqual(expect.stringContaining('no boot loader'));
    await expectSame(volumeId, before, bucket);
  });

  it.each([
    ['ext4', []],
    ['xfs', ['--compression', 'zstd']],
    ['btrfs', []],
  ] as const)(
    'of a disk that is one filesystem, %s, archived with %j, is what the old one was',
    async (type, options) => {
      const before = await original(async (device) => {
        await makeFilesystem(device, type, 1);
        await fill(device, type);
      });
      const bucket = await migrated(before, ...options);
      const restored = await restore(before.id, bucket);
      expect(restored.status, said(restored)).toBe(0);
      await expectSame(volumeOf(restored), before, bucket);
    },
  );

  it.each([
    ['lz4', []],
    ['zstd', ['--gpg-recipient', 'open@example.com']],
  ] as const)('of an image in %s, with %j, is the old one, byte by byte', async (codec, options) => {
    const before = await original((device) => partitioned(device, 'gpt', [[1, '', 'ext4']]));
    const bucket = await migrated(before, '--dd', '--compression', codec, ...options);
    const restored = await restore(before.id, bucket);
    expect(restored.status, said(restored)).toBe(0);
    expect(said(restored)).not.toContain('boot loader');
    const volumeId = volumeOf(restored);
    await expectSame(volumeId, before, bucket);
    await run(['cmp', await attached(volumeId), join(aws.stateDirectory, 'ec2', 'snapshots', `${before.id}.img`)]);
  });

  it('that is encrypted gets the zeros of an image too: what was never written of it may be anything', async () => {
    const before = await original((device) => partitioned(device, 'gpt', [[1, '', 'ext4']]));
    const bucket = await migrated(before, '--dd');
    const allocated = async (): Promise<number> => {
      const restored = await restore(before.id, bucket);
      expect(restored.status, said(restored)).toBe(0);
      const image = join(aws.stateDirectory, 'ec2', 'volumes', `${volumeOf(restored)}.img`);
      return 512 * Number(await runText(['stat', '--format=%b', image]));
    };
    expect(await allocated()).toBeLessThan(0.5 * 1024 ** 3);
    await aws.ec2.send(new EnableEbsEncryptionByDefaultCommand({}));
    try {
      // The filesystem that the sandbox's files lie in adds a block of its own for a list of so many extents.
      expect(await allocated()).toBeGreaterThanOrEqual(1024 ** 3);
    } finally {
      await aws.ec2.send(new DisableEbsEncryptionByDefaultCommand({}));
    }
  });

  describe('of a small disk', () => {
    let before: Original;
    let bucket = '';
    beforeAll(async () => {
      before = await original(
        async (device) => {
          await makeFilesystem(device, 'ext4', 1);
          await fill(device, 'ext4');
        },
        { 'snap-to-s3': 'migrate', role: 'database' },
      );
      bucket = await migrated(before);
    });

    it('bears the tags of the snapshot, a name and where it comes from, and none of ours', async () => {
      const restored = await restore(before.id, bucket, '--volume-type', 'gp2', '--stay-attached');
      expect(restored.status, said(restored)).toBe(0);
      const { Tags, VolumeType, State, Attachments } = await described(volumeOf(restored));
      expect(Object.fromEntries(Tags?.map(({ Key, Value }) => [Key, Value]) ?? [])).toEqual({
        Name: `restored from ${before.id}`,
        role: 'database',
        'snap-to-s3-restored-from': before.id,
      });
      expect({ VolumeType, State }).toEqual({ VolumeType: 'gp2', State: 'in-use' });
      expect(Attachments).toMatchObject([{ InstanceId: aws.machine.instanceId, State: 'attached' }]);
      await expectSame(volumeOf(restored), before, bucket);
      // It is the user's now.
      const cleaned = await aws.command(['cleanup', '--bucket', bucket]);
      expect(cleaned.status, said(cleaned)).toBe(0);
      expect((await described(volumeOf(restored))).State).toBe('in-use');
    });

    it('of an encrypted one is encrypted', async () => {
      const key = (await aws.keys(bucket)).find((one) => one.endsWith('.manifest.json')) ?? '';
      const manifest = await readFile(await aws.download(bucket, key), 'utf8');
      const Body = manifest.replace('"encrypted": false', '"encrypted": true');
      expect(Body).not.toBe(manifest);
      await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body }));
      const restored = await restore(before.id, bucket);
      await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: manifest }));
      expect(restored.status, said(restored)).toBe(0);
      expect(await described(volumeOf(restored))).toMatchObject({ Encrypted: true });
    });

    it.each([
      ['a filesystem that is not made here', /"type": "ext4"/, '"type": "jfs"', /was of the type jfs/],
      [
        'a partition table that is not in the manifest',
        /"partitionTable": null/,
        '"partitionTable": "sun"',
        /sun\) is not in/,
      ],
    ])('%s -> a sentence, and no volume', async (_, what, instead, sentence) => {
      const key = (await aws.keys(bucket)).find((one) => one.endsWith('.manifest.json')) ?? '';
      const manifest = await readFile(await aws.download(bucket, key), 'utf8');
      const Body = manifest.replace(what, instead);
      expect(Body).not.toBe(manifest);
      await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body }));
      const restored = await restore(before.id, bucket);
      await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: manifest }));
      expect(restored.status).toBe(1);
      expect(said(restored)).toMatch(sentence);
      expect(said(restored)).toContain('--to-directory');
      expect(await aws.volumes()).toEqual([]);
    });

    const withoutFat = async (): Promise<void> => {
      const key = (await aws.keys(bucket)).find((one) => one.endsWith('.manifest.json')) ?? '';
      const manifest = await readFile(await aws.download(bucket, key), 'utf8');
      const Body = manifest.replace(
        /"type": "ext4",\s*"label": "[^"]*",\s*"uuid": "[^"]*"/,
        '"type": "vfat", "label": "EFI", "uuid": "1A2B-3C4D"',
      );
      expect(Body).not.toBe(manifest);
      await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body }));
      const restored = await restore(before.id, bucket);
      await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: manifest }));
      expect(restored.status).toBe(1);
      expect(said(restored)).toMatch(/The new vfat filesystem on \S+ does not mount\..*unknown filesystem type/);
      expect(said(restored)).toContain('use a machine whose kernel has this filesystem');
      expect(await aws.volumes()).toEqual([]);
    };
    if (!knowsFat) it('of FAT, which this kernel cannot mount -> a sentence, and no volume', withoutFat);

    it.each(['SIGINT', 'SIGKILL'] as const)(
      '%s while it is filled leaves nothing that the next run does not remove',
      async (signal) => {
        const stopped = await aws.command(['restore', before.id, '--bucket', bucket, '--to-new-volume', '--json'], {
          onEvent: ({ kind, stage }, kill) => {
            if (kind === 'stage' && stage === 'restoring') kill(signal);
          },
        });
        expect(stopped.status).toBe(signal === 'SIGINT' ? 130 : null);
        if (signal === 'SIGKILL') {
          expect(await aws.volumes()).toHaveLength(1);
          const dry = await aws.command(['cleanup', '--bucket', bucket, '--dry-run']);
          expect(dry.stdout).toMatch(/the half-restored volume vol-/);
          const cleaned = await aws.command(['cleanup', '--bucket', bucket]);
          expect(cleaned.status, said(cleaned)).toBe(0);
        }
        expect(await aws.volumes()).toEqual([]);
        expect(await aws.leftovers()).toEqual([]);
      },
    );
  });

  it('of a tar without manifest -> a sentence, and no volume', async () => {
    const bucket = await aws.bucket();
    const id = 'snap-0123456789abcdef0';
    const Key = `vol-0123456789abcdef0/2017-01-01T00:00:00+00:00 ${id} - From the older tool.tar.lz4`;
    const Body = await run(['bash', '-ec', 'tar -c -C /etc hostname | lz4']);
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    const restored = await restore(id, bucket);
    expect(restored.status).toBe(1);
    expect(said(restored)).toContain('has no manifest');
    expect(await aws.volumes()).toEqual([]);
  });

  it('of an image of the existing tool has the size that its metadata tells', async () => {
    const bucket = await aws.bucket();
    const id = 'snap-0123456789abcdef1';
    const path = join(aws.folder, 'disk');
    await run(['bash', '-ec', `truncate -s 1100M '${path}'; mkfs.ext4 -q -F -L older '${path}'`]);
    const Key = `vol-0123456789abcdef0/2017-01-01T00:00:00+00:00 ${id} - From the older tool.img.lz4`;
    const Body = await run(['lz4', '-1', '-c', path]);
    const Metadata = { 'uncompressed-size': String(1100 * 1024 * 1024) };
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, Metadata }));
    const restored = await restore(id, bucket);
    expect(restored.status, said(restored)).toBe(0);
    expect(await described(volumeOf(restored))).toMatchObject({ Size: 2 });
    await run(['cmp', '--bytes', String(1100 * 1024 * 1024), await attached(volumeOf(restored)), path]);
  });

  it('is not asked for with options of other places', async () => {
    for (const option of ['--devices', '--force']) {
      const refused = await restore('snap-0123456789abcdef0', 'bucket', option);
      expect(refused.status).toBe(2);
      expect(said(refused)).toContain('has no meaning for --to-new-volume');
    }
  });
});
