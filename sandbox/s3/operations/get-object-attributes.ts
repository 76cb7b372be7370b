import { element } from '../../server/xml.js';
import { noSuchKey, S3Error } from '../errors.js';
import { header } from '../http/request.js';
import type { StoredObject } from '../state/index.js';
import { answerXml, bucketOf, keyOf, namespace, type Operation } from './operation.js';

/** GetObjectAttributes: those named in x-amz-object-attributes; parts in pages. */
export const getObjectAttributes: Operation = async (request, response, context) => {
  const object = bucketOf(request, context).objects.get(keyOf(request));
  if (object === undefined) throw noSuchKey(keyOf(request));
  const names = (header(request, 'x-amz-object-attributes') ?? '').split(',').map((name) => name.trim());
  const known = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'];
  if (names.some((name) => !known.includes(name))) {
    throw new S3Error('InvalidArgument', 'Invalid attribute name specified', {
      ArgumentName: 'x-amz-object-attributes',
    });
  }
  const { algorithm, value, type } = object.checksum;
  const wanted = (name: string): boolean => names.includes(name);
  answerXml(
    response,
    element(
      'GetObjectAttributesResponse',
      [
        wanted('ETag') ? element('ETag', object.etag) : undefined,
        wanted('Checksum')
          ? element('Checksum', [element(`Checksum${algorithm}`, value), element('ChecksumType', type)])
          : undefined,
        wanted('ObjectParts') && object.parts !== undefined
          ? element('ObjectParts', partElements(object, object.parts, pageOf(request.headers)))
          : undefined,
        wanted('StorageClass') ? element('StorageClass', object.storageClass) : undefined,
        wanted('ObjectSize') ? element('ObjectSize', object.bytes) : undefined,
      ],
      namespace,
    ),
    { 'last-modified': new Date(object.lastModifiedMs).toUTCString() },
  );
  await Promise.resolve();
};

interface Page {
  readonly marker: number;
  readonly limit: number;
}

function pageOf(headers: Readonly<Record<string, string | string[] | undefined>>): Page {
  const number = (name: string, otherwise: number): number => {
    const text = headers[name];
    if (text === undefined) return otherwise;
    if (typeof text === 'string' && /^\d{1,5}$/.test(text)) return Number(text);
    throw new S3Error('InvalidArgument', `${name} must be a whole number.`, { ArgumentName: name });
  };
  return { marker: number('x-amz-part-number-marker', 0), limit: Math.min(number('x-amz-max-parts', 1000), 1000) };
}

/** S3 lists single parts only where they bear checksums of a composite kind. */
function partElements(object: StoredObject, parts: NonNullable<StoredObject['parts']>, { marker, limit }: Page) {
  const total = element('TotalPartsCount', parts.length);
  if (object.checksum.type !== 'COMPOSITE') return [total];
  const after = parts.filter((part) => part.partNumber > marker);
  const page = after.slice(0, limit);
  return [
    total,
    element('PartNumberMarker', marker),
    element('NextPartNumberMarker', page.at(-1)?.partNumber ?? 0),
    element('MaxParts', limit),
    element('IsTruncated', after.length > page.length),
    ...page.map((part) =>
      element('Part', [
        element('PartNumber', part.partNumber),
        element('Size', part.bytes),
        element(`Checksum${object.checksum.algorithm}`, part.checksum),
      ]),
    ),
  ];
}
