import { createHash, createHmac } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createS3Service } from '../../../sandbox/s3/index.js';
import { accountRoot } from '../../../sandbox/server/caller.js';
import { listen } from '../../../sandbox/server/server.js';
import { authentication } from '../../../sandbox/sigv4/index.js';
import { systemClock } from '../../../src/core/index.js';
import { temporaryDirectory } from '../s3/temporary-directory.js';

const secret = 'secret';

let folder = '';

async function startS3(): Promise<string> {
  const directory = await temporaryDirectory();
  const s3 = await createS3Service({ directory: directory.path, clock: systemClock });
  const caller = accountRoot('123456789012');
  const key = { secretAccessKey: secret, sessionToken: undefined, expiresAtMs: undefined, caller };
  const server = await listen([s3], {
    host: '127.0.0.1',
    port: 0,
    defaultRegion: 'us-east-1',
    onDefect: (error) => {
      throw error;
    },
    stages: [authentication({ find: () => key, clock: systemClock })],
  });
  onTestFinished(async () => {
    await server.close();
    await directory[Symbol.asyncDispose]();
  });
  folder = directory.path;
  return server.url;
}

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Changes what a sender does rightly. */
interface Tampering {
  readonly chunk?: (bytes: Buffer, index: number) => Buffer;
  readonly trailer?: (value: string) => string;
}

/** A client of its own: signs the request, each chunk and the trailer as the S3 API reference says. */
async function put(url: string, path: string, chunks: readonly Buffer[] = [], tampering: Tampering = {}) {
  const timestamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${timestamp.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const key = scope.split('/').reduce<string | Buffer>((previous, word) => hmac(previous, word), `AWS4${secret}`);
  const sign = (algorithm: string, ...lines: string[]): string =>
    hmac(key, [algorithm, timestamp, scope, ...lines].join('\n')).toString('hex');
  const isChunked = chunks.length > 0;
  const headers: Record<string, string> = {
    host: new URL(url).host,
    'x-amz-content-sha256': isChunked ? 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER' : sha256(''),
    'x-amz-date': timestamp,
    ...(isChunked
      ? {
          'content-encoding': 'aws-chunked',
          'x-amz-decoded-content-length': String(Buffer.concat(chunks).length),
          'x-amz-trailer': 'x-amz-checksum-crc32',
        }
      : {}),
  };
  const names = Object.keys(headers).sort();
  const canonical = [
    'PUT',
    path,
    '',
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    headers['x-amz-content-sha256'],
  ];
  let previous = sign('AWS4-HMAC-SHA256', sha256(canonical.join('\n')));
  headers.authorization = `AWS4-HMAC-SHA256 Credential=AKIATEST/${scope}, SignedHeaders=${names.join(';')}, Signature=${previous}`;
  const body: (string | Buffer)[] = [];
  if (isChunked) {
    for (const [index, chunk] of [...chunks, Buffer.alloc(0)].entries()) {
      previous = sign('AWS4-HMAC-SHA256-PAYLOAD', previous, sha256(''), sha256(chunk));
      body.push(`${chunk.length.toString(16)};chunk-signature=${previous}\r\n`);
      if (chunk.length > 0) body.push(tampering.chunk?.(chunk, index) ?? chunk, '\r\n');
    }
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(Buffer.concat(chunks)));
    const trailer = `x-amz-checksum-crc32:${sum.toString('base64')}\n`;
    const signature = sign('AWS4-HMAC-SHA256-TRAILER', previous, sha256(trailer));
    body.push(
      trailer.replace('\n', '\r\n'),
      `x-amz-trailer-signature:${tampering.trailer?.(signature) ?? signature}\r\n\r\n`,
    );
  }
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const sent = request(new URL(url).origin, { path, method: 'PUT', headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    for (const piece of body) sent.write(piece);
    sent.end();
  });
}

const chunks = [Buffer.alloc(65_536, 'a'), Buffer.alloc(65_536, 'b'), Buffer.from('end')];
const flipped = (bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(0) ^ 1, 0);
  return copy;
};

describe('a body in signed chunks with a signed trailer', () => {
  it('is taken when every signature is right', async () => {
    const url = await startS3();
    expect((await put(url, '/bucket')).status).toBe(200);
    expect(await put(url, '/bucket/key', chunks)).toMatchObject({ status: 200 });
  });

  it.each([0, 1, 2])('with a changed byte in chunk %i is refused, and there is no object', async (changed) => {
    const url = await startS3();
    await put(url, '/bucket');
    const chunk = (bytes: Buffer, index: number): Buffer => (index === changed ? flipped(bytes) : bytes);
    const answer = await put(url, '/bucket/key', chunks, { chunk });
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('<Code>SignatureDoesNotMatch</Code>')]);
    expect(await readdir(join(folder, 'bodies'))).toEqual([]);
  });

  it('with a wrong signature of the trailer is refused', async () => {
    const url = await startS3();
    await put(url, '/bucket');
    const answer = await put(url, '/bucket/key', chunks, { trailer: () => '0'.repeat(64) });
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('SignatureDoesNotMatch')]);
  });
});
