import { noSuchKey, S3Error } from '../errors.js';
import { header, type S3Request } from '../http/request.js';
import type { Bucket, StoredObject } from '../state/index.js';

/**
 * Runs a write under its conditions, `If-None-Match: *` and `If-Match: <etag>` (S3 user guide, "Conditional writes").
 * They are looked at when the write becomes visible; of two conditional writes to one key at once the later one gets
 * `ConditionalRequestConflict`. Throws `PreconditionFailed`, `NoSuchKey`, `NotImplemented`.
 */
export async function underConditions(
  request: S3Request,
  { bucket, key }: { readonly bucket: Bucket; readonly key: string },
  write: () => Promise<void>,
): Promise<void> {
  const ifNoneMatch = header(request, 'if-none-match');
  const ifMatch = header(request, 'if-match');
  if (ifNoneMatch === undefined && ifMatch === undefined) {
    await write();
    return;
  }
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new S3Error('NotImplemented', 'A header you provided implies functionality that is not implemented', {
      Header: 'If-None-Match',
    });
  }
  if (bucket.conditionalWrites.has(key)) {
    throw new S3Error(
      'ConditionalRequestConflict',
      'The conditional request cannot succeed due to a conflicting operation against this resource.',
      { Key: key },
    );
  }
  bucket.conditionalWrites.add(key);
  try {
    const existing = bucket.objects.get(key);
    if (ifNoneMatch !== undefined && existing !== undefined) throw failed('If-None-Match');
    if (ifMatch !== undefined) {
      if (existing === undefined) throw noSuchKey(key);
      if (!etagMatches(ifMatch, existing)) throw failed('If-Match');
    }
    await write();
  } finally {
    bucket.conditionalWrites.delete(key);
  }
}

/** Checks the conditions of a read (RFC 9110, section 13). Throws `PreconditionFailed`, `NotModified`. */
export function checkReadConditions(request: S3Request, object: StoredObject): void {
  const ifMatch = header(request, 'if-match');
  const ifNoneMatch = header(request, 'if-none-match');
  const unmodifiedSince = dateOf(header(request, 'if-unmodified-since'));
  const modifiedSince = dateOf(header(request, 'if-modified-since'));
  const lastModifiedMs = Math.floor(object.lastModifiedMs / 1000) * 1000;
  if (ifMatch !== undefined && !etagMatches(ifMatch, object)) throw failed('If-Match');
  if (ifMatch === undefined && unmodifiedSince !== undefined && lastModifiedMs > unmodifiedSince) {
    throw failed('If-Unmodified-Since');
  }
  const notModified = new S3Error('NotModified', 'Not Modified', {});
  if (ifNoneMatch !== undefined && etagMatches(ifNoneMatch, object)) throw notModified;
  if (ifNoneMatch === undefined && modifiedSince !== undefined && lastModifiedMs <= modifiedSince) throw notModified;
}

/** Whether an If-Match style condition names the object. */
export function etagMatches(condition: string, object: StoredObject): boolean {
  return condition === '*' || condition.split(',').some((one) => one.trim().replace(/^"|"$/g, '') === object.etag);
}

/** The time of an HTTP date; undefined for none or an invalid one, which S3 ignores. */
export function dateOf(value: string | undefined): number | undefined {
  const ms = value === undefined ? Number.NaN : Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

function failed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    Condition: condition,
  });
}
