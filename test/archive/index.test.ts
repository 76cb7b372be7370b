import { createHash, randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeTarEntry } from '../../src/archive/index-entry.js';
import { scanImage, type ImageChunk } from '../../src/archive/index-image.js';
import {
  encodeIndexHeader,
  encodeIndexRecord,
  encodeIndexTrailer,
  parseIndexHeader,
  parseIndexLine,
} from '../../src/archive/index-line.js';
import { readIndex, type IndexItem } from '../../src/archive/index-reader.js';
import { createIndexWriter } from '../../src/archive/index-writer.js';
import type { TarEntry } from '../../src/archive/tar-scanner-entry.js';
import { AppError, MiB } from '../../src/core/index.js';

const sha = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const facts = {
  path: Buffer.from('a/b'),
  sizeBytes: 0,
  mode: 0o755,
  uid: 1,
  gid: 2,
  uname: undefined,
  gname: undefined,
  mtime: '1234567890.123456789',
  xattrs: undefined,
  aclAccess: undefined,
  aclDefault: undefined,
  offset: 512,
  storedBytes: 1024,
};
const entries: readonly TarEntry[] = [
  { ...facts, type: 'file', sizeBytes: 2 ** 53 - 1, sha256: sha('x'), dataSha256: undefined },
  { ...facts, type: 'file', sizeBytes: 5, sha256: undefined, dataSha256: sha('y') },
  {
    ...facts,
    type: 'directory',
    path: Buffer.from('.'),
    mode: 0o1777,
    mtime: '-1.5',
    uname: 'root',
    gname: 'w"heel\n',
  },
  {
    ...facts,
    type: 'symlink',
    linkTarget: Buffer.from('bad \xff\xfe', 'latin1'),
    path: Buffer.from('\xc3\x28', 'latin1'),
  },
  { ...facts, type: 'hardlink', linkTarget: Buffer.from('new\nline \u2028 \u0000 \ufffd 文') },
  { ...facts, type: 'character-device', major: 1, minor: 3, mode: 0o6000 },
  { ...facts, type: 'block-device', major: 259, minor: 70_000, uid: 4_294_967_294, gid: -2 },
  { ...facts, type: 'fifo', aclAccess: 'user::rwx\n', aclDefault: undefined },
  {
    ...facts,
    type: 'other',
    aclDefault: 'user::r-x',
    xattrs: new Map([
      ['user.a', randomBytes(50)],
      ['__proto__', Buffer.alloc(0)],
      ['user.1', Buffer.from('1')],
    ]),
  },
];

const place = { header: { kind: 'tar' }, lineNumber: 7 } as const;
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'accepted';
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
};
const collect = async (bytes: AsyncIterable<Buffer>): Promise<Buffer> => {
  const all: Buffer[] = [];
  for await (const piece of bytes) all.push(piece);
  return Buffer.concat(all);
};
async function* pieces(bytes: Buffer, size = 1000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  await Promise.resolve();
}
const readAll = async (gzipped: Buffer, size?: number): Promise<IndexItem[]> => {
  const items: IndexItem[] = [];
  for await (const item of readIndex(pieces(gzipped, size))) items.push(item);
  return items;
};

describe('an index line', () => {
  it.each(entries)('keeps every byte of an entry: $type', (entry) => {
    const line = encodeTarEntry(entry);
    expect(line).not.toContain('\n');
    expect(parseIndexLine(line, place)).toEqual({ kind: 'entry', entry });
  });

  it('can be read by people and other programs', () => {
    expect(entries.slice(0, 4).map((entry) => JSON.parse(encodeTarEntry(entry)) as unknown)).toEqual([
      {
        path: 'a/b',
        type: 'file',
        size: 2 ** 53 - 1,
        mode: '0755',
        uid: 1,
        gid: 2,
        mtime: '1234567890.123456789',
        sha256: sha('x'),
        offset: 512,
        stored: 1024,
      },
      {
        path: 'a/b',
        type: 'file',
        size: 5,
        mode: '0755',
        uid: 1,
        gid: 2,
        mtime: '1234567890.123456789',
        sparse: true,
        dataSha256: sha('y'),
        offset: 512,
        stored: 1024,
      },
      {
        path: '.',
        type: 'directory',
        size: 0,
        mode: '1777',
        uid: 1,
        gid: 2,
        uname: 'root',
        gname: 'w"heel\n',
        mtime: '-1.5',
        offset: 512,
        stored: 1024,
      },
      {
        path: '\ufffd(',
        pathBase64: 'wyg=',
        type: 'symlink',
        size: 0,
        mode: '0755',
        uid: 1,
        gid: 2,
        mtime: '1234567890.123456789',
        target: 'bad \ufffd\ufffd',
        targetBase64: 'YmFkIP/+',
        offset: 512,
        stored: 1024,
      },
    ]);
  });

  it('of any random name is lossless', () => {
    for (let round = 0; round < 5_000; round += 1) {
      const entry: TarEntry = {
        ...facts,
        type: 'symlink',
        path: randomBytes(randomInt(1, 30)),
        linkTarget: randomBytes(5),
      };
      expect(parseIndexLine(encodeTarEntry(entry), place)).toEqual({ kind: 'entry', entry });
    }
  });

  it.each([
    ['path', 1],
    ['path', undefined],
    ['pathBase64', 'not base64!'],
    ['type', 'door'],
    ['size', -1],
    ['size', 1.5],
    ['size', '1'],
    ['mode', 493],
    ['mode', '0888'],
    ['uid', null],
    ['mtime', 5],
    ['mtime', '1e5'],
    ['sha256', 'abc'],
    ['dataSha256', sha('x').toUpperCase()],
    ['xattrs', []],
    ['xattrs', { a: 1 }],
    ['xattrs', { a: '*' }],
    ['acl', 'text'],
    ['acl', { access: 1 }],
    ['offset', 2 ** 53],
    ['stored', undefined],
  ])('whose %s is %j is refused with its number', (name, value) => {
    const line = JSON.stringify({ ...(JSON.parse(encodeTarEntry(entries[0] as TarEntry)) as object), [name]: value });
    expect(() => parseIndexLine(line, place)).toThrow(
      expect.objectContaining({ code: 'corrupt-archive', message: expect.stringContaining('Line 7 ') as string }),
    );
  });

  it.each(['', 'nonsense', '[]', 'null', '1', '{}', '{"end":true}', '{"end":true,"entries":-1,"bytes":0}'])(
    'that is %j is refused',
    (line) => {
      expect(codeOf(() => parseIndexLine(line, place))).toBe('corrupt-archive');
      expect(codeOf(() => parseIndexHeader(line))).toBe('corrupt-archive');
      expect(codeOf(() => parseIndexLine(line, { header: { kind: 'image', chunkBytes: 1 }, lineNumber: 2 }))).toBe(
        'corrupt-archive',
      );
    },
  );

  it('that begins the index says format, version and kind', () => {
    for (const header of [{ kind: 'tar' }, { kind: 'image', chunkBytes: 4096 }] as const) {
      expect(parseIndexHeader(encodeIndexHeader(header))).toEqual(header);
    }
    expect(encodeIndexHeader({ kind: 'tar' })).toBe('{"format":"snap-to-s3-index","version":1,"kind":"tar"}');
    expect(codeOf(() => parseIndexHeader('{"format":"snap-to-s3-index","version":2,"kind":"tar"}'))).toBe(
      'corrupt-archive',
    );
    expect(codeOf(() => parseIndexHeader('{"format":"snap-to-s3-index","version":1,"kind":"zip"}'))).toBe(
      'corrupt-archive',
    );
  });
});

describe('writer and reader', () => {
  const write = async (lines: readonly string[]): Promise<Buffer> => {
    const writer = createIndexWriter();
    const bytes = collect(writer.bytes);
    for (const line of lines) await writer.write(line);
    await writer.end();
    return bytes;
  };
  const lines = (trailer = entries.length): string[] => [
    encodeIndexHeader({ kind: 'tar' }),
    ...entries.map((entry) => encodeIndexRecord({ kind: 'entry', entry })),
    encodeIndexTrailer({ entries: trailer, bytes: 10_240 }),
  ];

  it.each([1, 7, 100_000])('give back what was written, in pieces of %i bytes', async (size) => {
    const items = await readAll(await write(lines()), size);
    expect(items).toEqual([
      { kind: 'header', header: { kind: 'tar' } },
      ...entries.map((entry) => ({ kind: 'entry', entry })),
      { kind: 'trailer', trailer: { entries: entries.length, bytes: 10_240 } },
    ]);
  });

  it('an image index too', async () => {
    const chunks: ImageChunk[] = [
      { offset: 0, sizeBytes: 10, sha256: sha('a'), zero: false },
      { offset: 10, sizeBytes: 3, sha256: sha('b'), zero: true },
    ];
    const gzipped = await write([
      encodeIndexHeader({ kind: 'image', chunkBytes: 10 }),
      ...chunks.map((chunk) => encodeIndexRecord({ kind: 'chunk', chunk })),
      encodeIndexTrailer({ entries: 2, bytes: 13 }),
    ]);
    expect(gunzipSync(gzipped).toString().split('\n')[1]).toBe(`{"offset":0,"size":10,"sha256":"${sha('a')}"}`);
    expect((await readAll(gzipped)).slice(1, 3)).toEqual(chunks.map((chunk) => ({ kind: 'chunk', chunk })));
  });

  it('an index that is cut off, goes on, counts wrong or is no gzip is refused', async () => {
    const gzipped = await write(lines());
    const text = gunzipSync(gzipped).toString();
    const bad = [
      gzipped.subarray(0, gzipped.length - 1),
      gzipped.subarray(0, 50),
      Buffer.alloc(0),
      randomBytes(100),
      gzipSync(text.slice(0, -1)),
      gzipSync(text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1)),
      gzipSync(`${text}{}\n`),
      gzipSync(text.split('\n').slice(1).join('\n')),
      gzipSync(''),
      gzipSync(Buffer.from(text.replace('a/b', 'a\u00ff'), 'latin1')),
      await write(lines(entries.length + 1)),
    ];
    for (const [at, bytes] of bad.entries()) {
      await expect(readAll(bytes), `case ${at}`).rejects.toMatchObject({ code: 'corrupt-archive' });
    }
    const intact = await readAll(gzipped);
    for (let at = 0; at < gzipped.length; at += 1) {
      const damaged = Buffer.from(gzipped);
      damaged[at] = (damaged[at] ?? 0) ^ 0x20;
      // Some bits mean nothing: the time in gzip's header, what fills up the last byte of the compressed data.
      const outcome = await readAll(damaged).catch((error: unknown) => error);
      if (Array.isArray(outcome)) expect(outcome).toEqual(intact);
      else expect(outcome).toMatchObject({ code: 'corrupt-archive' });
    }
  });

  it('a failure of the source comes through as it is, and a reader may stop early', async () => {
    const gzipped = await write(lines());
    const failure = new Error('lost connection');
    const failing = async function* (): AsyncGenerator<Buffer> {
      yield gzipped.subarray(0, 30);
      await Promise.resolve();
      throw failure;
    };
    const read = async (): Promise<void> => {
      for await (const _ of readIndex(failing()));
    };
    await expect(read()).rejects.toBe(failure);
    for await (const item of readIndex(pieces(gzipped))) {
      expect(item.kind).toBe('header');
      break;
    }
  });

  it('the writer waits for a slow reader, with little in memory', async () => {
    const writer = createIndexWriter();
    let written = 0;
    const writing = (async () => {
      for (; written < 20_000; written += 1) await writer.write(randomBytes(500).toString('base64'));
      await writer.end();
    })();
    await sleep(300);
    expect(written).toBeGreaterThan(50);
    expect(written).toBeLessThan(1_000);
    const bytes = await collect(writer.bytes);
    await writing;
    expect(gunzipSync(bytes).toString().split('\n')).toHaveLength(20_001);
  });

  it('an abort reaches reader and writer', async () => {
    const failure = new Error('the archive failed');
    const writer = createIndexWriter();
    const reading = collect(writer.bytes);
    await writer.write('x');
    writer.abort(failure);
    writer.abort(new Error('again'));
    await expect(reading).rejects.toBe(failure);
    await expect(writer.end()).rejects.toBe(failure);
    const unread = createIndexWriter();
    unread.abort(failure);
    await expect(unread.end()).rejects.toBe(failure);
    const blocked = createIndexWriter();
    const writing = (async () => {
      for (;;) await blocked.write(randomBytes(5000).toString('base64'));
    })();
    await sleep(100);
    blocked.abort(failure);
    await expect(writing).rejects.toBe(failure);
  });

  it('a reader that stops early breaks the writer off', async () => {
    const writer = createIndexWriter();
    const writing = (async () => {
      for (;;) await writer.write(randomBytes(5000).toString('base64'));
    })();
    for await (const _ of writer.bytes) break;
    await expect(writing).rejects.toThrow(/not read to its end|premature|abort/i);
  });
});

describe('scanImage', () => {
  it.each([1, 999, 1000, 1001, 5000, 1_000_000])('cuts into chunks whatever the buffers: %i bytes', async (size) => {
    const image = Buffer.concat([
      Buffer.alloc(2500),
      randomBytes(2500),
      Buffer.alloc(5000),
      Buffer.alloc(999),
      Buffer.from([1]),
      Buffer.alloc(123),
    ]);
    const chunks: ImageChunk[] = [];
    const scan = scanImage({ chunkBytes: 1000, onChunk: (chunk) => void chunks.push(chunk) });
    expect((await collect(scan(pieces(image, size)))).equals(image)).toBe(true);
    expect(scan.totals).toEqual({ chunks: 12, imageBytes: 11_123 });
    expect(chunks).toEqual(
      Array.from({ length: 12 }, (_, at) => {
        const bytes = image.subarray(at * 1000, at * 1000 + 1000);
        return {
          offset: at * 1000,
          sizeBytes: bytes.length,
          sha256: sha(bytes),
          zero: bytes.every((byte) => byte === 0),
        };
      }),
    );
    expect(chunks.filter(({ zero }) => zero)).toHaveLength(8);
  });

  it('an image of nothing has no chunks, and 4 MiB is the usual size', async () => {
    const sizes: number[] = [];
    const scan = scanImage({
      onChunk: async ({ sizeBytes }) => {
        await sleep(1);
        sizes.push(sizeBytes);
      },
    });
    expect(await collect(scan(pieces(Buffer.alloc(0))))).toHaveLength(0);
    expect(sizes).toEqual([]);
    await collect(
      scanImage({ onChunk: ({ sizeBytes }) => void sizes.push(sizeBytes) })(pieces(Buffer.alloc(5 * MiB), MiB)),
    );
    expect(sizes).toEqual([4 * MiB, MiB]);
  });
});
