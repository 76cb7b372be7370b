import { addAbortSignal, type Readable } from 'node:stream';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { AppError, awsCode, collectYoung, MiB, type BufferPool } from '../core/index.js';
import { frozen } from './head-object.js';
import { callS3, s3Url, type ObjectStore } from './object-store.js';

/** The very object that is to be read; see `headObject`. */
export interface DownloadSource {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly versionId?: string | undefined;
}

/** Bytes `from` up to, not including, `to`. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** How an object is read. */
export interface DownloadOptions {
  /** Ranges under way at once; one more is in the hands of the reader. */
  readonly streams: number;
  /** Where the memory comes from. The reader may give back what he got. */
  readonly pool: BufferPool;
  /** All of it if not given. */
  readonly range?: ByteRange;
  /** The size of each request; 8 MiB if not given. */
  readonly rangeBytes?: number;
  readonly signal?: AbortSignal | undefined;
  /** Told, in whatever order, how many bytes more have come. */
  readonly onReceived?: (bytes: number) => void;
}

const defaultRangeBytes = 8 * MiB;

/**
 * Reads an object, or a range of it, in order, by several requests at once. Each request is tried again, and goes on
 * where it broke off; every byte that was asked for comes, of the object with that ETag, or an error: `object-changed`
 * where there is another by now, `object-frozen`, and the failures of `callAws`. Each buffer belongs to the reader. When
 * he leaves, all requests end.
 */
export async function* downloadObject(
  store: ObjectStore,
  source: DownloadSource,
  options: DownloadOptions,
): AsyncGenerator<Buffer, void> {
  const { from, to } = options.range ?? { from: 0, to: source.sizeBytes };
  if (from < 0 || to > source.sizeBytes || from > to) {
    throw new AppError('internal', `Bytes ${from} to ${to} of ${source.sizeBytes} were asked for.`);
  }
  const { rangeBytes = defaultRangeBytes } = options;
  const left = new AbortController();
  const signal = options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal]);
  const fetching: Promise<Buffer>[] = [];
  let next = from;
  const fill = (): void => {
    for (; fetching.length < options.streams && next < to; next += rangeBytes) {
      const range = { from: next, to: Math.min(to, next + rangeBytes) };
      const fetched = fetchRange(store, source, { ...options, range, signal });
      // Its failure is thrown in its turn.
      fetched.catch(() => undefined);
      fetching.push(fetched);
    }
  };
  try {
    fill();
    for (let first = fetching.shift(); first !== undefined; first = fetching.shift()) {
      const bytes = await first;
      fill();
      // The pieces in which they came.
      if (bytes.length >= MiB) collectYoung();
      yield bytes;
    }
  } finally {
    left.abort();
    await Promise.allSettled(fetching);
  }
}

interface FetchOptions extends DownloadOptions {
  readonly range: ByteRange;
}

async function fetchRange(
  store: ObjectStore,
  source: DownloadSource,
  { range, pool, signal, onReceived }: FetchOptions,
): Promise<Buffer> {
  const resource = s3Url(store, source.key);
  const bytes = pool.take(range.to - range.from);
  let received = 0;
  const attempt = async (options: { abortSignal: AbortSignal }): Promise<void> => {
    // Broken off behind the last byte.
    if (received === bytes.length) return;
    const before = received;
    const rest = { from: range.from + received, to: range.to };
    const body = await openBody(store, source, { ...options, range: rest });
    // An attempt that was given up must not write any more: the memory may be somebody else's by then.
    addAbortSignal(options.abortSignal, body);
    try {
      for await (const piece of body as AsyncIterable<Buffer>) {
        options.abortSignal.throwIfAborted();
        if (received + piece.length > bytes.length) throw broken(resource, 'more bytes came than were asked for');
        piece.copy(bytes, received);
        received += piece.length;
        onReceived?.(piece.length);
      }
    } catch (error) {
      if (!isChecksumMismatch(error)) throw error;
      received = before;
      throw broken(resource, 'bytes changed on their way', error);
    }
    if (received < bytes.length) throw broken(resource, `${received} of ${bytes.length} bytes came`);
  };
  try {
    const call = { action: 's3:GetObject', resource, bodyBytes: bytes.length };
    await callS3(store, call, attempt, signal);
    return bytes;
  } catch (error) {
    pool.giveBack(bytes);
    throw meant(resource, error);
  }
}

interface OpenOptions {
  readonly range: ByteRange;
  readonly abortSignal: AbortSignal;
}

/** Begins one request, and sees that the answer is to what was asked. */
async function openBody(
  store: ObjectStore,
  { key, sizeBytes, etag, versionId }: DownloadSource,
  { range: { from, to }, abortSignal }: OpenOptions,
): Promise<Readable> {
  const resource = s3Url(store, key);
  const answer = await store.client.send(
    new GetObjectCommand({
      Bucket: store.bucket,
      Key: key,
      ...(versionId === undefined ? {} : { VersionId: versionId }),
      IfMatch: etag,
      Range: `bytes=${from}-${to - 1}`,
      ChecksumMode: 'ENABLED',
    }),
    { abortSignal },
  );
  const body = answer.Body as Readable | undefined;
  if (body === undefined) throw broken(resource, 'the answer has no body');
  const wanted = `bytes ${from}-${to - 1}/${sizeBytes}`;
  // A store without ranges gives everything.
  const isWanted = answer.ContentRange === wanted || (answer.ContentRange === undefined && to - from === sizeBytes);
  if (isWanted && answer.ETag === etag) return body;
  body.destroy();
  if (answer.ETag !== etag) throw changed(resource);
  throw new AppError(
    'rejected',
    `The store gave ${answer.ContentRange ?? 'everything'} of ${resource}, not ${wanted}.`,
  );
}

function meant(resource: string, error: unknown): unknown {
  const code = awsCode(error);
  if (code === 'PreconditionFailed' || code === 'InvalidRange') return changed(resource, error);
  return code === 'InvalidObjectState' ? frozen(resource, storageClassOf(error), error) : error;
}

/** S3 tells it in the answer. */
function storageClassOf(error: unknown): string | undefined {
  const cause = error instanceof AppError ? error.cause : undefined;
  const said = typeof cause === 'object' && cause !== null && 'StorageClass' in cause ? cause.StorageClass : undefined;
  return typeof said === 'string' ? said : undefined;
}

function changed(resource: string, cause?: unknown): AppError {
  return new AppError('object-changed', `${resource} was overwritten while it was read.`, {
    hint: 'See who writes to this bucket, then run it again.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What the SDK throws, as a plain Error, where S3 gave a checksum and the body has another one. */
function isChecksumMismatch(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Checksum mismatch');
}

function broken(resource: string, what: string, cause?: unknown): AppError {
  return new AppError('unavailable', `s3:GetObject on ${resource} failed: ${what}.`, {
    ...(cause === undefined ? {} : { cause }),
    retryable: true,
    hint: 'Check the network between this machine and AWS, a proxy perhaps, then run it again.',
  });
}
