import { RestoreObjectCommand } from '@aws-sdk/client-s3';
import { AppError, awsCode } from '../core/index.js';
import type { ObjectFacts } from './head-object.js';
import { callS3, s3Url, type ObjectStore } from './object-store.js';

/** What S3 is asked for. */
export interface ThawRequest {
  /** How fast, and how dear. */
  readonly tier: 'Expedited' | 'Standard' | 'Bulk';
  /** How long the copy stays readable; what INTELLIGENT_TIERING has archived comes back for good. */
  readonly days: number;
}

/** The class does not have the tier (with status 403, as if it were a denial); S3 has no room for it just now. */
const noSuchTier: readonly string[] = ['InvalidTier', 'GlacierExpeditedRetrievalNotAvailable'];

/** Somebody has asked for it already; it came back from an archive tier since it was looked at. */
const underWay: readonly string[] = ['RestoreAlreadyInProgress', 'ObjectAlreadyInActiveTierError'];

/**
 * Asks S3 to make an object in an archive storage class readable; that takes minutes to days. One that is on its way already
 * is fine. Throws `rejected` where the class does not have the tier, or S3 has no capacity for it, and the failures of
 * `callAws`.
 */
export async function requestThaw(
  store: ObjectStore,
  { key, storageClass }: Pick<ObjectFacts, 'key' | 'storageClass'>,
  { tier, days, signal }: ThawRequest & { readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const resource = s3Url(store, key);
  const lifetime = storageClass === 'INTELLIGENT_TIERING' ? {} : { Days: days };
  const RestoreRequest = { ...lifetime, GlacierJobParameters: { Tier: tier } };
  try {
    await callS3(
      store,
      { action: 's3:RestoreObject', resource },
      (options) =>
        store.client.send(new RestoreObjectCommand({ Bucket: store.bucket, Key: key, RestoreRequest }), options),
      signal,
    );
  } catch (error) {
    if (underWay.includes(awsCode(error) ?? '')) return;
    if (!(error instanceof AppError) || !noSuchTier.includes(awsCode(error) ?? '')) throw error;
    throw new AppError('rejected', error.message, {
      cause: error,
      details: error.details,
      hint: 'Not every class has every tier, and Expedited has not always room. Try another: --thaw bulk',
    });
  }
}
