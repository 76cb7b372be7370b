import { open } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/index.js';
import { readLayout, selectFilesystems } from '../../src/disk/index.js';
import { run } from '../../src/process/index.js';
import { loopDisk, makeFilesystem } from '../support/loop-disk.js';

const clock = systemClock;
const gpt = 'label: gpt\n';

describe('the layout of a disk', () => {
  it('with a GPT: every partition with number, place and contents', async () => {
    await using disk = await loopDisk(600, `${gpt}size=100M, name="a; $(b)"\nsize=320M\nsize=20M\nsize=20M\n`);
    await run(['mkfs.ext4', '-q', '-F', '-L', 'läbel $(x)\\', disk.partition(1)]);
    await makeFilesystem.xfs(disk.partition(2));
    await run(['mkswap', '-q', disk.partition(3)]);
    const layout = await readLayout(disk.path, { clock });
    expect(layout).toMatchObject({ sizeBytes: 600 * 1024 ** 2, sectorBytes: 512, partitionTable: { type: 'gpt' } });
    expect(layout.partitionTable?.dump).toContain('label: gpt');
    expect(layout.areas).toMatchObject([
      {
        partition: 1,
        path: disk.partition(1),
        startBytes: 1024 ** 2,
        sizeBytes: 100 * 1024 ** 2,
        contents: { kind: 'filesystem', type: 'ext4', label: 'läbel $(x)\\' },
      },
      { partition: 2, startBytes: 101 * 1024 ** 2, contents: { kind: 'filesystem', type: 'xfs' } },
      { partition: 3, contents: { kind: 'swap' } },
      { partition: 4, contents: { kind: 'empty' } },
    ]);
    const { filesystems, notices } = selectFilesystems(layout);
    expect(filesystems.map((area) => area.partition)).toEqual([1, 2]);
    expect(notices).toEqual([
      `Partition 3 (${disk.partition(3)}) is swap space and is left out.`,
      `Partition 4 (${disk.partition(4)}) holds no filesystem and is left out.`,
    ]);
  });

  it('with an MBR: logical partitions too, the extended one is only their container', async () => {
    await using disk = await loopDisk(
      400,
      'label: dos\nd1 : size=100M\nd2 : size=250M, type=5\nd5 : size=120M\nd6 : size=100M\n',
    );
    for (const number of [1, 5, 6]) await makeFilesystem.ext4(disk.partition(number));
    const layout = await readLayout(disk.path, { clock });
    expect(layout.areas.map((area) => [area.partition, area.contents.kind])).toEqual([
      [1, 'filesystem'],
      [2, 'extended'],
      [5, 'filesystem'],
      [6, 'filesystem'],
    ]);
    expect(selectFilesystems(layout).filesystems).toHaveLength(3);
  });

  it('without partition table is one area', async () => {
    await using disk = await loopDisk(120);
    await makeFilesystem.btrfs(disk.path);
    const layout = await readLayout(disk.path, { clock });
    expect(layout).toMatchObject({
      partitionTable: undefined,
      areas: [
        { partition: undefined, startBytes: 0, path: disk.path, contents: { kind: 'filesystem', type: 'btrfs' } },
      ],
    });
  });

  it('with LVM, LUKS or RAID members -> refused, naming --dd', async () => {
    await using disk = await loopDisk(64);
    // An LVM2 label: the signature in sector 1 and the type at its offset 24 (lvm2's lib/format_text/layout.h).
    const sector = Buffer.alloc(512);
    sector.write('LABELONE', 0);
    sector.writeUInt32LE(1, 8);
    sector.writeUInt32LE(32, 20);
    sector.write('LVM2 001', 24);
    sector.write('a'.repeat(32), 32);
    sector.writeUInt32LE(lvmCrc(sector.subarray(20)), 16);
    const device = await open(disk.path, 'r+');
    await device.write(sector, 0, 512, 512);
    await device.close();
    const layout = await readLayout(disk.path, { clock });
    expect(layout.areas[0]?.contents).toEqual({ kind: 'member', type: 'LVM2_member' });
    expect(() => selectFilesystems(layout)).toThrow(
      expect.objectContaining({
        code: 'disk-unsupported',
        message: `The disk ${disk.path} is an LVM physical volume, which cannot be archived as files.`,
        hint: expect.stringContaining('--dd'),
      }),
    );
  });

  it('with nothing on it -> refused, naming --dd', async () => {
    await using disk = await loopDisk(16);
    const layout = await readLayout(disk.path, { clock });
    expect(() => selectFilesystems(layout)).toThrow(
      expect.objectContaining({ code: 'disk-unsupported', hint: expect.stringContaining('--dd') }),
    );
  });

  it('whose partitions the kernel does not show -> refused, not archived in part', async () => {
    await using disk = await loopDisk(64, `${gpt}size=20M\nsize=20M\n`);
    await run(['partx', '--delete', '--nr', '2', disk.path]);
    const layout = await readLayout(disk.path, { clock, timeoutMs: 600 });
    expect(() => selectFilesystems(layout)).toThrow(
      expect.objectContaining({
        code: 'disk-unsupported',
        message: `${disk.path} has 2 partitions in its table, but the kernel shows 1 of them.`,
      }),
    );
  });

  it('waits for partitions that come a moment later', async () => {
    await using disk = await loopDisk(64, `${gpt}size=20M\nsize=20M\n`);
    await run(['partx', '--delete', disk.path]);
    const reading = readLayout(disk.path, { clock });
    await clock.sleep(700);
    await run(['partx', '--add', disk.path]);
    expect((await reading).areas).toHaveLength(2);
  });
});

/** LVM's CRC: CRC-32 without final inversion, seeded with 0xf597a6cf. */
function lvmCrc(bytes: Buffer): number {
  let crc = 0xf597a6cf;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return crc >>> 0;
}
