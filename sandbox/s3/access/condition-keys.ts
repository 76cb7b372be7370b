import { header, type S3Request } from '../http/request.js';
import type { Tags } from '../http/tagging.js';

/** Condition keys and their values, as {@link Access.context} takes them. */
export type ConditionKeys = Readonly<Record<string, readonly string[]>>;

/** What every request tells policies. */
export function conditionKeys(request: S3Request): ConditionKeys {
  return {
    'aws:RequestedRegion': [request.region],
    ...given('s3:VersionId', request.query.get('versionId') ?? undefined),
  };
}

/** What listings tell: only what the request has. */
export function listingKeys({ query }: S3Request): ConditionKeys {
  return {
    ...given('s3:prefix', query.get('prefix') ?? undefined),
    ...given('s3:delimiter', query.get('delimiter') ?? undefined),
    ...given('s3:max-keys', query.get('max-keys') ?? undefined),
  };
}

/** Headers of writes, and the condition keys that they are. */
const keysOfHeaders: Readonly<Record<string, string>> = {
  'if-match': 's3:if-match',
  'if-none-match': 's3:if-none-match',
  'x-amz-acl': 's3:x-amz-acl',
  'x-amz-copy-source': 's3:x-amz-copy-source',
  'x-amz-metadata-directive': 's3:x-amz-metadata-directive',
  'x-amz-object-lock-legal-hold': 's3:object-lock-legal-hold',
  'x-amz-object-lock-mode': 's3:object-lock-mode',
  'x-amz-object-lock-retain-until-date': 's3:object-lock-retain-until-date',
  'x-amz-server-side-encryption': 's3:x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id': 's3:x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-storage-class': 's3:x-amz-storage-class',
};

/** What writes tell: a key for each header that they have. */
export function writingKeys(request: S3Request): ConditionKeys {
  return Object.fromEntries(
    Object.entries(keysOfHeaders).flatMap(([name, key]) => Object.entries(given(key, header(request, name)))),
  );
}

/** The tags that a request is to set. */
export function requestTagKeys(tags: Tags): ConditionKeys {
  return { ...tagKeys('s3:RequestObjectTag', tags), 's3:RequestObjectTagKeys': Object.keys(tags) };
}

/** The tags that an object has. */
export function existingTagKeys(tags: Tags): ConditionKeys {
  return tagKeys('s3:ExistingObjectTag', tags);
}

function tagKeys(prefix: string, tags: Tags): ConditionKeys {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [`${prefix}/${key}`, [value]]));
}

function given(key: string, value: string | undefined): ConditionKeys {
  return value === undefined ? {} : { [key]: [value] };
}
