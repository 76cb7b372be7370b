import { chmod, chown, link, mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/process/index.js';

const KiB = 1024;

/** What the sandbox's own awkward files lack: links to everything, odd attributes, and many ways to be sparse. */
export async function makeMoreAwkwardFiles(root: string): Promise<void> {
  const folder = join(root, 'more');
  await mkdir(folder);
  await writeFile(join(folder, 'empty'), '');
  await makeNames(Buffer.from(folder));
  await makeLinksToEverything(folder);
  await makeModes(folder);
  await makeAttributes(folder);
  await makeHoles(join(folder, 'holes'));
}

async function makeNames(folder: Buffer): Promise<void> {
  const names = [
    Buffer.from('\n'),
    Buffer.from('ends with a line break\n'),
    Buffer.from('.\n._x'),
    Buffer.alloc(255, 0xe9),
    // Where the name field of a tar header ends, with and without what comes before it.
    ...[92, 93, 94, 95, 99, 100, 101].map((length) => Buffer.alloc(length, 'x')),
    // Every byte that a name may hold.
    Buffer.from(Array.from({ length: 127 }, (_, index) => index + 1).filter((byte) => byte !== 0x2f)),
    Buffer.from(Array.from({ length: 128 }, (_, index) => index + 128)),
  ];
  for (const name of names) {
    await writeFile(Buffer.concat([folder, Buffer.from('/'), name]), name);
  }
  let deep = folder.toString();
  for (let level = 0; level < 12; level += 1) {
    deep = join(deep, `${level} `.padEnd(100, 'deeper '));
    await mkdir(deep);
  }
  await writeFile(join(deep, 'file'), 'more than 1,200 characters deep');
}

async function makeLinksToEverything(folder: string): Promise<void> {
  await run(['mkfifo', join(folder, 'fifo')]);
  await run(['mknod', join(folder, 'null'), 'c', '1', '3']);
  await run(['mknod', join(folder, 'disk'), 'b', '7', '0']);
  await symlink('/nowhere/at all', join(folder, 'dangling'));
  await symlink('.', join(folder, 'here'));
  await writeFile(join(folder, 'file'), 'file');
  // Not of the special files: GNU tar stores each name of those as a file of its own.
  for (const name of ['dangling', 'empty', 'file']) {
    await link(join(folder, name), join(folder, `another ${name}`));
  }
  // The name that sorts first is not the one that was there first.
  await link(join(folder, 'file'), join(folder, '\u0001 the same file'));
}

async function makeModes(folder: string): Promise<void> {
  for (const mode of [0o7777, 0o6711, 0o1000, 0o2000, 0o4000, 0o444]) {
    const name = mode.toString(8);
    await writeFile(join(folder, `file ${name}`), name);
    await chmod(join(folder, `file ${name}`), mode);
    await mkdir(join(folder, `folder ${name}`));
    await chmod(join(folder, `folder ${name}`), mode);
  }
  await mkdir(join(folder, 'owned'));
  await chown(join(folder, 'owned'), 12_345, 54_321);
  await writeFile(join(folder, 'owned', 'file'), 'in it');
  // Setting the owner takes these bits away, also when a file is extracted.
  await writeFile(join(folder, 'owned setuid'), 'x');
  await chown(join(folder, 'owned setuid'), 12_345, 54_321);
  await chmod(join(folder, 'owned setuid'), 0o6755);
  await run(['touch', '--no-dereference', '--date=@-1000000000.000000001', join(folder, 'dangling')]);
  await run(['touch', '--date=@1.000000001', join(folder, 'owned')]);
}

async function makeAttributes(folder: string): Promise<void> {
  await mkdir(join(folder, 'attributes'));
  await writeFile(join(folder, 'attributes', 'file'), 'x');
  const set = (path: string, name: string, value: string): Promise<Buffer> =>
    run(['setfattr', '--no-dereference', `--name=${name}`, `--value=${value}`, '--', path]);
  await set(join(folder, 'attributes'), 'user.of-a-folder', '"value"');
  await set(join(folder, 'attributes'), 'trusted.of-a-folder', '0x00');
  await set(join(folder, 'attributes', 'file'), 'user.line\nbreak', '"a\\012b"');
  await set(join(folder, 'attributes', 'file'), 'user.100%', '"per cent"');
  await set(join(folder, 'attributes', 'file'), 'user.a=b', '"equals"');
  await set(join(folder, 'attributes', 'file'), 'user.größe', '"not ASCII"');
  // Longer than a block of a tar; small filesystems have no room for more.
  await writeFile(join(folder, 'attributes', 'large'), 'x');
  await set(join(folder, 'attributes', 'large'), 'user.large', `0x${'f00d'.repeat(350)}`);
  await run(['setfacl', '--modify=user:4294967294:r--,mask::r--', '--', join(folder, 'attributes', 'file')]);
}

async function makeHoles(folder: string): Promise<void> {
  await mkdir(folder);
  const make = async (name: string, sizeBytes: number, dataAt: readonly number[]): Promise<void> => {
    const file = await open(join(folder, name), 'wx');
    try {
      await file.truncate(sizeBytes);
      for (const position of dataAt) await file.write(Buffer.alloc(4 * KiB, `${position} `), 0, 4 * KiB, position);
    } finally {
      await file.close();
    }
  };
  await make('nothing but a hole', 10_000_000, []);
  await make('hole at the start', 1_024 * KiB, [1_020 * KiB]);
  await make('hole at the end', 1_024 * KiB + 1, [0]);
  await make('hole in the middle', 1_024 * KiB, [0, 1_020 * KiB]);
  // The map of these does not fit one block of a tar.
  await make(
    'five hundred holes',
    64_000 * KiB,
    Array.from({ length: 500 }, (_, index) => index * 128 * KiB),
  );
  await make('one block of data and a size of no blocks', 5 * 1_024 * KiB + 777, [64 * KiB]);
}
