import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { checksumAlgorithms, checksumBytes, runningChecksum, type ChecksumAlgorithm } from '../checksums/index.js';
import { S3Error } from '../errors.js';
import type { Bodies } from '../state/bodies.js';
import type { Segment } from '../state/index.js';
import { unpackAwsChunked } from './aws-chunked.js';
import { header, type S3Request } from './request.js';

/** A body that has arrived and is what its sender said it was. */
export interface ReceivedBody {
  readonly segment: Segment;
  /** MD5, hexadecimal: the ETag. */
  readonly md5: string;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string };
}

/** The largest body of PutObject and UploadPart (S3 user guide, "Multipart upload limits"). */
const largestBodyBytes = 5 * 1024 ** 3;

/**
 * Writes the body of a request to a file, with everything verified that the client sent along: its length, Content-MD5,
 * x-amz-content-sha256, and a checksum in a header or trailer. `otherwise` is computed where the client names no
 * algorithm. When anything is wrong the file is gone. Throws S3Errors.
 */
export async function receiveBody(
  request: S3Request,
  bodies: Bodies,
  otherwise: ChecksumAlgorithm,
): Promise<ReceivedBody> {
  const expected = expectations(request);
  const algorithm = expected.checksum?.algorithm ?? otherwise;
  const md5 = createHash('md5');
  const sha256 = expected.sha256 === undefined ? undefined : createHash('sha256');
  const checksum = runningChecksum(algorithm);
  let trailers: ReadonlyMap<string, string> = new Map();
  let bytes = 0;
  const measure = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > largestBodyBytes) throw tooLarge();
      md5.update(chunk);
      sha256?.update(chunk);
      checksum.update(chunk);
      yield chunk;
    }
  };
  const source = expected.isAwsChunked
    ? unpackAwsChunked(request.body as AsyncIterable<Buffer>, (found) => {
        trailers = found;
      })
    : request.body;
  const { file, stream } = await bodies.create();
  const segment = (): Segment => ({ file, bytes });
  try {
    await pipeline(source, measure, stream).catch((error: unknown) => {
      throw error instanceof S3Error ? error : shortBody();
    });
    const found = { md5: md5.digest(), sha256: sha256?.digest('hex'), checksum: checksum.digest(), bytes };
    verify(expected, found, trailers);
    return { segment: segment(), md5: found.md5.toString('hex'), checksum: { algorithm, value: found.checksum } };
  } catch (error) {
    await bodies.remove([segment()]);
    throw error;
  }
}

/** Copies a range of an object to a file of its own, with the sums that a body received over HTTP would get. */
export async function hashSegments(
  bodies: Bodies,
  object: { readonly segments: readonly Segment[] },
  range: { readonly from: number; readonly to: number },
  algorithm: ChecksumAlgorithm,
): Promise<ReceivedBody> {
  const md5 = createHash('md5');
  const checksum = runningChecksum(algorithm);
  const measure = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      md5.update(chunk);
      checksum.update(chunk);
      yield chunk;
    }
  };
  const { file, stream } = await bodies.create();
  const segment = { file, bytes: range.to - range.from };
  try {
    await pipeline(bodies.read(object.segments, range.from, range.to), measure, stream);
  } catch (error) {
    await bodies.remove([segment]);
    throw error;
  }
  return { segment, md5: md5.digest('hex'), checksum: { algorithm, value: checksum.digest() } };
}

interface Expectations {
  readonly bytes: number;
  readonly md5: string | undefined;
  readonly sha256: string | undefined;
  readonly checksum:
    | {
        readonly algorithm: ChecksumAlgorithm;
        readonly value: string | undefined;
        readonly trailer: string | undefined;
      }
    | undefined;
  readonly isAwsChunked: boolean;
}

function expectations(request: S3Request): Expectations {
  const contentSha256 = header(request, 'x-amz-content-sha256');
  const isAwsChunked =
    contentSha256?.startsWith('STREAMING-') === true || /aws-chunked/.test(header(request, 'content-encoding') ?? '');
  const length = header(request, isAwsChunked ? 'x-amz-decoded-content-length' : 'content-length');
  if (length === undefined || !/^\d{1,16}$/.test(length)) {
    throw new S3Error('MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  if (Number(length) > largestBodyBytes) throw tooLarge();
  const md5 = header(request, 'content-md5');
  if (md5 !== undefined && Buffer.from(md5, 'base64').length !== 16) {
    throw new S3Error('InvalidDigest', 'The Content-MD5 you specified was invalid.');
  }
  return {
    bytes: Number(length),
    md5,
    sha256: contentSha256 !== undefined && /^[0-9a-f]{64}$/.test(contentSha256) ? contentSha256 : undefined,
    checksum: expectedChecksum(request),
    isAwsChunked,
  };
}

function expectedChecksum(request: S3Request): Expectations['checksum'] {
  const trailer = header(request, 'x-amz-trailer')?.trim().toLowerCase();
  const given = checksumAlgorithms.filter((algorithm) => {
    const name = checksumHeader(algorithm);
    return header(request, name) !== undefined || trailer === name;
  });
  const [algorithm] = given;
  if (given.length > 1) {
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  }
  if (algorithm === undefined) return undefined;
  const name = checksumHeader(algorithm);
  const value = header(request, name);
  if (value !== undefined) requireValidValue(name, value, algorithm);
  return { algorithm, value, trailer: trailer === name ? name : undefined };
}

/** `x-amz-checksum-crc32`, … */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

function requireValidValue(name: string, value: string, algorithm: ChecksumAlgorithm): void {
  if (Buffer.from(value, 'base64').length === checksumBytes[algorithm]) return;
  throw new S3Error('InvalidRequest', `Value for ${name} header is invalid.`);
}

interface Found {
  readonly bytes: number;
  readonly md5: Buffer;
  readonly sha256: string | undefined;
  readonly checksum: string;
}

function verify(expected: Expectations, found: Found, trailers: ReadonlyMap<string, string>): void {
  if (found.bytes !== expected.bytes) throw shortBody();
  if (expected.md5 !== undefined && expected.md5 !== found.md5.toString('base64')) {
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.', {
      ExpectedDigest: expected.md5,
      CalculatedDigest: found.md5.toString('base64'),
    });
  }
  if (expected.sha256 !== found.sha256) {
    throw new S3Error(
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
      {
        ClientComputedContentSHA256: expected.sha256 ?? '',
        S3ComputedContentSHA256: found.sha256 ?? '',
      },
    );
  }
  if (expected.checksum === undefined) return;
  const { algorithm, trailer } = expected.checksum;
  const value = trailer === undefined ? expected.checksum.value : trailers.get(trailer);
  if (value === undefined)
    throw new S3Error('InvalidRequest', `The trailer ${String(trailer)} was announced but not sent.`);
  if (trailer !== undefined) requireValidValue(trailer, value, algorithm);
  if (value !== found.checksum) {
    throw new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);
  }
}

function tooLarge(): S3Error {
  return new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', {
    MaxSizeAllowed: String(largestBodyBytes),
  });
}

function shortBody(): S3Error {
  return new S3Error(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the Content-Length HTTP header',
  );
}
