import { element } from '../../server/xml.js';
import { queryNumber } from '../http/request.js';
import { ownerId } from './buckets.js';
import { answerXml, bucketOf, namespace, uploadOf, xmlTime, type Operation } from './operation.js';
import { byUtf8 } from '../state/index.js';
import { writerOf } from './list-encoding.js';

/** ListParts, up to 1,000 a page. */
export const listParts: Operation = async (request, response, context) => {
  const bucket = bucketOf(request, context);
  const upload = uploadOf(request, bucket);
  const marker = queryNumber(request, 'part-number-marker', { min: 0, max: 2 ** 29 }) ?? 0;
  const limit = Math.min(queryNumber(request, 'max-parts', { min: 0, max: 2 ** 29 }) ?? 1000, 1000);
  const after = Array.from(upload.parts.values())
    .filter((part) => part.partNumber > marker)
    .sort((a, b) => a.partNumber - b.partNumber);
  const page = after.slice(0, limit);
  const isTruncated = after.length > page.length;
  answerXml(
    response,
    element(
      'ListPartsResult',
      [
        element('Bucket', bucket.name),
        element('Key', upload.key),
        element('UploadId', upload.uploadId),
        element('Initiator', [element('ID', ownerId)]),
        element('Owner', [element('ID', ownerId)]),
        element('StorageClass', upload.attributes.storageClass),
        element('PartNumberMarker', marker),
        element('NextPartNumberMarker', page.at(-1)?.partNumber ?? marker),
        element('MaxParts', limit),
        element('IsTruncated', isTruncated),
        upload.checksum.asked ? element('ChecksumAlgorithm', upload.checksum.algorithm) : undefined,
        upload.checksum.asked ? element('ChecksumType', upload.checksum.type) : undefined,
        ...page.map((part) =>
          element('Part', [
            element('PartNumber', part.partNumber),
            element('LastModified', xmlTime(part.lastModifiedMs)),
            element('ETag', `"${part.etag}"`),
            element('Size', part.segment.bytes),
            upload.checksum.asked ? element(`Checksum${upload.checksum.algorithm}`, part.checksum) : undefined,
          ]),
        ),
      ],
      namespace,
    ),
  );
  await Promise.resolve();
};

/** ListMultipartUploads by prefix, up to 1,000 a page, in the order of key and start. */
export const listMultipartUploads: Operation = async (request, response, context) => {
  const bucket = bucketOf(request, context);
  const { query } = request;
  const prefix = query.get('prefix') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('upload-id-marker') ?? '';
  const limit = Math.min(queryNumber(request, 'max-uploads', { min: 1, max: 2 ** 29 }) ?? 1000, 1000);
  const all = Array.from(bucket.uploads.values())
    .filter((upload) => upload.key.startsWith(prefix))
    .sort((a, b) => byUtf8(a.key, b.key) || byUtf8(a.uploadId, b.uploadId));
  // The upload that the marker names may have ended since.
  const after = all.filter(({ key, uploadId }) => {
    const order = byUtf8(key, keyMarker);
    return order > 0 || (order === 0 && idMarker !== '' && byUtf8(uploadId, idMarker) > 0);
  });
  const page = after.slice(0, limit);
  const last = after.length > page.length ? page.at(-1) : undefined;
  const write = writerOf(query);
  answerXml(
    response,
    element(
      'ListMultipartUploadsResult',
      [
        element('Bucket', bucket.name),
        element('KeyMarker', write(keyMarker)),
        element('UploadIdMarker', idMarker),
        last === undefined ? undefined : element('NextKeyMarker', write(last.key)),
        last === undefined ? undefined : element('NextUploadIdMarker', last.uploadId),
        query.get('encoding-type') === 'url' ? element('EncodingType', 'url') : undefined,
        element('Prefix', write(prefix)),
        element('MaxUploads', limit),
        element('IsTruncated', last !== undefined),
        ...page.map((upload) =>
          element('Upload', [
            element('Key', write(upload.key)),
            element('UploadId', upload.uploadId),
            element('Initiator', [element('ID', ownerId)]),
            element('Owner', [element('ID', ownerId)]),
            element('StorageClass', upload.attributes.storageClass),
            element('Initiated', xmlTime(upload.initiatedMs)),
            upload.checksum.asked ? element('ChecksumAlgorithm', upload.checksum.algorithm) : undefined,
            upload.checksum.asked ? element('ChecksumType', upload.checksum.type) : undefined,
          ]),
        ),
      ],
      namespace,
    ),
  );
  await Promise.resolve();
};
