import { mkdir, mkdtemp, link, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plausibleTar, requireWholeDisk } from '../../src/commands/plausibility.js';
import { snapshotId, systemClock } from '../../src/core/index.js';
import { mountReadOnly, readLayout, selectFilesystems, tarBytes, type Mount } from '../../src/disk/index.js';
import { run } from '../../src/process/index.js';
import { loopDisk, makeFilesystem, type LoopDisk } from '../support/loop-disk.js';

const clock = systemClock;
const GiB = 1024 ** 3;
const MiB = 1024 ** 2;
type Type = keyof typeof makeFilesystem;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-plausible-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Lets `fill` write to a new filesystem. */
async function filled(disk: LoopDisk, type: Type, fill: (at: string) => Promise<unknown>, options = 'defaults') {
  await makeFilesystem[type](disk.path);
  const place = join(folder, 'rw');
  await mkdir(place);
  await run(['mount', '-t', type, '-o', options, disk.path, place]);
  try {
    await fill(place);
  } finally {
    await run(['umount', place]);
  }
}

/** Archives what is on the disk and returns the size of the tar; `lie` changes what statfs has said. */
async function archivedBytes(disk: LoopDisk, lie: (mount: Mount) => Partial<Mount> = () => ({})) {
  const [area] = selectFilesystems(await readLayout(disk.path, { clock })).filesystems;
  if (area === undefined) throw new Error('no filesystem');
  await using mount = await mountReadOnly(area, { mountPoint: join(folder, 'ro'), clock });
  const tar = tarBytes(mount.path, { filesystemType: area.contents.type, onWarning: () => undefined });
  let bytes = 0;
  for await (const chunk of plausibleTar(tar, { area, mount: { ...mount, ...lie(mount) } })) {
    bytes += chunk.length;
  }
  return { bytes, usedBytes: mount.usedBytes };
}

describe('a tar of almost nothing from a filesystem with GBs in use', () => {
  it('-> implausible-result, with all the numbers and --dd', async () => {
    await using disk = await loopDisk(2048);
    await filled(disk, 'ext4', (at) => run(['fallocate', '--length=1500M', join(at, 'lost')]));
    // The name goes, the inode stays: as in a directory that was lost.
    await run(['debugfs', '-w', '-R', 'unlink lost', disk.path]);
    await expect(archivedBytes(disk)).rejects.toMatchObject({
      code: 'implausible-result',
      message: expect.stringMatching(
        /^The tar of \/dev\/loop\d+ has \d+(?:\.\d+)? KiB, .* take \d+(?:\.\d+)? KiB in \d inodes?, .* 1\.46 GiB and \d+ inodes are in use/,
      ),
      hint: expect.stringContaining('--dd'),
    });
  });

  it('with more inodes in use than names lead to -> implausible-result', async () => {
    await using disk = await loopDisk(64);
    await filled(disk, 'ext4', () => Promise.resolve());
    await expect(archivedBytes(disk, () => ({ usedInodes: 20_000 }))).rejects.toMatchObject({
      code: 'implausible-result',
    });
  });
});

describe('no false alarm', () => {
  it.each<[Type, number]>([
    ['ext4', 1],
    ['ext4', 100],
    ['xfs', 1],
    ['xfs', 100],
    ['btrfs', 1],
    ['btrfs', 100],
  ])('for an empty %s of %d GiB', async (type, sizeGiB) => {
    await using disk = await loopDisk(sizeGiB * 1024);
    await makeFilesystem[type](disk.path);
    expect((await archivedBytes(disk)).bytes).toBeLessThan(1 * MiB);
  });

  it.each<Type>(['ext4', 'xfs', 'btrfs'])(
    'for space that is preallocated beyond the end of a file (%s)',
    async (type) => {
      await using disk = await loopDisk(2048);
      await filled(disk, type, async (at) => {
        await mkdir(join(at, 'deep', 'down'), { recursive: true });
        await writeFile(join(at, 'deep/down/database'), '');
        await run(['fallocate', '--keep-size', '--length=1500M', join(at, 'deep/down/database')]);
      });
      const { bytes, usedBytes } = await archivedBytes(disk);
      expect(usedBytes).toBeGreaterThan(1400 * MiB);
      // The suspicion was there, and the walk has cleared it.
      expect(bytes).toBeLessThan(1 * MiB);
    },
  );

  it('for a file deleted while open: the kernel frees it when ext4 is mounted', async () => {
    await using disk = await loopDisk(600);
    await makeFilesystem.ext4(disk.path);
    const place = join(folder, 'rw');
    await mkdir(place);
    await run(['mount', disk.path, place]);
    const image = join(folder, 'copy');
    await run([
      'bash',
      '-c',
      'exec 3>"$1/held"; fallocate -l 450M "$1/held"; rm "$1/held"; sync; cp --sparse=always "$2" "$3"',
      'bash',
      place,
      disk.path,
      image,
    ]);
    await run(['umount', place]);
    await run(['dd', `if=${image}`, `of=${disk.path}`, 'bs=1M', 'conv=fsync', 'status=none']);
    expect((await archivedBytes(disk)).usedBytes).toBeLessThan(100 * MiB);
  });

  it('for sparse files, and for many names of one file', async () => {
    await using disk = await loopDisk(600);
    await filled(disk, 'ext4', async (at) => {
      await run(['truncate', '--size=100G', join(at, 'sparse')]);
      await run(['fallocate', '--length=400M', join(at, 'name-0')]);
      for (let other = 1; other < 50; other += 1) await link(join(at, 'name-0'), join(at, `name-${other}`));
    });
    expect((await archivedBytes(disk)).bytes).toBeLessThan(401 * MiB);
  });

  it('for compression and shared extents (btrfs): the tar is the larger one', async () => {
    await using disk = await loopDisk(600);
    const fill = async (at: string): Promise<void> => {
      await writeFile(join(at, 'zeros-and-a-bit'), Buffer.alloc(50 * MiB, 'text '));
      for (const name of ['a', 'b', 'c'])
        await run(['cp', '--reflink=always', join(at, 'zeros-and-a-bit'), join(at, name)]);
    };
    await filled(disk, 'btrfs', fill, 'compress-force=zstd');
    const { bytes, usedBytes } = await archivedBytes(disk);
    expect(bytes).toBeGreaterThan(usedBytes);
  });
});

describe('a statfs that lies', () => {
  it.each([
    ['zero', 0],
    ['a tenth', 4 * MiB],
    ['more than there is', 100 * MiB],
  ])('(%s) changes nothing in the tar', async (_, usedBytes) => {
    await using disk = await loopDisk(256);
    await filled(disk, 'ext4', (at) => writeFile(join(at, 'file'), Buffer.alloc(40 * MiB, 1)));
    const { bytes } = await archivedBytes(disk, () => ({ usedBytes }));
    expect(bytes).toBeGreaterThan(40 * MiB);
  });
});

describe('a disk', () => {
  it('that is smaller than its snapshot -> implausible-result, with both sizes', async () => {
    await using disk = await loopDisk(1000);
    const layout = await readLayout(disk.path, { clock });
    const snapshot = { snapshotId: snapshotId('snap-0123456789abcdef0'), volumeGiB: 1 };
    expect(() => requireWholeDisk(snapshot, layout)).toThrow(
      expect.objectContaining({
        code: 'implausible-result',
        message: `${disk.path} has 0.98 GiB, but snapshot snap-0123456789abcdef0 is of a volume of 1 GiB.`,
      }),
    );
    expect(() => requireWholeDisk(snapshot, { ...layout, sizeBytes: GiB })).not.toThrow();
  });
});
