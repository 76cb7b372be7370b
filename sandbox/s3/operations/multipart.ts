import { randomBytes } from 'node:crypto';
import { element } from '../../server/xml.js';
import { S3Error } from '../errors.js';
import { readAttributes, readMultipartChecksum } from '../http/attributes.js';
import { checksumHeader, receiveBody } from '../http/receive.js';
import { header, queryNumber } from '../http/request.js';
import { parseTaggingHeader } from '../http/tagging.js';
import {
  answerEmpty,
  answerXml,
  bucketOf,
  encryptionHeaders,
  keyOf,
  namespace,
  uploadOf,
  type Operation,
} from './operation.js';

/** CreateMultipartUpload. */
export const createMultipartUpload: Operation = async (request, response, context) => {
  const bucket = bucketOf(request, context);
  const key = keyOf(request);
  const attributes = readAttributes(request);
  const checksum = readMultipartChecksum(request);
  const uploadId = randomBytes(32).toString('base64url');
  await context.store.putUpload(bucket, {
    uploadId,
    key,
    initiatedMs: context.clock.now(),
    attributes,
    tags: parseTaggingHeader(header(request, 'x-amz-tagging')),
    checksum,
    parts: new Map(),
  });
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
  const { store, clock } = context;
  const bucket = bucketOf(request, context);
  const upload = uploadOf(request, bucket);
  const partNumber = queryNumber(request, 'partNumber', { min: 1, max: 10_000 });
  if (partNumber === undefined) {
    throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive', {
      ArgumentName: 'partNumber',
    });
  }
  const body = await receiveBody(request, store.bodies, upload.checksum.algorithm);
  try {
    if (body.checksum.algorithm !== upload.checksum.algorithm) {
      throw new S3Error(
        'InvalidRequest',
        `Checksum Type mismatch occurred, expected checksum Type: ${upload.checksum.algorithm.toLowerCase()}, actual checksum Type: ${body.checksum.algorithm.toLowerCase()}`,
      );
    }
    // The upload may have been aborted or completed while the body arrived.
    uploadOf(request, bucket);
  } catch (error) {
    await store.bodies.remove([body.segment]);
    throw error;
  }
  await store.putPart(bucket, upload, {
    partNumber,
    etag: body.md5,
    checksum: body.checksum.value,
    segment: body.segment,
    lastModifiedMs: clock.now(),
  });
  answerEmpty(response, 200, {
    etag: `"${body.md5}"`,
    [checksumHeader(body.checksum.algorithm)]: body.checksum.value,
    ...encryptionHeaders(upload.attributes),
  });
};

/** AbortMultipartUpload. */
export const abortMultipartUpload: Operation = async (request, response, context) => {
  const bucket = bucketOf(request, context);
  await context.store.endUpload(bucket, uploadOf(request, bucket));
  answerEmpty(response, 204);
};
