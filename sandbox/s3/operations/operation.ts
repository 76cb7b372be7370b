import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../src/core/index.js';
import { xmlDocument, type XmlElement } from '../../server/xml.js';
import { noSuchBucket, noSuchUpload, S3Error } from '../errors.js';
import type { S3Request } from '../http/request.js';
import type { Bucket, BucketSettings, Store, StoredObject, Upload } from '../state/index.js';

/** What every operation works with. */
export interface OperationContext {
  readonly store: Store;
  readonly clock: Clock;
  /** The region that was asked: buckets are created there unless the request says otherwise. */
  readonly region: string;
  /** How many times faster than on AWS archived objects are restored, and restored copies expire. */
  readonly archiveSpeed: number;
}

/** One operation of S3: answers the request, or throws an S3Error. */
export type Operation = (request: S3Request, response: ServerResponse, context: OperationContext) => Promise<void>;

/** The XML namespace of S3's answers. */
export const namespace = { xmlns: 'http://s3.amazonaws.com/doc/2006-03-01/' };

/** Answers with an XML document. */
export function answerXml(
  response: ServerResponse,
  root: XmlElement,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = xmlDocument(root);
  response.writeHead(200, { ...headers, 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Answers without a body. */
export function answerEmpty(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | number>> = {},
): void {
  response.writeHead(status, headers).end();
}

/** The bucket of the request. Throws `NoSuchBucket`. */
export function bucketOf(request: S3Request, { store }: OperationContext): Bucket {
  const bucket = store.buckets.get(request.bucket ?? '');
  if (bucket === undefined) throw noSuchBucket(request.bucket ?? '');
  return bucket;
}

/** Something in a bucket that may change. */
export interface Place {
  readonly store: Store;
  readonly bucket: Bucket;
  readonly key: string;
}

/**
 * Runs a change of an object, or of an upload to its key, while nobody else changes them. What was looked up before must
 * be looked up again. Throws `NoSuchBucket` when the bucket has gone meanwhile.
 */
export async function inTurn<T>({ store, bucket, key }: Place, change: () => Promise<T>): Promise<T> {
  return bucket.turns.take(key, async () => {
    if (store.buckets.get(bucket.name) !== bucket) throw noSuchBucket(bucket.name);
    return change();
  });
}

/** Replaces the settings of the bucket of the request, in its turn. Throws `NoSuchBucket` and what `change` throws. */
export async function changeSettings(
  request: S3Request,
  context: OperationContext,
  change: (settings: BucketSettings) => BucketSettings,
): Promise<void> {
  const { store } = context;
  await store.turns.take(request.bucket ?? '', async () => {
    const bucket = bucketOf(request, context);
    await store.putSettings(bucket, change(bucket.settings));
  });
}

/** The key of the request; the dispatch table sees to it that there is one. */
export function keyOf(request: S3Request): string {
  if (request.key === undefined) throw new S3Error('InvalidRequest', 'The request has no key.');
  return request.key;
}

/** The multipart upload of the request. Throws `NoSuchUpload`. */
export function uploadOf(request: S3Request, bucket: Bucket): Upload {
  const uploadId = request.query.get('uploadId') ?? '';
  const upload = bucket.uploads.get(uploadId);
  if (upload === undefined || upload.key !== request.key) throw noSuchUpload(uploadId);
  return upload;
}

/** `2026-01-02T03:04:05.000Z`, as S3 writes times in XML: there are milliseconds, and they are always 0. */
export function xmlTime(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString();
}

/** What S3 tells of encryption in the headers of an answer. */
export function encryptionHeaders({ encryption }: Pick<StoredObject, 'encryption'>): Record<string, string> {
  return {
    'x-amz-server-side-encryption': encryption.algorithm,
    ...(encryption.kmsKeyId === undefined
      ? {}
      : { 'x-amz-server-side-encryption-aws-kms-key-id': encryption.kmsKeyId }),
    ...(encryption.bucketKey === undefined ? {} : { 'x-amz-server-side-encryption-bucket-key-enabled': 'true' }),
  };
}
