import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBufferPool, MiB } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';
import { extractTar, imageDevice, imageFile, partialImage } from '../../src/restore/index.js';
import { loopDisk } from '../support/loop-disk.js';
import { cachedBytes, onFilesystem } from '../support/page-cache.js';

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

describe('an image', () => {
  // Long pieces and short ones, at places of blocks and at others, holes, and an end that is no block.
  const image = Buffer.concat([
    randomBytes(9 * MiB),
    Buffer.alloc(3 * MiB),
    randomBytes(70_000),
    Buffer.alloc(500_000),
    randomBytes(5 * MiB + 700),
  ]);
  const pieceBytes = 4 * MiB;

  async function writeImage(path: string, memory: (bytes: number) => Buffer): Promise<void> {
    await using target = await imageFile({ path, startBytes: 0, isKept: false });
    for (let at = 0; at < image.length; at += pieceBytes) {
      const length = Math.min(pieceBytes, image.length - at);
      const piece = memory(length);
      image.copy(piece, 0, at, at + length);
      await target.write(piece, () => undefined);
    }
    await target.end();
  }

  it.each(['ext4', 'xfs'] as const)('passes the page cache by where it is long enough, on %s', (kind) =>
    onFilesystem(kind, async (at) => {
      const path = join(at, 'disk.img');
      const pool = createBufferPool();
      await writeImage(path, (bytes) => pool.take(bytes));
      expect(await cachedBytes(path)).toBeLessThan(MiB);
      expect((await readFile(path)).equals(image)).toBe(true);
      // The holes are holes.
      expect((await stat(path)).blocks * 512).toBeLessThan(image.length - 3 * MiB);
    }),
  );

  it.each(['ext4', 'btrfs', 'tmpfs'] as const)('from memory that is at no page is the same, on %s', (kind) =>
    onFilesystem(kind, async (at) => {
      const path = join(at, 'disk.img');
      await writeImage(path, (bytes) => Buffer.alloc(bytes + 1).subarray(1));
      expect((await readFile(path)).equals(image)).toBe(true);
    }),
  );

  it('on a disk is all there, zeros too', async () => {
    await using disk = await loopDisk(32);
    const pool = createBufferPool();
    {
      await using target = await imageDevice({ path: disk.path, sizeBytes: 8 * MiB, force: true, isBlank: false });
      for (const fill of [7, 0]) await target.write(pool.take(4 * MiB).fill(fill), () => undefined);
      await target.end();
    }
    const written = (await run(['head', '--bytes', String(8 * MiB), disk.path], { maxOutputBytes: 9 * MiB })).toString(
      'latin1',
    );
    expect(written === '\x07'.repeat(4 * MiB) + '\0'.repeat(4 * MiB)).toBe(true);
  });
});
