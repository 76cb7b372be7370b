import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runningChecksum } from '../../../sandbox/s3/checksums/index.js';
import { createS3Service } from '../../../sandbox/s3/index.js';
import { openBodies, writeBody, type Bodies } from '../../../sandbox/s3/state/index.js';
import { listen } from '../../../sandbox/server/server.js';
import { systemClock } from '../../../src/core/index.js';
import { MiB, statusAndCode } from './support.js';
import { temporaryDirectory } from './temporary-directory.js';

/** The threads that were started since the test began; one that has ended has the id -1. */
let started: Worker[] = [];
const remember = (worker: Worker): unknown => started.push(worker);
const runningThreads = (): Worker[] => started.filter(({ threadId }) => threadId !== -1);
beforeEach(() => {
  started = [];
  process.on('worker', remember);
});
afterEach(() => void process.off('worker', remember));

const large = randomBytes(8 * MiB);
const crc32Of = (bytes: Buffer): string => {
  const crc = runningChecksum('CRC32');
  crc.update(bytes);
  return crc.digest();
};

/** The same bytes in pieces of a length that fits nothing. */
async function* inPieces(bytes: Buffer, pieceBytes = 100_003): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes)
    yield await Promise.resolve(bytes.subarray(at, at + pieceBytes));
}

interface Stand extends AsyncDisposable {
  readonly bodies: Bodies;
  files(): Promise<string[]>;
  write(bytes: Buffer): ReturnType<typeof writeBody>;
}

async function stand(): Promise<Stand> {
  const directory = await temporaryDirectory();
  const bodies = await openBodies(directory.path);
  return {
    bodies,
    files: async () => (await readdir(directory.path)).map((file) => join(directory.path, file)),
    write: (bytes) => writeBody(inPieces(bytes), bodies, { algorithm: 'CRC64NVME', expectedBytes: bytes.length }),
    [Symbol.asyncDispose]: async () => {
      await bodies.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

describe('bodies', () => {
  it.each([0, 1, 128 * 1024 - 1, 128 * 1024, 256 * 1024, 256 * 1024 + 1, 3 * MiB + 7])(
    'of %i bytes are written and digested the same, wherever that is done',
    async (length) => {
      await using it = await stand();
      const bytes = large.subarray(0, length);
      for (const expectedBytes of [0, length, 1024 * MiB]) {
        const options = { algorithm: 'SHA1', withSha256: true, expectedBytes } as const;
        const written = await writeBody(inPieces(bytes), it.bodies, options);
        expect(written).toMatchObject({
          segment: { bytes: length },
          md5: createHash('md5').update(bytes).digest(),
          sha256: createHash('sha256').update(bytes).digest('hex'),
          checksum: { algorithm: 'SHA1', value: createHash('sha1').update(bytes).digest('base64') },
        });
        const [file = ''] = await it.files();
        expect(bytes.equals(await readFile(file))).toBe(true);
        await it.bodies.remove([written.segment]);
      }
    },
  );

  it('that are small need no thread; large ones have no more than there are cores', async () => {
    await using it = await stand();
    await it.write(large.subarray(0, 1000));
    expect(started).toEqual([]);
    await Promise.all(Array.from({ length: 10 }, () => it.write(large)));
    expect(it.bodies.threads.running).toBeGreaterThan(0);
    expect(started.length).toBeLessThanOrEqual(Math.min(4, availableParallelism()));
  });

  it('many at once are not read faster than they are written', async () => {
    await using it = await stand();
    const atOnce = 24;
    const piece = large.subarray(0, MiB);
    let taken = 0;
    let mostAhead = 0;
    const source = async function* (): AsyncGenerator<Buffer> {
      for (let count = 0; count < 16; count += 1) {
        taken += piece.length;
        const takenSoFar = taken;
        const sizes = await Promise.all((await it.files()).map(async (file) => (await stat(file)).size));
        mostAhead = Math.max(mostAhead, takenSoFar - sizes.reduce((sum, size) => sum + size, 0));
        yield piece;
      }
    };
    const options = { algorithm: 'CRC32', expectedBytes: 16 * piece.length } as const;
    await Promise.all(Array.from({ length: atOnce }, () => writeBody(source(), it.bodies, options)));
    // 8 MiB in the memory of the threads, and of each body the piece that waits to get there.
    expect(mostAhead).toBeLessThanOrEqual(8 * MiB + atOnce * piece.length);
    expect(mostAhead).toBeGreaterThan(atOnce * piece.length);
  });

  it('that cannot be written fail, and others go on', async () => {
    await using it = await stand();
    const { segment } = await it.write(large);
    const [file = ''] = await it.files();
    await using readOnly = await open(file, 'r');
    const options = { algorithm: 'CRC32' } as const;
    const broken = Array.from({ length: 4 }, () => it.bodies.threads.begin(readOnly.fd, options));
    const others = Array.from({ length: 4 }, () => it.write(large));
    for (const body of broken) {
      const writing = (async () => {
        await body.write([large]);
        await body.finish();
      })();
      await expect(writing).rejects.toThrow('EBADF');
      await body.abandon();
    }
    for (const other of others) expect((await other).md5).toEqual(createHash('md5').update(large).digest());
    expect(segment.bytes).toBe(large.length);
  });

  it('whose thread dies fail and are not there, and the next one gets another thread', async () => {
    await using it = await stand();
    let isKilled = false;
    const source = async function* (): AsyncGenerator<Buffer> {
      yield large;
      await Promise.all(started.map((worker) => worker.terminate()));
      isKilled = true;
      yield large;
    };
    const writing = writeBody(source(), it.bodies, { algorithm: 'CRC32', expectedBytes: 2 * large.length });
    await expect(writing).rejects.toThrow('has been ended');
    expect(isKilled).toBe(true);
    expect(await it.files()).toEqual([]);
    expect((await it.write(large)).segment.bytes).toBe(large.length);
  });

  it('are read into memory that is used again, and stay whole', async () => {
    await using it = await stand();
    const segments = [await it.write(large), await it.write(large.subarray(0, MiB + 1))].map(({ segment }) => segment);
    const whole = Buffer.concat([large, large.subarray(0, MiB + 1)]);
    for (const [from, to] of [
      [0, whole.length],
      [5, 300_000],
      [8 * MiB - 1, 8 * MiB + 1],
      [7, 7],
    ] as const) {
      await using reading = it.bodies.read(segments, from, to);
      const copies: Buffer[] = [];
      for await (const piece of reading.bytes) copies.push(Buffer.from(piece));
      expect(Buffer.concat(copies).equals(whole.subarray(from, to))).toBe(true);
    }
  });

  it('end with their threads when they are closed', async () => {
    await using it = await stand();
    await it.write(large);
    const source = async function* (): AsyncGenerator<Buffer> {
      yield large;
      await it.bodies.close();
      yield large;
    };
    const writing = writeBody(source(), it.bodies, { algorithm: 'CRC32', expectedBytes: 2 * large.length });
    await expect(writing).rejects.toThrow('has been ended');
    expect(runningThreads()).toEqual([]);
    expect(await it.files()).toHaveLength(1);
    await expect(it.write(large)).rejects.toThrow('have been ended');
    expect(await it.files()).toHaveLength(1);
  });
});

describe('a server', () => {
  async function serve() {
    const directory = await temporaryDirectory();
    const defects: unknown[] = [];
    const s3 = await createS3Service({ directory: directory.path, clock: systemClock });
    const server = await listen([s3], {
      host: '127.0.0.1',
      port: 0,
      defaultRegion: 'us-east-1',
      onDefect: (error) => defects.push(error),
    });
    await fetch(`${server.url}/bucket`, { method: 'PUT' });
    return {
      server,
      defects,
      files: () => readdir(join(directory.path, 'bodies')),
      [Symbol.asyncDispose]: async () => {
        await server.close();
        await directory[Symbol.asyncDispose]();
      },
    };
  }

  it('whose client hangs up in the middle keeps nothing of it, and goes on', async () => {
    await using it = await serve();
    for (const sent of [1000, MiB, 5 * MiB]) {
      const socket = connect(it.server.port, '127.0.0.1');
      socket.write(`PUT /bucket/key HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${large.length}\r\n\r\n`);
      socket.write(large.subarray(0, sent));
      await vi.waitFor(async () => expect(await it.files()).toHaveLength(1));
      socket.destroy();
      await vi.waitFor(async () => expect(await it.files()).toEqual([]));
    }
    const [status] = await statusAndCode(`${it.server.url}/bucket/key`, { method: 'PUT', body: large });
    expect([status, (await it.files()).length, it.defects]).toEqual([200, 1, []]);
  });

  it('keeps nothing of a large body that is not what its sender said', async () => {
    await using it = await serve();
    const put = (headers: Record<string, string>, body: Buffer = large) =>
      statusAndCode(`${it.server.url}/bucket/key`, { method: 'PUT', headers, body });
    const trailer = `0\r\nx-amz-checksum-crc32:${crc32Of(large.subarray(1))}\r\n\r\n`;
    const framed = Buffer.concat([Buffer.from('800000\r\n'), large, Buffer.from(`\r\n${trailer}`)]);
    const inTrailer = {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': String(large.length),
      'x-amz-trailer': 'x-amz-checksum-crc32',
    };
    expect([
      await put({ 'x-amz-checksum-crc32': crc32Of(large.subarray(1)) }),
      await put({ 'content-md5': createHash('md5').digest('base64') }),
      await put({ 'x-amz-content-sha256': createHash('sha256').digest('hex') }),
      await put(inTrailer, framed),
      await put({ ...inTrailer, 'x-amz-decoded-content-length': String(large.length - 1) }, framed),
    ]).toEqual([
      [400, 'BadDigest'],
      [400, 'BadDigest'],
      [400, 'XAmzContentSHA256Mismatch'],
      [400, 'BadDigest'],
      [400, 'IncompleteBody'],
    ]);
    expect(await it.files()).toEqual([]);
    expect(await put({ 'x-amz-checksum-crc32': crc32Of(large) })).toEqual([200, undefined]);
  });

  it('whose reader goes away frees what it read', async () => {
    await using it = await serve();
    const url = `${it.server.url}/bucket/key`;
    await fetch(url, { method: 'PUT', body: Buffer.concat([large, large, large]) });
    const socket = connect(it.server.port, '127.0.0.1');
    socket.write('GET /bucket/key HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await new Promise((resolve) => socket.once('readable', resolve));
    await fetch(url, { method: 'DELETE' });
    expect(await it.files()).toHaveLength(1);
    socket.destroy();
    await vi.waitFor(async () => expect(await it.files()).toEqual([]));
    expect(it.defects).toEqual([]);
  });

  it('ends its threads when it is closed, whatever is under way', async () => {
    await using it = await serve();
    await fetch(`${it.server.url}/bucket/key`, { method: 'PUT', body: large });
    expect(runningThreads()).not.toEqual([]);
    const socket = connect(it.server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`PUT /bucket/other HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${large.length}\r\n\r\n`);
    socket.write(large.subarray(0, MiB));
    await vi.waitFor(async () => expect(await it.files()).toHaveLength(2));
    await it.server.close();
    expect(runningThreads()).toEqual([]);
    expect(await it.files()).toHaveLength(1);
  });
});
