import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
} from '@aws-sdk/client-s3';
import { AppError } from '../core/index.js';
import { callS3, s3Url, type ObjectStore } from './object-store.js';

/** Lists the unfinished uploads of a bucket: whether that is allowed is all that is asked. */
export async function listUploads(store: ObjectStore, signal?: AbortSignal): Promise<void> {
  await callS3(
    store,
    { action: 's3:ListBucketMultipartUploads', resource: `s3://${store.bucket}` },
    (options) => store.client.send(new ListMultipartUploadsCommand({ Bucket: store.bucket, MaxUploads: 1 }), options),
    signal,
  );
}

/** Begins an upload to which nothing is sent, and returns its id. To be aborted with {@link abortProbe}. */
export async function beginProbe(store: ObjectStore, key: string): Promise<string> {
  // Not to be cancelled: only who knows the id can abort the upload.
  const { UploadId } = await callS3(store, { action: 's3:PutObject', resource: s3Url(store, key) }, (options) =>
    store.client.send(new CreateMultipartUploadCommand({ Bucket: store.bucket, Key: key }), options),
  );
  if (UploadId === undefined) throw new AppError('rejected', `S3 began no upload for ${s3Url(store, key)}.`);
  return UploadId;
}

/** Lists the parts of an upload, of which there are none. */
export async function listProbeParts(
  store: ObjectStore,
  { key, uploadId }: ProbeUpload,
  signal?: AbortSignal,
): Promise<void> {
  await callS3(
    store,
    { action: 's3:ListMultipartUploadParts', resource: s3Url(store, key) },
    (options) =>
      store.client.send(new ListPartsCommand({ Bucket: store.bucket, Key: key, UploadId: uploadId }), options),
    signal,
  );
}

/** Aborts an upload; one that is not there is fine. Not bound to a signal: it runs when that has aborted. */
export async function abortProbe(store: ObjectStore, { key, uploadId }: ProbeUpload): Promise<void> {
  try {
    await callS3(store, { action: 's3:AbortMultipartUpload', resource: s3Url(store, key) }, (options) =>
      store.client.send(
        new AbortMultipartUploadCommand({ Bucket: store.bucket, Key: key, UploadId: uploadId }),
        options,
      ),
    );
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'not-found')) throw error;
  }
}

/** An unfinished upload. */
export interface ProbeUpload {
  readonly key: string;
  readonly uploadId: string;
}
