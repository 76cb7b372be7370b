import { element } from '../../server/xml.js';
import { queryNumber } from '../http/request.js';
import { ownerId } from './buckets.js';
import { answerXml, bucketOf, namespace, uploadOf, xmlTime, type Operation } from './operation.js';

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
