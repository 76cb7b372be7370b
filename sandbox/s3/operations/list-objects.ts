import { element, type XmlElement } from '../../server/xml.js';
import { notImplemented, S3Error } from '../errors.js';
import { queryNumber } from '../http/request.js';
import type { Bucket, StoredObject } from '../state/index.js';
import { ownerId } from './buckets.js';
import { answerXml, bucketOf, namespace, xmlTime, type Operation } from './operation.js';
import { byUtf8, pageOfKeys } from './paging.js';

/** ListObjectsV2: prefix, delimiter, start-after, paging by continuation token, encoding-type=url. */
export const listObjectsV2: Operation = async (request, response, context) => {
  const bucket = bucketOf(request, context);
  const { query } = request;
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after') ?? '';
  const encoding = query.get('encoding-type');
  if (encoding !== null && encoding !== 'url') {
    throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request', {
      ArgumentName: 'encoding-type',
    });
  }
  const write = encoding === 'url' ? urlEncoded : (text: string): string => text;
  const maxKeys = Math.min(queryNumber(request, 'max-keys', { min: 0, max: 2 ** 29 }) ?? 1000, 1000);
  const page = pageOfKeys(sortedKeys(bucket), {
    prefix,
    delimiter,
    after: token === null ? startAfter : readToken(token),
    limit: maxKeys,
  });
  const optional = (name: string, value: string | null): XmlElement | undefined =>
    value === null || value === '' ? undefined : element(name, value);
  answerXml(
    response,
    element(
      'ListBucketResult',
      [
        element('Name', bucket.name),
        element('Prefix', write(prefix)),
        optional('Delimiter', delimiter === '' ? '' : write(delimiter)),
        optional('StartAfter', startAfter === '' ? '' : write(startAfter)),
        optional('EncodingType', encoding),
        optional('ContinuationToken', token),
        optional('NextContinuationToken', page.next === undefined ? null : writeToken(page.next)),
        element('KeyCount', page.keys.length + page.prefixes.length),
        element('MaxKeys', maxKeys),
        element('IsTruncated', page.next !== undefined),
        ...page.keys.map((key) => contents(bucket.objects.get(key), write, query.get('fetch-owner') === 'true')),
        ...page.prefixes.map((common) => element('CommonPrefixes', [element('Prefix', write(common))])),
      ],
      namespace,
    ),
  );
  await Promise.resolve();
};

/** ListObjects, the first version: not here. */
export const listObjectsV1: Operation = () =>
  Promise.reject(notImplemented('ListObjects (version 1); use ListObjectsV2'));

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
