import type { Answer } from '../query/index.js';
import type { Tag } from '../state/index.js';

/** The elements of a `tagSet`. */
export function tagSet(tags: readonly Tag[]): readonly Answer[] {
  return tags.map(({ key, value }) => ({ key, value }));
}

/** Times as EC2 writes them. */
export function time(ms: number): string {
  return new Date(ms).toISOString();
}
