import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { abandon, AppError, isAbort, messageOf } from '../core/index.js';
import { callS3, s3Url, targetFields, type ObjectStore, type ObjectTarget } from './object-store.js';
import type { PartBuffer } from './part-buffer.js';
import type { UploadGuard } from './upload-guard.js';
import type { WriteCondition } from './write-condition.js';

/** A multipart upload that has begun. Disposing it before `complete` has succeeded aborts it and removes its parts. */
export interface MultipartUpload extends AsyncDisposable {
  readonly uploadId: string;
  /** Sends one part, again where that makes sense; S3 verifies its CRC-32. */
  sendPart(partNumber: number, part: PartBuffer): Promise<void>;
  /** Makes the object of all parts sent; S3 verifies the full-object CRC-32 and the size. */
  complete(object: { readonly storedBytes: number; readonly crc32: string }): Promise<{ etag: string }>;
}

/** How an upload is guarded and cancelled. */
export interface MultipartOptions {
  readonly signal?: AbortSignal | undefined;
  readonly guard?: UploadGuard | undefined;
  /** What must hold when the object comes into being. */
  readonly condition: WriteCondition;
}

/** Begins a multipart upload with full-object CRC-32 checksums. Throws the AWS failures of `callAws`. */
export async function beginMultipart(
  store: ObjectStore,
  target: ObjectTarget,
  { signal, guard, condition }: MultipartOptions,
): Promise<MultipartUpload> {
  const resource = s3Url(store, target.key);
  const put = { action: 's3:PutObject', resource };
  // Not to be cancelled: only who knows the id can abort the upload.
  signal?.throwIfAborted();
  const others = guard === undefined ? [] : await uploadsTo(store, target.key);
  await guard?.beginning(target.key, others);
  let attempts = 0;
  const created = await callS3(store, put, (options) => {
    attempts += 1;
    return store.client.send(
      new CreateMultipartUploadCommand({
        Bucket: store.bucket,
        ...targetFields(target),
        ChecksumAlgorithm: 'CRC32',
        ChecksumType: 'FULL_OBJECT',
      }),
      options,
    );
  });
  const uploadId = created.UploadId;
  if (uploadId === undefined) throw new AppError('rejected', `S3 began no upload for ${resource}.`);
  const where = { Bucket: store.bucket, Key: target.key, UploadId: uploadId };
  const parts: CompletedPart[] = [];
  let state: 'open' | 'completed' | 'aborted' = 'open';

  const upload: MultipartUpload = {
    uploadId,
    sendPart: async (partNumber, part) => {
      const answer = await callS3(
        store,
        { ...put, bodyBytes: part.sizeBytes },
        (options) =>
          store.client.send(
            new UploadPartCommand({
              ...where,
              PartNumber: partNumber,
              Body: part.read(),
              ContentLength: part.sizeBytes,
              ChecksumCRC32: part.crc32,
            }),
            options,
          ),
        signal,
      );
      if (answer.ChecksumCRC32 !== undefined && answer.ChecksumCRC32 !== part.crc32) {
        throw new AppError(
          'upload-mismatch',
          `Part ${partNumber} of ${resource} arrived as CRC-32 ${answer.ChecksumCRC32} and not ${part.crc32}.`,
        );
      }
      parts[partNumber - 1] = { PartNumber: partNumber, ChecksumCRC32: part.crc32, ETag: answer.ETag };
    },
    complete: async ({ storedBytes, crc32 }) => {
      const completed = await callS3(
        store,
        { ...put, attemptMs: completionMs },
        async (options) => {
          try {
            return await store.client.send(
              new CompleteMultipartUploadCommand({
                ...where,
                ...condition,
                MultipartUpload: { Parts: parts },
                ChecksumCRC32: crc32,
                ChecksumType: 'FULL_OBJECT',
                MpuObjectSize: storedBytes,
              }),
              options,
            );
          } catch (error) {
            // An earlier attempt whose answer was lost has made the object already; `confirmObject` will tell.
            if (error instanceof Error && error.name === 'NoSuchUpload') return { ETag: undefined };
            // Of the whole, and every part had the right one: sending it again changes nothing.
            if (error instanceof Error && error.name === 'BadDigest') throw notTheSame(resource, error);
            throw error;
          }
        },
        signal,
      );
      state = 'completed';
      guard?.over(target.key);
      return { etag: completed.ETag ?? '' };
    },
    [Symbol.asyncDispose]: async () => {
      if (state !== 'open') return;
      state = 'aborted';
      await abortMultipart(store, target.key, uploadId);
      guard?.over(target.key);
    },
  };
  try {
    await guard?.begun(target.key, uploadId);
    // An attempt whose answer was lost may have begun one more.
    if (guard !== undefined && attempts > 1) await abortEmptyUploads(store, target.key, [...others, uploadId]);
    return upload;
  } catch (error) {
    return await abandon(upload, error);
  }
}

/**
 * Aborts the uploads to a key that have no parts, but for those with an id of `except`. Whoever begins an upload under a
 * guard sends nothing before its id is written down: one with parts is somebody else's.
 */
export async function abortEmptyUploads(store: ObjectStore, key: string, except: readonly string[]): Promise<void> {
  for (const uploadId of await uploadsTo(store, key)) {
    if (except.includes(uploadId)) continue;
    const where = { Bucket: store.bucket, Key: key, UploadId: uploadId, MaxParts: 1 };
    const { Parts = [] } = await callS3(
      store,
      { action: 's3:ListMultipartUploadParts', resource: s3Url(store, key) },
      (options) => store.client.send(new ListPartsCommand(where), options),
    );
    if (Parts.length === 0) await abortMultipart(store, key, uploadId);
  }
}

/** The ids of all unfinished uploads to exactly this key. */
async function uploadsTo(store: ObjectStore, key: string): Promise<readonly string[]> {
  const found: string[] = [];
  let after: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const page = await callS3(
      store,
      { action: 's3:ListBucketMultipartUploads', resource: s3Url(store, key) },
      (options) =>
        store.client.send(new ListMultipartUploadsCommand({ Bucket: store.bucket, Prefix: key, ...after }), options),
    );
    for (const { Key, UploadId } of page.Uploads ?? []) if (Key === key && UploadId !== undefined) found.push(UploadId);
    if (page.IsTruncated !== true) return found;
    after = { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' };
  }
}

/** "Processing of a CompleteMultipartUpload request could take over several minutes" (S3 API reference). */
const completionMs = 10 * 60_000;

function notTheSame(resource: string, cause: Error): AppError {
  return new AppError('upload-mismatch', `S3 has put together another ${resource} than was sent: ${cause.message}`, {
    cause,
    hint: 'Nothing was stored. Check the memory of this machine, then run it again.',
  });
}

/** A part that was still on its way while S3 aborted can stay behind: S3 says to abort again until none is listed. */
const abortRounds = 5;

/**
 * Aborts a multipart upload and makes sure that no part is left. An upload that is not there (any more) is fine. Not
 * bound to the caller's signal: it runs when that has aborted.
 */
export async function abortMultipart(store: ObjectStore, key: string, uploadId: string): Promise<void> {
  const where = { Bucket: store.bucket, Key: key, UploadId: uploadId };
  const resource = s3Url(store, key);
  for (let round = 1; round <= abortRounds; round += 1) {
    try {
      await callS3(store, { action: 's3:AbortMultipartUpload', resource }, (options) =>
        store.client.send(new AbortMultipartUploadCommand(where), options),
      );
      const left = await callS3(store, { action: 's3:ListMultipartUploadParts', resource }, (options) =>
        store.client.send(new ListPartsCommand({ ...where, MaxParts: 1 }), options),
      );
      if ((left.Parts ?? []).length === 0) return;
    } catch (error) {
      if (error instanceof AppError && error.code === 'not-found') return;
      if (isAbort(error)) throw error;
      const why = messageOf(error);
      throw new AppError('cleanup-failed', `The unfinished upload ${uploadId} could not be aborted: ${why}`, {
        cause: error,
        hint: `Run: aws s3api abort-multipart-upload --bucket ${store.bucket} --key '${key}' --upload-id '${uploadId}'`,
      });
    }
  }
  throw new AppError(
    'cleanup-failed',
    `The upload ${uploadId} of ${resource} still has parts after ${abortRounds} aborts.`,
  );
}
