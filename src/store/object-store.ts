import type { S3Client } from '@aws-sdk/client-s3';
import type { AwsCall, AwsCallHabits, Clock, RetryPolicy } from '../core/index.js';
import { callAws, credentialsRenewal } from '../core/index.js';

/** A bucket and the means to reach it; what every file of this folder works on. */
export interface ObjectStore {
  readonly client: S3Client;
  readonly bucket: string;
  readonly clock: Clock;
  /** Where parts too large for memory wait. */
  readonly temporaryDirectory: string;
  readonly retryPolicy?: RetryPolicy;
  /** What it shares with the other calls of this process. */
  readonly habits?: AwsCallHabits;
}

/** Server-side encryption as S3 is asked for it. */
export type ServerSideEncryption =
  { readonly mode: 'AES256' } | { readonly mode: 'aws:kms'; readonly keyId: string | undefined };

/** Where an object goes and what it bears. */
export interface ObjectTarget {
  readonly key: string;
  readonly contentType: string;
  /** User metadata without the `x-amz-meta-` prefix; ASCII values. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** In the form of the `x-amz-tagging` header. */
  readonly tagging?: string;
  readonly storageClass?: string;
  readonly encryption?: ServerSideEncryption | undefined;
}

/** An object that S3 has confirmed. */
export interface StoredObject {
  readonly key: string;
  readonly storedBytes: number;
  /** Hexadecimal SHA-256 of all bytes. */
  readonly sha256: string;
  /** Base64 full-object CRC-32, equal to the one S3 computed. */
  readonly crc32: string;
  readonly etag: string;
}

/** `s3://bucket/key`, for messages. */
export function s3Url(store: ObjectStore, key: string): string {
  return `s3://${store.bucket}/${key}`;
}

/** One call to S3 with retries; see `callAws`. */
export async function callS3<T>(
  store: ObjectStore,
  call: AwsCall,
  send: (options: { abortSignal: AbortSignal }) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return callAws(call, (abortSignal) => send({ abortSignal }), {
    clock: store.clock,
    signal,
    renewCredentials: credentialsRenewal(store.client.config.credentials),
    ...store.habits,
    ...(store.retryPolicy === undefined ? {} : { policy: store.retryPolicy }),
  });
}

/** The request fields that a new object takes from its target, for PutObject and CreateMultipartUpload alike. */
export function targetFields(target: ObjectTarget) {
  return {
    Key: target.key,
    ContentType: target.contentType,
    ...(target.metadata === undefined ? {} : { Metadata: { ...target.metadata } }),
    ...(target.tagging === undefined || target.tagging === '' ? {} : { Tagging: target.tagging }),
    ...(target.storageClass === undefined ? {} : { StorageClass: target.storageClass as 'STANDARD' }),
    ...encryptionFields(target.encryption),
  };
}

function encryptionFields(encryption: ServerSideEncryption | undefined) {
  if (encryption === undefined) return {};
  if (encryption.mode === 'AES256') return { ServerSideEncryption: 'AES256' as const };
  return {
    ServerSideEncryption: 'aws:kms' as const,
    ...(encryption.keyId === undefined ? {} : { SSEKMSKeyId: encryption.keyId }),
  };
}
