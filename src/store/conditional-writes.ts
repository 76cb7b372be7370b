import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { awsCode } from '../core/index.js';
import { callS3, s3Url, type ObjectStore } from './object-store.js';

/**
 * Whether the store refuses a write whose condition does not hold, by really trying it on an object at `key`, which is
 * removed again. Some stores do not know conditions and say so; others pay no heed to them, which is worse.
 */
export async function hasConditionalWrites(store: ObjectStore, key: string, signal?: AbortSignal): Promise<boolean> {
  const resource = s3Url(store, key);
  const create = async (): Promise<'written' | 'refused' | 'unknown'> => {
    try {
      await callS3(
        store,
        { action: 's3:PutObject', resource },
        (options) =>
          store.client.send(
            new PutObjectCommand({ Bucket: store.bucket, Key: key, Body: 'Safe to delete.\n', IfNoneMatch: '*' }),
            options,
          ),
        signal,
      );
      return 'written';
    } catch (error) {
      const code = awsCode(error) ?? '';
      if (code === 'PreconditionFailed') return 'refused';
      if (['NotImplemented', 'InvalidArgument', 'InvalidRequest'].includes(code)) return 'unknown';
      throw error;
    }
  };
  if ((await create()) === 'unknown') return false;
  try {
    return (await create()) === 'refused';
  } finally {
    await callS3(store, { action: 's3:DeleteObject', resource }, (options) =>
      store.client.send(new DeleteObjectCommand({ Bucket: store.bucket, Key: key }), options),
    );
  }
}
