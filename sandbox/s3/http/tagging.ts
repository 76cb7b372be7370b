import { S3Error } from '../errors.js';

/** Tags of an object (S3 user guide, "Categorizing your storage using tags"). */
export type Tags = Readonly<Record<string, string>>;

const mostTags = 10;
const allowed = /^[\p{L}\p{N}\p{Z} +\-=._:/@]*$/u;

/** Reads the x-amz-tagging header: `key=value&…`, percent-encoded. Throws `InvalidTag`, `BadRequest`. */
export function parseTaggingHeader(value: string | undefined): Tags {
  if (value === undefined || value === '') return {};
  return checkTags(Array.from(new URLSearchParams(value)));
}

/** Checks tags as S3 does. Throws `InvalidTag`, and `BadRequest` for too many. */
export function checkTags(pairs: readonly (readonly [string, string])[]): Tags {
  if (pairs.length > mostTags) {
    throw new S3Error('BadRequest', `Object tags cannot be greater than ${mostTags}`);
  }
  const tags: Record<string, string> = {};
  for (const [key, value] of pairs) {
    if (key === '' || key.length > 128 || !allowed.test(key)) {
      throw new S3Error('InvalidTag', 'The TagKey you have provided is invalid', { TagKey: key });
    }
    if (value.length > 256 || !allowed.test(value)) {
      throw new S3Error('InvalidTag', 'The TagValue you have provided is invalid', { TagKey: key, TagValue: value });
    }
    if (key.toLowerCase().startsWith('aws:')) {
      throw new S3Error('InvalidTag', 'System tags cannot be added/updated by requester', { TagKey: key });
    }
    if (Object.hasOwn(tags, key)) {
      throw new S3Error('InvalidTag', 'Cannot provide multiple Tags with the same key', { TagKey: key });
    }
    tags[key] = value;
  }
  return tags;
}
