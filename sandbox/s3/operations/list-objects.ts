import { element, type XmlElement } from '../../server/xml.js';
import { S3Error } from '../errors.js';
import { queryNumber, type S3Request } from '../http/request.js';
import type { Bucket, StoredObject } from '../state/index.js';
import { ownerId } from './buckets.js';
import { answerXml, bucketOf, namespace, xmlTime, type Operation } from './operation.js';
import { byUtf8, pageOfKeys } from './paging.js';

/** ListObjectsV2: prefix, delimiter, start-after, paging by continuation token, encoding-type=url. */
export const listObjectsV2: Operation = async (request, response, context) => {
  const bucket = bucketOf(request, context);
  const { query } = request;
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after') ?? '';
  const listing = list(request, bucket, token === null ? startAfter : readToken(token));
  const { page, write } = listing;
  answerXml(
    response,
    element(
      'ListBucketResult',
      [
        ...listing.head,
        optional('StartAfter', write(startAfter)),
        optional('ContinuationToken', token),
        optional('NextContinuationToken', page.next === undefined ? null : writeToken(page.next)),
        element('KeyCount', page.keys.length + page.prefixes.length),
        ...listing.entries(query.get('fetch-owner') === 'true'),
      ],
      namespace,
    ),
  );
  await Promise.resolve();
};

/** ListObjects, the first version: paging by marker; NextMarker only with a delimiter, as in S3. */
export const listObjectsV1: Operation = async (request, response, context) => {
  const bucket = bucketOf(request, context);
  const marker = request.query.get('marker') ?? '';
  const listing = list(request, bucket, marker);
  const { page, write } = listing;
  const hasDelimiter = (request.query.get('delimiter') ?? '') !== '';
  answerXml(
    response,
    element(
      'ListBucketResult',
      [
        ...listing.head,
        element('Marker', write(marker)),
        optional('NextMarker', hasDelimiter && page.next !== undefined ? write(page.next) : null),
        ...listing.entries(true),
      ],
      namespace,
    ),
  );
  await Promise.resolve();
};

/** What both versions have in common. */
function list(request: S3Request, bucket: Bucket, after: string) {
  const { query } = request;
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const encoding = query.get('encoding-type');
  if (encoding !== null && encoding !== 'url') {
    throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request', {
      ArgumentName: 'encoding-type',
    });
  }
  const write = encoding === 'url' ? urlEncoded : (text: string): string => text;
  const maxKeys = Math.min(queryNumber(request, 'max-keys', { min: 0, max: 2 ** 29 }) ?? 1000, 1000);
  const page = pageOfKeys(sortedKeys(bucket), { prefix, delimiter, after, limit: maxKeys });
  return {
    page,
    write,
    head: [
      element('Name', bucket.name),
      element('Prefix', write(prefix)),
      optional('Delimiter', write(delimiter)),
      optional('EncodingType', encoding),
      element('MaxKeys', maxKeys),
      element('IsTruncated', page.next !== undefined),
    ],
    entries: (withOwner: boolean) => [
      ...page.keys.map((key) => contents(bucket.objects.get(key), write, withOwner)),
      ...page.prefixes.map((common) => element('CommonPrefixes', [element('Prefix', write(common))])),
    ],
  };
}

function optional(name: string, value: string | null): XmlElement | undefined {
  return value === null || value === '' ? undefined : element(name, value);
}

function contents(
  object: StoredObject | undefined,
  write: (text: string) => string,
  withOwner: boolean,
): XmlElement | undefined {
  if (object === undefined) return undefined;
  return element('Contents', [
    element('Key', write(object.key)),
    element('LastModified', xmlTime(object.lastModifiedMs)),
    element('ETag', `"${object.etag}"`),
    element('ChecksumAlgorithm', object.checksum.algorithm),
    element('ChecksumType', object.checksum.type),
    element('Size', object.bytes),
    withOwner ? element('Owner', [element('ID', ownerId)]) : undefined,
    element('StorageClass', object.storageClass),
  ]);
}

const sorted = new WeakMap<Bucket, { readonly keys: readonly string[]; readonly size: number }>();

/** Keys in the order of their UTF-8 bytes; kept between the pages of a listing while no key comes or goes. */
function sortedKeys(bucket: Bucket): readonly string[] {
  const known = sorted.get(bucket);
  if (known?.size === bucket.objects.size && known.keys.every((key) => bucket.objects.has(key))) return known.keys;
  const keys = Array.from(bucket.objects.keys()).sort(byUtf8);
  sorted.set(bucket, { keys, size: keys.length });
  return keys;
}

function urlEncoded(text: string): string {
  return encodeURIComponent(text).replace(/%2F/g, '/').replace(/%20/g, '+');
}

function writeToken(after: string): string {
  return Buffer.from(after, 'utf8').toString('base64');
}

function readToken(token: string): string {
  const after = Buffer.from(token, 'base64').toString('utf8');
  if (writeToken(after) === token) return after;
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', {
    ArgumentName: 'continuation-token',
  });
}
