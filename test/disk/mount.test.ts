import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/index.js';
import { mountReadOnly, readLayout, selectFilesystems, type FilesystemArea } from '../../src/disk/index.js';
import { run, runText, start } from '../../src/process/index.js';
import { loopDisk, makeFilesystem } from '../support/loop-disk.js';
import { inOwnNamespace } from '../support/own-namespace.js';

const clock = systemClock;
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-mount-'));
});
afterEach(async () => rm(folder, { recursive: true }));

async function onlyFilesystem(path: string): Promise<FilesystemArea> {
  const [area] = selectFilesystems(await readLayout(path, { clock })).filesystems;
  if (area === undefined) throw new Error('no filesystem');
  return area;
}

describe('mounting', () => {
  it.each(['ext4', 'xfs', 'btrfs'] as const)('%s is read-only, without devices, programs or set-uid', async (type) => {
    await using disk = await loopDisk(320);
    await makeFilesystem[type](disk.path);
    const mountPoint = join(folder, 'deep', 'mount');
    {
      await using mount = await mountReadOnly(await onlyFilesystem(disk.path), { mountPoint, clock });
      const options = await runText(['findmnt', '--noheadings', '--output', 'OPTIONS', mountPoint]);
      for (const option of ['ro', 'nosuid', 'nodev', 'noexec']) expect(options.trim().split(',')).toContain(option);
      await expect(writeFile(join(mount.path, 'x'), '')).rejects.toMatchObject({ code: 'EROFS' });
      expect(mount.usedBytes).toBeGreaterThan(0);
      expect(mount.usedBytes).toBeLessThan(320 * 1024 ** 2);
    }
    expect(await readdir(join(folder, 'deep'))).toEqual([]);
  });

  it('waits while what was unmounted is still mounted in the namespace of a service that starts', async () => {
    await using disk = await loopDisk(64);
    await makeFilesystem.ext4(disk.path);
    const area = await onlyFilesystem(disk.path);
    const writable = join(folder, 'rw');
    await mkdir(writable);
    await run(['mount', disk.path, writable]);
    const service = start(inOwnNamespace(['bash', '-c', 'echo started; read'], { keeping: writable }));
    await new Promise((resolve) => service.stdout.once('data', resolve));
    await run(['umount', writable]);
    const options = { mountPoint: join(folder, 'm'), clock };
    // That it is held, and so that the wait is needed.
    await expect(run(['mount', '-o', 'ro', disk.path, writable])).rejects.toMatchObject({ code: 'program-failed' });
    const letGo = setTimeout(1_000).then(() => {
      service.stdin.end('\n');
      return service.ended;
    });
    await using mount = await mountReadOnly(area, options);
    await letGo;
    expect(await readdir(mount.path)).toEqual(['lost+found']);
  });

  it('the kernel reads ahead 4 MiB of a file, not 128 KiB', async () => {
    await using disk = await loopDisk(64);
    await makeFilesystem.ext4(disk.path);
    await run(['blockdev', '--setra', '256', disk.path]);
    await using _mount = await mountReadOnly(await onlyFilesystem(disk.path), { mountPoint: join(folder, 'm'), clock });
    expect(Number(await runText(['blockdev', '--getra', disk.path])) * 512).toBe(4 * 1024 ** 2);
  });

  it('shows all subvolumes of a btrfs, whichever is the default', async () => {
    await using disk = await loopDisk(200);
    await makeFilesystem.btrfs(disk.path);
    const writable = join(folder, 'rw');
    await mkdir(writable);
    await run(['mount', disk.path, writable]);
    for (const name of ['root', 'home']) await run(['btrfs', 'subvolume', 'create', join(writable, name)]);
    await run(['btrfs', 'subvolume', 'set-default', join(writable, 'home')]);
    await run(['umount', writable]);
    await using mount = await mountReadOnly(await onlyFilesystem(disk.path), { mountPoint: join(folder, 'm'), clock });
    expect((await readdir(mount.path)).sort()).toEqual(['home', 'root']);
  });

  it('a damaged filesystem -> a sentence that names --dd, and no mount point left', async () => {
    await using disk = await loopDisk(64);
    await makeFilesystem.ext4(disk.path);
    const area = await onlyFilesystem(disk.path);
    // Group descriptors full of rubbish, the superblock intact.
    await run(['dd', 'if=/dev/urandom', `of=${disk.path}`, 'bs=1024', 'seek=2', 'count=64', 'conv=notrunc']);
    await expect(mountReadOnly(area, { mountPoint: join(folder, 'm'), clock })).rejects.toMatchObject({
      code: 'mount-failed',
      hint: expect.stringContaining('--dd') as string,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses a place where something is mounted already', async () => {
    await using disk = await loopDisk(64);
    await makeFilesystem.ext4(disk.path);
    const area = await onlyFilesystem(disk.path);
    const options = { mountPoint: join(folder, 'm'), clock };
    await using first = await mountReadOnly(area, options);
    await expect(mountReadOnly(area, options)).rejects.toMatchObject({ code: 'mount-failed' });
    expect(await readdir(first.path)).toEqual(['lost+found']);
  });
});
