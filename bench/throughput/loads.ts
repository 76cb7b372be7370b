import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { runningChecksum } from '../../sandbox/s3/checksums/index.js';
import { together, type LightClient, type LightRequest } from './client.js';

/** The size of a part, and of a range. */
export const partBytes = 8 * 1024 ** 2;
/** How many requests are under way at a time. */
export const atOnce = 4;
/** Parts are sent again and again under so many numbers, so that it is not the disk that is measured. */
const partNumbers = 16;
const smallBytes = 200;

/** Something to measure. */
export interface Load {
  readonly name: string;
  readonly unit: 'MB/s' | 'requests/s';
  /** How many bytes, or requests, it has moved. */
  run(client: LightClient): Promise<number>;
}

/** A part with what a client says of it. */
export interface PreparedPart {
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Buffer;
}

const part = randomBytes(partBytes);

/** A part with its CRC-32 in a header. */
export function partWithCrc32(): PreparedPart {
  return { body: part, headers: { 'x-amz-checksum-crc32': crc32Base64(), 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } };
}

/** The CRC-32 of {@link partWithCrc32}. */
export function crc32Base64(): string {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(part));
  return value.toString('base64');
}

/** As the SDKs send streams: in chunks of 64 KiB with the checksum behind. */
function partWithTrailer(): PreparedPart {
  const crc = runningChecksum('CRC64NVME');
  crc.update(part);
  const pieces: Buffer[] = [];
  for (let at = 0; at < part.length; at += 65_536) {
    pieces.push(Buffer.from('10000\r\n'), part.subarray(at, at + 65_536), Buffer.from('\r\n'));
  }
  pieces.push(Buffer.from(`0\r\nx-amz-checksum-crc64nvme:${crc.digest()}\r\n\r\n`));
  return {
    body: Buffer.concat(pieces),
    headers: {
      'content-encoding': 'aws-chunked',
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': part.length,
      'x-amz-trailer': 'x-amz-checksum-crc64nvme',
    },
  };
}

/** Signed payload and checksum of it, both SHA-256. */
function partWithSha256(): PreparedPart {
  const hash = createHash('sha256').update(part).digest();
  const headers = { 'x-amz-checksum-sha256': hash.toString('base64'), 'x-amz-content-sha256': hash.toString('hex') };
  return { body: part, headers };
}

/** Begins a multipart upload and tells its id. */
export async function beginUpload(client: LightClient, algorithm: string): Promise<string> {
  const headers = { 'x-amz-checksum-algorithm': algorithm };
  const path = '/bench/object?uploads';
  const { text } = await client.send({ method: 'POST', path, headers, keepsText: true });
  return /<UploadId>(.*?)<\/UploadId>/.exec(text)?.[1] ?? '';
}

function uploads(name: string, algorithm: string, { body, headers }: PreparedPart): Load {
  return {
    name: `UploadPart of 8 MiB, ${name}`,
    unit: 'MB/s',
    run: async (client) => {
      const uploadId = await beginUpload(client, algorithm);
      const count = 64;
      await together({ count, atOnce }, (index) => {
        const path = `/bench/object?partNumber=${(index % partNumbers) + 1}&uploadId=${uploadId}`;
        return client.send({ method: 'PUT', path, headers, body });
      });
      return count * partBytes;
    },
  };
}

function smallPuts(): Load {
  const body = part.subarray(0, smallBytes);
  const count = 2000;
  return {
    name: 'PutObject of 200 bytes',
    unit: 'requests/s',
    run: async (client) => {
      const one = (index: number): LightRequest => ({ method: 'PUT', path: `/bench/small-${index % 500}`, body });
      await together({ count, atOnce }, (index) => client.send(one(index)));
      return count;
    },
  };
}

const wholeBytes = 8 * partBytes;

function gets(): Load[] {
  const parts = wholeBytes / partBytes;
  const reading = (name: string, count: number, headersOf: (index: number) => Record<string, string>): Load => ({
    name,
    unit: 'MB/s',
    run: async (client) => {
      let bytes = 0;
      await together({ count, atOnce }, async (index) => {
        bytes += await client.count('/bench/whole', headersOf(index));
      });
      return bytes;
    },
  });
  return [
    reading('GetObject of 64 MiB', 16, () => ({})),
    reading('GetObject, ranges of 8 MiB', 16 * parts, (index) => {
      const from = (index % parts) * partBytes;
      return { range: `bytes=${from}-${from + partBytes - 1}` };
    }),
  ];
}

/** Everything that is measured. */
export function allLoads(): readonly Load[] {
  return [
    uploads('CRC32 in a header', 'CRC32', partWithCrc32()),
    uploads('CRC64NVME in a trailer', 'CRC64NVME', partWithTrailer()),
    uploads('signed, and SHA256 in a header', 'SHA256', partWithSha256()),
    smallPuts(),
    ...gets(),
  ];
}

/** Makes what the loads need: a bucket with an object to read. */
export async function prepare(client: LightClient): Promise<void> {
  await client.send({ method: 'PUT', path: '/bench' });
  const body = Buffer.concat(Array.from({ length: wholeBytes / partBytes }, () => part));
  await client.send({ method: 'PUT', path: '/bench/whole', body });
}
