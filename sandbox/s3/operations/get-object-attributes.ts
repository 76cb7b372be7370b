import { element, type XmlElement } from '../../server/xml.js';
import { S3Error } from '../errors.js';
import { header, type S3Request } from '../http/request.js';
import type { StoredObject } from '../state/index.js';
import { objectOf, versionHeaders } from './find-object.js';
import { answerXml, bucketOf, namespace, type Operation } from './operation.js';

const known = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const;
type Attribute = (typeof known)[number];

/** GetObjectAttributes, the parts of a multipart object in pages. */
export const getObjectAttributes: Operation = async (request, response, context) => {
  const object = objectOf(request, context);
  const wanted = wantedAttributes(request);
  const elements = known.filter((name) => wanted.has(name)).map((name) => attribute(name, object, request));
  answerXml(response, element('GetObjectAttributesResponse', elements, namespace), {
    'last-modified': new Date(object.lastModifiedMs).toUTCString(),
    ...versionHeaders(bucketOf(request, context), object),
  });
  await Promise.resolve();
};

function wantedAttributes(request: S3Request): ReadonlySet<string> {
  const names = (header(request, 'x-amz-object-attributes') ?? '').split(',').map((name) => name.trim());
  const wrong = names.find((name) => !known.some((attribute) => attribute === name));
  if (wrong === undefined) return new Set(names);
  throw new S3Error('InvalidArgument', 'Invalid attribute name specified.', {
    ArgumentName: 'x-amz-object-attributes',
    ArgumentValue: wrong,
  });
}

function attribute(name: Attribute, object: StoredObject, request: S3Request): XmlElement | undefined {
  const { checksum } = object;
  switch (name) {
    case 'ETag':
      return element('ETag', object.etag);
    case 'Checksum':
      return element('Checksum', [
        // Here, and only here, a composite value goes without the number of its parts.
        element(`Checksum${checksum.algorithm}`, checksum.value.replace(/-\d+$/, '')),
        element('ChecksumType', checksum.type),
      ]);
    case 'ObjectParts':
      return object.parts === undefined ? undefined : parts(object, request);
    case 'StorageClass':
      return element('StorageClass', object.storageClass);
    case 'ObjectSize':
      return element('ObjectSize', object.bytes);
  }
}

/** S3 lists single parts only where they bear checksums of a composite kind. */
function parts({ parts: all = [], checksum }: StoredObject, request: S3Request): XmlElement {
  // The SDKs call it TotalPartsCount.
  const total = element('PartsCount', all.length);
  if (checksum.type !== 'COMPOSITE') return element('ObjectParts', [total]);
  const marker = wholeNumber(request, 'x-amz-part-number-marker') ?? 0;
  const limit = Math.min(wholeNumber(request, 'x-amz-max-parts') ?? 1000, 1000);
  const after = all.filter((part) => part.partNumber > marker);
  const page = after.slice(0, limit);
  return element('ObjectParts', [
    total,
    element('PartNumberMarker', marker),
    element('NextPartNumberMarker', page.at(-1)?.partNumber ?? marker),
    element('MaxParts', limit),
    element('IsTruncated', after.length > page.length),
    ...page.map((part) =>
      element('Part', [
        element('PartNumber', part.partNumber),
        element('Size', part.bytes),
        element(`Checksum${checksum.algorithm}`, part.checksum),
      ]),
    ),
  ]);
}

function wholeNumber(request: S3Request, name: string): number | undefined {
  const text = header(request, name);
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new S3Error('InvalidArgument', `${name} must be a whole number.`, { ArgumentName: name, ArgumentValue: text });
}
