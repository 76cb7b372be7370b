import { invalidArgument, noSuchBucket, S3Error } from '../errors.js';
import { parseCopySource } from '../http/copy-source.js';
import { largestBodyBytes } from '../http/receive.js';
import { header, type S3Request } from '../http/request.js';
import type { StoredObject } from '../state/index.js';
import { conditionFailed, failedCondition, readConditions } from './conditional.js';
import { findObject, requireVersionId, versionHeaders } from './find-object.js';
import type { OperationContext } from './operation.js';
import { requireCopyableSource } from './restore/index.js';

/** The object that is copied from. */
export interface CopySource {
  readonly bucket: string;
  readonly object: StoredObject;
  /** A version was named, which need not be the current one. */
  readonly isVersion: boolean;
  /** Tells which version it was, where its bucket has versions. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Finds the source of a copy (`x-amz-copy-source: bucket/key`, percent-encoded) and checks the conditions on it. Throws
 * `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `InvalidObjectState`, `PreconditionFailed`, `InvalidArgument`,
 * `NotImplemented`.
 */
export function copySourceOf(request: S3Request, { store, clock }: OperationContext): CopySource {
  const { bucket: name, key, versionId } = parseCopySource(header(request, 'x-amz-copy-source') ?? '');
  const bucket = store.buckets.get(name);
  if (bucket === undefined) throw noSuchBucket(name);
  if (versionId !== undefined) requireVersionId(versionId);
  const object = findObject(request, bucket, { key, versionId });
  requireCopyableSource(object, clock.now());
  const failed = failedCondition(readConditions(request, 'x-amz-copy-source-'), object);
  if (failed !== undefined) throw conditionFailed(`x-amz-copy-source-${failed.name}`);
  const { 'x-amz-version-id': version } = versionHeaders(bucket, object);
  const headers: Record<string, string> = version === undefined ? {} : { 'x-amz-copy-source-version-id': version };
  return { bucket: name, object, isVersion: versionId !== undefined, headers };
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
    throw invalidArgument(
      name,
      text,
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    );
  }
  if (range.to > bytes) {
    throw invalidArgument(name, text, `Range specified is not valid for source object of size: ${bytes}`);
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
