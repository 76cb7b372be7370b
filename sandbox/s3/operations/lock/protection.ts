import type { Caller } from '../../../server/caller.js';
import { Refusal } from '../../../server/refusal.js';
import { objectAccess } from '../../access/index.js';
import { S3Error } from '../../errors.js';
import { bypassesGovernance, requireChecksumForLock } from '../../http/object-lock.js';
import type { S3Request } from '../../http/request.js';
import type { Bucket, DefaultRetention, ObjectLock, Retention, StoredObject, Version } from '../../state/index.js';

const dayMs = 24 * 3600 * 1000;

/**
 * The lock of an object that is written now: what its request says, or the default of the bucket. Throws
 * `InvalidRequest` for a lock in a bucket without Object Lock.
 */
export function lockOfNew(asked: ObjectLock, { settings }: Bucket, nowMs: number): ObjectLock {
  if (settings.objectLock === undefined) {
    if (isLock(asked)) throw new S3Error('InvalidRequest', 'Bucket is missing ObjectLockConfiguration');
    return {};
  }
  const { defaultRetention } = settings.objectLock;
  if (asked.retention !== undefined || defaultRetention === undefined) return asked;
  const untilMs = nowMs + daysOf(defaultRetention) * dayMs;
  return { ...asked, retention: { mode: defaultRetention.mode, untilMs } };
}

/** {@link lockOfNew} for a body that comes with the request, which must then come with a checksum. */
export function lockOfBody(
  asked: ObjectLock,
  request: S3Request,
  { bucket, nowMs }: { readonly bucket: Bucket; readonly nowMs: number },
): ObjectLock {
  const lock = lockOfNew(asked, bucket, nowMs);
  if (isLock(lock)) requireChecksumForLock(request, 'Put Object');
  return lock;
}

/** A year is 365 days (S3 user guide, "Locking objects with Object Lock"). */
function daysOf({ period }: DefaultRetention): number {
  return period.unit === 'Days' ? period.count : period.count * 365;
}

/** Whether it says anything. */
export function isLock({ retention, legalHold }: ObjectLock): boolean {
  return retention !== undefined || legalHold !== undefined;
}

/** Refuses to delete a version that is locked. Throws `AccessDenied`. */
export function requireDeletable(version: Version, request: S3Request, nowMs: number): void {
  if (version.kind === 'delete-marker') return;
  if (version.lock.legalHold === 'ON') throw lockedObject();
  requireRetentionOver(version, request, nowMs);
}

/** Refuses a change against a retention that is not over. Throws `AccessDenied`. */
export function requireRetentionOver({ key, lock }: StoredObject, request: S3Request, nowMs: number): void {
  if (!isRetained(lock.retention, nowMs)) return;
  if (lock.retention?.mode === 'GOVERNANCE' && bypassesGovernance(request) === true) {
    request.caller.authorize(objectAccess('s3:BypassGovernanceRetention', { ...request, key }));
    return;
  }
  throw lockedObject();
}

/** Whether a retention goes on. */
export function isRetained(retention: Retention | undefined, nowMs: number): boolean {
  return retention !== undefined && retention.untilMs > nowMs;
}

function lockedObject(): S3Error {
  return new S3Error('AccessDenied', 'Access Denied because object protected by object lock.');
}

/** Asking to go round a governance retention has no meaning without Object Lock. Throws `InvalidArgument`. */
export function requireBypassable(request: S3Request, { settings }: Bucket): void {
  if (bypassesGovernance(request) === undefined || settings.objectLock !== undefined) return;
  const name = 'x-amz-bypass-governance-retention';
  throw new S3Error('InvalidArgument', `${name} is only applicable to Object Lock enabled buckets.`, {
    ArgumentName: name,
  });
}

/** What GET and HEAD tell of a lock: each half only to who may read it (S3 API reference, GetObject). */
export function lockHeaders({ lock }: StoredObject, request: S3Request): Record<string, string> {
  const { retention, legalHold } = lock;
  return {
    ...(retention !== undefined && may(request, 's3:GetObjectRetention')
      ? {
          'x-amz-object-lock-mode': retention.mode,
          'x-amz-object-lock-retain-until-date': new Date(retention.untilMs).toISOString(),
        }
      : {}),
    ...(legalHold !== undefined && may(request, 's3:GetObjectLegalHold')
      ? { 'x-amz-object-lock-legal-hold': legalHold }
      : {}),
  };
}

function may(request: S3Request, action: string): boolean {
  return isAllowed(request.caller, objectAccess(action, request));
}

function isAllowed(caller: Caller, access: Parameters<Caller['authorize']>[0]): boolean {
  try {
    caller.authorize(access);
    return true;
  } catch (error) {
    if (error instanceof Refusal && error.kind === 'access-denied') return false;
    throw error;
  }
}
