import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { abandon, AppError, messageOf } from '../core/index.js';
import { abortLostUploads, abortMultipart, uploadsTo } from './abort-uploads.js';
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
  signal?.throwIfAborted();
  const uploadId = await (guard === undefined ? createUpload(store, target) : createGuarded(store, target, guard));
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
    return upload;
  } catch (error) {
    return await abandon(upload, error);
  }
}

/** Not to be cancelled: only who knows the id can abort the upload. */
async function createUpload(
  store: ObjectStore,
  target: ObjectTarget,
  onAttempt: () => void = () => undefined,
): Promise<string> {
  const resource = s3Url(store, target.key);
  const { UploadId } = await callS3(store, { action: 's3:PutObject', resource }, (options) => {
    onAttempt();
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
  if (UploadId === undefined) throw new AppError('rejected', `S3 began no upload for ${resource}.`);
  return UploadId;
}

/** Attempts whose answers were lost may each have begun an upload; what they have begun is aborted. */
async function createGuarded(store: ObjectStore, target: ObjectTarget, guard: UploadGuard): Promise<string> {
  const { key } = target;
  const { ids, atMs } = await uploadsTo(store, key);
  await guard.beginning(key, { others: ids, sinceMs: atMs });
  let attempts = 0;
  const lost = { fromMs: atMs, untilMs: Infinity };
  let uploadId: string;
  try {
    uploadId = await createUpload(store, target, () => void (attempts += 1));
  } catch (error) {
    const isRefused = attempts === 1 && error instanceof AppError && !error.retryable;
    if (!isRefused) {
      await abortLostUploads(store, key, { ...lost, except: ids }).catch((second: unknown) => {
        throw new AggregateError([error, notLookedFor(store, key, second)], 'Cleaning up failed too', {
          cause: second,
        });
      });
    }
    guard.over(key);
    throw error;
  }
  if (attempts === 1) return uploadId;
  try {
    await abortLostUploads(store, key, { ...lost, except: [...ids, uploadId] });
    return uploadId;
  } catch (error) {
    // The journal goes on naming what could not be looked for.
    const own = { [Symbol.asyncDispose]: () => abortMultipart(store, key, uploadId) };
    return await abandon(own, notLookedFor(store, key, error));
  }
}

function notLookedFor(store: ObjectStore, key: string, cause: unknown): AppError {
  if (cause instanceof AppError && cause.code === 'cleanup-failed') return cause;
  const what = `Whether S3 has begun an upload to ${s3Url(store, key)} could not be found out`;
  return new AppError('cleanup-failed', `${what}: ${messageOf(cause)}`, {
    cause,
    hint: `The next run looks for it; or look yourself: aws s3api list-multipart-uploads --bucket ${store.bucket} --prefix '${key}'`,
  });
}

/** "Processing of a CompleteMultipartUpload request could take over several minutes" (S3 API reference). */
const completionMs = 10 * 60_000;

function notTheSame(resource: string, cause: Error): AppError {
  return new AppError('upload-mismatch', `S3 has put together another ${resource} than was sent: ${cause.message}`, {
    cause,
    hint: 'Nothing was stored. Check the memory of this machine, then run it again.',
  });
}
