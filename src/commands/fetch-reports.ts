import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError, createBufferPool } from '../core/index.js';
import {
  keysOfManifest,
  mayBeReport,
  newestManifests,
  newestReports,
  type FoundReport,
  type StoredObjectName,
} from '../costs/index.js';
import { downloadObject, headObject, listObjects, requireBucket, s3Url, type ObjectStore } from '../store/index.js';

/** How far fetching has come. */
export interface FetchProgress {
  /** Of the file that is being fetched, which is `number` of `files`. */
  readonly name: string;
  readonly number: number;
  readonly files: number;
  /** Of all files. */
  readonly fetchedBytes: number;
  readonly totalBytes: number;
}

/** What fetching works with. */
export interface FetchReportsOptions {
  readonly store: ObjectStore;
  /** What the keys begin with. */
  readonly prefix: string;
  /** Of each report so many of the newest billing periods. */
  readonly months: number;
  /** Where the files are put; its owner removes them. */
  readonly directory: string;
  readonly signal: AbortSignal;
  /** Told before a file is fetched, and as it comes. */
  readonly onProgress: (progress: FetchProgress) => void;
}

/** Ranges of a file fetched at once. */
const streams = 8;
/** A manifest names its files and columns; more than that is none. */
const largestManifestBytes = 64 * 1024 * 1024;

interface Wanted {
  readonly key: string;
  readonly delivery: string;
  readonly newness: number;
}

/**
 * Fetches the reports below a prefix: what the newest manifests name, or where there are none all that may be a report.
 * Throws `usage` where there is nothing, and the failures of S3.
 */
export async function fetchReports(options: FetchReportsOptions): Promise<readonly FoundReport[]> {
  const { store, prefix, months, directory, signal, onProgress } = options;
  await requireBucket(store, signal);
  const objects: StoredObjectName[] = [];
  for await (const { key, sizeBytes, lastModified } of listObjects(store, prefix, signal)) {
    const one = { key, sizeBytes, lastModified: lastModified ?? new Date(0) };
    if (key.endsWith('.json') || mayBeReport(one)) objects.push(one);
  }
  const wanted: Wanted[] = [];
  for (const { key, lastModified } of newestManifests(objects, months)) {
    const text = await textOf(key, options);
    for (const named of keysOfManifest(text, s3Url(store, key))) {
      wanted.push({ key: keyOf(named, store), delivery: key, newness: lastModified.getTime() });
    }
  }
  if (wanted.length === 0) {
    for (const { key, lastModified } of newestReports(objects, months)) {
      wanted.push({ key, delivery: key, newness: lastModified.getTime() });
    }
  }
  if (wanted.length === 0) {
    throw new AppError('usage', `There is no report below ${s3Url(store, prefix)}.`, {
      hint: `See what is there: aws s3 ls --recursive ${s3Url(store, prefix)}`,
    });
  }
  const sizes = new Map(objects.map(({ key, sizeBytes }) => [key, sizeBytes]));
  const totalBytes = wanted.reduce((sum, { key }) => sum + (sizes.get(key) ?? 0), 0);
  let fetchedBytes = 0;
  const found: FoundReport[] = [];
  for (const [at, { key, delivery, newness }] of wanted.entries()) {
    const name = s3Url(store, key);
    const onBytes = (bytes: number): void => {
      fetchedBytes += bytes;
      onProgress({ name, number: at + 1, files: wanted.length, fetchedBytes, totalBytes });
    };
    onBytes(0);
    // Keys may have anything in them; names of files here do not.
    const folder = join(directory, String(at));
    await mkdir(folder, { recursive: true });
    const path = join(folder, basename(key).replace(/[^\w.-]/g, '_'));
    await download(key, path, { ...options, onBytes });
    found.push({ path, name, delivery: `${store.bucket} ${delivery}`, newness });
  }
  return found;
}

/** CUR 2.0 names addresses, legacy reports keys. */
function keyOf(named: string, store: ObjectStore): string {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(named) ?? [];
  if (bucket === undefined || key === undefined) return named;
  if (bucket === store.bucket) return key;
  throw new AppError('usage', `A manifest in ${store.bucket} names ${named}, which is in another bucket.`, {
    hint: `Name that one: snap-to-s3 analyze s3://${bucket}/…`,
  });
}

async function textOf(key: string, { store, signal }: FetchReportsOptions): Promise<string> {
  const facts = await headObject(store, key, { signal });
  if (facts.sizeBytes > largestManifestBytes) {
    throw new AppError('usage', `${s3Url(store, key)} is too large for a manifest.`, {
      hint: 'Name the prefix of the reports more exactly.',
    });
  }
  const bytes: Buffer[] = [];
  for await (const piece of downloadObject(store, facts, { streams: 1, pool: createBufferPool(), signal })) {
    bytes.push(piece);
  }
  return Buffer.concat(bytes).toString('utf8');
}

async function download(
  key: string,
  path: string,
  { store, signal, onBytes }: FetchReportsOptions & { readonly onBytes: (bytes: number) => void },
): Promise<void> {
  const counted = async function* (pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      onBytes(piece.length);
      yield piece;
    }
  };
  const facts = await headObject(store, key, { signal });
  const pool = createBufferPool();
  const pieces = downloadObject(store, facts, { streams, pool, signal });
  await pipeline(
    Readable.from(pieces, { objectMode: true, highWaterMark: 1 }),
    counted,
    createWriteStream(path, { mode: 0o600 }),
    { signal },
  );
}
