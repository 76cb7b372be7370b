import { createHash } from 'node:crypto';
import { checksumOfParts, type Checksum } from '../checksums/index.js';
import { malformedXml, S3Error } from '../errors.js';
import { readObjectChecksum } from '../http/attributes.js';
import { wrongChecksum } from '../http/integrity.js';
import { header, type S3Request } from '../http/request.js';
import { children, parseXml, text, type XmlNode } from '../http/xml-body.js';
import type { NewObject, Upload, UploadedPart } from '../state/index.js';

/** Every part but the last one (S3 user guide, "Multipart upload limits"). */
const smallestPartBytes = 5 * 1024 ** 2;

/** The object of an upload; it is as old as the upload (S3 user guide, "System-defined object metadata"). */
export function assemble(request: S3Request, upload: Upload, parts: readonly UploadedPart[]): Omit<NewObject, 'lock'> {
  const segments = parts.map((part) => part.segment);
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  return {
    ...upload.attributes,
    key: upload.key,
    bytes,
    etag: etagOfParts(parts.map((part) => part.etag)),
    lastModifiedMs: upload.initiatedMs,
    segments,
    checksum: checkObject(request, upload, { parts, bytes }),
    parts: parts.map(({ partNumber, segment, checksum }) => ({ partNumber, bytes: segment.bytes, checksum })),
    tags: upload.tags,
    uploadId: upload.uploadId,
  };
}

/** The ETag of an object from those of its parts: the MD5 of their MD5s, and how many there are. */
export function etagOfParts(etags: readonly string[]): string {
  const md5 = createHash('md5');
  for (const etag of etags) md5.update(Buffer.from(etag, 'hex'));
  return `${md5.digest('hex')}-${etags.length}`;
}

/** An ETag as it is kept. */
export function unquoted(etag: string | undefined): string {
  return etag?.replace(/^"|"$/g, '') ?? '';
}

/** An entry of the list that the client completes an upload with. */
export type ListedPart = Exclude<XmlNode, string>;

/** Reads that list. Throws `MalformedXML`. */
export function readParts(body: string): readonly ListedPart[] {
  const listed = children(parseXml(body, 'CompleteMultipartUpload').Part);
  if (listed.length === 0) throw malformedXml();
  return listed;
}

/** The parts that the client lists. Throws `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `InvalidRequest`. */
export function chooseParts(listed: readonly ListedPart[], upload: Upload): readonly UploadedPart[] {
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
    const etag = unquoted(text(entry.ETag));
    const checksum = text(entry[`Checksum${upload.checksum.algorithm}`]);
    if (part === undefined || etag !== part.etag || (checksum !== undefined && checksum !== part.checksum)) {
      throw new S3Error(
        'InvalidPart',
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        { UploadId: upload.uploadId, PartNumber: String(partNumber), ETag: etag },
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
