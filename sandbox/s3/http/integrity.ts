import { checksumAlgorithms, checksumBytes, type ChecksumAlgorithm } from '../checksums/index.js';
import { notImplemented, S3Error } from '../errors.js';
import { checksumHeader, header, type S3Request } from './request.js';

/** What a client says of the body it sends. */
export interface Expectations {
  /** Undefined where the length is not told beforehand. */
  readonly bytes: number | undefined;
  readonly md5: string | undefined;
  readonly sha256: string | undefined;
  readonly checksum: ExpectedChecksum | undefined;
  readonly isAwsChunked: boolean;
}

/** The checksum comes in a header or after the body. */
export type ExpectedChecksum =
  | { readonly kind: 'header'; readonly algorithm: ChecksumAlgorithm; readonly value: string }
  | { readonly kind: 'trailer'; readonly algorithm: ChecksumAlgorithm };

/** What was found of the body. */
export interface Found {
  readonly bytes: number;
  readonly md5: Buffer;
  readonly sha256: string | undefined;
  /** Of the algorithm that was expected. */
  readonly checksum: string | undefined;
}

/** What the x-amz-checksum headers of a request speak of: its body, or the object that it completes. */
export interface ChecksumSubject {
  readonly checksumOf: 'body' | 'object';
}

/** Reads what the headers say of the body. Throws `InvalidDigest`, `InvalidRequest`, `NotImplemented`. */
export function readExpectations(
  request: S3Request,
  { checksumOf }: ChecksumSubject = { checksumOf: 'body' },
): Expectations {
  const contentSha256 = header(request, 'x-amz-content-sha256');
  const isAwsChunked =
    contentSha256?.startsWith('STREAMING-') === true || /aws-chunked/.test(header(request, 'content-encoding') ?? '');
  const length = header(request, isAwsChunked ? 'x-amz-decoded-content-length' : 'content-length');
  const md5 = header(request, 'content-md5');
  if (md5 !== undefined && Buffer.from(md5, 'base64').length !== 16) {
    throw new S3Error('InvalidDigest', 'The Content-MD5 you specified was invalid.');
  }
  return {
    bytes: length !== undefined && /^\d{1,16}$/.test(length) ? Number(length) : undefined,
    md5,
    sha256: contentSha256 !== undefined && /^[0-9a-f]{64}$/i.test(contentSha256) ? contentSha256 : undefined,
    checksum: checksumOf === 'body' ? expectedChecksum(request) : undefined,
    isAwsChunked,
  };
}

function expectedChecksum(request: S3Request): ExpectedChecksum | undefined {
  const trailer = header(request, 'x-amz-trailer')?.trim().toLowerCase();
  const given = checksumAlgorithms.flatMap((algorithm): ExpectedChecksum[] => {
    const name = checksumHeader(algorithm);
    const value = header(request, name);
    if (trailer === name) return [{ kind: 'trailer', algorithm }];
    if (value === undefined) return [];
    requireValidValue(name, value, algorithm);
    return [{ kind: 'header', algorithm, value }];
  });
  const [expected] = given;
  if (given.length > 1) {
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  }
  if (expected === undefined && trailer !== undefined) throw notImplemented(`the trailer ${trailer}`);
  if (expected === undefined && header(request, 'x-amz-sdk-checksum-algorithm') !== undefined) {
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  }
  return expected;
}

/** Throws `InvalidRequest` for what cannot be a value of the algorithm. */
export function requireValidValue(name: string, value: string, algorithm: ChecksumAlgorithm): void {
  if (Buffer.from(value, 'base64').length === checksumBytes[algorithm]) return;
  throw new S3Error('InvalidRequest', `Value for ${name} header is invalid.`);
}

/**
 * Compares what was said with what arrived.
 * Throws `IncompleteBody`, `BadDigest`, `XAmzContentSHA256Mismatch`, `InvalidRequest`.
 */
export function verifyBody(expected: Expectations, found: Found, trailers: ReadonlyMap<string, string>): void {
  if (expected.bytes !== undefined && found.bytes !== expected.bytes) throw shortBody();
  if (expected.md5 !== undefined && expected.md5 !== found.md5.toString('base64')) {
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.', {
      ExpectedDigest: expected.md5,
      CalculatedDigest: found.md5.toString('base64'),
    });
  }
  if (expected.sha256 !== undefined && expected.sha256.toLowerCase() !== found.sha256) {
    throw new S3Error(
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
      { ClientComputedContentSHA256: expected.sha256, S3ComputedContentSHA256: found.sha256 ?? '' },
    );
  }
  if (expected.checksum === undefined) return;
  const { algorithm } = expected.checksum;
  if (statedChecksum(expected.checksum, trailers) !== found.checksum) throw wrongChecksum(algorithm);
}

/** The checksum of an object is not what the client says; S3 writes the algorithm small for CompleteMultipartUpload. */
export function wrongChecksum(algorithm: string): S3Error {
  return new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);
}

function statedChecksum(expected: ExpectedChecksum, trailers: ReadonlyMap<string, string>): string {
  if (expected.kind === 'header') return expected.value;
  const name = checksumHeader(expected.algorithm);
  const value = trailers.get(name);
  if (value === undefined) {
    throw new S3Error('InvalidRequest', `The trailer ${name} was announced but not sent.`);
  }
  requireValidValue(name, value, expected.algorithm);
  return value;
}

/** Fewer bytes came than were promised. */
export function shortBody(): S3Error {
  return new S3Error(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the Content-Length HTTP header',
  );
}
