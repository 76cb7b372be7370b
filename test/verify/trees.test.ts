import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTar } from '../../src/archive/index.js';
import { tarBytes } from '../../src/disk/index.js';
import { programBytes, run } from '../../src/process/index.js';
import { compareTrees, sortEntries, walkDisk, type TreeComparison, type TreeFinding } from '../../src/verify/index.js';
import { makeAwkwardTree } from '../archive/tar-tree.js';
import { loopDisk, makeFilesystem } from '../support/loop-disk.js';
import { makeMoreAwkwardFiles } from '../support/more-awkward-files.js';

type FilesystemType = keyof typeof makeFilesystem;

/** Every bit of a tree that an archive must have, on a filesystem of its own. */
async function awkwardFilesystem(type: FilesystemType) {
  const disk = await loopDisk(type === 'ext4' ? 128 : 400);
  await makeFilesystem[type](disk.path);
  const root = await mkdtemp(join(tmpdir(), 'snap-to-s3-verify-'));
  await run(['mount', disk.path, root]);
  await makeAwkwardTree(root);
  await makeMoreAwkwardFiles(root);
  await run(['python3', '-c', 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])', 's.sock'], {
    cwd: root,
  });
  return {
    root,
    async [Symbol.asyncDispose]() {
      await run(['umount', root]);
      await rm(root, { recursive: true });
      await disk[Symbol.asyncDispose]();
    },
  };
}

interface Comparison extends TreeComparison {
  readonly all: readonly TreeFinding[];
  readonly sockets: number;
}

async function compare(
  tar: AsyncIterable<Buffer>,
  root: string,
  { type, isOld = false }: { readonly type: FilesystemType; readonly isOld?: boolean },
): Promise<Comparison> {
  const all: TreeFinding[] = [];
  let sockets = 0;
  const { entries } = readTar(tar);
  const disk = walkDisk(root, { filesystemType: type, parallelism: 2, onSockets: (count) => (sockets += count) });
  const result = await compareTrees(
    isOld ? sortEntries(entries, { directory: tmpdir(), memoryBytes: 20_000 }) : entries,
    disk,
    { exact: !isOld, onFinding: (finding) => void all.push(finding) },
  );
  return { ...result, all, sockets };
}

/** `missing more/file`, `different one: content`. */
function told({ all }: Comparison): readonly string[] {
  return all.map((finding) => {
    const path = finding.path.toString();
    return finding.kind === 'different'
      ? `different ${path}: ${finding.differences.map(({ what }) => what).join(', ')}`
      : `${finding.kind} ${path}`;
  });
}

const ourTar = (root: string, type: FilesystemType) =>
  tarBytes(root, { filesystemType: type, onWarning: () => undefined });

/** As the existing tool calls it. */
const oldTar = (root: string) => programBytes(['tar', '-c', '.'], { cwd: root });

describe.each(['ext4', 'xfs', 'btrfs'] as const)('a tree on %s', (type) => {
  let filesystem: Awaited<ReturnType<typeof awkwardFilesystem>>;
  beforeAll(async () => {
    filesystem = await awkwardFilesystem(type);
    if (type !== 'btrfs') return;
    await run(['btrfs', 'subvolume', 'create', join(filesystem.root, 'more', 'subvolume')]);
    await run(['cp', '-a', '/etc/services', join(filesystem.root, 'more', 'subvolume')]);
  });
  afterAll(() => filesystem[Symbol.asyncDispose]());

  it('is the same as its tar, in everything', async () => {
    const compared = await compare(ourTar(filesystem.root, type), filesystem.root, { type });
    expect(compared.all).toEqual([]);
    expect(compared.entries).toBeGreaterThan(90);
    expect(compared).toMatchObject({ sockets: 1, contentUnknown: 0 });
  });

  it('is the same as the tar of the existing tool, in all that such a tar has', async () => {
    const compared = await compare(oldTar(filesystem.root), filesystem.root, { type, isOld: true });
    expect(compared.all).toEqual([]);
    expect(compared.entries).toBeGreaterThan(90);
    expect(compared.aspects).not.toContain('xattr');
  });
});

describe('after the tar was made, a tree in which', () => {
  let filesystem: Awaited<ReturnType<typeof awkwardFilesystem>>;
  beforeAll(async () => {
    filesystem = await awkwardFilesystem('ext4');
  });
  afterAll(() => filesystem[Symbol.asyncDispose]());

  const keepingTimes = (path: string, command: string): string =>
    `d=$(dirname '${path}'); touch /tmp/$$.f; touch -h -r '${path}' /tmp/$$.f; touch -r "$d" /tmp/$$.d; ${command}; ` +
    `touch -h -r /tmp/$$.f '${path}'; touch -r /tmp/$$.d "$d"; rm /tmp/$$.f /tmp/$$.d`;

  it.each([
    ['a byte is another', 'one', `printf X | dd of=one conv=notrunc status=none`, ['different one: content']],
    [
      'a byte in a sparse file is another',
      'more/holes/five hundred holes',
      `printf X | dd of='more/holes/five hundred holes' seek=131072 bs=1 conv=notrunc status=none`,
      ['different more/holes/five hundred holes: content'],
    ],
    ['a file is longer by a zero', '513', `truncate -s +1 513`, ['different 513: size']],
    ['a mode is another', 'more/file 444', `chmod 445 'more/file 444'`, ['different more/file 444: mode']],
    [
      'a setuid bit is gone',
      'more/owned setuid',
      `chmod u-s 'more/owned setuid'`,
      ['different more/owned setuid: mode'],
    ],
    ['an owner is another', 'large', `chown 7 large`, ['different large: owner']],
    ['a group is another', 'large', `chgrp 7 large`, ['different large: owner']],
    ['a symlink points elsewhere', 'link', `ln -sfn two link`, ['different link: target']],
    ['a device has another number', 'null', `rm null; mknod null c 1 5`, ['different null: device']],
    ['a device is of the other kind', 'null', `rm null; mknod null b 1 3`, ['different null: type']],
    ['a pipe is a file', 'fifo', `rm fifo; printf '' > fifo; chmod 644 fifo`, ['different fifo: type']],
    ['an extended attribute is another', 'one', `setfattr -n user.empty -v x one`, ['different one: xattr']],
    ['an extended attribute is gone', 'acl.d', `setfattr -x trusted.t acl.d`, ['different acl.d: xattr']],
    ['an ACL is another', 'acl.d', `setfacl -d -m u:1234:rwx acl.d`, ['different acl.d: xattr, acl']],
    [
      'a file of two names is two files',
      'one again',
      `cp --preserve=all one /tmp/$$.c; rm 'one again'; mv /tmp/$$.c 'one again'`,
      ['different one again: hard-link'],
    ],
    ['a file is gone', '512', `rm 512`, ['extra 512']],
    ['a file is there that was not', 'empty', `cp --preserve=all empty 'zzz new'`, ['missing zzz new']],
    [
      'a directory is gone with all in it',
      'more/attributes',
      `rm -r more/attributes`,
      ['extra more/attributes', 'extra more/attributes/file', 'extra more/attributes/large'],
    ],
  ])('%s -> exactly that is told', async (_, path, command, expected) => {
    const { root } = filesystem;
    const copy = await mkdtemp(join(root, '..', 'snap-to-s3-copy-'));
    try {
      await run(['cp', '--archive', '--sparse=always', `${root}/.`, copy]);
      const isThere = expected[0]?.startsWith('different') === true;
      await run(['sh', '-ec', isThere ? keepingTimes(path, command) : keepingTimes(dirname(path), command)], {
        cwd: copy,
      });
      const compared = await compare(ourTar(root, 'ext4'), copy, { type: 'ext4' });
      expect(told(compared)).toEqual(expected);
    } finally {
      await rm(copy, { recursive: true });
    }
  });
});

describe('paths too long for the kernel', () => {
  it('are walked like others', async () => {
    const root = await mkdtemp(join(tmpdir(), 'snap-to-s3-verify-'));
    try {
      const make = [
        'import os, sys',
        'for _ in range(30): os.mkdir("n" * 200); os.chdir("n" * 200)',
        'open("file", "w").write("deep"); os.link("file", "again"); os.symlink("file", "link")',
        'os.setxattr("file", "user.a", b"1")',
      ];
      await run(['python3', '-c', make.join('\n')], { cwd: root });
      const compared = await compare(ourTar(root, 'ext4'), root, { type: 'ext4' });
      expect(compared).toMatchObject({ entries: 34, all: [] });
    } finally {
      await run(['rm', '-rf', root]);
    }
  });
});

describe('another filesystem mounted in the tree', () => {
  it('is an entry, and not gone into', async () => {
    const root = await mkdtemp(join(tmpdir(), 'snap-to-s3-verify-'));
    await mkdir(join(root, 'mounted'));
    await run(['mount', '-t', 'tmpfs', 'none', join(root, 'mounted')]);
    try {
      await run(['touch', join(root, 'mounted', 'file'), join(root, 'z')]);
      const compared = await compare(ourTar(root, 'ext4'), root, { type: 'ext4' });
      expect(compared).toMatchObject({ entries: 3, all: [] });
    } finally {
      await run(['umount', join(root, 'mounted')]);
      await rm(root, { recursive: true });
    }
  });
});
