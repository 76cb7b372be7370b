import { notImplemented } from '../errors.js';
import type { S3Request } from '../http/request.js';
import { findVersion, nullVersion } from '../state/index.js';
import { noteDeletion, requireMatch } from './conditional.js';
import { invalidVersionId } from './find-object.js';
import { requireDeletable } from './lock/index.js';
import { bucketOf, inTurn, type OperationContext } from './operation.js';

/** What is to be deleted. */
export interface Deletion {
  readonly key: string;
  /** Undefined: the object, which is then below a delete marker where the bucket has versions. */
  readonly versionId: string | undefined;
  /** Only if its ETag is this one. */
  readonly ifMatch: string | undefined;
}

/** What a deletion has done. */
export type Deleted =
  | { readonly kind: 'object' }
  | { readonly kind: 'marked'; readonly markerId: string }
  | { readonly kind: 'version'; readonly versionId: string; readonly wasMarker: boolean };

/**
 * Deletes in its turn; what is not there is deleted as well, but for a condition. Throws `NoSuchKey` and
 * `PreconditionFailed` under a condition, `AccessDenied` for a locked version, `InvalidArgument`, `NotImplemented`.
 */
export async function deleteUnder(
  request: S3Request,
  context: OperationContext,
  { key, versionId, ifMatch }: Deletion,
): Promise<Deleted> {
  const { store, clock } = context;
  const bucket = bucketOf(request, context);
  const place = { store, bucket, key };
  if (ifMatch !== undefined && versionId !== undefined) throw notImplemented('If-Match on a version that is deleted');
  return inTurn(place, async () => {
    if (versionId === undefined) {
      if (ifMatch !== undefined) requireMatch(ifMatch, key, bucket.objects.get(key));
      const marker = await store.deleteObject(bucket, key, clock.now());
      noteDeletion(place);
      return marker === undefined ? { kind: 'object' } : { kind: 'marked', markerId: marker.versionId };
    }
    if (bucket.settings.versioning === undefined && versionId !== nullVersion) throw invalidVersionId(versionId);
    const version = findVersion(bucket.versions.get(key)?.versions ?? [], versionId);
    if (version === undefined) return { kind: 'version', versionId, wasMarker: false };
    requireDeletable(version, request, clock.now());
    await store.deleteVersion(bucket, version);
    if (bucket.objects.get(key) === undefined) noteDeletion(place);
    return { kind: 'version', versionId, wasMarker: version.kind === 'delete-marker' };
  });
}
