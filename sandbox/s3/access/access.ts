import type { Access } from '../../server/caller.js';
import type { S3Request } from '../http/request.js';
import type { OperationContext } from '../operations/operation.js';
import { conditionKeys, type ConditionKeys } from './condition-keys.js';

/** What a caller must be allowed for a request, all of it (Service Authorization Reference, "Amazon S3"). */
export type AccessRule = (request: S3Request, context: OperationContext) => readonly Access[];

/** `arn:aws:s3:::bucket` */
export const bucketArn = (bucket: string): string => `arn:aws:s3:::${bucket}`;
/** `arn:aws:s3:::bucket/key` */
export const objectArn = (bucket: string, key: string): string => `arn:aws:s3:::${bucket}/${key}`;

/** One access to the bucket of the request. */
export function bucketAccess(action: string, request: S3Request, keys: ConditionKeys = {}): Access {
  return { action, resource: bucketArn(request.bucket ?? ''), context: { ...conditionKeys(request), ...keys } };
}

/** One access to the object of the request. */
export function objectAccess(action: string, request: S3Request, keys: ConditionKeys = {}): Access {
  const resource = objectArn(request.bucket ?? '', request.key ?? '');
  return { action, resource, context: { ...conditionKeys(request), ...keys } };
}

/** The rule of operations that take one action on their bucket. */
export const onBucket =
  (action: string): AccessRule =>
  (request) => [bucketAccess(action, request)];

/** The rule of operations that take one action on their object. */
export const onObject =
  (action: string): AccessRule =>
  (request) => [objectAccess(action, request)];
