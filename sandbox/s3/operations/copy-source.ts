import { noSuchBucket, noSuchKey, notImplemented, S3Error } from '../errors.js';
import { largestBodyBytes } from '../http/receive.js';
import { header, type S3Request } from '../http/request.js';
import type { StoredObject } from '../state/index.js';
import { conditionFailed, failedCondition, readConditions } from './conditional.js';
import type { OperationContext } from './operation.js';

/** The object that is copied from. */
export interface CopySource {
  readonly bucket: string;
  readonly object: StoredObject;
}

/**
 * Finds the source of a copy (`x-amz-copy-source: bucket/key`, percent-encoded) and checks the conditions on it.
 * Throws `NoSuchBucket`, `NoSuchKey`, `PreconditionFailed`, `InvalidArgument`, `NotImplemented`.
 */
export function copySourceOf(request: S3Request, { store }: OperationContext): CopySource {
  const { bucket: name, key } = parseSource(header(request, 'x-amz-copy-source') ?? '');
  const bucket = store.buckets.get(name);
  if (bucket === undefined) throw noSuchBucket(name);
  const object = bucket.objects.get(key);
  if (object === undefined) throw noSuchKey(key);
  const failed = failedCondition(readConditions(request, 'x-amz-copy-source-'), object);
  if (failed !== undefined) throw conditionFailed(`x-amz-copy-source-${failed.name}`);
  return { bucket: name, object };
}

function parseSource(source: string): { readonly bucket: string; readonly key: string } {
  const [path = '', query] = source.split('?', 2);
  // SDKs that send the version of an unversioned bucket send `null`.
  if (query !== undefined && query !== 'versionId=null') throw notImplemented(`copies of ${query}`);
  const found = /^\/?([^/]+)\/(.+)$/s.exec(decode(path));
  if (found === null) {
    throw invalid('x-amz-copy-source', 'Invalid copy source object key', source);
  }
  const [, bucket = '', key = ''] = found;
  if (bucket.startsWith('arn:')) throw notImplemented('copies from access points');
  return { bucket, key };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('x-amz-copy-source', 'Invalid copy source encoding.', text);
  }
}

/** The range of UploadPartCopy, the end exclusive; the whole object where none is named. Throws `InvalidArgument`. */
export function copyRangeOf(
  request: S3Request,
  { bytes }: StoredObject,
): { readonly from: number; readonly to: number } {
  const name = 'x-amz-copy-source-range';
  const text = header(request, name);
  if (text === undefined) return { from: 0, to: bytes };
  const [, first = '', last = ''] = /^bytes=(\d{1,16})-(\d{1,16})$/.exec(text) ?? [];
  const range = { from: Number(first), to: Number(last) + 1 };
  if (first === '' || range.from >= range.to) {
    throw invalid(
      name,
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      text,
    );
  }
  if (range.to > bytes) {
    throw invalid(name, `Range specified is not valid for source object of size: ${bytes}`, text);
  }
  return range;
}

/** Throws `InvalidRequest` for more than one copy may have. */
export function requireCopyable(bytes: number): void {
  if (bytes <= largestBodyBytes) return;
  throw new S3Error(
    'InvalidRequest',
    `The specified copy source is larger than the maximum allowable size for a copy source: ${largestBodyBytes}`,
  );
}

function invalid(argument: string, message: string, value: string): S3Error {
  return new S3Error('InvalidArgument', message, { ArgumentName: argument, ArgumentValue: value });
}
