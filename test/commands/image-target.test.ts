import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MiB } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';
import { extractTar, imageDevice, imageFile, partialImage } from '../../src/restore/index.js';
import { loopDisk } from '../support/loop-disk.js';

// Files and disks that images are written to, and those that are refused.

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-image-'));
});
afterAll(() => rm(folder, { recursive: true }));

const device = (path: string) => imageDevice({ path, sizeBytes: MiB, force: true, isBlank: false });

/** A disk that is full after a MiB. */
async function onSmallDisk(work: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(folder, 'small-'));
  await run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'small', path]);
  try {
    await work(path);
  } finally {
    await run(['umount', path]);
  }
}

describe('a disk', () => {
  it('of which a partition is mounted or used as swap is refused, by force too', async () => {
    await using disk = await loopDisk(64, 'label: gpt\n,30M\n,30M\n');
    const [first, second] = [disk.partition(1), disk.partition(2)];
    await run(['mkfs.ext4', '-q', first]);
    const at = await mkdtemp(join(folder, 'mnt-'));
    await run(['mount', first, at]);
    try {
      await expect(device(disk.path)).rejects.toThrow(`p1 is mounted at ${at}.`);
    } finally {
      await run(['umount', at]);
    }
    await run(['mkswap', '--quiet', second]);
    await run(['swapon', second]);
    try {
      await expect(device(disk.path)).rejects.toThrow('p2 is used as swap.');
      await expect(device(second)).rejects.toThrow('is used as swap.');
    } finally {
      await run(['swapoff', second]);
    }
  });

  it('that is none, or is not there, is refused', async () => {
    await expect(device(folder)).rejects.toThrow('is not a disk.');
    await expect(device('/dev/null')).rejects.toThrow('is not a disk.');
    await expect(device(join(folder, 'nothing'))).rejects.toThrow('cannot be opened');
  });

  it('that is not empty says that a restore that was broken off may be why', async () => {
    await using disk = await loopDisk(8);
    await writeFile(disk.path, randomBytes(4096));
    const refused = imageDevice({ path: disk.path, sizeBytes: MiB, force: false, isBlank: false });
    await expect(refused).rejects.toMatchObject({
      message: expect.stringContaining('is not empty') as unknown,
      hint: expect.stringContaining('a restore that was broken off') as unknown,
    });
  });
});

describe('a full disk', () => {
  it.each([true, false])(
    '-> no file of the name; what is there stays only if it can be gone on from (%s)',
    async (isKept) => {
      await onSmallDisk(async (small) => {
        const path = join(small, 'disk.img');
        const write = async (): Promise<void> => {
          await using target = await imageFile({ path, startBytes: 0, isKept });
          await target.write(randomBytes(3 * MiB), () => undefined);
          await target.end();
        };
        await expect(write()).rejects.toMatchObject({
          code: 'restore-failed',
          hint: 'Take a place with more room.',
        });
        expect(await readdir(small)).toEqual(isKept ? ['disk.img.snap-to-s3-restoring'] : []);
      });
    },
  );

  it('-> tar is told to have no room', async () => {
    const source = await mkdtemp(join(folder, 'source-'));
    await writeFile(join(source, 'file'), randomBytes(3 * MiB));
    const tar = await run(['tar', '--create', '--file=-', 'file'], { cwd: source });
    await onSmallDisk(async (directory) => {
      const bytes = async function* () {
        await Promise.resolve();
        yield tar;
      };
      await expect(extractTar(bytes(), { directory, isRoot: true, onWarning: () => undefined })).rejects.toMatchObject({
        code: 'restore-failed',
        hint: expect.stringContaining('more room') as unknown,
      });
    });
  });
});

it('a file goes on where it is told to, and what was behind is gone', async () => {
  const path = join(folder, 'disk.img');
  const bytes = randomBytes(MiB);
  await writeFile(partialImage(path), Buffer.concat([bytes.subarray(0, 1000), randomBytes(2 * MiB)]));
  {
    await using target = await imageFile({ path, startBytes: 1000, isKept: true });
    await target.write(bytes.subarray(1000), () => undefined);
    await target.end();
  }
  expect((await readFile(path)).equals(bytes)).toBe(true);
  await expect(stat(partialImage(path))).rejects.toThrow('ENOENT');
});
