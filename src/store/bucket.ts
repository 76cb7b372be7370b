import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { AppError } from '../core/index.js';
import { callS3, type ObjectStore } from './object-store.js';

/**
 * Makes sure that the bucket is there and ours to use, before anything is created for it. Throws `not-found` or
 * `access-denied` with what to do.
 */
export async function requireBucket(store: ObjectStore, signal?: AbortSignal): Promise<void> {
  try {
    await callS3(
      store,
      { action: 's3:ListBucket', resource: `s3://${store.bucket}` },
      (options) => store.client.send(new HeadBucketCommand({ Bucket: store.bucket }), options),
      signal,
    );
  } catch (error) {
    if (error instanceof AppError && error.code === 'not-found') {
      throw new AppError('not-found', `The bucket ${store.bucket} does not exist.`, {
        cause: error,
        hint: `Create it in the region of your snapshots: aws s3 mb s3://${store.bucket}`,
      });
    }
    throw error;
  }
}
