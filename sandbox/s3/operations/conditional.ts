import { noSuchKey, S3Error } from '../errors.js';
import { header, type S3Request } from '../http/request.js';
import type { ConditionalWrite, StoredObject } from '../state/index.js';
import { inTurn, type Place } from './operation.js';

/** A write that is looked at together with what is there already. */
export interface WriteUnderConditions extends Disposable {
  /** Makes the write visible, in its turn. Throws `PreconditionFailed`, `NoSuchKey`, `ConditionalRequestConflict`. */
  commit(write: () => Promise<void>): Promise<void>;
}

/**
 * Begins a write under its conditions, `If-None-Match: *` and `If-Match: <etag>`; dispose when it is over (S3 user guide,
 * "Conditional requests"). They are looked at when the write becomes visible. Of two that become visible at once the
 * later one gets `ConditionalRequestConflict`, and so does an `If-None-Match` whose key was deleted since it began.
 * Throws `NotImplemented`.
 */
export function beginWrite(request: S3Request, place: Place): WriteUnderConditions {
  const { bucket, key } = place;
  const ifNoneMatch = header(request, 'if-none-match');
  const ifMatch = header(request, 'if-match');
  if (ifNoneMatch === undefined && ifMatch === undefined) {
    return { commit: (write) => inTurn(place, write), [Symbol.dispose]: () => undefined };
  }
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new S3Error('NotImplemented', 'A header you provided implies functionality that is not implemented', {
      Header: 'If-None-Match',
    });
  }
  const mine: ConditionalWrite = { isCommitting: false, sawDeletion: false };
  const all = bucket.conditionalWrites.get(key) ?? new Set();
  bucket.conditionalWrites.set(key, all.add(mine));
  return {
    commit: async (write) => {
      if (Array.from(all).some((one) => one.isCommitting)) throw conflict(key);
      mine.isCommitting = true;
      await inTurn(place, async () => {
        const existing = bucket.objects.get(key);
        if (ifNoneMatch !== undefined && existing !== undefined) throw conditionFailed('If-None-Match');
        if (ifNoneMatch !== undefined && mine.sawDeletion) throw conflict(key);
        if (ifMatch !== undefined) requireMatch(ifMatch, key, existing);
        await write();
      });
    },
    [Symbol.dispose]: () => {
      all.delete(mine);
      if (all.size === 0) bucket.conditionalWrites.delete(key);
    },
  };
}

/** Tells the conditional writes of a key that have begun that it was deleted. */
export function noteDeletion({ bucket, key }: Place): void {
  for (const write of bucket.conditionalWrites.get(key) ?? []) write.sawDeletion = true;
}

function conflict(key: string): S3Error {
  return new S3Error(
    'ConditionalRequestConflict',
    'The conditional request cannot succeed due to a conflicting operation against this resource.',
    { Key: key },
  );
}

/** An `If-Match` of a write or delete. Throws `NoSuchKey`, `PreconditionFailed`. */
export function requireMatch(ifMatch: string, key: string, existing: StoredObject | undefined): void {
  if (existing === undefined) throw noSuchKey(key);
  if (!etagMatches(ifMatch, existing)) throw conditionFailed('If-Match');
}

/** The conditions of a read, or of the source of a copy. */
export interface ReadConditions {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince: string | undefined;
  readonly ifUnmodifiedSince: string | undefined;
}

/** Reads conditions from the headers with this prefix. */
export function readConditions(request: S3Request, prefix: '' | 'x-amz-copy-source-'): ReadConditions {
  return {
    ifMatch: header(request, `${prefix}if-match`),
    ifNoneMatch: header(request, `${prefix}if-none-match`),
    ifModifiedSince: header(request, `${prefix}if-modified-since`),
    ifUnmodifiedSince: header(request, `${prefix}if-unmodified-since`),
  };
}

/** The first condition that does not hold (RFC 9110, section 13), and what that means for a read. */
export function failedCondition(
  conditions: ReadConditions,
  object: StoredObject,
): { readonly name: string; readonly meaning: 'precondition-failed' | 'not-modified' } | undefined {
  const { ifMatch, ifNoneMatch } = conditions;
  const unmodifiedSince = dateOf(conditions.ifUnmodifiedSince);
  const modifiedSince = dateOf(conditions.ifModifiedSince);
  const lastModifiedMs = Math.floor(object.lastModifiedMs / 1000) * 1000;
  if (ifMatch !== undefined) {
    if (!etagMatches(ifMatch, object)) return { name: 'If-Match', meaning: 'precondition-failed' };
  } else if (unmodifiedSince !== undefined && lastModifiedMs > unmodifiedSince) {
    return { name: 'If-Unmodified-Since', meaning: 'precondition-failed' };
  }
  if (ifNoneMatch !== undefined) {
    return etagMatches(ifNoneMatch, object) ? { name: 'If-None-Match', meaning: 'not-modified' } : undefined;
  }
  if (modifiedSince === undefined || lastModifiedMs > modifiedSince) return undefined;
  return { name: 'If-Modified-Since', meaning: 'not-modified' };
}

function etagMatches(condition: string, object: StoredObject): boolean {
  return condition === '*' || condition.split(',').some((one) => one.trim().replace(/^"|"$/g, '') === object.etag);
}

function dateOf(value: string | undefined): number | undefined {
  const ms = value === undefined ? Number.NaN : Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

/** A condition does not hold. */
export function conditionFailed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    Condition: condition,
  });
}
