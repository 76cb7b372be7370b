import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { readLeaseObject, type LeaseObject } from './lease-object.js';
import { callS3, s3Url, type ObjectStore } from './object-store.js';

/** A lease object and where it lies. */
export interface ListedLease {
  readonly key: string;
  /** The object, or why it cannot be read as a lease. */
  readonly found:
    { readonly kind: 'lease'; readonly object: LeaseObject } | { readonly kind: 'unreadable'; readonly error: unknown };
}

/** All lease objects below a prefix, page by page; those that go away meanwhile are left out. */
export async function* listLeases(
  store: ObjectStore,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<ListedLease, void> {
  let token: string | undefined;
  do {
    const after = token === undefined ? {} : { ContinuationToken: token };
    const page = await callS3(
      store,
      { action: 's3:ListBucket', resource: s3Url(store, prefix) },
      (options) =>
        store.client.send(new ListObjectsV2Command({ Bucket: store.bucket, Prefix: prefix, ...after }), options),
      signal,
    );
    for (const { Key } of page.Contents ?? []) {
      if (Key === undefined) continue;
      try {
        const object = await readLeaseObject(store, Key, signal);
        if (object !== undefined) yield { key: Key, found: { kind: 'lease', object } };
      } catch (error) {
        signal?.throwIfAborted();
        yield { key: Key, found: { kind: 'unreadable', error } };
      }
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}
