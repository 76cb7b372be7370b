import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { run } from '../../src/process/index.js';

/** Everything about one file that an archive must bring back. */
export interface TreeEntry {
  readonly type: string;
  readonly mode: string;
  readonly owner: string;
  readonly mtimeNs: string;
  readonly sizeBytes?: number;
  readonly sha256?: string;
  readonly target?: string;
  readonly device?: string;
  /** The first path (in byte order) of all that share the inode; only where there are several. */
  readonly linkedTo?: string;
  /** True where less is allocated than the size says. */
  readonly hasHoles?: boolean;
  /** Extended attributes and ACLs, values in hexadecimal. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

/**
 * Reads a tree by its own means (lstat, readlink, file bytes, getfattr), never with tar. Keys are paths relative to the
 * root as latin1 text: one character a byte, so names that are no UTF-8 stay what they are.
 */
export async function readTree(
  root: string,
  options: { readonly except?: readonly string[] } = {},
): Promise<Map<string, TreeEntry>> {
  const xattrs = await readXattrs(root);
  const tree = new Map<string, TreeEntry>();
  const inodes = new Map<string, string>();
  const visit = async (path: Buffer, name: string): Promise<void> => {
    if (options.except?.includes(name) === true) return;
    const facts = await lstat(path, { bigint: true });
    const key = `${facts.dev}:${facts.ino}`;
    const isDirectory = facts.isDirectory();
    const first = inodes.get(key);
    if (first === undefined) inodes.set(key, name);
    tree.set(name, {
      type: typeOf(facts),
      mode: (facts.mode & 0o7777n).toString(8),
      owner: `${facts.uid}:${facts.gid}`,
      mtimeNs: String(facts.mtimeNs),
      ...(facts.isFile()
        ? { sizeBytes: Number(facts.size), sha256: await sha256Of(path), hasHoles: facts.blocks * 512n < facts.size }
        : {}),
      ...(facts.isSymbolicLink() ? { target: (await readlink(path, { encoding: 'buffer' })).toString('latin1') } : {}),
      ...(facts.isBlockDevice() || facts.isCharacterDevice() ? { device: String(facts.rdev) } : {}),
      ...(!isDirectory && facts.nlink > 1n ? { linkedTo: first ?? name } : {}),
      ...(xattrs.has(name) ? { xattrs: xattrs.get(name) ?? {} } : {}),
    });
    if (!isDirectory) return;
    const children = (await readdir(path, { encoding: 'buffer' })).sort((a, b) => Buffer.compare(a, b));
    for (const child of children) {
      const childName = child.toString('latin1');
      await visit(Buffer.concat([path, Buffer.from('/'), child]), name === '.' ? childName : `${name}/${childName}`);
    }
  };
  await visit(Buffer.from(root), '.');
  return tree;
}

function typeOf(facts: Awaited<ReturnType<typeof lstat>>): string {
  if (facts.isFile()) return 'file';
  if (facts.isDirectory()) return 'directory';
  if (facts.isSymbolicLink()) return 'symlink';
  if (facts.isBlockDevice()) return 'block-device';
  if (facts.isCharacterDevice()) return 'character-device';
  return facts.isFIFO() ? 'fifo' : 'socket';
}

async function sha256Of(path: Buffer): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}

async function readXattrs(root: string): Promise<Map<string, Record<string, string>>> {
  const argv = [
    'getfattr',
    '--recursive',
    '--physical',
    '--no-dereference',
    '--dump',
    '--match=-',
    '--encoding=hex',
    '.',
  ];
  const output = (await run(argv, { cwd: root })).toString('latin1');
  const found = new Map<string, Record<string, string>>();
  for (const block of output.split('\n\n')) {
    const [head, ...lines] = block.split('\n').filter((line) => line !== '');
    if (head === undefined) continue;
    // getfattr writes unusual bytes of names as \ooo.
    const name = head
      .replace(/^# file: (?:\.\/)?/, '')
      .replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    found.set(
      name,
      Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])),
    );
  }
  return found;
}
