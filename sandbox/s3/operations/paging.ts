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

/** S3 lists in the order of UTF-8 bytes, which differs from that of UTF-16 for characters beyond U+FFFF. */
export function byUtf8(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Cuts a page from keys that are sorted by {@link byUtf8}. */
export function pageOfKeys(sortedKeys: readonly string[], request: PageRequest): KeyPage {
  const { prefix, delimiter, after, limit } = request;
  const keys: string[] = [];
  const prefixes: string[] = [];
  let last = after;
  let index = firstAfter(sortedKeys, byUtf8(after, prefix) < 0 ? prefix : after, byUtf8(after, prefix) < 0);
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

/** The index of the first key after `mark` (or from it on). */
function firstAfter(sortedKeys: readonly string[], mark: string, inclusive: boolean): number {
  let low = 0;
  let high = sortedKeys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = byUtf8(sortedKeys[middle] ?? '', mark);
    if (order < 0 || (order === 0 && !inclusive)) low = middle + 1;
    else high = middle;
  }
  return low;
}
