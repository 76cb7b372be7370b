import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  createSeekTableWriter,
  encodeIndexHeader,
  encodeIndexTrailer,
  encodeTarEntry,
  indexKey,
  type TarEntry,
} from '../../src/archive/index.js';
import { sentenceOf } from '../../src/cli/render/sentences.js';
import { compressor } from '../../src/codec/index.js';
import { restore, type RestoreDestination } from '../../src/commands/index.js';
import { GiB, MiB, snapshotId, systemClock, type AppEvent, type EventSink } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';
import { s3Sandbox, type S3Sandbox } from '../support/s3-sandbox.js';

// An archive of 10 GiB with 150,000 files, of which only those frames are more than zeros that the wanted file lies in.

const id = snapshotId('snap-0123456789abcdef0');
const key = `vol-0123456789abcdef0/2026-01-01T00:00:00+00:00 ${id}.tar.lz4`;
const frameBytes = 4 * MiB;
const files = 150_000;
const contentBytes = 139 * 512;
const memberBytes = contentBytes + 512;
const wanted = 75_000;
const nameOf = (at: number): string => `data/${String(at).padStart(6, '0')}.bin`;
const content = randomBytes(contentBytes);

let folder: string;
let s3: S3Sandbox;
let indexBytes = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-single-'));
  s3 = await s3Sandbox();
  const client = s3.client();
  await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: key, Body: await archive() }));
  const indexed = index();
  indexBytes = indexed.length;
  await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: indexKey(key), Body: indexed }));
});
afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function archive(): Promise<Buffer> {
  const compress = compressor('lz4', 1);
  const empty = await compress(Buffer.alloc(frameBytes));
  const from = wanted * memberBytes;
  const [first, last] = [from, from + memberBytes - 1].map((at) => Math.floor(at / frameBytes)) as [number, number];
  const raw = randomBytes((last - first + 1) * frameBytes);
  (await member()).copy(raw, from - first * frameBytes);
  const table = createSeekTableWriter();
  const pieces: Buffer[] = [];
  for (let at = 0; at < Math.ceil((files * memberBytes) / frameBytes); at += 1) {
    const inside = at >= first && at <= last;
    const piece = inside
      ? await compress(raw.subarray((at - first) * frameBytes, (at - first + 1) * frameBytes))
      : empty;
    pieces.push(piece);
    table.add({ compressedBytes: piece.length, rawBytes: frameBytes });
  }
  return Buffer.concat([...pieces, ...table.encode()]);
}

/** The wanted file as GNU tar writes it: header and content. */
async function member(): Promise<Buffer> {
  await run(['mkdir', join(folder, 'data')]);
  await writeFile(join(folder, nameOf(wanted)), content);
  const tar = await run(['tar', '--create', '--format=ustar', '--file=-', nameOf(wanted)], { cwd: folder });
  return Buffer.from(tar.subarray(0, memberBytes));
}

function index(): Buffer {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const lines = [encodeIndexHeader({ kind: 'tar' })];
  for (let at = 0; at < files; at += 1) {
    const entry: TarEntry = {
      type: 'file',
      path: Buffer.from(nameOf(at)),
      sizeBytes: contentBytes,
      mode: 0o644,
      uid: 0,
      gid: 0,
      uname: undefined,
      gname: undefined,
      mtime: `17000${String(at).padStart(5, '0')}.${String(at * 7)}1`,
      xattrs: undefined,
      aclAccess: undefined,
      aclDefault: undefined,
      offset: at * memberBytes,
      storedBytes: memberBytes,
      // Sums do not compress: that is what makes an index large.
      sha256: at === wanted ? sha256 : randomBytes(32).toString('hex'),
      dataSha256: undefined,
    };
    lines.push(encodeTarEntry(entry));
  }
  lines.push(encodeIndexTrailer({ entries: files, bytes: files * memberBytes }));
  return gzipSync(`${lines.join('\n')}\n`, { level: 1 });
}

function restoreTo(destination: RestoreDestination, events: EventSink = () => undefined) {
  return restore(
    [{ snapshotId: id }],
    { destination, partition: undefined, thaw: undefined, downloadStreams: 4, sessionKeys: [] },
    {
      store: { client: s3.client(), bucket: 'bucket', clock: systemClock, temporaryDirectory: folder },
      clock: systemClock,
      events,
      parallelism: 2,
      gnupgHome: undefined,
      isRoot: false,
      signal: new AbortController().signal,
    },
  );
}

it('one file of an archive of 10 GiB takes less than 32 MiB, which is said', async () => {
  expect(files * memberBytes).toBeGreaterThan(10 * GiB);
  const to = join(folder, 'restored');
  const events: AppEvent[] = [];
  const destination = { kind: 'directory', path: to, patterns: [nameOf(wanted)], devices: false } as const;
  const { failed } = await restoreTo(destination, (event) => void events.push(event));
  expect(failed).toEqual([]);
  expect((await readFile(join(to, nameOf(wanted)))).equals(content)).toBe(true);
  const restored = events.find((event) => event.kind === 'object-restored');
  // The index once, two frames and the seek table; all of it is counted.
  expect(indexBytes).toBeGreaterThan(5 * MiB);
  expect(restored?.object.fetchedBytes).toBeGreaterThan(indexBytes + frameBytes);
  expect(restored?.object.fetchedBytes).toBeLessThan(indexBytes + 2.1 * frameBytes);
  expect(restored?.object.fetchedBytes).toBeLessThan(32 * MiB);
  expect(restored === undefined ? '' : sentenceOf(restored)?.text).toMatch(
    /1 entry, 69\.5 KiB, (?:[12]\d\.\d|3[01]\.\d) MiB read from S3/,
  );
});

it('devices for somebody who is not root are refused before anything is made', async () => {
  const to = join(folder, 'with-devices');
  const { failed } = await restoreTo({ kind: 'directory', path: to, patterns: [], devices: true });
  expect(failed).toMatchObject([{ error: { code: 'not-root', hint: 'Run it with sudo, or without --devices.' } }]);
  await expect(readdir(to)).rejects.toThrow('ENOENT');
});
