import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type MultipartUpload as ListedUpload,
} from '@aws-sdk/client-s3';
import { AppError, isAbort, messageOf } from '../core/index.js';
import { callS3, s3Url, type ObjectStore } from './object-store.js';
import { withServerTime } from './server-time.js';

/** Which uploads to a key may be ones whose beginning nobody was told. */
export interface LostUploads {
  /** The ids of those that are known. */
  readonly except: readonly string[];
  /** When they were begun, by S3's clock: from the second of the one time to that of the other. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** S3 tells times in whole seconds. */
const serverTimeErrorMs = 1_000;

/**
 * Aborts the uploads to a key that were begun by us, but nobody knows of: in that time, with the checksum that ours have, and
 * without parts. Whoever begins an upload under a guard sends nothing before its id is written down: one with parts is
 * somebody else's. Throws `cleanup-failed` for one that does not go away, and the AWS failures of `callAws`.
 */
export async function abortLostUploads(store: ObjectStore, key: string, lost: LostUploads): Promise<void> {
  const { uploads } = await uploadsTo(store, key);
  for (const upload of uploads) {
    const { UploadId: uploadId = '' } = upload;
    if (lost.except.includes(uploadId) || !couldBeOurs(upload, lost)) continue;
    const where = { Bucket: store.bucket, Key: key, UploadId: uploadId, MaxParts: 1 };
    const { Parts = [] } = await callS3(
      store,
      { action: 's3:ListMultipartUploadParts', resource: s3Url(store, key) },
      (options) => store.client.send(new ListPartsCommand(where), options),
    );
    if (Parts.length === 0) await abortMultipart(store, key, uploadId);
  }
}

/** Stores that are not AWS may not tell the checksum. */
function couldBeOurs({ Initiated, ChecksumAlgorithm, ChecksumType }: ListedUpload, lost: LostUploads): boolean {
  const begunMs = Initiated?.getTime() ?? Number.NaN;
  return (
    begunMs >= lost.fromMs - serverTimeErrorMs &&
    begunMs <= lost.untilMs + serverTimeErrorMs &&
    (ChecksumAlgorithm ?? 'CRC32') === 'CRC32' &&
    (ChecksumType ?? 'FULL_OBJECT') === 'FULL_OBJECT'
  );
}

/** The unfinished uploads to exactly this key, and what time it was then for S3 (0 where it does not say). */
export async function uploadsTo(
  store: ObjectStore,
  key: string,
): Promise<{ readonly uploads: readonly ListedUpload[]; readonly ids: readonly string[]; readonly atMs: number }> {
  const uploads: ListedUpload[] = [];
  let atMs: number | undefined;
  let after: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const { output: page, serverTimeMs } = await callS3(
      store,
      { action: 's3:ListBucketMultipartUploads', resource: s3Url(store, key) },
      (options) => {
        const command = new ListMultipartUploadsCommand({ Bucket: store.bucket, Prefix: key, ...after });
        return withServerTime(command, () => store.client.send(command, options));
      },
    );
    atMs ??= Number.isNaN(serverTimeMs) ? 0 : serverTimeMs;
    uploads.push(...(page.Uploads ?? []).filter(({ Key, UploadId }) => Key === key && UploadId !== undefined));
    if (page.IsTruncated !== true) {
      return { uploads, ids: uploads.map(({ UploadId = '' }) => UploadId), atMs };
    }
    after = { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' };
  }
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
