import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, runText } from '../../src/process/index.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';
import { loopDisk } from '../support/loop-disk.js';
import { filesystemOn, localAws, type Finished, type LocalAws } from '../support/local-aws.js';

// `snap-to-s3 restore` of archives that this tool has not made: the existing tool's, and an enemy's. And of many partitions.

let aws: LocalAws;
let ring: GpgKeyring;
let bucket = '';
beforeAll(async () => {
  [aws, ring] = await Promise.all([localAws(), gpgKeyring()]);
  await ring.key('Open <open@example.com>');
  bucket = await aws.bucket();
});
afterAll(async () => {
  await ring[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
});

const said = ({ stdout, stderr }: Finished): string => stdout + stderr;
const restore = (...argv: readonly string[]): Promise<Finished> =>
  aws.command(['restore', ...argv, '--json'], { env: { GNUPGHOME: ring.home } });
let made = 0;

/** Stores what a shell command prints as the archive of a snapshot that is nowhere else, and returns its id. */
async function stored(command: string, extension: string): Promise<string> {
  made += 1;
  const id = `snap-0123456789abc${String(made).padStart(4, '0')}`;
  const path = join(aws.folder, `archive-${made}`);
  await run(['bash', '-ec', `set -o pipefail; { ${command}; } > '${path}'`], { env: { GNUPGHOME: ring.home } });
  const Key = `vol-0123456789abcdef0/2017-01-01T00:00:00+00:00 ${id} - From the older tool.${extension}`;
  await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: await readFile(path) }));
  return id;
}

describe('an archive of the existing tool', () => {
  it.each([
    ['tar.lz4', 'lz4 -1'],
    ['tar.zstd', 'zstd -3 -q'],
    ['tar.zstd.gpg', 'zstd -3 -q | gpg --batch --quiet --encrypt --recipient open@example.com'],
  ])('%s comes back, all of it and a single file', async (extension, through) => {
    const source = await mkdtemp(join(aws.folder, 'source-'));
    await mkdir(join(source, 'folder'));
    await writeFile(join(source, 'folder/file'), 'The file.\n');
    await run(['ln', join(source, 'folder/file'), join(source, 'z-again')]);
    await run(['bash', '-ec', 'chown 7:8 folder/file; chmod 640 folder/file; ln -s folder/file link'], { cwd: source });
    // In an order that nobody sorted.
    const id = await stored(`tar -C '${source}' -c ./link ./folder ./z-again | ${through}`, extension);
    const to = await mkdtemp(join(aws.folder, 'restored-'));
    const restored = await restore(id, '--bucket', bucket, '--to-directory', to);
    expect(restored.status, said(restored)).toBe(0);
    await run(['diff', '--recursive', '--no-dereference', source, to]);
    expect(await stat(join(to, 'folder/file'))).toMatchObject({ uid: 7, gid: 8, mode: 0o100640, nlink: 2 });

    const one = await mkdtemp(join(aws.folder, 'restored-'));
    const single = await restore(id, '--bucket', bucket, '--to-directory', one, '--path', 'folder/*');
    expect(single.status, said(single)).toBe(0);
    expect(await readdir(one)).toEqual(['folder']);
    expect(await readFile(join(one, 'folder/file'), 'utf8')).toBe('The file.\n');
    const link = await restore(id, '--bucket', bucket, '--to-directory', `${one}-2`, '--path', 'z-again');
    expect(link.status).toBe(1);
    expect(said(link)).toContain('is another name of');
  });

  it.each([
    ['img.zstd', 'zstd -3 -q'],
    ['img.lz4.gpg', 'lz4 -1 | gpg --batch --quiet --encrypt --recipient open@example.com'],
  ])('an image, %s, comes back to a file and a disk as it was', async (extension, through) => {
    const path = join(aws.folder, 'disk');
    await run(['bash', '-ec', `truncate -s 40M '${path}'; mkfs.ext4 -q -F '${path}'`]);
    const id = await stored(`cat '${path}' | ${through}`, extension);
    const to = join(aws.folder, `disk-${extension}`);
    const restored = await restore(id, '--bucket', bucket, '--to-file', to);
    expect(restored.status, said(restored)).toBe(0);
    await run(['cmp', path, to]);
    await using disk = await loopDisk(40);
    const onDisk = await restore(id, '--bucket', bucket, '--to-device', disk.path);
    expect(onDisk.status, said(onDisk)).toBe(0);
    await run(['cmp', path, disk.path]);
  });

  it('of several partitions comes back to a subfolder each', async () => {
    const source = await mkdtemp(join(aws.folder, 'source-'));
    await writeFile(join(source, 'file'), 'The file.\n');
    const id = await stored(`tar -C '${source}' -c . | lz4 -1`, '1.tar.lz4');
    const Body = await run(['bash', '-ec', 'set -o pipefail; tar -c ./file | zstd -q'], { cwd: source });
    const Key = `vol-0123456789abcdef0/2017-01-01T00:00:00+00:00 ${id} - From the older tool.2.tar.zstd`;
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    const to = await mkdtemp(join(aws.folder, 'restored-'));
    const restored = await restore(id, '--bucket', bucket, '--to-directory', to);
    expect(restored.status, said(restored)).toBe(0);
    for (const number of ['1', '2']) await run(['diff', '--recursive', source, join(to, number)]);
  });
});

/** What Python writes into a tar: names, and what they are; and how restoring it ends: all of it is inside, or it is refused. */
const attacks: readonly (readonly [what: string, status: 0 | 1, script: string])[] = [
  ['an absolute name', 0, 'file("PARENT/evil")'],
  ['a name that leads up', 1, 'file("a/../../evil")'],
  ['a link to a folder outside, and a file below it', 1, 'link("a", "PARENT"); file("a/evil")'],
  ['a link upwards, and a file below it', 1, 'link("a", ".."); file("a/evil")'],
  ['a folder that becomes a link', 1, 'folder("d"); link("d", "PARENT"); file("d/evil")'],
  ['a link below a link', 1, 'link("x", "."); link("x/y", ".."); file("x/y/evil")'],
  ['a link, and a file of the same name', 0, 'link("l", "../canary"); file("l")'],
  ['an absolute link, and a file of the same name', 0, 'link("l", "PARENT/canary"); file("l")'],
  ['a hard link that leads up', 1, 'hard("h", "../canary"); file("h")'],
  ['an absolute hard link', 1, 'hard("h", "PARENT/canary"); file("h")'],
  ['a hard link to a link', 0, 'link("s", "../canary"); hard("h", "s"); file("h")'],
  ['a folder with a mode, by a link', 1, 'link("a", ".."); folder("a"); file("a/evil")'],
  ['a device', 0, 'device("disk")'],
];

describe('an archive of an enemy', () => {
  it.each(attacks)('with %s writes nothing outside, and ends with %i', async (_, status, script) => {
    const parent = await mkdtemp(join(aws.folder, 'parent-'));
    await writeFile(join(parent, 'canary'), 'sings\n');
    const program = join(aws.folder, 'enemy.py');
    await writeFile(
      program,
      [
        'import io, sys, tarfile',
        't = tarfile.open(fileobj=sys.stdout.buffer, mode="w|")',
        'def add(name, type, target="", data=b""):',
        '    i = tarfile.TarInfo(name); i.type = type; i.linkname = target; i.size = len(data); i.mode = 0o777',
        '    i.devmajor = 7; i.devminor = 0',
        '    t.addfile(i, io.BytesIO(data))',
        'def file(name): add(name, tarfile.REGTYPE, "", b"evil\\n")',
        'def folder(name): add(name, tarfile.DIRTYPE)',
        'def link(name, target): add(name, tarfile.SYMTYPE, target)',
        'def hard(name, target): add(name, tarfile.LNKTYPE, target)',
        'def device(name): add(name, tarfile.BLKTYPE)',
        'file("good")',
        script.replaceAll('PARENT', parent),
        't.close()',
      ].join('\n'),
    );
    const id = await stored(`python3 '${program}' | lz4 -1`, 'tar.lz4');
    const { mode } = await stat(parent);
    const to = join(parent, 'restored');
    const restored = await restore(id, '--bucket', bucket, '--to-directory', to);
    // What is asked for by name is no way out either.
    if (/^(?:link\("a", "PARENT"\)|file)/.test(script)) {
      const named = await restore(
        id,
        '--bucket',
        bucket,
        '--to-directory',
        `${to}-named`,
        '--path',
        '**/evil',
        ...(script.startsWith('link("a"') ? ['--path', 'a'] : []),
      );
      expect(named.status, said(named)).toBe(status);
      await rm(`${to}-named`, { recursive: true, force: true });
    }
    expect(await readFile(join(parent, 'canary'), 'utf8')).toBe('sings\n');
    expect((await stat(parent)).mode).toBe(mode);
    expect((await stat(join(parent, 'canary'))).nlink).toBe(1);
    const outside = (await readdir(parent)).filter((name) => name !== 'restored');
    expect(outside).toEqual(['canary']);
    // Either all of it is inside, or it is refused and nothing is left.
    const left = await readdir(to).catch(() => undefined);
    if (restored.status === 0) expect(left).toContain('good');
    else expect(left).toBeUndefined();
    expect(restored.status, said(restored)).toBe(status);
    if (script.startsWith('device')) expect(left).toEqual(['good']);
    if (script.includes('..')) expect(restored.events.some(({ kind }) => kind === 'snapshots-found')).toBe(true);
  });
});

describe('a disk of several partitions', () => {
  it('comes back to a subfolder each; what was finished before an interruption is not done again', async () => {
    const id = await aws.snapshot(async (device) => {
      await run(['sfdisk', '--quiet', device], { input: 'label: gpt\n,200M\n,300M\n,300M\n' });
      const disk = (await runText(['readlink', '--canonicalize', device])).trim();
      await run(['partx', '--add', disk]).catch(() => undefined);
      for (const [number, type] of [
        [1, 'ext4'],
        [2, 'xfs'],
        [3, 'ext4'],
      ] as const) {
        await filesystemOn(`${disk}p${number}`, type, async (path) => {
          await run(['dd', 'if=/dev/urandom', `of=${path}/random`, 'bs=1M', 'count=30', 'status=none']);
          await writeFile(join(path, `partition-${number}`), '');
        });
      }
      await run(['partx', '--delete', disk]);
    });
    const argv = ['migrate', '--bucket', bucket, '--snapshots', id, '--json'];
    const migrated = await aws.command(argv);
    expect(migrated.status, said(migrated)).toBe(0);
    const to = join(aws.folder, 'partitions');
    let isKilled = false;
    const interrupted = await aws.command(['restore', id, '--bucket', bucket, '--to-directory', to, '--json'], {
      onEvent: ({ kind, stage, subject = '' }, kill) => {
        if (isKilled || kind !== 'stage' || stage !== 'restoring' || !subject.includes('.2.tar')) return;
        isKilled = true;
        kill('SIGTERM');
      },
    });
    expect(interrupted.status, said(interrupted)).toBe(130);
    expect((await readdir(to)).sort()).toEqual(['.snap-to-s3-restoring', '1']);
    const again = await restore(id, '--bucket', bucket, '--to-directory', to);
    expect(again.status, said(again)).toBe(0);
    expect(again.events.find(({ kind }) => kind === 'notice')?.text).toMatch(/^An earlier run has restored .*\.1\.tar/);
    expect((await readdir(to)).sort()).toEqual(['1', '2', '3']);
    for (const number of [1, 2, 3]) {
      expect(await readdir(join(to, String(number)))).toContain(`partition-${number}`);
    }
    const second = join(aws.folder, 'partition-2');
    const one = await restore(id, '--bucket', bucket, '--to-directory', second, '--partition', '2');
    expect(one.status, said(one)).toBe(0);
    expect(await readdir(second)).toContain('partition-2');
    const toFile = await restore(id, '--bucket', bucket, '--to-file', join(aws.folder, 'file'));
    expect(toFile.status).toBe(1);
    expect(said(toFile)).toContain('only one can go to a file, device or output');
  });
});
