import { bucketArn, conditionKeys } from '../access/index.js';
import { invalidArgument, noSuchKey, S3Error } from '../errors.js';
import type { S3Request } from '../http/request.js';
import { findVersion, isVersionId, type Bucket, type StoredObject, type Version } from '../state/index.js';
import { bucketOf, keyOf, type OperationContext } from './operation.js';

/**
 * The object of the request, or the version of it that the query names. Throws `NoSuchBucket`, `NoSuchKey`,
 * `NoSuchVersion`, `InvalidArgument`, and `MethodNotAllowed` for a delete marker that was asked for by its id.
 */
export function objectOf(request: S3Request, context: OperationContext): StoredObject {
  const bucket = bucketOf(request, context);
  return findObject(request, bucket, { key: keyOf(request), versionId: versionIdOf(request) });
}

/**
 * The same for any key. Who may not list the bucket does not get to know that a key is not there: that is a refusal (S3
 * API reference, GetObject, "Permissions").
 */
export function findObject(
  request: S3Request,
  bucket: Bucket,
  { key, versionId }: { readonly key: string; readonly versionId: string | undefined },
): StoredObject {
  const version = findVersion(bucket.versions.get(key)?.versions ?? [], versionId);
  if (version?.kind === 'object') return version;
  if (version !== undefined && versionId !== undefined) throw markerNotAllowed(version, request);
  if (versionId !== undefined) throw noSuchVersion(key, versionId);
  const resource = bucketArn(bucket.name);
  request.caller.authorize({ action: 's3:ListBucket', resource, context: conditionKeys(request) });
  throw noSuchKey(key, version === undefined ? {} : markerHeaders(version));
}

/** The version that the query names. Throws `InvalidArgument` for what cannot be an id. */
export function versionIdOf({ query }: S3Request): string | undefined {
  const versionId = query.get('versionId');
  if (versionId === null) return undefined;
  requireVersionId(versionId);
  return versionId;
}

/** Throws `InvalidArgument` for what cannot be an id. */
export function requireVersionId(versionId: string): void {
  if (isVersionId(versionId)) return;
  throw invalidVersionId(versionId);
}

/** Not an id that S3 ever gave. */
export function invalidVersionId(versionId: string): S3Error {
  const message = versionId === '' ? 'Version id cannot be the empty string' : 'Invalid version id specified';
  return invalidArgument('versionId', versionId, message);
}

/** The headers that tell which version it was; none where the bucket never had versioning. */
export function versionHeaders(
  { settings }: Bucket,
  { versionId }: Pick<Version, 'versionId'>,
): Record<string, string> {
  return settings.versioning === undefined ? {} : { 'x-amz-version-id': versionId };
}

function markerHeaders({ versionId }: Version): Record<string, string> {
  return { 'x-amz-delete-marker': 'true', 'x-amz-version-id': versionId };
}

function markerNotAllowed(marker: Version, { method }: S3Request): S3Error {
  return new S3Error(
    'MethodNotAllowed',
    'The specified method is not allowed against this resource.',
    { Method: method, ResourceType: 'DeleteMarker' },
    {
      ...markerHeaders(marker),
      allow: 'DELETE',
      ...(marker.kind === 'delete-marker' ? { 'last-modified': new Date(marker.lastModifiedMs).toUTCString() } : {}),
    },
  );
}

function noSuchVersion(key: string, versionId: string): S3Error {
  return new S3Error('NoSuchVersion', 'The specified version does not exist.', { Key: key, VersionId: versionId });
}
