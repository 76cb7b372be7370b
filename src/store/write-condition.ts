import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { AppError, awsCode } from '../core/index.js';
import { callS3, s3Url, type ObjectStore } from './object-store.js';

/** The request fields of a write that S3 refuses if the object is not as it was. */
export type WriteCondition = { readonly IfNoneMatch: '*' } | { readonly IfMatch: string } | Record<string, never>;

/** The condition that an object stays as it is now: absent, or the same. */
export async function asItIs(store: ObjectStore, key: string, signal?: AbortSignal): Promise<WriteCondition> {
  try {
    const { ETag } = await callS3(
      store,
      { action: 's3:GetObject', resource: s3Url(store, key) },
      (options) => store.client.send(new HeadObjectCommand({ Bucket: store.bucket, Key: key }), options),
      signal,
    );
    return ETag === undefined ? {} : { IfMatch: ETag };
  } catch (error) {
    if (error instanceof AppError && error.code === 'not-found') return { IfNoneMatch: '*' };
    throw error;
  }
}

/** Whether S3 refused a write because the object is not as it was; one that is gone is `NoSuchKey`. */
export function isConditionRefused(error: unknown): boolean {
  return awsCode(error) === 'PreconditionFailed' || awsCode(error) === 'NoSuchKey';
}

/** The error of a write that came too late: `claimed-elsewhere`. */
export function overtaken(store: ObjectStore, key: string, cause: unknown): AppError {
  return new AppError(
    'claimed-elsewhere',
    `${s3Url(store, key)} was changed by another run while this one was making it; it is left as it is.`,
    { cause },
  );
}
