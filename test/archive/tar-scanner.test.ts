import { createHash, randomInt } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTarHeader } from '../../src/archive/tar-header.js';
import { createMemberHeaders } from '../../src/archive/tar-scanner-member.js';
import { scanTar } from '../../src/archive/tar-scanner.js';
import type { TarEntry } from '../../src/archive/tar-scanner-entry.js';
import { AppError, GiB, MiB } from '../../src/core/index.js';
import { run, start } from '../../src/process/index.js';
import { chunked, makeAwkwardTree, ourTarOptions, scanAll, sha256sum, truthOf, writeSparse } from './tar-tree.js';

let folder: string;
let tree: string;
/** The same without what is large. */
let smallTree: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tar-scanner-'));
  tree = join(folder, 'tree');
  await mkdir(tree);
  await makeAwkwardTree(tree);
  smallTree = join(folder, 'small');
  await run(['cp', '-a', tree, smallTree]);
  await run(['find', smallTree, '-type', 'f', '-size', '+64k', '-delete']);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const tarOf = (options: readonly string[], root = tree): Promise<Buffer> =>
  run(['tar', '-C', root, ...options, '-cf', '-', '.']);
const whole = (bytes: Buffer): AsyncIterable<Buffer> => chunked(bytes, () => 64 * 1024);
const named = (entries: readonly TarEntry[], name: string): TarEntry => {
  const found = entries.find((entry) => entry.path.toString() === name);
  if (found === undefined) throw new Error(`no entry ${name}`);
  return found;
};

interface Format {
  readonly name: string;
  readonly options: readonly string[];
  readonly wholeSeconds: boolean;
}
const formats: readonly Format[] = [
  { name: 'as this tool runs tar', options: ourTarOptions, wholeSeconds: false },
  { name: 'pax', options: ['--format=pax'], wholeSeconds: false },
  { name: 'pax, sparse 0.0', options: ['--format=pax', '--sparse', '--sparse-version=0.0'], wholeSeconds: false },
  { name: 'pax, sparse 0.1', options: ['--format=pax', '--sparse', '--sparse-version=0.1'], wholeSeconds: false },
  { name: 'pax, sparse 1.0', options: ['--format=pax', '--sparse', '--sparse-version=1.0'], wholeSeconds: false },
  { name: 'gnu', options: ['--format=gnu'], wholeSeconds: true },
  { name: 'gnu, sparse', options: ['--format=gnu', '--sparse'], wholeSeconds: true },
  { name: 'oldgnu, sparse', options: ['--format=oldgnu', '--sparse'], wholeSeconds: true },
  {
    name: 'pax with a global header',
    options: ['--format=pax', '--pax-option=globexthdr.name=g,SCHILY.xattr.user.all=yes,comment=c'],
    wholeSeconds: false,
  },
];

describe.each(formats)('a tar in format $name', ({ options, wholeSeconds }) => {
  it('tells of every member what lstat and sha256sum tell', async () => {
    const tar = await tarOf(options);
    const { entries, passedSha256, tarBytes } = await scanAll(whole(tar));
    expect(passedSha256).toBe(createHash('sha256').update(tar).digest('hex'));
    expect(tarBytes).toBe(tar.length);
    const onDisk = await readdir(Buffer.from(tree), { recursive: false, encoding: 'buffer' });
    const topLevel = entries.filter((entry) => !entry.path.includes(0x2f) && entry.path.toString() !== '.');
    expect(topLevel.map(({ path }) => path.toString('hex')).sort()).toEqual(
      onDisk.map((n) => n.toString('hex')).sort(),
    );
    for (const entry of entries) {
      expect(entry, entry.path.toString()).toMatchObject(await truthOf(tree, entry, wholeSeconds));
    }
    expect(entries.filter(({ type }) => type === 'hardlink')).toHaveLength(2);
    const sparse = entries.filter((entry) => entry.type === 'file' && entry.dataSha256 !== undefined);
    expect(sparse).toHaveLength(options.includes('--sparse') ? 4 : 0);
  });

  it('gives the place of every member, which alone is readable', { timeout: 60_000 }, async () => {
    const tar = await tarOf(options);
    const { entries } = await scanAll(whole(tar));
    let end = entries[0]?.offset ?? 0;
    for (const entry of entries) {
      expect(entry.offset).toBe(end);
      end = entry.offset + entry.storedBytes;
      const alone = Buffer.concat([tar.subarray(entry.offset, end), Buffer.alloc(1024)]);
      const listed = await run(['tar', '-t', '--null', '--quoting-style=literal', '-f', '-'], { input: alone });
      const name = listed.subarray(0, -1).toString('latin1').replace(/^\.\//, '').replace(/\/$/, '');
      expect(name === '' ? '.' : name).toBe(entry.path.toString('latin1'));
      if (entry.type !== 'file') continue;
      const content = await run(['tar', '-x', '-O', '-f', '-'], { input: alone });
      expect(createHash('sha256').update(content).digest('hex')).toBe(entry.sha256);
    }
    expect(tar.subarray(end).equals(Buffer.alloc(tar.length - end))).toBe(true);
  });

  it.each([
    ['1 byte', () => 1],
    ['511 bytes', () => 511],
    ['512 bytes', () => 512],
    ['513 bytes', () => 513],
    ['10 KiB', () => 10_240],
    ['random sizes', () => randomInt(1, 3_000)],
    ['everything', () => Infinity],
  ] satisfies [string, () => number][])(
    'is read the same in chunks of %s',
    { timeout: 60_000 },
    async (_name, next) => {
      // Byte by byte, zeros by the million tell nothing more; holes that are stored as such do.
      const isLong = next() === 1 && !options.includes('--sparse');
      const tar = await tarOf(options, isLong ? smallTree : tree);
      expect(await scanAll(chunked(tar, next))).toEqual(await scanAll(whole(tar)));
    },
  );
});

describe('what pax keeps', () => {
  it('extended attributes, ACLs, negative and fractional times', async () => {
    const { entries } = await scanAll(whole(await tarOf(ourTarOptions)));
    expect(Object.fromEntries(named(entries, 'one').xattrs ?? [])).toEqual({
      'user.a=b%c%3D': Buffer.from([0, 10, 255, 61, 10]),
      'user.empty': Buffer.alloc(0),
    });
    expect(named(entries, 'one').mtime).toBe('-1.5');
    expect(named(entries, 'link').mtime).toBe('1234567890.123456789');
    expect(named(entries, 'empty').mtime).toBe('15000000000.000000001');
    expect(named(entries, '511').aclAccess).toMatch(/user:1234:rwx/);
    expect(named(entries, '511').aclDefault).toBeUndefined();
    expect(named(entries, 'acl.d').aclDefault).toMatch(/user:1234:r-x/);
    expect(named(entries, 'acl.d').xattrs?.get('trusted.t')).toEqual(Buffer.from('trusted'));
    expect(named(entries, '512').xattrs).toBeUndefined();
    expect(named(entries, 'link odd')).toMatchObject({ linkTarget: Buffer.from('./../x//y/') });
  });

  it('a global header is for every member', async () => {
    const global = formats.find(({ name }) => name === 'pax with a global header')?.options ?? [];
    const { entries } = await scanAll(whole(await tarOf(global)));
    expect(entries.length).toBeGreaterThan(30);
    for (const entry of entries) expect(entry.xattrs?.get('user.all')).toEqual(Buffer.from('yes'));
  });
});

describe('large files', () => {
  const huge = 17 * GiB + 12_345;

  it.each([
    ['--format=pax', '--sparse-version=0.0'],
    ['--format=pax', '--sparse-version=0.1'],
    ['--format=pax', '--sparse-version=1.0'],
    ['--format=gnu'],
    ['--format=oldgnu'],
  ])('%s %s: with more than 16 GiB of holes only the data is hashed', async (...options) => {
    const root = await mkdtemp(join(folder, 'huge-'));
    const marks = [4096, 9 * GiB, 17 * GiB];
    await writeSparse(join(root, 'huge'), huge, marks);
    const { entries } = await scanAll(whole(await tarOf([...options, '--sparse'], root)));
    const data = Buffer.concat(marks.map((mark) => Buffer.alloc(4096, `data at ${mark}, `)));
    expect(named(entries, 'huge')).toMatchObject({
      sizeBytes: huge,
      sha256: undefined,
      dataSha256: createHash('sha256').update(data).digest('hex'),
    });
  });

  it(
    'more than 2 GiB with holes: the sum is that of the whole file, and others get their turn',
    { timeout: 120_000 },
    async () => {
      const root = await mkdtemp(join(folder, 'two-'));
      await writeSparse(join(root, 'two'), 2 * GiB + 64 * MiB + 1, [2 * GiB]);
      let turns = 0;
      const timer = setInterval(() => (turns += 1), 5);
      const { entries } = await scanAll(whole(await tarOf(ourTarOptions, root)));
      clearInterval(timer);
      expect(turns).toBeGreaterThan(15);
      expect(named(entries, 'two')).toMatchObject({
        sizeBytes: 2 * GiB + 64 * MiB + 1,
        sha256: (await run(['sha256sum', join(root, 'two')])).toString().slice(0, 64),
      });
    },
  );

  it('sizes over 8 GiB are read from base-256 and from pax records', async () => {
    const root = await mkdtemp(join(folder, 'dense-'));
    await writeSparse(join(root, 'dense'), 9 * GiB, []);
    const head = async (format: string): Promise<Buffer> => {
      const tar = start(['tar', '-C', root, `--format=${format}`, '-cf', '-', 'dense']);
      let first: Buffer | undefined;
      for await (const chunk of tar.stdout as AsyncIterable<Buffer>) {
        first ??= Buffer.from(chunk);
        tar.kill('SIGKILL');
      }
      await tar.ended.catch(() => undefined);
      if (first !== undefined) return first;
      throw new Error('tar wrote nothing');
    };
    const gnu = await head('gnu');
    expect(parseTarHeader(gnu.subarray(0, 512), 0).sizeBytes).toBe(9 * GiB);
    const pax = await head('pax');
    const headers = createMemberHeaders();
    const meta = headers.addHeader(pax.subarray(0, 512), 0);
    expect(meta).toMatchObject({ kind: 'meta', typeflag: 'x' });
    if (meta.kind === 'meta') headers.addMeta('x', pax.subarray(512, 512 + meta.bytes));
    expect(headers.addHeader(pax.subarray(1024, 1536), 1024)).toMatchObject({
      member: { storedDataBytes: 9 * GiB, draft: { sizeBytes: 9 * GiB, offset: 0 } },
    });
  });
});

describe('in a pipeline', () => {
  it('reads what tar writes while it writes, waiting for each entry to be taken', async () => {
    let taking = 0;
    const taken: string[] = [];
    const tar = start(['tar', '-C', tree, ...ourTarOptions, '-cf', '-', '.']);
    const scan = scanTar({
      onEntry: async (entry) => {
        taking += 1;
        expect(taking).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 1));
        taking -= 1;
        taken.push(entry.path.toString());
      },
    });
    await pipeline(tar.stdout, scan, async (source: AsyncIterable<Buffer>) => {
      for await (const _ of source);
    });
    await tar.ended;
    expect(taken).toHaveLength(scan.totals.entries);
  });

  it('an entry that is not taken breaks the pipeline', async () => {
    const refused = new Error('refused');
    const sources = [
      () => Promise.reject(refused),
      () => {
        throw refused;
      },
    ];
    for (const onEntry of sources) {
      await expect(scanAll(whole(await tarOf(ourTarOptions)), onEntry)).rejects.toBe(refused);
    }
  });

  it('yields the very buffers that it reads', async () => {
    const tar = await tarOf(['--format=gnu']);
    const chunks = [tar.subarray(0, 700), tar.subarray(700)];
    const scan = scanTar({ onEntry: () => undefined });
    const passed: Buffer[] = [];
    const source = async function* (): AsyncGenerator<Buffer> {
      yield* chunks;
      await Promise.resolve();
    };
    for await (const chunk of scan(source())) passed.push(chunk);
    expect(passed[0]).toBe(chunks[0]);
    expect(passed[1]).toBe(chunks[1]);
  });
});

describe('damage', () => {
  const outcome = async (source: AsyncIterable<Buffer>): Promise<'read' | AppError> => {
    try {
      await scanAll(source);
      return 'read';
    } catch (error) {
      if (error instanceof AppError) return error;
      throw error;
    }
  };

  it('an empty tar has no members', async () => {
    const tar = await run(['tar', '-cf', '-', '-T', '/dev/null']);
    expect(await scanAll(whole(tar))).toMatchObject({ entries: [], tarBytes: 10_240 });
  });

  it('no bytes at all are no tar', async () => {
    expect(await outcome(whole(Buffer.alloc(0)))).toMatchObject({
      code: 'source-unreadable',
      details: { tarOffset: 0 },
    });
  });

  it.each(formats)('$name: a tar cut anywhere is found out, with the place', async ({ options }) => {
    const tar = await tarOf(options);
    const { entries } = await scanAll(whole(tar));
    const last = entries.at(-1);
    const end = (last?.offset ?? 0) + (last?.storedBytes ?? 0) + 1024;
    const cuts = [1, 511, 512, 513, end - 1024, end - 513, end - 512, end - 1];
    for (let round = 0; round < 60; round += 1) cuts.push(randomInt(1, end));
    for (const cut of cuts) {
      expect(await outcome(whole(tar.subarray(0, cut))), `cut at ${cut}`).toMatchObject({
        code: 'source-unreadable',
        details: { tarOffset: cut },
      });
    }
    expect(await outcome(whole(tar.subarray(0, end)))).toBe('read');
  });

  it.each(formats)(
    '$name: flipped bytes are read over or refused, never worse',
    { timeout: 60_000 },
    async ({ options }) => {
      const tar = await tarOf(options);
      const { entries } = await scanAll(whole(tar));
      for (let round = 0; round < 300; round += 1) {
        const damaged = Buffer.from(tar);
        // Headers are where it hurts.
        const entry = entries[randomInt(entries.length)];
        const at = (entry?.offset ?? 0) + randomInt(Math.min(entry?.storedBytes ?? 1, 3_000));
        damaged[at] = randomInt(256);
        const result = await outcome(chunked(damaged, () => randomInt(1, 100_000)));
        if (result !== 'read') expect(result.code).toBe('source-unreadable');
      }
    },
  );

  it('a header whose checksum is wrong is named by its offset', async () => {
    const tar = await tarOf(['--format=gnu']);
    const { entries } = await scanAll(whole(tar));
    const offset = entries[5]?.offset ?? 0;
    tar[offset] = (tar[offset] ?? 0) ^ 1;
    const error = await outcome(whole(tar));
    expect(error).toMatchObject({ code: 'source-unreadable', details: { tarOffset: offset } });
    expect(String(error)).toContain(`byte ${offset}`);
  });

  it('headers with a valid checksum and impossible content are refused', async () => {
    const header = (change: (block: Buffer) => void): Buffer => {
      const block = Buffer.alloc(512);
      block.write('name');
      for (const [at, text] of [
        [100, '0000644\0'],
        [108, '0000000\0'],
        [116, '0000000\0'],
        [124, '00000000000\0'],
        [136, '00000000000\0'],
        [156, '0'],
        [257, 'ustar\x0000'],
      ] as const)
        block.write(text, at, 'latin1');
      change(block);
      block.fill(' ', 148, 156);
      block.write(
        `${block
          .reduce((sum, byte) => sum + byte, 0)
          .toString(8)
          .padStart(6, '0')}\0 `,
        148,
      );
      return block;
    };
    const end = Buffer.alloc(1024);
    const plain = header(() => undefined);
    const pax = (body: string): Buffer => {
      const data = Buffer.alloc(Math.ceil(body.length / 512) * 512);
      data.write(body);
      return Buffer.concat([
        header(
          (b) => b.write(`${body.length.toString(8).padStart(11, '0')}\0x`, 124).toString() && b.fill('x', 156, 157),
        ),
        data,
        plain,
      ]);
    };
    expect(await outcome(whole(Buffer.concat([plain, end])))).toBe('read');
    const bad: Buffer[] = [
      header((b) => b.write('0000008\0', 100)),
      header((b) => b.fill(0xff, 124, 136)),
      header((b) => b.fill(0x80, 124, 125).fill(0x7f, 125, 136)),
      Buffer.concat([plain, Buffer.alloc(512), plain]),
      Buffer.concat([plain, end, plain]),
      Buffer.concat([header((b) => b.write('77777777777\0x', 124)), plain]),
      pax('99 path=a\n'),
      pax('9 path=a'),
      pax('x path=a\n'),
      pax('10 size=9x\n'),
      pax('27 size=99999999999999999\n'),
      pax('33 mtime=99999999999999999999.5\n'),
      pax('13 mtime=1e9\n'),
      pax('22 GNU.sparse.major=1\n'),
      pax('22 GNU.sparse.major=1\n27 GNU.sparse.realsize=100\n'),
      pax('25 GNU.sparse.map=0,1,0\n19 GNU.sparse.size=9\n'),
    ];
    for (const [index, tar] of bad.entries()) {
      expect(await outcome(whole(Buffer.concat([tar, end]))), `case ${index}`).toMatchObject({
        code: 'source-unreadable',
      });
    }
  });

  it('memory stays flat over a large stream', { timeout: 60_000 }, async () => {
    const root = await mkdtemp(join(folder, 'flat-'));
    await writeSparse(join(root, 'big'), 512 * MiB, []);
    const tar = start(['tar', '-C', root, '--format=pax', '-cf', '-', '.']);
    const before = process.memoryUsage().rss;
    const { entries } = await scanAll(tar.stdout as AsyncIterable<Buffer>);
    await tar.ended;
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * MiB);
    expect(named(entries, 'big')).toMatchObject({ sha256: await sha256sum(join(root, 'big')) });
  });
});
