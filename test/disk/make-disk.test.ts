import { expect, it } from 'vitest';
import { systemClock } from '../../src/core/index.js';
import { makeDisk, readLayout, requireMakeable, type DiskPlan } from '../../src/disk/index.js';
import { run, runText } from '../../src/process/index.js';
import { loopDisk } from '../support/loop-disk.js';

// A blank disk becomes what another one was. Whole restores, with files, are in test/e2e/new-volume.test.ts; filesystems that
// this kernel may not know can be made, and are looked at with programs.

const clock = systemClock;
const espType = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';

/** The plan that a disk leads to, as a manifest has it. */
async function planOf(device: string): Promise<DiskPlan> {
  const { partitionTable, areas } = await readLayout(device, { clock });
  return {
    table: partitionTable?.dump ?? undefined,
    areas: areas.map(({ partition, startBytes, sizeBytes, contents }) => ({
      partition,
      startBytes,
      sizeBytes,
      contents:
        contents.kind === 'filesystem'
          ? {
              kind: 'filesystem',
              type: contents.type,
              label: contents.label ?? null,
              uuid: contents.uuid ?? null,
              entries: undefined,
            }
          : { kind: 'nothing' },
    })),
  };
}

const probed = async (device: string, tag: string): Promise<string> =>
  (await runText(['blkid', '-p', '-o', 'value', '-s', tag, device])).trim();

it.each([
  ['a small one, FAT16', '16M', '16', 'EFI', '0000ABCD', 'FAT16'],
  ['one as installers make it, FAT32', '100M', '32', 'UEFI', '1A2B3C4D', 'FAT32'],
  ['one with a label that is not in capitals', '300M', '32', 'my boot', 'DEADBEEF', 'FAT32'],
  ['one without label', '64M', '32', '', '7F000001', 'FAT32'],
])('the system partition of UEFI, %s, is made anew with its type, label and volume id', async (...row) => {
  const [, size, width, label, volumeId, version] = row;
  const table = `label: gpt\nsize=${size}, type=${espType}, name="EFI System"\nsize=100M\n`;
  await using old = await loopDisk(512, table);
  const named = label === '' ? [] : ['-n', label];
  await run(['mkfs.vfat', '-F', width, '-i', volumeId, ...named, old.partition(1)]);
  await run(['mkfs.ext4', '-q', '-F', '-L', 'root', old.partition(2)]);
  await using blank = await loopDisk(512);
  const plan = await planOf(old.path);
  await requireMakeable(plan);
  await makeDisk(blank.path, plan, { clock });
  const made = await planOf(blank.path);
  expect(made.areas).toEqual(plan.areas);
  expect(made.areas[0]?.contents).toMatchObject({
    type: 'vfat',
    label: label === '' ? null : label,
    uuid: `${volumeId.slice(0, 4)}-${volumeId.slice(4)}`,
  });
  expect(made.table).toContain(`type=${espType}`);
  expect(await probed(blank.partition(1), 'VERSION')).toBe(version);
  await run(['fsck.vfat', '-n', blank.partition(1)]);
});

it('a FAT filesystem on a whole disk is made anew', async () => {
  await using old = await loopDisk(64);
  await run(['mkfs.vfat', '-F', '32', '-I', '-i', '1A2B3C4D', '-n', 'DATA', old.path]);
  await using blank = await loopDisk(64);
  const plan = await planOf(old.path);
  await makeDisk(blank.path, plan, { clock });
  expect(await planOf(blank.path)).toEqual(plan);
});
