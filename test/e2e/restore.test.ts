import { mkdir, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fillFilesystem } from '../../sandbox/seed/index.js';
import { poll, systemClock } from '../../src/core/index.js';
import { run, runText } from '../../src/process/index.js';
import { walkDisk, type TreeEntry } from '../../src/verify/index.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';
import { filesystemOn, localAws, mountedAt, type Finished, type LocalAws } from '../support/local-aws.js';
import { loopDisk } from '../support/loop-disk.js';
import { makeMoreAwkwardFiles } from '../support/more-awkward-files.js';
import { sha256Of, sha256OfRange } from '../support/read-archive.js';

// `snap-to-s3 restore` on real filesystems.

let aws: LocalAws;
let ring: GpgKeyring;
const commandPath = join(import.meta.dirname, '../../dist/bin/snap-to-s3.cjs');
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
  const left = await aws.leftovers();
  await aws.removeVolumes();
  expect(left).toEqual([]);
});

const content = { realMiB: 12, realFrom: 0.3, awkward: true, sparseGiB: 1, smallFiles: 50 };
const said = ({ stdout, stderr }: Finished): string => stdout + stderr;

const restore = (...argv: readonly string[]): Promise<Finished> =>
  aws.command(['restore', ...argv, '--json'], { env: { GNUPGHOME: ring.home } });
const newFolder = (): Promise<string> => mkdtemp(join(aws.folder, 'restored-'));

async function migrated(id: string, ...options: readonly string[]): Promise<string> {
  const bucket = await aws.bucket();
  const argv = ['migrate', '--bucket', bucket, '--snapshots', id, ...options, '--json'];
  const done = await aws.command(argv, { env: { GNUPGHOME: ring.home } });
  expect(done.status, said(done)).toBe(0);
  return bucket;
}

/** Every bit that there is of each path, in order. `type` is that of the filesystem. */
async function treeOf(path: string, type = 'ext4'): Promise<Map<string, TreeEntry>> {
  const entries = new Map<string, TreeEntry>();
  for await (const entry of walkDisk(path, { parallelism: 2, filesystemType: type })) {
    entries.set(entry.path.toString('latin1'), entry);
  }
  return entries;
}

describe.each([
  ['ext4', 'lz4', []],
  ['xfs', 'zstd', ['--compression', 'zstd']],
  ['btrfs', 'gpg', ['--gpg-recipient', 'open@example.com']],
] as const)('an archive of %s', (type, how, options) => {
  it(`with ${how} comes back as it was`, async () => {
    let original = new Map<string, TreeEntry>();
    const id = await aws.snapshot(async (device) => {
      await filesystemOn(device, type, async (path) => {
        await fillFilesystem(path, content);
        await makeMoreAwkwardFiles(path);
      });
      original = await mountedAt(device, { type, options: 'ro' }, (path) => treeOf(path, type));
    });
    const bucket = await migrated(id, ...options);
    const to = await newFolder();
    const restored = await restore(id, '--bucket', bucket, '--to-directory', to, '--devices');
    expect(restored.status, said(restored)).toBe(0);
    const found = await treeOf(to);
    expect([...found.keys()]).toEqual([...original.keys()]);
    for (const [path, entry] of original) expect(found.get(path), path).toEqual(entry);
    if (how === 'gpg') {
      const one = await newFolder();
      const [path = ''] = [...original].find(([name, { type: is }]) => is === 'file' && /^[\w/]+$/.test(name)) ?? [];
      const single = await restore(id, '--bucket', bucket, '--to-directory', one, '--path', path);
      expect(single.status, said(single)).toBe(0);
      expect((await treeOf(one)).get(path)).toEqual(original.get(path));
    }
    // Holes are holes again.
    const sparse = await sparseFiles(to);
    expect(sparse.length).toBeGreaterThan(0);
    for (const { size, blocks, path } of sparse) expect(512 * blocks, path).toBeLessThan(size / 4);
  });
});

/** Files that `fillFilesystem` made of holes: a GiB and more in size. */
async function sparseFiles(root: string): Promise<readonly { path: string; size: number; blocks: number }[]> {
  const found = await runText(['find', root, '-type', 'f', '-size', '+900M', '-printf', '%s %b %p\n']);
  return found
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [size, blocks, ...path] = line.split(' ');
      return { size: Number(size), blocks: Number(blocks), path: path.join(' ') };
    });
}

describe('of an archive', () => {
  let id = '';
  let bucket = '';
  let key = '';
  let original = new Map<string, TreeEntry>();
  beforeAll(async () => {
    id = await aws.snapshot(async (device) => {
      await filesystemOn(device, 'ext4', async (path) => {
        await fillFilesystem(path, content);
        await mkdir(join(path, 'private/deep'), { recursive: true });
        await writeFile(join(path, 'private/deep/one.txt'), 'The file one.\n');
        await writeFile(join(path, 'private/deep/[two].txt'), 'The file two.\n');
        await run(['bash', '-ec', 'chmod 710 private; chown 7:8 private; ln private/deep/one.txt zz-again'], {
          cwd: path,
        });
        await run(['mknod', join(path, 'private/null'), 'c', '1', '3']);
        await run(['dd', 'if=/dev/urandom', `of=${path}/large`, 'bs=1M', 'count=60', 'status=none']);
      });
      original = await mountedAt(device, { type: 'ext4', options: 'ro' }, (path) => treeOf(path));
    });
    bucket = await migrated(id);
    key = (await aws.keys(bucket)).find((one) => one.endsWith('.tar.lz4')) ?? '';
  });

  const fetched = ({ events }: Finished): number => {
    const event = events.find(({ kind }) => kind === 'object-restored');
    return (event?.object as { fetchedBytes: number } | undefined)?.fetchedBytes ?? NaN;
  };
  const named = async (...paths: readonly string[]) => {
    const to = await newFolder();
    const given = paths.flatMap((path) => ['--path', path]);
    return { to, restored: await restore(id, '--bucket', bucket, '--to-directory', to, ...given) };
  };

  it('a single file comes back, and little is read for it', async () => {
    const { to, restored } = await named('/private/deep/one.txt');
    expect(restored.status, said(restored)).toBe(0);
    expect((await runText(['find', to, '-mindepth', '1', '-printf', '%P\n'])).split('\n').sort()).toEqual(
      ['', 'private', 'private/deep', 'private/deep/one.txt'].sort(),
    );
    const found = await treeOf(to);
    expect(found.get('private/deep/one.txt')).toEqual(original.get('private/deep/one.txt'));
    expect(found.get('private')).toMatchObject({ mode: 0o710, uid: 7, gid: 8 });
    const { size } = await stat(await aws.download(bucket, key));
    expect(fetched(restored)).toBeLessThan(size / 8);
  });

  it('another name of a file comes back without the first', async () => {
    const { to, restored } = await named('zz-again');
    expect(restored.status, said(restored)).toBe(0);
    expect(await readdir(to)).toEqual(['zz-again']);
    expect(await readFile(join(to, 'zz-again'), 'utf8')).toBe('The file one.\n');
  });

  it('folders and globs bring everything that they name, device nodes only if they are asked for', async () => {
    const { to, restored } = await named('private', 'small/**/*1*');
    expect(restored.status, said(restored)).toBe(0);
    const found = await treeOf(to);
    const wanted = [...original].filter(([path, { type }]) => {
      if (type.endsWith('device')) return false;
      return path.startsWith('private') || /^small\/(?:.*\/)?[^/]*1[^/]*(?:\/|$)/.test(path);
    });
    expect(wanted.length).toBeGreaterThan(4);
    for (const [path, entry] of wanted) expect(found.get(path), path).toEqual(entry);
    expect(restored.events.find(({ kind }) => kind === 'notice')?.text).toMatch(/^1 device node left out/);
    const literal = await named('private/deep/[two].txt');
    expect(await readFile(join(literal.to, 'private/deep/[two].txt'), 'utf8')).toBe('The file two.\n');
  });

  it('what is nowhere in it -> a sentence, and nothing is made', async () => {
    const { to, restored } = await named('private', 'no/such/file');
    expect(restored.status).toBe(1);
    expect(said(restored)).toContain('Nothing in the archive matches --path \\"no/such/file\\".');
    expect(await readdir(to)).toEqual([]);
  });

  it('a directory that is not empty is left alone', async () => {
    const to = await newFolder();
    await writeFile(join(to, 'mine'), '');
    const restored = await restore(id, '--bucket', bucket, '--to-directory', to);
    expect(restored.status).toBe(1);
    expect(said(restored)).toContain('is not empty');
    expect(await readdir(to)).toEqual(['mine']);
  });

  it('by its key, to standard output, it is the tar that it is', async () => {
    const archive = await aws.download(bucket, key);
    const LINE = `'${process.execPath}' '${commandPath}' restore "s3://$BUCKET/$KEY" --to-stdout --quiet`;
    const variables = Object.entries(aws.environment).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const env = { ...Object.fromEntries(variables), BUCKET: bucket, KEY: key, LINE };
    const shell = (script: string): Promise<string> => runText(['bash', '-c', script], { env });
    expect(await shell(`set -eo pipefail; ${LINE} | cmp - <(lz4 -dc '${archive}'); echo same`)).toBe('same\n');
    // Its reader has seen enough: that is no success.
    const ended = await shell(
      `{ ${LINE} 2>&3; echo "status $?" >&3; } 3>"$TMPDIR/said" | head -c 100 >/dev/null; cat "$TMPDIR/said"; rm "$TMPDIR/said"`,
    );
    expect(ended).toMatch(/has ended before everything was written[^]*status 1\n$/);
    // `script` gives it a terminal.
    expect(await shell('script --quiet --return --command "$LINE" /dev/null; echo "status $?"')).toMatch(
      /Standard output is a terminal\.[^]*status 2\n$/,
    );
  });

  it('of which a byte was changed -> it ends there, and nothing is left', async () => {
    const other = await aws.bucket();
    const bytes = await readFile(await aws.download(bucket, key));
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 4, bytes.length >> 1);
    await copyWith(other, key, bytes);
    const to = await newFolder();
    const restored = await restore(id, '--bucket', other, '--to-directory', to);
    expect(restored.status).toBe(1);
    expect(restored.events.find(({ kind }) => kind === 'snapshot-failed')?.error?.code).toBe('corrupt-archive');
    expect(await readdir(to)).toEqual([]);
  });

  it('interrupted in the middle -> nothing is left, and the next run brings everything', async () => {
    const to = join(await newFolder(), 'new');
    let progress = 0;
    const argv = ['restore', id, '--bucket', bucket, '--to-directory', to, '--json'];
    const interrupted = await aws.command(argv, {
      onEvent: ({ kind }, kill) => {
        if (kind !== 'progress') return;
        progress += 1;
        if (progress === 2) kill('SIGINT');
      },
    });
    expect(interrupted.status, said(interrupted)).toBe(130);
    await expect(stat(to)).rejects.toThrow('ENOENT');
    const again = await restore(id, '--bucket', bucket, '--to-directory', to);
    expect(again.status, said(again)).toBe(0);
    const wanted = [...original].filter(([, { type }]) => !type.endsWith('device')).map(([path]) => path);
    expect([...(await treeOf(to)).keys()]).toEqual(wanted);
  });

  it('SIGKILL in the middle -> the next run says so, and begins anew', async () => {
    const to = join(await newFolder(), 'new');
    let progress = 0;
    const killed = await aws.command(['restore', id, '--bucket', bucket, '--to-directory', to, '--json'], {
      onEvent: ({ kind }, kill) => {
        if (kind === 'progress' && (progress += 1) === 2) kill('SIGKILL');
      },
    });
    expect(killed.status).toBeNull();
    expect(await readdir(to)).toEqual(['.snap-to-s3-restoring']);
    const again = await restore(id, '--bucket', bucket, '--to-directory', to);
    expect(again.status, said(again)).toBe(0);
    expect(again.events.find(({ kind }) => kind === 'notice')?.text).toMatch(
      /^An earlier run was broken off in the middle/,
    );
    const wanted = [...original].filter(([, { type }]) => !type.endsWith('device')).map(([path]) => path);
    expect([...(await treeOf(to)).keys()]).toEqual(wanted);
  });

  /** Puts the archive of another bucket with other bytes for one key, the manifest without change. */
  async function copyWith(to: string, changed: string, bytes: Buffer): Promise<void> {
    for (const one of await aws.keys(bucket)) {
      if (one.startsWith('.snap')) continue;
      const Body = one === changed ? bytes : await readFile(await aws.download(bucket, one));
      await aws.s3.send(new PutObjectCommand({ Bucket: to, Key: one, Body }));
    }
  }
});

describe('an image', () => {
  let id = '';
  let bucket = '';
  let sum = '';
  beforeAll(async () => {
    id = await aws.snapshot(async (device) => {
      await filesystemOn(device, 'ext4', async (path) => {
        await fillFilesystem(path, content);
      });
      sum = await sha256Of(device);
    });
    bucket = await migrated(id, '--dd');
  });

  it('comes back as a sparse file, under its name only when it is whole', async () => {
    const path = join(await newFolder(), 'disk.img');
    const restored = await restore(id, '--bucket', bucket, '--to-file', path);
    expect(restored.status, said(restored)).toBe(0);
    expect(await sha256Of(path)).toBe(sum);
    const { size, blocks } = await stat(path);
    expect(size).toBe(1024 ** 3);
    expect(blocks * 512).toBeLessThan(size / 4);
    const again = await restore(id, '--bucket', bucket, '--to-file', path);
    expect(again.status).toBe(1);
    expect(said(again)).toContain('is there already');
  });

  it.each(['SIGINT', 'SIGKILL'] as const)(
    'to a file, %s in the middle -> no file of its name, and the next run goes on where it was',
    async (signal) => {
      const folder = await newFolder();
      const path = join(folder, 'disk.img');
      const argv = ['restore', id, '--bucket', bucket, '--to-file', path, '--json'];
      const slow = aws.faults.add({
        operation: 's3:GetObject',
        where: { key: '*.img.lz4' },
        fault: { kind: 'slow', bytesPerSecond: 1_500_000 },
      });
      // Pieces are written in order: once there is something behind the first chunk, that is there. The first of the ranges
      // that are read at once takes some seconds more.
      const firstIsWritten = async (): Promise<true | undefined> => {
        const { size } = await stat(`${path}.snap-to-s3-restoring`).catch(() => ({ size: 0 }));
        return size > 4 * 1024 ** 2 ? true : undefined;
      };
      const stopping: Promise<boolean>[] = [];
      const stopped = await aws.command(argv, {
        onEvent: ({ kind }, kill) => {
          if (stopping.length > 0 || kind !== 'progress') return;
          const waiting = poll(firstIsWritten, { clock: systemClock, intervalMs: 10, timeoutMs: 60_000 });
          stopping.push(waiting.then((found) => found === true && (kill(signal), true)));
        },
      });
      expect(await Promise.all(stopping)).toEqual([true]);
      slow.remove();
      expect(slow.fired).toBeGreaterThan(0);
      expect(stopped.status).toBe(signal === 'SIGINT' ? 130 : null);
      expect(await readdir(folder)).toEqual(['disk.img.snap-to-s3-restoring']);
      const again = await restore(id, '--bucket', bucket, '--to-file', path);
      expect(again.status, said(again)).toBe(0);
      expect(again.events.find(({ kind }) => kind === 'notice')?.text).toMatch(
        /^An earlier run was broken off\. The first .* are right; this one goes on there\.$/,
      );
      expect(await readdir(folder)).toEqual(['disk.img']);
      expect(await sha256Of(path)).toBe(sum);
    },
  );

  it('to a file, after something else or another image was left there -> it says so and begins anew', async () => {
    const path = join(await newFolder(), 'disk.img');
    await writeFile(`${path}.snap-to-s3-restoring`, 'something else, and longer than nothing');
    const restored = await restore(id, '--bucket', bucket, '--to-file', path);
    expect(restored.status, said(restored)).toBe(0);
    expect(restored.events.find(({ kind }) => kind === 'notice')?.text).toContain('cannot be gone on from');
    expect(await sha256Of(path)).toBe(sum);
  });

  it('goes onto an empty disk, onto a full one only by force, and never onto one that is mounted or too small', async () => {
    await using disk = await loopDisk(1100);
    const to = (...more: readonly string[]) => restore(id, '--bucket', bucket, '--to-device', disk.path, ...more);
    const first = await to();
    expect(first.status, said(first)).toBe(0);
    const read = (): Promise<string> => sha256OfRange(disk.path, 0, 1024 ** 3);
    expect(await read()).toBe(sum);
    const second = await to();
    expect(second.status).toBe(1);
    expect(said(second)).toContain('is not empty');
    await mountedAt(disk.path, { type: 'ext4', options: 'ro' }, async () => {
      const third = await to('--force');
      expect(third.status).toBe(1);
      expect(said(third)).toMatch(/is in use/);
    });
    // Where the image has zeros, too.
    for (const seek of [0, 500, 1_000]) {
      await run(['dd', 'if=/dev/urandom', `of=${disk.path}`, 'bs=1M', 'count=4', `seek=${seek}`, 'status=none']);
    }
    const forced = await to('--force');
    expect(forced.status, said(forced)).toBe(0);
    expect(await read()).toBe(sum);
    await using small = await loopDisk(100);
    const tooSmall = await restore(id, '--bucket', bucket, '--to-device', small.path, '--force');
    expect(tooSmall.status).toBe(1);
    expect(said(tooSmall)).toContain('has 100 MiB, but the image has 1.00 GiB');
  });

  it('is no directory', async () => {
    const to = await newFolder();
    const restored = await restore(id, '--bucket', bucket, '--to-directory', to);
    expect(restored.status).toBe(1);
    expect(said(restored)).toContain('is the image of a disk');
    expect(await readdir(to)).toEqual([]);
  });
});
