import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { callS3, s3Url, type ObjectStore } from './object-store.js';

/** An object as a listing tells it. */
export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** With its quotation marks; empty where the store tells none. */
  readonly etag: string;
  /** `STANDARD`, `DEEP_ARCHIVE`, … */
  readonly storageClass: string;
  readonly lastModified: Date | undefined;
}

/** All objects below a prefix, page by page, in the order of their keys. */
export async function* listObjects(
  store: ObjectStore,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<ListedObject, void> {
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
    for (const { Key, Size = 0, ETag = '', StorageClass = 'STANDARD', LastModified } of page.Contents ?? []) {
      if (Key === undefined) continue;
      yield { key: Key, sizeBytes: Size, etag: ETag, storageClass: StorageClass, lastModified: LastModified };
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

/** The keys of all objects below a prefix, page by page. */
export async function* objectKeys(
  store: ObjectStore,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<string, void> {
  for await (const { key } of listObjects(store, prefix, signal)) yield key;
}
