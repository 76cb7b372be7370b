import { chmod, mkdir, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGzip, gunzipSync, gzipSync } from 'node:zlib';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexKey } from '../../src/archive/index.js';
import {
  diffArchives,
  findEntries,
  listFolder,
  restore,
  validateAgainstIndex,
  type LookDependencies,
  type RestoreDestination,
} from '../../src/commands/index.js';
import { AppError, MiB, systemClock, type AppEvent, type SnapshotId } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';
import { createObjectSum } from '../../src/store/index.js';
import { archivePlain, putManifest, type PlainArchive } from '../support/plain-archive.js';
import { s3Sandbox, type S3Sandbox } from '../support/s3-sandbox.js';
import type { ObjectStore } from '../../src/store/index.js';

// An index that an enemy, or a disk that forgets, has written: with the manifest to it, so that all sums are right. Whatever reads
// it ends with one sentence, or with what is true; nothing is written outside of the target, and little memory is taken.

let s3: S3Sandbox;
let store: ObjectStore;
let folder = '';
let tree = '';
beforeAll(async () => {
  s3 = await s3Sandbox();
  folder = await mkdtemp('/tmp/snap-to-s3-hostile-index-');
  store = { client: s3.client(), bucket: 'bucket', clock: systemClock, temporaryDirectory: folder };
  tree = join(folder, 'tree');
  await mkdir(join(tree, 'a/b'), { recursive: true });
  for (const name of ['a/b/one', 'a/b/two', 'a/three', 'z']) await writeFile(join(tree, name), `${name}\n`);
});
afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  await run(['rm', '-rf', folder]);
});

const signal = new AbortController().signal;
const look = (): LookDependencies => ({ store, signal, decryption: { kind: 'session-keys', decrypt: [] } });
async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

interface Line {
  path: string;
  type: string;
  size: number;
  mode: string;
  uid: number;
  offset: number;
  stored: number;
  [field: string]: unknown;
}

/** Puts another index, and the manifest that goes with it. */
async function replaceIndex({ key, manifest }: PlainArchive, gzipped: Buffer, entries?: number): Promise<void> {
  const Key = indexKey(key);
  const put = await store.client.send(
    new PutObjectCommand({ Bucket: 'bucket', Key, Body: gzipped, ChecksumAlgorithm: 'CRC32' }),
  );
  const sum = createObjectSum();
  sum.add(gzipped);
  const index = { key: Key, ...sum.result(), etag: put.ETag ?? '' };
  const objects = manifest.objects.map((object) => ({ ...object, index, entries: entries ?? object.entries }));
  await putManifest(store, { ...manifest, objects });
}

/** An archive of the tree whose index has been changed. */
async function archived(change: (lines: Line[]) => readonly (Line | string)[]): Promise<PlainArchive> {
  const archive = await archivePlain(store, tree);
  const { Body } = await store.client.send(new GetObjectCommand({ Bucket: 'bucket', Key: indexKey(archive.key) }));
  const text = gunzipSync(Buffer.from((await Body?.transformToByteArray()) ?? [])).toString('utf8');
  const [header = '', ...rest] = text.trimEnd().split('\n');
  const trailer = JSON.parse(rest.pop() ?? '') as object;
  const changed = change(rest.map((line) => JSON.parse(line) as Line));
  const lines = changed.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  const all = [header, ...lines, JSON.stringify({ ...trailer, entries: lines.length }), ''];
  await replaceIndex(archive, gzipSync(all.join('\n')), lines.length);
  return archive;
}

/** What a command ended with; undefined where it was well. */
async function failureOf(work: Promise<unknown>): Promise<AppError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    // A defect would be another kind of error.
    expect(error).toBeInstanceOf(AppError);
    return error as AppError;
  }
}

let parents = 0;
async function restored(snapshotId: SnapshotId, destination: Partial<RestoreDestination> = {}) {
  parents += 1;
  const parent = join(folder, `parent-${parents}`);
  await mkdir(join(parent, 'etc'), { recursive: true });
  await writeFile(join(parent, 'canary'), 'sings\n');
  await chmod(join(parent, 'etc'), 0o751);
  await chmod(parent, 0o751);
  const events: AppEvent[] = [];
  const path = join(parent, 'to');
  const result = await restore(
    [{ snapshotId }],
    {
      destination: { kind: 'directory', path, patterns: ['**/one'], devices: false, ...destination } as never,
      partition: undefined,
      thaw: undefined,
      downloadStreams: 2,
      sessionKeys: [],
    },
    {
      store,
      clock: systemClock,
      events: (event) => void events.push(event),
      parallelism: 1,
      gnupgHome: undefined,
      isRoot: true,
      signal,
    },
  );
  // Nothing is outside, and nothing there has changed.
  expect((await readdir(parent)).filter((name) => name !== 'to').sort()).toEqual(['canary', 'etc']);
  expect(await readdir(join(parent, 'etc'))).toEqual([]);
  for (const place of [parent, join(parent, 'etc')]) expect((await stat(place)).mode & 0o7777).toBe(0o751);
  expect(await readFile(join(parent, 'canary'), 'utf8')).toBe('sings\n');
  const [failed] = result.failed;
  if (failed !== undefined) expect(await readdir(path).catch(() => 'gone')).toBe('gone');
  return { error: failed?.error, path, events };
}

async function validated(snapshotId: SnapshotId) {
  const events: AppEvent[] = [];
  const settings = { downloadStreams: 2, sessionKeys: [], jobs: 1 };
  const { failed } = await validateAgainstIndex({ kind: 'list', snapshotIds: [snapshotId] }, settings, {
    store,
    clock: systemClock,
    events: (event) => void events.push(event),
    parallelism: 1,
    gnupgHome: undefined,
    signal,
  });
  return { error: failed[0]?.error, findings: events.filter((event) => event.kind === 'finding') };
}

/** What each command makes of an index that none of them can read. */
async function expectRefused(archive: PlainArchive, sentence: RegExp): Promise<void> {
  const { snapshotId } = archive.snapshot;
  const intact = await archivePlain(store, tree);
  const looks = [
    all(listFolder({ snapshotId, path: '', recursive: true }, look())),
    all(findEntries({ snapshotId, pattern: '*', types: undefined }, look())),
    all(diffArchives(intact.snapshot.snapshotId, snapshotId, look())),
  ];
  const failures = [...(await Promise.all(looks.map(failureOf))), (await restored(snapshotId)).error];
  for (const failure of failures) {
    expect(failure).toMatchObject({ code: 'corrupt-archive', message: expect.stringMatching(sentence) });
    expect(failure?.message).toContain(indexKey(archive.key));
    expect(failure?.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  }
  const validation = await validated(snapshotId);
  expect(validation.error).toMatchObject({ code: 'validation-failed' });
  expect(validation.findings.at(-1)).toMatchObject({ text: expect.stringMatching(sentence) });
}

const changed = (name: string, change: Partial<Line>) => (lines: Line[]) =>
  lines.map((line) => (line.path === name ? { ...line, ...change } : line));

describe('an index of an enemy', () => {
  it.each<readonly [string, (lines: Line[]) => readonly (Line | string)[], RegExp]>([
    [
      'a line that is no JSON',
      (lines) => [...lines.slice(0, 2), '{"path":"q', ...lines.slice(2)],
      /Line 4 .*(not JSON)/,
    ],
    ['a path that is no JSON', (lines) => [...lines, '{"path":"\\x","type":"file"}'], /Line \d+ .*not JSON/],
    ['a path without end', (lines) => [...lines, '{"path":"\\'], /Line \d+ .*not JSON/],
    ['an empty line', (lines) => [...lines, ''], /Line \d+ .*not JSON/],
    ['a size below nothing', changed('a/b/one', { size: -1 }), /"size" holds -1/],
    ['a size beyond all numbers', changed('a/b/one', { size: 1e300 }), /"size" holds 1e\+300/],
    ['controls in a field', changed('a/b/one', { mode: '\u001b[2J\u009b' }), /"mode" holds/],
    ['lines out of order', (lines) => lines.toReversed(), /order/],
  ])('with %s -> one sentence that names index and line', async (_, change, sentence) => {
    await expectRefused(await archived(change), sentence);
  });

  it.each<readonly [string, (lines: Line[]) => readonly Line[], string, RegExp]>([
    [
      'folders above that lead outside',
      ([root, ...lines]) => {
        const [one, etc] = [lines.find(({ path }) => path === 'a/b/one'), lines.find(({ path }) => path === 'a')];
        if (root === undefined || one === undefined || etc === undefined)
          throw new Error('The tree has another index.');
        return [root, { ...etc, path: '../etc', mode: '0777' }, { ...one, path: '../etc/one' }, ...lines];
      },
      'unsafe-archive',
      /leads outside: "\.\.\/etc"/,
    ],
    [
      'an absolute path',
      ([root, ...lines]) => [...(root ? [root] : []), ...lines.map(absolute)],
      'corrupt-archive',
      /"a\/b\/one" is not what the index says/,
    ],
    [
      'a place beyond the tar',
      changed('a/b/one', { offset: 2 ** 52 }),
      'corrupt-archive',
      /from byte 4503599627370496 to byte \d+ of the tar, which has \d+\./,
    ],
    [
      'a member as long as all disks',
      changed('a/b/one', { stored: 2 ** 52 }),
      'corrupt-archive',
      /to byte 4503599627\d+ of the tar/,
    ],
    [
      'a size beyond all disks',
      changed('a/b/one', { size: 2 ** 53 - 1 }),
      'corrupt-archive',
      /"a\/b\/one" is not what the index says/,
    ],
    [
      'the place of another file',
      (lines) => changed('a/b/one', { offset: lines.at(-1)?.offset ?? 0 })(lines),
      'corrupt-archive',
      /"a\/b\/one" is in the index, but not in the tar/,
    ],
    [
      'another sum',
      changed('a/b/one', { sha256: '0'.repeat(64) }),
      'corrupt-archive',
      /"a\/b\/one" is not what the index says/,
    ],
    [
      'another type',
      changed('a/b/one', { type: 'symlink', target: '/etc/passwd' }),
      'corrupt-archive',
      /"a\/b\/one" is not what the index says/,
    ],
    [
      'a hard link to nothing',
      changed('a/b/one', { type: 'hardlink', target: '../../etc/passwd' }),
      'corrupt-archive',
      /another name of/,
    ],
  ])('with %s -> nothing of it is restored, and validating finds it', async (_, change, code, sentence) => {
    const { snapshot } = await archived(change);
    const { snapshotId } = snapshot;
    const patterns = ['**/one', '../etc/one'];
    const { error } = await restored(snapshotId, { patterns });
    expect(error).toMatchObject({ code, message: expect.stringMatching(sentence) });
    const { error: wrong, findings } = await validated(snapshotId);
    expect(wrong).toMatchObject({ code: 'validation-failed' });
    expect(findings.length).toBeGreaterThan(0);
    // What only looks shows what the index says, and touches nothing.
    const shown = await all(findEntries({ snapshotId, pattern: 'one', types: undefined }, look()));
    expect(shown.length).toBeGreaterThan(0);
    expect(await failureOf(all(listFolder({ snapshotId, path: '', recursive: true }, look())))).toBeUndefined();
    expect(await failureOf(all(diffArchives(snapshotId, snapshotId, look())))).toBeUndefined();
  });

  it('that says something else of a folder changes what is restored, and nothing behind a link', async () => {
    const { snapshot } = await archived(changed('a', { mode: '0700' }));
    const { error, path } = await restored(snapshot.snapshotId);
    expect(error).toBeUndefined();
    expect((await stat(join(path, 'a'))).mode & 0o7777).toBe(0o700);
    expect(await readFile(join(path, 'a/b/one'), 'utf8')).toBe('a/b/one\n');
  });
});

describe('an index that is a bomb', () => {
  it.each<readonly [string, (piece: Buffer) => Iterable<Buffer | string>, RegExp, number]>([
    [
      'a line of 1 GiB',
      (piece) => [header, '{"path":"', ...Array<Buffer>(1024).fill(piece)],
      /Line 2 of the index is too long/,
      400,
    ],
    ['a first line of 1 GiB', (piece) => Array<Buffer>(1024).fill(piece), /Line 1 of the index is too long/, 400],
    [
      'a line of 60 MiB that is millions of lists',
      () => [header, '{"path":"a","x":[', ...Array<string>(20).fill('[],'.repeat(MiB)), '1]}\n'],
      /Line 2 of the index holds more than an entry has/,
      700,
    ],
    [
      'a GiB of line ends',
      () => [header, ...Array<Buffer>(1024).fill(Buffer.alloc(MiB, '\n'))],
      /Line 2 of the index is not JSON/,
      400,
    ],
  ])('with %s -> one sentence, and memory stays as it is', async (_, contents, sentence, mostMiB) => {
    const archive = await archivePlain(store, tree);
    await replaceIndex(archive, await gzipped(contents(Buffer.alloc(MiB, 'x'))), 1);
    const before = process.memoryUsage.rss();
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
    try {
      await expectRefused(archive, sentence);
    } finally {
      clearInterval(watch);
    }
    expect((most - before) / MiB).toBeLessThan(mostMiB);
  });
});

const header = '{"format":"snap-to-s3-index","version":1,"kind":"tar"}\n';

async function gzipped(pieces: Iterable<Buffer | string>): Promise<Buffer> {
  const gzip = Readable.from(pieces, { objectMode: false }).pipe(createGzip({ level: 1 }));
  return Buffer.concat(await all(gzip as AsyncIterable<Buffer>));
}

function absolute(line: Line): Line {
  return line.path === '.' ? line : { ...line, path: `/${line.path}` };
}
