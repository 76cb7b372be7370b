import { byUtf8 } from './utf8-order.js';

/** Things that have a key, by it and in the order of a listing. */
export interface KeyIndex<T extends { readonly key: string }> {
  readonly size: number;
  get(key: string): T | undefined;
  set(thing: T): void;
  delete(key: string): void;
  values(): IterableIterator<T>;
  /** All keys in the order of their UTF-8 bytes. Sorted once, when first asked for; kept in order from then on. */
  sortedKeys(): readonly string[];
}

/** Starts empty. */
export function newKeyIndex<T extends { readonly key: string }>(): KeyIndex<T> {
  const things = new Map<string, T>();
  let sorted: string[] | undefined;
  return {
    get size() {
      return things.size;
    },
    get: (key) => things.get(key),
    set: (thing) => {
      const { key } = thing;
      if (sorted !== undefined && !things.has(key)) sorted.splice(firstFrom(sorted, key), 0, key);
      things.set(key, thing);
    },
    delete: (key) => {
      if (things.delete(key) && sorted !== undefined) sorted.splice(firstFrom(sorted, key), 1);
    },
    values: () => things.values(),
    sortedKeys: () => (sorted ??= Array.from(things.keys()).sort(byUtf8)),
  };
}

/** The index of the first of the sorted keys that is `mark` or comes after it. */
export function firstFrom(sortedKeys: readonly string[], mark: string): number {
  let low = 0;
  let high = sortedKeys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (byUtf8(sortedKeys[middle] ?? '', mark) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
