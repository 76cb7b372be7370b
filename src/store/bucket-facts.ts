import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { callS3, type ObjectStore } from './object-store.js';

/**
 * The region of a bucket; undefined where the store does not say (stores that are not AWS). Throws `not-found`, and
 * `access-denied` without s3:ListBucket; for `ownedBy`, an account id, also where the bucket is another account's.
 */
export async function bucketRegion(
  store: ObjectStore,
  { ownedBy, signal }: { readonly ownedBy?: string; readonly signal?: AbortSignal | undefined } = {},
): Promise<string | undefined> {
  const owner = ownedBy === undefined ? {} : { ExpectedBucketOwner: ownedBy };
  const { BucketRegion } = await callS3(
    store,
    { action: 's3:ListBucket', resource: `s3://${store.bucket}` },
    (options) => store.client.send(new HeadBucketCommand({ Bucket: store.bucket, ...owner }), options),
    signal,
  );
  return BucketRegion;
}
