import { mkdtemp, open, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/index.js';
import { mountReadOnly, readDevice, readLayout, selectFilesystems, type DiskLayout } from '../../src/disk/index.js';
import { run, runText } from '../../src/process/index.js';
import { loopDisk, makeFilesystem, type LoopDisk } from '../support/loop-disk.js';

const clock = systemClock;
const MiB = 1024 ** 2;
const sectorBytes = 512;
const [mbrEntry, mbrEntryBytes] = [446, 16];

async function patch(path: string, position: number, bytes: Uint8Array): Promise<void> {
  const device = await open(path, 'r+');
  await device.write(bytes, 0, bytes.length, position);
  await device.sync();
  await device.close();
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Makes the kernel read the table anew, as it would at attaching. */
async function rescan(disk: LoopDisk): Promise<void> {
  await run(['partx', '--delete', disk.path]).catch(() => undefined);
  await run(['partx', '--add', disk.path]).catch(() => undefined);
}

/** What keeps the disk from being archived as files, if anything does. */
async function refusal(layout: DiskLayout): Promise<{ readonly message: string; readonly hint: string } | undefined> {
  // What is refused as files can be had as an image, and that says so.
  let bytes = 0;
  for await (const chunk of readDevice(layout.path, { sizeBytes: layout.sizeBytes })) bytes += chunk.length;
  expect(bytes).toBe(layout.sizeBytes);
  try {
    selectFilesystems(layout);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: 'disk-unsupported', hint: expect.stringContaining('--dd') });
    return error as { readonly message: string; readonly hint: string };
  }
}

/** A layout of four primary partitions of 20 MiB; the second is what the tests spoil. */
const primaries = 'label: dos\nsize=20M\nsize=20M\n';
const second = mbrEntry + mbrEntryBytes;

describe('a partition table', () => {
  it.each([
    ['begins past the end of the disk', 8, 4_194_304],
    ['ends past the end of the disk', 12, 4_194_304],
    ['begins inside the one before', 8, 4096],
  ])('of which an entry %s -> refused as files, possible as an image', async (_, offset, sectors) => {
    await using disk = await loopDisk(64, primaries);
    await makeFilesystem.ext4(disk.partition(1));
    await patch(disk.path, second + offset, uint32(sectors));
    await rescan(disk);
    const layout = await readLayout(disk.path, { clock, timeoutMs: 300 });
    expect((await refusal(layout))?.message).toBe(
      `${disk.path} has 2 partitions in its table, but the kernel shows 1 of them.`,
    );
  });

  it('whose entries overlap, where the kernel shows both -> refused', async () => {
    await using disk = await loopDisk(64, primaries);
    for (const number of [1, 2]) await makeFilesystem.ext4(disk.partition(number));
    const layout = await readLayout(disk.path, { clock });
    expect(await refusal(layout)).toBeUndefined();
    const [first, other] = layout.areas;
    if (first === undefined || other === undefined) throw new Error('two areas expected');
    const overlapping = { ...layout, areas: [first, { ...other, startBytes: first.startBytes + MiB }] };
    expect((await refusal(overlapping))?.message).toBe(`${first.path} and ${other.path} overlap on the disk.`);
  });

  it('with an entry of no length -> the others are archived', async () => {
    await using disk = await loopDisk(64, primaries);
    await makeFilesystem.ext4(disk.partition(1));
    await patch(disk.path, second + 12, uint32(0));
    await rescan(disk);
    const layout = await readLayout(disk.path, { clock, timeoutMs: 300 });
    expect(selectFilesystems(layout).filesystems.map(({ partition }) => partition)).toEqual([1]);
  });

  it('of 128 entries -> all of them', async () => {
    await using disk = await loopDisk(200, `label: gpt\n${'size=1M\n'.repeat(128)}`);
    await makeFilesystem.ext4(disk.partition(128));
    const layout = await readLayout(disk.path, { clock });
    expect(layout.areas.map(({ partition }) => partition)).toEqual(Array.from({ length: 128 }, (_, at) => at + 1));
    expect(selectFilesystems(layout).filesystems.map(({ partition }) => partition)).toEqual([128]);
  });

  it('that is a GPT whose first header is damaged -> the backup counts', async () => {
    await using disk = await loopDisk(64, 'label: gpt\nsize=20M\nsize=20M\n');
    await makeFilesystem.ext4(disk.partition(2));
    await patch(disk.path, sectorBytes, Buffer.alloc(sectorBytes));
    await rescan(disk);
    const layout = await readLayout(disk.path, { clock });
    expect(layout.partitionTable?.type).toBe('gpt');
    expect(selectFilesystems(layout).filesystems.map(({ partition }) => partition)).toEqual([2]);
  });

  it('that is a GPT with both headers damaged -> refused as files, possible as an image', async () => {
    await using disk = await loopDisk(64, 'label: gpt\nsize=20M\n');
    for (const sector of [1, 64 * 2048 - 1]) await patch(disk.path, sector * sectorBytes, Buffer.alloc(sectorBytes));
    await rescan(disk);
    const layout = await readLayout(disk.path, { clock, timeoutMs: 300 });
    expect((await refusal(layout))?.message).toContain('but the kernel shows 0 of them');
  });

  it('that is a GPT with a hybrid MBR -> the GPT counts', async () => {
    await using disk = await loopDisk(64, 'label: gpt\nsize=20M\nsize=20M\n');
    for (const number of [1, 2]) await makeFilesystem.ext4(disk.partition(number));
    const entry = Buffer.from('00000200830000000008000000a00000', 'hex');
    await patch(disk.path, second, entry);
    await rescan(disk);
    const layout = await readLayout(disk.path, { clock });
    expect(layout.partitionTable?.type).toBe('gpt');
    expect(selectFilesystems(layout).filesystems).toHaveLength(2);
  });
});

describe('a filesystem', () => {
  it.each(['ext4', 'xfs', 'btrfs'] as const)(
    '%s that is larger than its partition -> refused, naming --dd',
    async (type) => {
      await using disk = await loopDisk(700, 'label: dos\nsize=600M\n');
      await makeFilesystem[type](disk.partition(1));
      await patch(disk.path, mbrEntry + 12, uint32(300 * 2048));
      await rescan(disk);
      await expectRefusal(disk, type);
    },
  );

  it('of a type that this kernel does not know -> refused, naming --dd', async () => {
    await using disk = await loopDisk(64);
    // The boot sector of a FAT16 (Microsoft's specification), which is enough for blkid.
    const sector = Buffer.alloc(sectorBytes);
    Buffer.from('eb3c904d53444f53352e30000204010002000200fef83f0020004000000000000000000080002900000000', 'hex').copy(
      sector,
    );
    sector.write('NO NAME    FAT16   ', 43);
    sector.writeUInt16LE(0xaa55, 510);
    await patch(disk.path, 0, sector);
    await patch(disk.path, sectorBytes, Buffer.from('f8ffffff', 'hex'));
    await expectRefusal(disk, 'vfat');
  });

  it('whose marks cannot be read -> not taken for an empty partition', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-short-'));
    const file = join(folder, 'disk');
    await run(['truncate', '--size=64M', file]);
    await run(['mkfs.ext4', '-q', '-F', file]);
    const device = (await runText(['losetup', '--find', '--show', file])).trim();
    try {
      await truncate(file, 0);
      await run(['blockdev', '--flushbufs', device]);
      await expect(readLayout(device, { clock })).rejects.toMatchObject({
        code: expect.stringMatching(/^(source-unreadable|program-failed)$/),
      });
    } finally {
      await run(['losetup', '--detach', device]);
      await rm(folder, { recursive: true });
    }
  });
});

async function expectRefusal(disk: LoopDisk, type: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-refused-'));
  try {
    const [area] = selectFilesystems(await readLayout(disk.path, { clock })).filesystems;
    expect(area?.contents.type).toBe(type);
    if (area === undefined) throw new Error('no filesystem');
    await expect(mountReadOnly(area, { mountPoint: join(folder, 'm'), clock })).rejects.toMatchObject({
      code: 'mount-failed',
      message: expect.stringContaining(`The ${type} filesystem on ${area.path} does not mount.`),
      hint: expect.stringContaining('--dd'),
    });
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
}
