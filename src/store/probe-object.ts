import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { AppError } from '../core/index.js';
import { callS3, s3Url, type ObjectStore } from './object-store.js';

/** What S3 tells of an object that was just written. */
export interface WrittenProbe {
  /** The bucket keeps old versions. */
  readonly isVersioned: boolean;
  /** `AES256`, `aws:kms`, …; undefined where the store does not say. */
  readonly encryption: string | undefined;
}

const content = 'Written by snap-to-s3 doctor. Safe to delete.\n';

/** Writes a few bytes that say what they are. `tagging` is in the form of the header. It
 * cannot be cancelled: what S3 has begun to write it might write after it was deleted. Throws `access-denied`, … */
export async function writeProbe(
  store: ObjectStore,
  key: string,
  { tagging }: { readonly tagging?: string } = {},
): Promise<WrittenProbe> {
  const tags = tagging === undefined ? {} : { Tagging: tagging };
  const request = { Bucket: store.bucket, Key: key, Body: content, ContentType: 'text/plain', ...tags };
  const answer = await callS3(
    store,
    { action: tagging === undefined ? 's3:PutObject' : 's3:PutObjectTagging', resource: s3Url(store, key) },
    (options) => store.client.send(new PutObjectCommand({ ...request, ChecksumAlgorithm: 'CRC32' }), options),
  );
  return { isVersioned: answer.VersionId !== undefined, encryption: answer.ServerSideEncryption };
}

/** Reads back what {@link writeProbe} wrote. Throws `upload-mismatch` for anything else. */
export async function readProbe(store: ObjectStore, key: string, signal?: AbortSignal): Promise<void> {
  const resource = s3Url(store, key);
  const text = await callS3(
    store,
    { action: 's3:GetObject', resource },
    async (options) => {
      const command = new GetObjectCommand({ Bucket: store.bucket, Key: key, ChecksumMode: 'ENABLED' });
      return (await store.client.send(command, options)).Body?.transformToString();
    },
    signal,
  );
  if (text !== content) throw new AppError('upload-mismatch', `${resource} does not read as it was written.`);
}

/** Deletes an object; one that is not there is fine. Not bound to a signal: it runs when that has aborted. */
export async function deleteProbe(store: ObjectStore, key: string): Promise<void> {
  await callS3(store, { action: 's3:DeleteObject', resource: s3Url(store, key) }, (options) =>
    store.client.send(new DeleteObjectCommand({ Bucket: store.bucket, Key: key }), options),
  );
}
