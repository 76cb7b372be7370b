import type { ServerResponse } from 'node:http';
import { S3Error } from '../errors.js';
import { sendBody } from '../http/send.js';
import { checksumHeader, header, queryNumber, type S3Request } from '../http/request.js';
import type { Checksum } from '../checksums/index.js';
import type { StoredObject } from '../state/index.js';
import { conditionFailed, failedCondition, readConditions } from './conditional.js';
import { objectOf, versionHeaders } from './find-object.js';
import { lockHeaders } from './lock/index.js';
import { bucketOf, encryptionHeaders, type Operation, type OperationContext } from './operation.js';
import { requireReadable, restoreHeaders } from './restore/index.js';

/** GetObject, with Range, partNumber, conditions and `response-…` overrides. */
export const getObject: Operation = async (request, response, context) => {
  requireReadable(objectOf(request, context), context.clock.now());
  const { object, range } = begin(request, response, context);
  await using reading = context.store.bodies.read(object.segments, range.from, range.to);
  await sendBody(reading.bytes, response);
};

/** HeadObject: the same without the body. */
export const headObject: Operation = async (request, response, context) => {
  begin(request, response, context);
  response.end();
  await Promise.resolve();
};

interface Range {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

function begin(
  request: S3Request,
  response: ServerResponse,
  context: OperationContext,
): { readonly object: StoredObject; readonly range: Range } {
  const object = objectOf(request, context);
  checkConditions(request, object);
  const partNumber = queryNumber(request, 'partNumber', { min: 1, max: 10_000 });
  if (partNumber !== undefined && header(request, 'range') !== undefined) {
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter');
  }
  const range = partNumber === undefined ? parseRange(request, object) : rangeOfPart(object, partNumber);
  const { from, to } = range ?? { from: 0, to: object.bytes };
  response.writeHead(range === undefined ? 200 : 206, {
    ...object.headers,
    ...overrides(request),
    ...Object.fromEntries(Object.entries(object.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
    ...encryptionHeaders(object),
    ...(object.storageClass === 'STANDARD' ? {} : { 'x-amz-storage-class': object.storageClass }),
    ...(Object.keys(object.tags).length === 0 ? {} : { 'x-amz-tagging-count': Object.keys(object.tags).length }),
    ...(partNumber === undefined || object.parts === undefined ? {} : { 'x-amz-mp-parts-count': object.parts.length }),
    ...checksumHeaders(
      request,
      partNumber === undefined ? objectChecksum(object, range) : partChecksum(object, partNumber),
    ),
    ...versionHeaders(bucketOf(request, context), object),
    ...restoreHeaders(object, context.clock.now()),
    ...lockHeaders(object, request),
    'accept-ranges': 'bytes',
    'content-length': to - from,
    ...(range === undefined ? {} : { 'content-range': `bytes ${from}-${to - 1}/${object.bytes}` }),
    'content-type':
      request.query.get('response-content-type') ?? object.headers['content-type'] ?? 'binary/octet-stream',
    ...validators(object),
  });
  return { object, range: { from, to } };
}

/** What identifies this state of the object; also part of a 304. */
function validators(object: StoredObject): Record<string, string> {
  return { etag: `"${object.etag}"`, 'last-modified': new Date(object.lastModifiedMs).toUTCString() };
}

/** Throws `PreconditionFailed`, `NotModified`. */
function checkConditions(request: S3Request, object: StoredObject): void {
  const failed = failedCondition(readConditions(request, ''), object);
  if (failed?.meaning === 'precondition-failed') throw conditionFailed(failed.name);
  if (failed?.meaning === 'not-modified') throw new S3Error('NotModified', 'Not Modified', {}, validators(object));
}

function checksumHeaders(request: S3Request, checksum: Checksum | undefined): Record<string, string> {
  if (checksum === undefined || header(request, 'x-amz-checksum-mode')?.toUpperCase() !== 'ENABLED') return {};
  return { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

/** The checksum of the object is only given for the object, not for a range of it. */
function objectChecksum({ checksum }: StoredObject, range: Range | undefined): Checksum | undefined {
  return range === undefined ? checksum : undefined;
}

/** A part has a checksum of its own where that of the object is made of those, or where it is the whole object. */
function partChecksum({ checksum, parts = [] }: StoredObject, partNumber: number): Checksum | undefined {
  const value = parts.find((part) => part.partNumber === partNumber)?.checksum;
  return value !== undefined && (checksum.type === 'COMPOSITE' || parts.length === 1)
    ? { ...checksum, value }
    : undefined;
}

function overrides(request: S3Request): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of ['cache-control', 'content-disposition', 'content-encoding', 'content-language', 'expires']) {
    const value = request.query.get(`response-${name}`);
    if (value !== null) found[name] = value;
  }
  return found;
}

/** One range; several, or another unit, are ignored, as S3 does. Throws `InvalidRange`. */
function parseRange(request: S3Request, object: StoredObject): Range | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header(request, 'range')?.trim() ?? '');
  if (found === null || (found[1] === '' && found[2] === '')) return undefined;
  const [, first = '', last = ''] = found;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const from = first === '' ? Math.max(0, object.bytes - Number(last)) : Number(first);
  const to = first === '' || last === '' ? object.bytes : Math.min(object.bytes, Number(last) + 1);
  if (from >= object.bytes || from >= to) {
    throw new S3Error(
      'InvalidRange',
      'The requested range is not satisfiable',
      { RangeRequested: found[0], ActualObjectSize: String(object.bytes) },
      { 'content-range': `bytes */${object.bytes}` },
    );
  }
  return { from, to };
}

/** Throws `InvalidPartNumber`. */
function rangeOfPart(object: StoredObject, partNumber: number): Range | undefined {
  if (object.parts === undefined && partNumber === 1)
    return object.bytes === 0 ? undefined : { from: 0, to: object.bytes };
  let from = 0;
  for (const part of object.parts ?? []) {
    if (part.partNumber === partNumber) return { from, to: from + part.bytes };
    from += part.bytes;
  }
  throw new S3Error('InvalidPartNumber', 'The requested partnumber is not satisfiable', {
    PartNumberRequested: String(partNumber),
    ActualPartCount: String(object.parts?.length ?? 1),
  });
}
