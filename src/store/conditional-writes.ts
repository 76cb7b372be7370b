import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { awsCode } from '../core/index.js';
import { callS3, s3Url, type ObjectStore } from './object-store.js';

/** No object's: ETags are sums of content. */
const noEtag = '"00000000000000000000000000000000"';

/**
 * Whether the store refuses a write whose condition does not hold, by really trying it at `key`. Where it does, nothing is
 * ever written, so that a run which dies here leaves nothing behind. Some stores do not know conditions and say so; others
 * pay no heed to them, which is worse, and what they have written is removed again. Throws `access-denied` also for who
 * may not delete: such a run could not give its leases back.
 */
export async function hasConditionalWrites(store: ObjectStore, key: string, signal?: AbortSignal): Promise<boolean> {
  const isRefused = await refuses(store, key, signal);
  await callS3(store, { action: 's3:DeleteObject', resource: s3Url(store, key) }, (options) =>
    store.client.send(new DeleteObjectCommand({ Bucket: store.bucket, Key: key }), options),
  );
  return isRefused;
}

async function refuses(store: ObjectStore, key: string, signal: AbortSignal | undefined): Promise<boolean> {
  const command = { Bucket: store.bucket, Key: key, Body: 'Safe to delete.\n', IfMatch: noEtag };
  try {
    await callS3(
      store,
      { action: 's3:PutObject', resource: s3Url(store, key) },
      (options) => store.client.send(new PutObjectCommand(command), options),
      signal,
    );
    return false;
  } catch (error) {
    const code = awsCode(error) ?? '';
    // What has no object has none with this ETag (S3 user guide, "How to prevent object overwrites with conditional writes").
    if (code === 'PreconditionFailed' || code === 'NoSuchKey') return true;
    if (['NotImplemented', 'InvalidArgument', 'InvalidRequest'].includes(code)) return false;
    throw error;
  }
}
