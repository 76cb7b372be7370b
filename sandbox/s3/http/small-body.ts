import { createHash } from 'node:crypto';
import { runningChecksum } from '../checksums/index.js';
import { S3Error } from '../errors.js';
import { readExpectations, verifyBody, type ChecksumSubject } from './integrity.js';
import { bodyOf } from './receive.js';
import { header, type S3Request } from './request.js';

/** Larger than the longest list of parts or keys. */
const largestBytes = 8 * 1024 ** 2;

/**
 * Reads a document into memory, verified as {@link receiveBody} does it. Throws `EntityTooLarge` and what `verifyBody` throws.
 */
export async function readSmallBody(
  request: S3Request,
  subject: ChecksumSubject = { checksumOf: 'body' },
): Promise<string> {
  const expected = readExpectations(request, subject);
  if ((expected.bytes ?? 0) > largestBytes) throw new S3Error('EntityTooLarge', 'The body is too large.');
  let trailers: ReadonlyMap<string, string> = new Map();
  const chunks: Buffer[] = [];
  const source = bodyOf(request, { isAwsChunked: expected.isAwsChunked, largestBytes }, (found) => {
    trailers = found;
  });
  for await (const chunk of source) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const checksum = expected.checksum === undefined ? undefined : runningChecksum(expected.checksum.algorithm);
  checksum?.update(body);
  const found = {
    bytes: body.length,
    md5: createHash('md5').update(body).digest(),
    sha256: createHash('sha256').update(body).digest('hex'),
    checksum: checksum?.digest(),
  };
  verifyBody(expected, found, trailers);
  return body.toString('utf8');
}

/** DeleteObjects is refused without a checksum of its body. Throws `InvalidRequest`. */
export function requireBodyChecksum(request: S3Request): void {
  if (header(request, 'content-md5') !== undefined || readExpectations(request).checksum !== undefined) return;
  throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
}
