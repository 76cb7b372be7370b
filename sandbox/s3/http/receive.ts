import type { ChecksumAlgorithm } from '../checksums/index.js';
import { S3Error } from '../errors.js';
import { writeBody, type Bodies, type Segment } from '../state/index.js';
import { awsChunkedUnpacker, type TrailerSink } from './aws-chunked.js';
import { inBatches } from './incoming.js';
import { releaseReceived } from './release.js';
import { readExpectations, shortBody, verifyBody } from './integrity.js';
import { header, type S3Request } from './request.js';

/** A body that has arrived and is what its sender said it was. */
export interface ReceivedBody {
  readonly segment: Segment;
  /** MD5, hexadecimal: the ETag. */
  readonly md5: string;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string };
}

/** The largest body of PutObject and UploadPart, and source of a copy (S3 user guide, "Multipart upload limits"). */
export const largestBodyBytes = 5 * 1024 ** 3;

/**
 * Writes the body of a request to a file, with everything verified that the client sent along: its length, Content-MD5,
 * x-amz-content-sha256, and a checksum in a header or trailer. `otherwise` is computed where the client names no
 * algorithm. When anything is wrong the file is gone. Throws S3Errors; `NotImplemented` is S3's own for a body of unknown
 * length (`Transfer-Encoding: chunked`).
 */
export async function receiveBody(
  request: S3Request,
  bodies: Bodies,
  otherwise: ChecksumAlgorithm,
): Promise<ReceivedBody> {
  const expected = readExpectations(request);
  if (expected.bytes === undefined) {
    if (header(request, 'transfer-encoding') !== undefined) {
      throw new S3Error('NotImplemented', 'A header you provided implies functionality that is not implemented', {
        Header: 'Transfer-Encoding',
      });
    }
    throw new S3Error('MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  if (expected.bytes > largestBodyBytes) {
    throw new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', {
      ProposedSize: String(expected.bytes),
      MaxSizeAllowed: String(largestBodyBytes),
    });
  }
  let trailers: ReadonlyMap<string, string> = new Map();
  const options = { isAwsChunked: expected.isAwsChunked, largestBytes: expected.bytes };
  const onTrailers: TrailerSink = (found) => {
    trailers = found;
  };
  const source = batchesOf(request, options, { onTrailers, onUsed: releaseReceived });
  const algorithm = expected.checksum?.algorithm ?? otherwise;
  const { segment, md5, sha256, checksum } = await writeBody(source, bodies, {
    algorithm,
    withSha256: expected.sha256 !== undefined,
    expectedBytes: expected.bytes,
  });
  try {
    verifyBody(expected, { bytes: segment.bytes, md5, sha256, checksum: checksum.value }, trailers);
  } catch (error) {
    await bodies.remove([segment]);
    throw error;
  }
  return { segment, md5: md5.toString('hex'), checksum };
}

/** How a body comes over the wire. */
export interface BodyOptions {
  readonly isAwsChunked: boolean;
  /** More than that is an error. */
  readonly largestBytes: number;
}

/**
 * The bytes of a request without their framing. The connection stays usable when the reader gives up, so that the client
 * gets to see why. Throws `IncompleteBody` when the client goes away or says more than it promised.
 */
export async function* bodyOf(
  request: S3Request,
  options: BodyOptions,
  onTrailers: TrailerSink,
): AsyncGenerator<Buffer> {
  for await (const pieces of batchesOf(request, options, { onTrailers })) yield* pieces;
}

/** The same, many pieces at a time, for a large body comes in thousands of them. */
async function* batchesOf(
  request: S3Request,
  { isAwsChunked, largestBytes }: BodyOptions,
  { onTrailers, onUsed }: { readonly onTrailers: TrailerSink; readonly onUsed?: typeof releaseReceived },
): AsyncGenerator<readonly Buffer[]> {
  const unpacker = isAwsChunked ? awsChunkedUnpacker({ onTrailers, signatures: request.signedChunks }) : undefined;
  let bytes = 0;
  try {
    for await (const raw of inBatches(request.body)) {
      const pieces = unpacker === undefined ? raw : raw.flatMap((framed) => unpacker.unpack(framed));
      for (const piece of pieces) bytes += piece.length;
      if (bytes > largestBytes) throw shortBody();
      yield pieces;
      onUsed?.(raw, request.body);
    }
    unpacker?.end();
  } catch (error) {
    throw error instanceof S3Error ? error : shortBody();
  }
}
