import { element, type XmlElement } from '../../server/xml.js';
import { invalidArgument, S3Error } from '../errors.js';
import { header, queryNumber, type S3Request } from '../http/request.js';
import type { StoredObject } from '../state/index.js';
import { ownerId } from './buckets.js';
import { writerOf } from './list-encoding.js';
import { answerXml, bucketOf, namespace, xmlTime, type Operation, type OperationContext } from './operation.js';
import { pageOfKeys, type KeyPage } from './paging.js';
import { restoreStatus } from './restore/index.js';

/** ListObjectsV2: prefix, delimiter, start-after, paging by continuation token, encoding-type=url. */
export const listObjectsV2: Operation = async (request, response, context) => {
  const { query } = request;
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after') ?? '';
  const listing = list(request, context, {
    after: token === null ? startAfter : readToken(token),
    withOwner: query.get('fetch-owner') === 'true',
  });
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
        ...listing.entries,
      ],
      namespace,
    ),
  );
  await Promise.resolve();
};

/** ListObjects, the first version: paging by marker, and the owner always. */
export const listObjectsV1: Operation = async (request, response, context) => {
  const { query } = request;
  const marker = query.get('marker') ?? '';
  const listing = list(request, context, { after: marker, withOwner: true });
  const { page, write } = listing;
  // Without a delimiter the last key is the next marker, and S3 does not repeat it.
  const next = (query.get('delimiter') ?? '') === '' ? undefined : page.next;
  answerXml(
    response,
    element(
      'ListBucketResult',
      [
        ...listing.head,
        element('Marker', write(marker)),
        next === undefined ? undefined : element('NextMarker', write(next)),
        ...listing.entries,
      ],
      namespace,
    ),
  );
  await Promise.resolve();
};

interface Listing {
  readonly page: KeyPage;
  readonly write: (text: string) => string;
  /** What both versions begin with, and what they end with. */
  readonly head: readonly (XmlElement | undefined)[];
  readonly entries: readonly (XmlElement | undefined)[];
}

function list(
  request: S3Request,
  context: OperationContext,
  { after, withOwner }: { readonly after: string; readonly withOwner: boolean },
): Listing {
  const bucket = bucketOf(request, context);
  const { query } = request;
  const write = writerOf(query);
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const limit = Math.min(queryNumber(request, 'max-keys', { min: 0, max: 2 ** 31 - 1 }) ?? 1000, 1000);
  const withStatus = wantsRestoreStatus(request);
  const nowMs = context.clock.now();
  const page = pageOfKeys(bucket.objects.sortedKeys(), { prefix, delimiter, after, limit });
  return {
    page,
    write,
    head: [
      element('Name', bucket.name),
      element('Prefix', write(prefix)),
      optional('Delimiter', write(delimiter)),
      optional('EncodingType', query.get('encoding-type')),
      element('MaxKeys', limit),
      element('IsTruncated', page.next !== undefined),
    ],
    entries: [
      ...page.keys.map((key) => {
        const object = bucket.objects.get(key);
        if (object === undefined) return undefined;
        return contents(object, write, { withOwner, status: withStatus ? restoreStatus(object, nowMs) : undefined });
      }),
      ...page.prefixes.map((common) => element('CommonPrefixes', [element('Prefix', write(common))])),
    ],
  };
}

function optional(name: string, value: string | null): XmlElement | undefined {
  return value === null || value === '' ? undefined : element(name, value);
}

function contents(
  object: StoredObject,
  write: (text: string) => string,
  { withOwner, status }: { readonly withOwner: boolean; readonly status: XmlElement | undefined },
): XmlElement {
  return element('Contents', [
    element('Key', write(object.key)),
    element('LastModified', xmlTime(object.lastModifiedMs)),
    element('ETag', `"${object.etag}"`),
    element('ChecksumAlgorithm', object.checksum.algorithm),
    element('ChecksumType', object.checksum.type),
    element('Size', object.bytes),
    withOwner ? element('Owner', [element('ID', ownerId)]) : undefined,
    element('StorageClass', object.storageClass),
    status,
  ]);
}

/** Whether a listing is to tell of restored copies. Throws `InvalidArgument` for any other wish. */
export function wantsRestoreStatus(request: S3Request): boolean {
  const name = 'x-amz-optional-object-attributes';
  const wish = header(request, name);
  if (wish === undefined || wish === 'RestoreStatus') return wish !== undefined;
  throw invalidArgument(name, wish, 'Invalid attribute name specified.');
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
