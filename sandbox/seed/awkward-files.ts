import { chmod, chown, lchown, link, mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GiB, KiB, MiB } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';

/** Sizes around the blocks of tar and of filesystems. */
const edgeSizes = [0, 1, 511, 512, 513, 4095, 4096, 4097, 10_240, 1024 * KiB + 1] as const;

/** Makes one of everything that is not an ordinary file with ordinary attributes. Returns how many entries were made. */
export async function makeAwkwardFiles(folder: string): Promise<number> {
  const made = [
    await makeSizes(folder),
    await makeLinks(folder),
    await makeSpecials(folder),
    await makeOwnersAndModes(folder),
    await makeAttributes(folder),
    await makeTimes(folder),
  ];
  return made.reduce((sum, count) => sum + count, 0);
}

/** A file that says it is many GiB and has data only at its start, in its middle and at its end. */
export async function makeSparseFile(path: string, sizeGiB: number): Promise<void> {
  const size = sizeGiB * GiB + 12_345;
  const file = await open(path, 'wx');
  try {
    await file.truncate(size);
    const data = Buffer.alloc(MiB, 'sparse but not empty ');
    for (const position of [0, Math.floor(size / 2), size - data.length]) {
      await file.write(data, 0, data.length, position);
    }
  } finally {
    await file.close();
  }
}

/** Many small files in one folder. */
export async function makeSmallFiles(folder: string, count: number): Promise<void> {
  await mkdir(folder);
  for (let number = 0; number < count; number += 1) {
    await writeFile(join(folder, `small-${number}.txt`), `file ${number}\n`.repeat(1 + (number % 40)));
  }
}

async function makeSizes(folder: string): Promise<number> {
  for (const size of edgeSizes) await writeFile(join(folder, `size-${size}`), Buffer.alloc(size, `${size} bytes. `));
  await mkdir(join(folder, 'empty-folder'));
  return edgeSizes.length + 1;
}

async function makeLinks(folder: string): Promise<number> {
  await mkdir(join(folder, 'links'));
  await writeFile(join(folder, 'links', 'original'), 'one file with three names');
  await link(join(folder, 'links', 'original'), join(folder, 'links', 'hard-link'));
  await link(join(folder, 'links', 'original'), join(folder, 'hard-link-elsewhere'));
  const targets = { relative: 'links/original', absolute: '/etc/hostname', dangling: 'nothing/here', itself: 'itself' };
  for (const [name, target] of Object.entries(targets)) await symlink(target, join(folder, name));
  await symlink('../..', join(folder, 'links', 'upwards'));
  return 9;
}

async function makeSpecials(folder: string): Promise<number> {
  await run(['mkfifo', join(folder, 'fifo')]);
  await run(['mknod', join(folder, 'character-device'), 'c', '1', '3']);
  await run(['mknod', join(folder, 'block-device'), 'b', '259', '70000']);
  return 3;
}

async function makeOwnersAndModes(folder: string): Promise<number> {
  const file = async (name: string, change: (path: string) => Promise<void>): Promise<void> => {
    const path = join(folder, name);
    await writeFile(path, name);
    await change(path);
  };
  await file('owner-12345', (path) => chown(path, 12_345, 54_321));
  // More than the seven octal digits of a tar header hold.
  await file('owner-3000000000', (path) => chown(path, 3_000_000_000, 3_000_000_001));
  await file('setuid', (path) => chmod(path, 0o4755));
  await file('setgid', (path) => chmod(path, 0o2755));
  await file('mode-000', (path) => chmod(path, 0o000));
  await mkdir(join(folder, 'sticky'));
  await chmod(join(folder, 'sticky'), 0o1777);
  await symlink('owner-12345', join(folder, 'link-of-12345'));
  await lchown(join(folder, 'link-of-12345'), 12_345, 54_321);
  return 7;
}

async function makeAttributes(folder: string): Promise<number> {
  const path = join(folder, 'with-attributes');
  await writeFile(path, 'xattrs');
  const values: Readonly<Record<string, string>> = {
    'user.comment': '"text with = and \\"quotes\\""',
    'user.binary': '0x00ff0a0d00',
    'user.empty': '""',
    'trusted.sandbox': '"for root only"',
    // cap_net_bind_service+ep
    'security.capability': '0x0100000200040000000000000000000000000000',
  };
  for (const [name, value] of Object.entries(values)) {
    await run(['setfattr', `--name=${name}`, `--value=${value}`, '--', path]);
  }
  const shared = join(folder, 'with-acl');
  await mkdir(shared);
  await writeFile(join(shared, 'file'), 'ACLs');
  await run(['setfacl', '--modify=user:12345:rw-,group:54321:r--', '--', join(shared, 'file')]);
  await run(['setfacl', '--modify=user:12345:rwx,default:user:12345:rwx', '--', shared]);
  return 3;
}

async function makeTimes(folder: string): Promise<number> {
  const times: Readonly<Record<string, string>> = {
    'time-nanoseconds': '@1234567890.123456789',
    'time-before-1970': '@-86400.75',
    'time-epoch': '@0',
    'time-2100': '@4102444800.5',
  };
  for (const [name, date] of Object.entries(times)) {
    await writeFile(join(folder, name), date);
    await run(['touch', '--no-create', `--date=${date}`, '--', join(folder, name)]);
  }
  return Object.keys(times).length;
}
