import { readLeaseObject, type LeaseObject } from './lease-object.js';
import { objectKeys } from './object-list.js';
import type { ObjectStore } from './object-store.js';

/** A lease object and where it lies. */
export interface ListedLease {
  readonly key: string;
  /** The object, or why it cannot be read as a lease. */
  readonly found:
    { readonly kind: 'lease'; readonly object: LeaseObject } | { readonly kind: 'unreadable'; readonly error: unknown };
}

/** All lease objects below a prefix; those that go away meanwhile are left out. */
export async function* listLeases(
  store: ObjectStore,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<ListedLease, void> {
  for await (const key of objectKeys(store, prefix, signal)) {
    try {
      const object = await readLeaseObject(store, key, signal);
      if (object !== undefined) yield { key, found: { kind: 'lease', object } };
    } catch (error) {
      signal?.throwIfAborted();
      yield { key, found: { kind: 'unreadable', error } };
    }
  }
}
