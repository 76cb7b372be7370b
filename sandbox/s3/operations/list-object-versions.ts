import { element, type XmlElement } from '../../server/xml.js';
import { invalidArgument } from '../errors.js';
import { queryNumber, type S3Request } from '../http/request.js';
import { byUtf8, isOlder, type Bucket, type Version } from '../state/index.js';
import { ownerId } from './buckets.js';
import { wantsRestoreStatus } from './list-objects.js';
import { writerOf } from './list-encoding.js';
import { answerXml, bucketOf, namespace, xmlTime, type Operation } from './operation.js';
import { pageOfKeys } from './paging.js';
import { restoreStatus } from './restore/index.js';

/** ListObjectVersions: all versions and delete markers, the newest of a key first. */
export const listObjectVersions: Operation = async (request, response, context) => {
  const bucket = bucketOf(request, context);
  const { query } = request;
  const write = writerOf(query);
  const order = readOrder(request);
  const page = pageOfVersions(bucket, order);
  const withStatus = wantsRestoreStatus(request);
  const nowMs = context.clock.now();
  answerXml(
    response,
    element(
      'ListVersionsResult',
      [
        element('Name', bucket.name),
        element('Prefix', write(order.prefix)),
        order.delimiter === '' ? undefined : element('Delimiter', write(order.delimiter)),
        element('KeyMarker', write(order.keyMarker)),
        element('VersionIdMarker', order.versionIdMarker ?? ''),
        ...(page.next === undefined
          ? []
          : [element('NextKeyMarker', write(page.next.key)), nextVersionIdMarker(page.next.versionId)]),
        element('MaxKeys', order.limit),
        query.get('encoding-type') === 'url' ? element('EncodingType', 'url') : undefined,
        element('IsTruncated', page.next !== undefined),
        ...page.entries.map(({ version, isLatest }) => {
          const status = withStatus && version.kind === 'object' ? restoreStatus(version, nowMs) : undefined;
          return entry(version, { isLatest, write, status });
        }),
        ...page.prefixes.map((common) => element('CommonPrefixes', [element('Prefix', write(common))])),
      ],
      namespace,
    ),
  );
  await Promise.resolve();
};

function nextVersionIdMarker(versionId: string | undefined): XmlElement | undefined {
  return versionId === undefined ? undefined : element('NextVersionIdMarker', versionId);
}

interface Order {
  readonly prefix: string;
  readonly delimiter: string;
  readonly keyMarker: string;
  readonly versionIdMarker: string | undefined;
  readonly limit: number;
}

function readOrder(request: S3Request): Order {
  const { query } = request;
  const keyMarker = query.get('key-marker') ?? '';
  const versionIdMarker = query.get('version-id-marker') ?? undefined;
  if (versionIdMarker !== undefined && keyMarker === '') {
    const message = 'A version-id marker cannot be specified without a key marker.';
    throw invalidArgument('version-id-marker', versionIdMarker, message);
  }
  if (versionIdMarker === '') {
    throw invalidArgument('version-id-marker', '', 'A version-id marker cannot be empty.');
  }
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    keyMarker,
    versionIdMarker,
    limit: Math.min(queryNumber(request, 'max-keys', { min: 0, max: 2 ** 31 - 1 }) ?? 1000, 1000),
  };
}

interface Entry {
  readonly version: Version;
  readonly isLatest: boolean;
}

interface Page {
  readonly entries: readonly Entry[];
  readonly prefixes: readonly string[];
  /** Where the next page begins: behind this version, or behind this key or common prefix. */
  readonly next: { readonly key: string; readonly versionId: string | undefined } | undefined;
}

/** Every key has a version at least, so a page of versions ends within a page of as many keys. */
function pageOfVersions(bucket: Bucket, order: Order): Page {
  const { prefix, delimiter, keyMarker, versionIdMarker, limit } = order;
  if (limit === 0) return { entries: [], prefixes: [], next: undefined };
  const begun = versionIdMarker === undefined ? [] : versionsAfter(bucket, keyMarker, versionIdMarker);
  const keys = pageOfKeys(bucket.versions.sortedKeys(), { prefix, delimiter, after: keyMarker, limit });
  const names = [
    ...keys.keys.map((key) => ({ name: key, entries: entriesOf(bucket, key) })),
    ...keys.prefixes.map((name) => ({ name, entries: undefined })),
  ].sort((a, b) => byUtf8(a.name, b.name));

  const entries: Entry[] = begun.slice(0, limit);
  const prefixes: string[] = [];
  let last: Page['next'] = mark(entries.at(-1));
  if (begun.length > limit) return { entries, prefixes, next: last };
  for (const { name, entries: ofKey } of names) {
    const room = limit - entries.length - prefixes.length;
    if (room === 0) return { entries, prefixes, next: last };
    if (ofKey === undefined) {
      prefixes.push(name);
      last = { key: name, versionId: undefined };
      continue;
    }
    entries.push(...ofKey.slice(0, room));
    last = mark(entries.at(-1));
    if (ofKey.length > room) return { entries, prefixes, next: last };
  }
  return { entries, prefixes, next: keys.next === undefined ? undefined : last };
}

function mark(entry: Entry | undefined): Page['next'] {
  return entry === undefined ? undefined : { key: entry.version.key, versionId: entry.version.versionId };
}

function entriesOf(bucket: Bucket, key: string): readonly Entry[] {
  const versions = bucket.versions.get(key)?.versions ?? [];
  return versions.map((version, index) => ({ version, isLatest: index === 0 }));
}

/** What comes after a version, also when that one was deleted since: all that is not known to be newer. */
function versionsAfter(bucket: Bucket, key: string, versionId: string): readonly Entry[] {
  const all = entriesOf(bucket, key);
  const at = all.findIndex(({ version }) => version.versionId === versionId);
  if (at !== -1) return all.slice(at + 1);
  return all.filter(({ version }) => !isOlder(versionId, version.versionId));
}

function entry(
  version: Version,
  {
    isLatest,
    write,
    status,
  }: {
    readonly isLatest: boolean;
    readonly write: (text: string) => string;
    readonly status: XmlElement | undefined;
  },
): XmlElement {
  const common = [
    element('Key', write(version.key)),
    element('VersionId', version.versionId),
    element('IsLatest', isLatest),
    element('LastModified', xmlTime(version.lastModifiedMs)),
  ];
  const owner = element('Owner', [element('ID', ownerId)]);
  if (version.kind === 'delete-marker') return element('DeleteMarker', [...common, owner]);
  return element('Version', [
    ...common,
    element('ETag', `"${version.etag}"`),
    element('ChecksumAlgorithm', version.checksum.algorithm),
    element('ChecksumType', version.checksum.type),
    element('Size', version.bytes),
    element('StorageClass', version.storageClass),
    owner,
    status,
  ]);
}
