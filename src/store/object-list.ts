import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { callS3, s3Url, type ObjectStore } from './object-store.js';

/** The keys of all objects below a prefix, page by page. */
export async function* objectKeys(
  store: ObjectStore,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<string, void> {
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
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}
