import { element } from '../../server/xml.js';
import { queryNumber } from '../http/request.js';
import { byUtf8, type Bucket, type Upload } from '../state/index.js';
import { ownerId } from './buckets.js';
import { writerOf } from './list-encoding.js';
import { answerXml, bucketOf, namespace, xmlTime, type Operation } from './operation.js';

/** ListMultipartUploads, up to 1,000 uploads and common prefixes a page, in the order of key and start. */
export const listMultipartUploads: Operation = async (request, response, context) => {
  const bucket = bucketOf(request, context);
  const { query } = request;
  const write = writerOf(query);
  const order = {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    keyMarker: query.get('key-marker') ?? '',
    idMarker: query.get('upload-id-marker') ?? '',
    limit: Math.min(queryNumber(request, 'max-uploads', { min: 1, max: 2 ** 29 }) ?? 1000, 1000),
  };
  const page = pageOfUploads(bucket, order);
  answerXml(
    response,
    element(
      'ListMultipartUploadsResult',
      [
        element('Bucket', bucket.name),
        element('KeyMarker', write(order.keyMarker)),
        element('UploadIdMarker', order.idMarker),
        page.next === undefined ? undefined : element('NextKeyMarker', write(page.next.key)),
        page.next === undefined ? undefined : element('NextUploadIdMarker', page.next.uploadId),
        query.get('encoding-type') === 'url' ? element('EncodingType', 'url') : undefined,
        element('Prefix', write(order.prefix)),
        order.delimiter === '' ? undefined : element('Delimiter', write(order.delimiter)),
        element('MaxUploads', order.limit),
        element('IsTruncated', page.next !== undefined),
        ...page.uploads.map((upload) =>
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
        ...page.prefixes.map((common) => element('CommonPrefixes', [element('Prefix', write(common))])),
      ],
      namespace,
    ),
  );
  await Promise.resolve();
};

interface Order {
  readonly prefix: string;
  readonly delimiter: string;
  readonly keyMarker: string;
  readonly idMarker: string;
  readonly limit: number;
}

interface Page {
  readonly uploads: readonly Upload[];
  readonly prefixes: readonly string[];
  /** Behind what the next page begins; a common prefix has no upload id. */
  readonly next: { readonly key: string; readonly uploadId: string } | undefined;
}

function pageOfUploads(bucket: Bucket, { prefix, delimiter, keyMarker, idMarker, limit }: Order): Page {
  const sorted = Array.from(bucket.uploads.values())
    .filter((upload) => upload.key.startsWith(prefix))
    .sort((a, b) => byUtf8(a.key, b.key) || byUtf8(a.uploadId, b.uploadId));
  const uploads: Upload[] = [];
  const prefixes: string[] = [];
  let last: Page['next'];
  for (const upload of sorted) {
    const { key, uploadId } = upload;
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const common = cut === -1 ? undefined : key.slice(0, cut + delimiter.length);
    // The upload that the marker names may have ended since.
    const order = byUtf8(common ?? key, keyMarker);
    const isAfter = order > 0 || (order === 0 && common === undefined && idMarker !== '' && uploadId > idMarker);
    if (!isAfter || (common !== undefined && common === prefixes.at(-1))) continue;
    if (uploads.length + prefixes.length === limit) return { uploads, prefixes, next: last };
    if (common === undefined) uploads.push(upload);
    else prefixes.push(common);
    last = common === undefined ? { key, uploadId } : { key: common, uploadId: '' };
  }
  return { uploads, prefixes, next: undefined };
}
