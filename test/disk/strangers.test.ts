import { mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/index.js';
import {
  mountReadOnly,
  readDevice,
  readLayout,
  requireUnwritten,
  selectFilesystems,
  tarBytes,
  type FilesystemArea,
} from '../../src/disk/index.js';
import { run, runText, start } from '../../src/process/index.js';
import { loopDisk, makeFilesystem } from '../support/loop-disk.js';
import { inOwnNamespace } from '../support/own-namespace.js';

const clock = systemClock;
let folder = '';
let theirs = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-strangers-'));
  theirs = join(folder, 'a place of theirs');
  await mkdir(theirs);
});
afterEach(async () => {
  expect((await runText(['findmnt', '--list', '--noheadings', '--output', 'TARGET'])).includes(folder)).toBe(false);
  await rm(folder, { recursive: true });
});

const layoutOf = (path: string) => readLayout(path, { clock });

async function onlyFilesystem(path: string): Promise<FilesystemArea> {
  const [area] = selectFilesystems(await layoutOf(path)).filesystems;
  if (area === undefined) throw new Error('no filesystem');
  return area;
}

describe('a disk that something else has mounted', () => {
  it.each(['ext4', 'xfs', 'btrfs'] as const)('for writing (%s) -> disk-in-use, and it stays mounted', async (type) => {
    await using disk = await loopDisk(400, 'label: gpt\nsize=10M\nsize=380M\n');
    await makeFilesystem[type](disk.partition(2));
    const layout = await layoutOf(disk.path);
    expect(await requireUnwritten(layout)).toEqual([]);
    await run(['mount', disk.partition(2), theirs]);
    try {
      await expect(requireUnwritten(layout)).rejects.toMatchObject({
        code: 'disk-in-use',
        message: expect.stringContaining(`${disk.partition(2)}, a temporary volume, is mounted at ${theirs}`),
        hint: expect.stringMatching(/umount .*\/etc\/fstab .*noauto/),
      });
      expect(await runText(['findmnt', '--noheadings', '--output', 'TARGET', theirs])).toBe(`${theirs}\n`);
    } finally {
      await run(['umount', theirs]);
    }
  });

  it.each(['ext4', 'xfs', 'btrfs'] as const)('read-only (%s) -> a sentence, and we mount it besides', async (type) => {
    await using disk = await loopDisk(400);
    await makeFilesystem[type](disk.path);
    await run(['mount', '-o', 'ro', disk.path, theirs]);
    try {
      const [sentence, ...more] = await requireUnwritten(await layoutOf(disk.path));
      expect(more).toEqual([]);
      expect(sentence).toContain(`${disk.path} was mounted at ${theirs} by something else, read-only.`);
      await using mount = await mountReadOnly(await onlyFilesystem(disk.path), {
        mountPoint: join(folder, 'm'),
        clock,
      });
      await mount.requireIntact();
    } finally {
      await run(['umount', theirs]);
    }
  });

  it('where nobody else sees it (a service with mounts of its own) -> disk-in-use', async () => {
    await using disk = await loopDisk(64);
    await makeFilesystem.ext4(disk.path);
    const script = 'mount "$1" "$2" && echo mounted && read';
    const service = start(inOwnNamespace(['bash', '-c', script, 'bash', disk.path, theirs]));
    try {
      const said: unknown = await new Promise((resolve) => service.stdout.once('data', resolve));
      expect(String(said)).toBe('mounted\n');
      await expect(requireUnwritten(await layoutOf(disk.path))).rejects.toMatchObject({ code: 'disk-in-use' });
    } finally {
      service.stdin.end('\n');
      await service.ended;
    }
  });

  it('for writing while we read it (btrfs lets both) -> disk-in-use when all is read', async () => {
    await using disk = await loopDisk(200);
    await makeFilesystem.btrfs(disk.path);
    await using mount = await mountReadOnly(await onlyFilesystem(disk.path), { mountPoint: join(folder, 'm'), clock });
    await mount.requireIntact();
    await run(['mount', disk.path, theirs]);
    try {
      await expect(mount.requireIntact()).rejects.toMatchObject({ code: 'disk-in-use' });
    } finally {
      await run(['umount', theirs]);
    }
  });

  it('cannot be mounted while its image is read', async () => {
    await using disk = await loopDisk(64, 'label: gpt\nsize=60M\n');
    await makeFilesystem.ext4(disk.partition(1));
    const chunks = readDevice(disk.path, { sizeBytes: 64 * 1024 ** 2 });
    await chunks.next();
    await expect(run(['mount', disk.partition(1), theirs])).rejects.toMatchObject({ code: 'program-failed' });
    await chunks.return(undefined);
    await run(['mount', disk.partition(1), theirs]);
    await run(['umount', theirs]);
  });
});

describe('a mount that is no longer what it was', () => {
  it('because something is mounted over it -> source-unreadable, naming both', async () => {
    await using disk = await loopDisk(64);
    await makeFilesystem.ext4(disk.path);
    const mountPoint = join(folder, 'm');
    await using mount = await mountReadOnly(await onlyFilesystem(disk.path), { mountPoint, clock });
    await run(['mount', '-t', 'tmpfs', 'somebody', mountPoint]);
    try {
      await expect(mount.requireIntact()).rejects.toMatchObject({
        code: 'source-unreadable',
        message: `What is mounted at ${mountPoint} is not ${disk.path} but somebody.`,
      });
    } finally {
      await run(['umount', mountPoint]);
    }
  });

  it('because the kernel found a damaged directory, whose names tar misses without a word -> source-unreadable', async () => {
    await using disk = await loopDisk(64);
    await run(['mkfs.ext4', '-q', '-F', '-b', '4096', '-O', '^metadata_csum', disk.path]);
    await run(['mount', disk.path, theirs]);
    await mkdir(join(theirs, 'dir'));
    for (let at = 0; at < 200; at += 1)
      await writeFile(join(theirs, 'dir', `a rather long name ${at} ${'x'.repeat(80)}`), '');
    await run(['umount', theirs]);
    const blocks = (await runText(['debugfs', '-R', 'blocks /dir', disk.path])).trim().split(/\s+/).map(Number);
    const device = await open(disk.path, 'r+');
    await device.write(Buffer.alloc(4096, 0xa5), 0, 4096, (blocks[1] ?? 0) * 4096);
    await device.close();
    await run(['blockdev', '--flushbufs', disk.path]);

    await using mount = await mountReadOnly(await onlyFilesystem(disk.path), { mountPoint: join(folder, 'm'), clock });
    const chunks: Buffer[] = [];
    const tar = tarBytes(mount.path, { filesystemType: 'ext4', onWarning: () => undefined });
    for await (const chunk of tar) chunks.push(Buffer.from(chunk));
    const names = await runText(['tar', '--list', '--file=-'], { input: Buffer.concat(chunks) });
    // This is what makes it dangerous: tar has succeeded.
    expect(names.split('\n').filter((name) => name.includes('rather long')).length).toBeLessThan(200);
    await expect(mount.requireIntact()).rejects.toMatchObject({
      code: 'source-unreadable',
      message: expect.stringMatching(/^The kernel found \d+ errors? in the ext4 filesystem on /),
      hint: expect.stringContaining('--dd'),
    });
  });

  it('knows of errors that the superblock remembers from before, and says so', async () => {
    await using disk = await loopDisk(64);
    await makeFilesystem.ext4(disk.path);
    await run(['debugfs', '-w', '-R', 'ssv error_count 3', disk.path]);
    const notices: string[] = [];
    await using mount = await mountReadOnly(await onlyFilesystem(disk.path), {
      mountPoint: join(folder, 'm'),
      clock,
      onNotice: (text) => notices.push(text),
    });
    expect(notices).toEqual([expect.stringContaining('The kernel has noted 3 errors in the ext4 filesystem')]);
    await mount.requireIntact();
  });
});

describe('copies of one filesystem, with the same UUID', () => {
  it.each(['ext4', 'xfs', 'btrfs'] as const)(
    '%s: both are mounted at once, each with its own contents',
    async (type) => {
      await using copies = await twoCopies(type);
      const notices: string[] = [];
      const options = { clock, onNotice: (text: string) => notices.push(text) };
      await using first = await mountReadOnly(copies.first, { ...options, mountPoint: join(folder, 'first') });
      await using second = await mountReadOnly(copies.second, { ...options, mountPoint: join(folder, 'second') });
      expect(copies.first.contents.uuid).toBe(copies.second.contents.uuid);
      expect([await readdir(first.path), await readdir(second.path)]).toEqual([
        expect.arrayContaining(['only on the first']),
        expect.arrayContaining(['only on the second']),
      ]);
      for (const mount of [first, second]) await mount.requireIntact();
      expect(notices).toEqual([]);
    },
  );

  describe('where the kernel mounts only one btrfs of a UUID (before 6.7)', () => {
    /** Refuses what such a kernel refuses, in its words. */
    const refusing = `#!/bin/bash
path=\${PATH#*:}
case "$*" in *btrfs*) if findmnt --list --noheadings --types btrfs --output TARGET | grep -q "^$FOLDER/"; then
  echo refused >> "$FOLDER/refusals"
  echo "mount: $6: mount(2) system call failed: File exists." >&2; exit 32
fi ;; esac
PATH=$path exec mount "$@"
`;
    const path = process.env.PATH ?? '';
    beforeEach(async () => {
      const bin = join(folder, 'bin');
      await mkdir(bin);
      await writeFile(join(bin, 'mount'), refusing.replaceAll('$FOLDER', folder), { mode: 0o755 });
      process.env.PATH = `${bin}:${path}`;
    });
    afterEach(() => {
      process.env.PATH = path;
    });

    it('the second waits for the first, says for what, and has its own contents', async () => {
      await using copies = await twoCopies('btrfs');
      const first = await mountReadOnly(copies.first, { clock, mountPoint: join(folder, 'first') });
      const notices: string[] = [];
      const mounting = mountReadOnly(copies.second, {
        clock: { now: () => clock.now(), sleep: (ms, signal) => clock.sleep(Math.min(ms, 20), signal) },
        mountPoint: join(folder, 'second'),
        onNotice: (text) => {
          notices.push(text);
          void first[Symbol.asyncDispose]();
        },
      });
      await using second = await mounting;
      expect(await readdir(second.path)).toEqual(['only on the second']);
      expect(notices).toEqual([
        expect.stringContaining(`Waiting until ${copies.first.path} is unmounted from ${join(folder, 'first')}`),
      ]);
      expect(await readdir(folder)).toContain('refusals');
    });

    it('the wait ends with an abort', async () => {
      await using copies = await twoCopies('btrfs');
      await using _ = await mountReadOnly(copies.first, { clock, mountPoint: join(folder, 'first') });
      const controller = new AbortController();
      const onNotice = (): void => controller.abort();
      const options = { clock, mountPoint: join(folder, 'second'), onNotice, signal: controller.signal };
      await expect(mountReadOnly(copies.second, options)).rejects.toMatchObject({ name: 'AbortError' });
      expect(await readdir(folder)).not.toContain('second');
    });

    it('a copy that is mounted for writing is not waited for', async () => {
      await using copies = await twoCopies('btrfs');
      await run(['/usr/bin/mount', copies.first.path, theirs]);
      try {
        const options = { clock, mountPoint: join(folder, 'second') };
        await expect(mountReadOnly(copies.second, options)).rejects.toMatchObject({
          code: 'mount-failed',
          message: expect.stringContaining(`cannot be mounted while ${copies.first.path}, which has the same UUID`),
          hint: expect.stringContaining('--dd'),
        });
      } finally {
        await run(['umount', theirs]);
      }
    });
  });
});

/** Two disks with copies of one filesystem that were changed afterwards. */
async function twoCopies(type: 'ext4' | 'xfs' | 'btrfs') {
  const disks = [await loopDisk(320), await loopDisk(320)] as const;
  await makeFilesystem[type](disks[0].path);
  await run(['dd', `if=${disks[0].path}`, `of=${disks[1].path}`, 'bs=1M', 'conv=sparse,fsync', 'status=none']);
  for (const [index, disk] of disks.entries()) {
    await run(['mount', '-t', type, '-o', type === 'xfs' ? 'nouuid' : 'defaults', disk.path, theirs]);
    await writeFile(join(theirs, `only on the ${['first', 'second'][index] ?? ''}`), '');
    await run(['umount', theirs]);
  }
  const areas = await Promise.all(disks.map(({ path }) => onlyFilesystem(path)));
  const [first, second] = areas;
  if (first === undefined || second === undefined) throw new Error('two filesystems expected');
  const dispose = async (): Promise<void> => {
    for (const disk of disks) await disk[Symbol.asyncDispose]();
  };
  return { first, second, [Symbol.asyncDispose]: dispose };
}
