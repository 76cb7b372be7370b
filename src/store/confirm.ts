import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { AppError } from '../core/index.js';
import { callS3, s3Url, type ObjectStore, type StoredObject } from './object-store.js';

/**
 * Asks S3 for size and full-object CRC-32 of an object and compares them with what we computed while reading. Returns
 * the object with the ETag S3 gives. Throws `upload-mismatch` where S3 has something else.
 */
export async function confirmObject(
  store: ObjectStore,
  object: StoredObject,
  signal: AbortSignal | undefined,
): Promise<StoredObject> {
  const resource = s3Url(store, object.key);
  const head = await callS3(
    store,
    { action: 's3:GetObject', resource },
    (options) =>
      store.client.send(
        new HeadObjectCommand({ Bucket: store.bucket, Key: object.key, ChecksumMode: 'ENABLED' }),
        options,
      ),
    signal,
  );
  if (head.ContentLength !== object.storedBytes) {
    throw new AppError(
      'upload-mismatch',
      `S3 says that ${resource} has ${String(head.ContentLength)} bytes, but ${object.storedBytes} were sent.`,
    );
  }
  if (head.ChecksumCRC32 !== object.crc32) {
    const found = head.ChecksumCRC32 === undefined ? 'no CRC-32' : `CRC-32 ${head.ChecksumCRC32}`;
    throw new AppError(
      'upload-mismatch',
      `S3 has ${found} for ${resource}, but ${object.crc32} was computed from what was sent.`,
    );
  }
  return { ...object, etag: head.ETag ?? object.etag };
}
