import { randomBytes } from 'node:crypto';
import { element } from '../../server/xml.js';
import { S3Error } from '../errors.js';
import { readAttributes, readMultipartChecksum } from '../http/attributes.js';
import { readObjectLock, requireChecksumForLock } from '../http/object-lock.js';
import { readExpectations } from '../http/integrity.js';
import { receiveBody, type ReceivedBody } from '../http/receive.js';
import { checksumHeader, header, type S3Request } from '../http/request.js';
import { parseTaggingHeader } from '../http/tagging.js';
import type { Upload } from '../state/index.js';
import { isLock, lockOfNew } from './lock/index.js';
import {
  answerEmpty,
  answerXml,
  bucketOf,
  encryptionHeaders,
  inTurn,
  keyOf,
  namespace,
  uploadOf,
  type Operation,
  type OperationContext,
} from './operation.js';

/** CreateMultipartUpload. */
export const createMultipartUpload: Operation = async (request, response, context) => {
  const bucket = bucketOf(request, context);
  const key = keyOf(request);
  const attributes = readAttributes(request);
  const checksum = readMultipartChecksum(request);
  const initiatedMs = context.clock.now();
  const lock = readObjectLock(request, initiatedMs);
  // Only says whether it is possible: the default of the bucket counts from when the object is there.
  lockOfNew(lock, bucket, initiatedMs);
  // Ids of one key are listed in their own order, which is that of their beginning.
  const uploadId = `${initiatedMs.toString(16).padStart(12, '0')}${randomBytes(24).toString('base64url')}`;
  const upload: Upload = {
    uploadId,
    key,
    initiatedMs,
    attributes,
    tags: parseTaggingHeader(header(request, 'x-amz-tagging')),
    lock,
    checksum,
    parts: new Map(),
  };
  await inTurn({ store: context.store, bucket, key }, () => context.store.putUpload(bucket, upload));
  answerXml(
    response,
    element(
      'InitiateMultipartUploadResult',
      [element('Bucket', bucket.name), element('Key', key), element('UploadId', uploadId)],
      namespace,
    ),
    {
      ...encryptionHeaders(attributes),
      ...(checksum.asked
        ? { 'x-amz-checksum-algorithm': checksum.algorithm, 'x-amz-checksum-type': checksum.type }
        : {}),
    },
  );
};

/** UploadPart. */
export const uploadPart: Operation = async (request, response, context) => {
  const upload = uploadOf(request, bucketOf(request, context));
  const partNumber = partNumberOf(request);
  if (isLock(upload.lock)) requireChecksumForLock(request, 'Put Part');
  requireChecksum(upload, request);
  const body = await receiveBody(request, context.store.bodies, upload.checksum.algorithm);
  await addPart(request, context, { partNumber, body });
  answerEmpty(response, 200, {
    etag: `"${body.md5}"`,
    [checksumHeader(body.checksum.algorithm)]: body.checksum.value,
    ...encryptionHeaders(upload.attributes),
  });
};

/** The number of the part in the query. Throws `InvalidArgument`. */
export function partNumberOf(request: S3Request): number {
  const text = request.query.get('partNumber') ?? '';
  const partNumber = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (partNumber >= 1 && partNumber <= 10_000) return partNumber;
  throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive', {
    ArgumentName: 'partNumber',
    ArgumentValue: text,
  });
}

/** Makes a body a part of the upload of the request; when it cannot be, the body is gone. Throws `NoSuchUpload`. */
export async function addPart(
  request: S3Request,
  context: OperationContext,
  { partNumber, body }: { readonly partNumber: number; readonly body: ReceivedBody },
): Promise<number> {
  const { store, clock } = context;
  const bucket = bucketOf(request, context);
  const lastModifiedMs = clock.now();
  try {
    await inTurn({ store, bucket, key: keyOf(request) }, async () => {
      // It may have been aborted or completed while the body arrived.
      const upload = uploadOf(request, bucket);
      requireAlgorithm(upload, body);
      const { segment, md5: etag } = body;
      await store.putPart(bucket, upload, {
        partNumber,
        etag,
        checksum: body.checksum.value,
        segment,
        lastModifiedMs,
      });
    });
  } catch (error) {
    await store.bodies.remove([body.segment]);
    throw error;
  }
  return lastModifiedMs;
}

/** Where the checksum of the object is made of those of its parts, no part may come without. */
function requireChecksum(upload: Upload, request: S3Request): void {
  const { asked, type } = upload.checksum;
  if (!asked || type !== 'COMPOSITE' || readExpectations(request).checksum !== undefined) return;
  throw checksumMismatch(upload, 'null');
}

/** A part may only come with the checksum that the upload was begun with. */
function requireAlgorithm(upload: Upload, { checksum }: ReceivedBody): void {
  if (checksum.algorithm !== upload.checksum.algorithm) throw checksumMismatch(upload, checksum.algorithm);
}

function checksumMismatch({ checksum }: Upload, actual: string): S3Error {
  const expected = checksum.asked ? checksum.algorithm : 'null';
  return new S3Error(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${expected.toLowerCase()}, actual checksum Type: ${actual.toLowerCase()}`,
  );
}

/** AbortMultipartUpload. */
export const abortMultipartUpload: Operation = async (request, response, context) => {
  const { store } = context;
  const bucket = bucketOf(request, context);
  await inTurn({ store, bucket, key: keyOf(request) }, () => store.endUpload(bucket, uploadOf(request, bucket)));
  answerEmpty(response, 204);
};
