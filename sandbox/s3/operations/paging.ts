import { byUtf8, firstFrom } from '../state/index.js';

/** What part of a sorted list of keys is wanted. */
export interface PageRequest {
  readonly prefix: string;
  readonly delimiter: string;
  /** Only what comes after this key or common prefix. */
  readonly after: string;
  readonly limit: number;
}

/** Keys, and the common prefixes that stand for groups of keys. */
export interface KeyPage {
  readonly keys: readonly string[];
  readonly prefixes: readonly string[];
  /** The last key or prefix of this page, where there is more. */
  readonly next: string | undefined;
}

/** Cuts a page from keys that are sorted by {@link byUtf8}. */
export function pageOfKeys(sortedKeys: readonly string[], request: PageRequest): KeyPage {
  const { prefix, delimiter, after, limit } = request;
  const keys: string[] = [];
  const prefixes: string[] = [];
  let last = after;
  let index = firstFrom(sortedKeys, byUtf8(after, prefix) < 0 ? prefix : after);
  if (after !== '' && sortedKeys[index] === after) index += 1;
  for (; index < sortedKeys.length; index += 1) {
    const key = sortedKeys[index] ?? '';
    if (!key.startsWith(prefix)) break;
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const common = cut === -1 ? undefined : key.slice(0, cut + delimiter.length);
    // All keys below a common prefix that was given already, on this page or as the mark of the last one.
    if (common !== undefined && common === (prefixes.at(-1) ?? after)) continue;
    if (keys.length + prefixes.length === limit) return { keys, prefixes, next: limit === 0 ? undefined : last };
    if (common === undefined) keys.push(key);
    else prefixes.push(common);
    last = common ?? key;
  }
  return { keys, prefixes, next: undefined };
}
