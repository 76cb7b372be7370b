import { createHash } from 'node:crypto';
import { element } from '../../server/xml.js';
import { checksumOfParts, type Checksum } from '../checksums/index.js';
import { malformedXml, S3Error } from '../errors.js';
import { readObjectChecksum } from '../http/attributes.js';
import { wrongChecksum } from '../http/integrity.js';
import { header, type S3Request } from '../http/request.js';
import { readSmallBody } from '../http/small-body.js';
import { children, parseXml, text, type XmlNode } from '../http/xml-body.js';
import type { StoredObject, Upload, UploadedPart } from '../state/index.js';
import { underConditions } from './conditional.js';
import { answerXml, bucketOf, encryptionHeaders, keyOf, namespace, uploadOf, type Operation } from './operation.js';

/** Every part but the last one (S3 user guide, "Multipart upload limits"). */
const smallestPartBytes = 5 * 1024 ** 2;

/** CompleteMultipartUpload. No byte is copied: the object consists of the files of its parts. */
export const completeMultipartUpload: Operation = async (request, response, context) => {
  const { store, clock } = context;
  const bucket = bucketOf(request, context);
  const key = keyOf(request);
  const listed = readParts(await readSmallBody(request, { checksumOf: 'object' }));
  uploadOf(request, bucket);
  let object: StoredObject | undefined;
  await underConditions(request, { store, bucket, key }, async () => {
    // No part can come or go from here on.
    const upload = uploadOf(request, bucket);
    object = assemble(request, upload, { parts: chooseParts(listed, upload), lastModifiedMs: clock.now() });
    await store.putObject(bucket, object);
    await store.endUpload(bucket, upload);
  });
  if (object === undefined) throw new Error('The write was neither made nor refused');
  const { etag, checksum } = object;
  answerXml(
    response,
    element(
      'CompleteMultipartUploadResult',
      [
        element('Location', `http://${request.url.host}/${bucket.name}/${encodeURIComponent(key)}`),
        element('Bucket', bucket.name),
        element('Key', key),
        element('ETag', `"${etag}"`),
        element(`Checksum${checksum.algorithm}`, checksum.value),
        element('ChecksumType', checksum.type),
      ],
      namespace,
    ),
    encryptionHeaders(object),
  );
};

function assemble(
  request: S3Request,
  upload: Upload,
  { parts, lastModifiedMs }: { readonly parts: readonly UploadedPart[]; readonly lastModifiedMs: number },
): StoredObject {
  const segments = parts.map((part) => part.segment);
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  const md5 = createHash('md5');
  for (const part of parts) md5.update(Buffer.from(part.etag, 'hex'));
  return {
    ...upload.attributes,
    key: upload.key,
    bytes,
    etag: `${md5.digest('hex')}-${parts.length}`,
    lastModifiedMs,
    segments,
    checksum: checkObject(request, upload, { parts, bytes }),
    parts: parts.map(({ partNumber, segment, checksum }) => ({ partNumber, bytes: segment.bytes, checksum })),
    tags: upload.tags,
  };
}

function readParts(body: string): readonly Exclude<XmlNode, string>[] {
  const listed = children(parseXml(body, 'CompleteMultipartUpload').Part);
  if (listed.length === 0) throw malformedXml();
  return listed;
}

/** The parts that the client lists. Throws `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `InvalidRequest`. */
function chooseParts(listed: readonly Exclude<XmlNode, string>[], upload: Upload): readonly UploadedPart[] {
  let before = 0;
  const parts = listed.map((entry) => {
    const partNumber = Number(text(entry.PartNumber));
    if (partNumber <= before) {
      throw new S3Error(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. Parts must be ordered by part number.',
      );
    }
    before = partNumber;
    const part = upload.parts.get(partNumber);
    const etag = text(entry.ETag)?.replace(/^"|"$/g, '');
    const checksum = text(entry[`Checksum${upload.checksum.algorithm}`]);
    if (part === undefined || etag !== part.etag || (checksum !== undefined && checksum !== part.checksum)) {
      throw new S3Error(
        'InvalidPart',
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        { UploadId: upload.uploadId, PartNumber: String(partNumber), ETag: etag ?? '' },
      );
    }
    // A composite checksum that was asked for needs the sum of each part in the list.
    if (upload.checksum.asked && upload.checksum.type === 'COMPOSITE' && checksum === undefined) {
      throw new S3Error(
        'InvalidRequest',
        `The upload was created using a ${upload.checksum.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${partNumber} in the request.`,
      );
    }
    return part;
  });
  const tooSmall = parts.slice(0, -1).find((part) => part.segment.bytes < smallestPartBytes);
  if (tooSmall !== undefined) {
    throw new S3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
      ProposedSize: String(tooSmall.segment.bytes),
      MinSizeAllowed: String(smallestPartBytes),
      PartNumber: String(tooSmall.partNumber),
    });
  }
  return parts;
}

/** Compares what the client says of the whole with what arrived. Throws `BadDigest`, `InvalidRequest`. */
function checkObject(
  request: S3Request,
  upload: Upload,
  { parts, bytes }: { readonly parts: readonly UploadedPart[]; readonly bytes: number },
): Checksum {
  const { algorithm, type } = upload.checksum;
  const statedType = header(request, 'x-amz-checksum-type');
  if (statedType !== undefined && statedType !== type) {
    throw new S3Error(
      'InvalidRequest',
      `The upload was created using the ${type} checksum mode. The complete request must use the same checksum mode.`,
    );
  }
  const statedBytes = header(request, 'x-amz-mp-object-size');
  if (statedBytes !== undefined && Number(statedBytes) !== bytes) {
    throw new S3Error('InvalidRequest', `The provided 'x-amz-mp-object-size' header does not match what was computed.`);
  }
  const checksum = checksumOfParts(
    algorithm,
    type,
    parts.map((part) => ({ value: part.checksum, bytes: part.segment.bytes })),
  );
  const stated = readObjectChecksum(request, algorithm);
  // A composite value may be stated with the number of its parts, or without.
  const same = [checksum.value, checksum.value.replace(/-\d+$/, '')];
  if (stated !== undefined && !same.includes(stated)) throw wrongChecksum(algorithm.toLowerCase());
  return checksum;
}
