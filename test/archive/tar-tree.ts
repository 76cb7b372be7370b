import { createHash } from 'node:crypto';
import { lstat, mkdir, open, readlink, symlink, writeFile } from 'node:fs/promises';
import { scanTar, type ScanTarOptions } from '../../src/archive/tar-scanner.js';
import type { TarEntry } from '../../src/archive/tar-scanner-entry.js';
import { run } from '../../src/process/index.js';

/** The options with which this tool runs tar. */
export const ourTarOptions = [
  '--format=pax',
  '--sparse',
  '--acls',
  '--xattrs',
  '--xattrs-include=*',
  '--sort=name',
  '--numeric-owner',
];

const badName = Buffer.from('bad \xff\xfe name', 'latin1');
const within = (folder: string, name: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]);

/** Data at 4 KiB marks of a file whose rest is holes. */
export async function writeSparse(path: string | Buffer, sizeBytes: number, marks: readonly number[]): Promise<void> {
  await using file = await open(path, 'w');
  for (const mark of marks) await file.write(Buffer.alloc(4096, `data at ${mark}, `), 0, 4096, mark);
  await file.truncate(sizeBytes);
}

/** A tree with everything that is awkward in a tar. Needs root. */
export async function makeAwkwardTree(root: string): Promise<void> {
  const files: [string | Buffer, number][] = [
    ['empty', 0],
    ['one', 1],
    ['511', 511],
    ['512', 512],
    ['513', 513],
    ['large', 300_001],
    ['new\nline', 10],
    ['quote"\'\\`$(x)', 10],
    ['tab\tand \u001b[31mred', 10],
    ['ünïcödé 文字', 10],
    [badName, 20],
    ['- leading dash', 3],
    ['x'.repeat(255), 7],
  ];
  for (const [name, bytes] of files) await writeFile(within(root, name), Buffer.alloc(bytes, `${bytes} of content\n`));
  const deep = Array.from({ length: 3 }, (_, at) => String(at).repeat(100)).join('/');
  await mkdir(`${root}/${deep}`, { recursive: true });
  await writeFile(`${root}/${deep}/file`, 'deep');
  await mkdir(within(root, Buffer.concat([badName, Buffer.from('.d')])));
  await mkdir(`${root}/acl.d`);
  await symlink('one', `${root}/link`);
  await symlink('./../x//y/', `${root}/link odd`);
  await symlink('t'.repeat(400), `${root}/link long`);
  await symlink(badName, `${root}/link bad`);
  // A long name and a long target at once: two headers of old GNU tar before the member's own.
  await symlink('t'.repeat(400), `${root}/${deep}/link long`);
  await run(['ln', `${root}/one`, `${root}/one again`]);
  await run(['ln', `${root}/${deep}/file`, `${root}/zz hard link to deep`]);
  await run(['mknod', `${root}/null`, 'c', '1', '3']);
  await run(['mknod', `${root}/disk`, 'b', '259', '70000']);
  await run(['mkfifo', `${root}/fifo`]);
  await run(['chown', '3000000:4294967294', `${root}/513`]);
  await run(['chmod', '6755', `${root}/512`]);
  await run(['chmod', '1777', `${root}/acl.d`]);
  await run(['setfattr', '-n', 'user.a=b%c%3D', '-v', '0x000aff3d0a', `${root}/one`]);
  await run(['setfattr', '-n', 'user.empty', `${root}/one`]);
  await run(['setfattr', '-n', 'trusted.t', '-v', 'trusted', `${root}/acl.d`]);
  await run(['setfacl', '-m', 'u:1234:rwx,g:99:r', `${root}/511`]);
  await run(['setfacl', '-d', '-m', 'u:1234:rx', `${root}/acl.d`]);
  await writeSparse(`${root}/sparse start`, 5 * 4096, [4 * 4096]);
  await writeSparse(`${root}/sparse end`, 1_000_001, [0]);
  await writeSparse(`${root}/sparse all`, 3_000_000, []);
  const many = Array.from({ length: 60 }, (_, at) => at * 12_288);
  await writeSparse(`${root}/sparse many`, 60 * 12_288 + 5, many);
  await run(['touch', '-d', '1969-12-31T23:59:58.5Z', `${root}/one`]);
  await run(['touch', '-d', '1901-01-01T00:00:00Z', `${root}/511`]);
  await run(['touch', '-h', '-d', '2009-02-13T23:31:30.123456789Z', `${root}/link`]);
  await run(['touch', '-d', '2445-05-01T02:40:00.000000001Z', `${root}/empty`]);
  await run(['touch', '-d', '1970-01-01T00:00:00Z', root]);
}

/** Cuts a buffer into chunks. */
export async function* chunked(bytes: Buffer, next: () => number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const size = next();
    yield bytes.subarray(at, at + size);
    at += size;
  }
  await Promise.resolve();
}

/** Scans to the end. */
export async function scanAll(
  source: AsyncIterable<Buffer>,
  onEntry: ScanTarOptions['onEntry'] = () => undefined,
): Promise<{ entries: TarEntry[]; passedSha256: string; tarBytes: number }> {
  const entries: TarEntry[] = [];
  const scan = scanTar({
    onEntry: (entry) => {
      entries.push(entry);
      return onEntry(entry);
    },
  });
  const passed = createHash('sha256');
  for await (const chunk of scan(source)) passed.update(chunk);
  if (scan.totals.entries !== entries.length) throw new Error('totals.entries is wrong');
  return { entries, passedSha256: passed.digest('hex'), tarBytes: scan.totals.tarBytes };
}

/** SHA-256 of a file's content, whatever the bytes of its name. */
export async function sha256sum(path: Buffer | string): Promise<string> {
  const sum = createHash('sha256');
  await using file = await open(path);
  for await (const chunk of file.createReadStream({ autoClose: false })) sum.update(chunk as Buffer);
  return sum.digest('hex');
}

/** What lstat and friends say, in the terms of a tar entry. */
export async function truthOf(root: string, entry: TarEntry, wholeSeconds: boolean): Promise<Record<string, unknown>> {
  const path = within(root, entry.path);
  const stat = await lstat(path, { bigint: true });
  const type = stat.isFile()
    ? 'file'
    : stat.isDirectory()
      ? 'directory'
      : stat.isSymbolicLink()
        ? 'symlink'
        : stat.isFIFO()
          ? 'fifo'
          : stat.isBlockDevice()
            ? 'block-device'
            : 'character-device';
  const facts = {
    type,
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: decimalSeconds(stat.mtimeNs, wholeSeconds),
    sizeBytes: type === 'file' ? Number(stat.size) : 0,
  };
  if (entry.type === 'hardlink') {
    const target = await lstat(within(root, entry.linkTarget), { bigint: true });
    if (target.ino !== stat.ino) throw new Error('a hard link to something else');
    return { ...facts, type: 'hardlink', sizeBytes: 0 };
  }
  if (type === 'file') return { ...facts, sha256: await sha256sum(path) };
  if (type === 'symlink') return { ...facts, linkTarget: await readlink(path, 'buffer') };
  if (type.endsWith('device')) {
    return {
      ...facts,
      major: Number(((stat.rdev >> 8n) & 0xfffn) | ((stat.rdev >> 32n) & ~0xfffn)),
      minor: Number((stat.rdev & 0xffn) | ((stat.rdev >> 12n) & 0xffffff00n)),
    };
  }
  return facts;
}

function decimalSeconds(ns: bigint, whole: boolean): string {
  if (whole) return String((ns - (((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)) / 1_000_000_000n);
  const size = ns < 0n ? -ns : ns;
  const text = `${size / 1_000_000_000n}.${String(size % 1_000_000_000n).padStart(9, '0')}`.replace(/\.?0+$/, '');
  return ns < 0n ? `-${text}` : text === '' ? '0' : text;
}
