import type { Access } from '../../server/caller.js';
import { directive, parseCopySource, type CopyAddress } from '../http/copy-source.js';
import { header, type S3Request } from '../http/request.js';
import { parseTaggingHeader, type Tags } from '../http/tagging.js';
import type { OperationContext } from '../operations/operation.js';
import { findVersion } from '../state/index.js';
import { bucketAccess, objectAccess, objectArn, type AccessRule } from './access.js';
import {
  conditionKeys,
  existingTagKeys,
  listingKeys,
  requestTagKeys,
  writingKeys,
  type ConditionKeys,
} from './condition-keys.js';

/** Listings of a bucket. */
export const listing =
  (action: string): AccessRule =>
  (request) => [bucketAccess(action, request, listingKeys(request))];

/** ListBuckets has no resource. */
export const listingBuckets: AccessRule = (request) => [
  { action: 's3:ListAllMyBuckets', resource: '*', context: conditionKeys(request) },
];

/** CreateBucket; Object Lock is two more actions. */
export const creatingBucket: AccessRule = (request) => {
  const isLocked = header(request, 'x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true';
  const more = isLocked ? ['s3:PutBucketObjectLockConfiguration', 's3:PutBucketVersioning'] : [];
  return ['s3:CreateBucket', ...more].map((action) => bucketAccess(action, request));
};

/**
 * Operations on an object whose actions have another name for a version: `s3:GetObject` and `s3:GetObjectVersion`. They
 * are given by the first.
 */
export const onVersion =
  (...actions: readonly string[]): AccessRule =>
  (request, context) => {
    const versionId = request.query.get('versionId') ?? undefined;
    const tags = tagsOf({ bucket: request.bucket ?? '', key: request.key ?? '', versionId }, context);
    return actions.map((action) => objectAccess(ofVersion(action, request), request, existingTagKeys(tags)));
  };

/** DeleteObject. */
export const deleting: AccessRule = (request) => {
  const versionId = request.query.get('versionId') ?? undefined;
  return deletingKey(request, { key: request.key ?? '', versionId, ifMatch: header(request, 'if-match') });
};

/** DeleteObjects asks for each key, when it has read which. */
export const deletingLater: AccessRule = () => [];

/** What it takes to delete one key or version. A condition on an ETag is a look at the object; `*` is none. */
export function deletingKey(
  request: S3Request,
  {
    key,
    versionId,
    ifMatch,
  }: { readonly key: string; readonly versionId?: string | undefined; readonly ifMatch: string | undefined },
): readonly Access[] {
  const one = { ...request, key };
  const keys: ConditionKeys = {
    ...(versionId === undefined ? {} : { 's3:VersionId': [versionId] }),
    ...(ifMatch === undefined ? {} : { 's3:if-match': [ifMatch] }),
  };
  return [
    objectAccess(versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion', one, keys),
    ...(ifMatch === undefined || ifMatch === '*' ? [] : [objectAccess('s3:GetObject', one)]),
  ];
}

/** PutObject and CreateMultipartUpload: tags and locks are actions of their own. */
export const writing: AccessRule = (request) => {
  const tags = parseTaggingHeader(header(request, 'x-amz-tagging'));
  const keys = { ...writingKeys(request), ...requestTagKeys(tags) };
  return [...writes(request, { keys, isTagged: Object.keys(tags).length > 0 }), ...ifMatch(request)];
};

/** UploadPart and CompleteMultipartUpload. */
export const goingOn: AccessRule = (request) => [
  objectAccess('s3:PutObject', request, writingKeys(request)),
  ...ifMatch(request),
];

/** CopyObject: reads the source, with its tags where they are copied, and writes the target. */
export const copying: AccessRule = (request, context) => {
  const replaces = directive(request, 'x-amz-tagging-directive') === 'REPLACE';
  const source = parseCopySource(header(request, 'x-amz-copy-source') ?? '');
  const sourceTags = tagsOf(source, context);
  const tags = replaces ? parseTaggingHeader(header(request, 'x-amz-tagging')) : sourceTags;
  const isTagged = Object.keys(tags).length > 0;
  const actions = isTagged && !replaces ? ['s3:GetObject', 's3:GetObjectTagging'] : ['s3:GetObject'];
  return [
    ...readingSource(request, source, { actions, tags: sourceTags }),
    ...writes(request, { keys: { ...writingKeys(request), ...requestTagKeys(tags) }, isTagged }),
    ...ifMatch(request),
  ];
};

/** UploadPartCopy: reads the source and writes the target. */
export const copyingPart: AccessRule = (request, context) => {
  const source = parseCopySource(header(request, 'x-amz-copy-source') ?? '');
  return [
    ...readingSource(request, source, { actions: ['s3:GetObject'], tags: tagsOf(source, context) }),
    ...goingOn(request, context),
  ];
};

function writes(
  request: S3Request,
  { keys, isTagged }: { readonly keys: ConditionKeys; readonly isTagged: boolean },
): readonly Access[] {
  const actions = [
    's3:PutObject',
    ...(isTagged ? ['s3:PutObjectTagging'] : []),
    ...(header(request, 'x-amz-object-lock-mode') === undefined ? [] : ['s3:PutObjectRetention']),
    ...(header(request, 'x-amz-object-lock-legal-hold') === undefined ? [] : ['s3:PutObjectLegalHold']),
  ];
  return actions.map((action) => objectAccess(action, request, keys));
}

/** A write under `If-Match` tells what is there, so it needs `s3:GetObject` too; `If-None-Match` does not. */
function ifMatch(request: S3Request): readonly Access[] {
  return header(request, 'if-match') === undefined ? [] : [objectAccess('s3:GetObject', request)];
}

function readingSource(request: S3Request, source: CopyAddress, { actions, tags }: SourceAccess): readonly Access[] {
  const { bucket, key, versionId } = source;
  const context = {
    'aws:RequestedRegion': [request.region],
    ...(versionId === undefined ? {} : { 's3:VersionId': [versionId] }),
    ...existingTagKeys(tags),
  };
  return actions.map((action) => ({
    action: versionId === undefined ? action : versioned(action),
    resource: objectArn(bucket, key),
    context,
  }));
}

interface SourceAccess {
  readonly actions: readonly string[];
  /** Those of the source. */
  readonly tags: Tags;
}

/** The tags of what a request speaks of; none where it is not there. */
function tagsOf({ bucket, key, versionId }: CopyAddress, { store }: OperationContext): Tags {
  const version = findVersion(store.buckets.get(bucket)?.versions.get(key)?.versions ?? [], versionId);
  return version?.kind === 'object' ? version.tags : {};
}

function ofVersion(action: string, request: S3Request): string {
  return request.query.get('versionId') === null ? action : versioned(action);
}

function versioned(action: string): string {
  return action.replace('Object', 'ObjectVersion');
}
