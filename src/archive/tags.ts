/** Tags as EC2 gives them, by key. */
export type Tags = Readonly<Record<string, string>>;

/** Tags as S3 takes them, and the keys of those for which there was no room. */
export interface ObjectTags {
  readonly tags: Tags;
  readonly leftOut: readonly string[];
}

/** S3 takes at most 10 tags for an object (S3 user guide, "Categorizing your storage using tags"). */
const mostTags = 10;

/**
 * The tags of a snapshot as S3 allows them: letters, digits, spaces and `+ - = . _ : / @`; everything else becomes `_`.
 * The reserved prefix `aws:` becomes `aws_`. Left out are the keys in `except` (our own state), and what is over ten or
 * equal to another key after the replacements; the manifest keeps all of them as they were.
 */
export function objectTags(snapshotTags: Tags, except: readonly string[]): ObjectTags {
  const tags: Record<string, string> = {};
  const leftOut: string[] = [];
  for (const key of Object.keys(snapshotTags).sort()) {
    if (except.includes(key)) continue;
    const legalKey = legal(key).replace(/^aws:/i, (prefix) => `${prefix.slice(0, -1)}_`);
    if (Object.keys(tags).length >= mostTags || Object.hasOwn(tags, legalKey)) leftOut.push(key);
    else tags[legalKey] = legal(snapshotTags[key] ?? '');
  }
  return { tags, leftOut };
}

/** Tags in the form of the `x-amz-tagging` header. */
export function taggingHeader(tags: Tags): string {
  return Object.entries(tags)
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join('&');
}

function legal(text: string): string {
  return text.replace(/[^\p{L}\p{N} +\-=._:/@]/gu, '_');
}
