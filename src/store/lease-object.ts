import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { AppError, awsCode } from '../core/index.js';
import { callS3, s3Url, type ObjectStore } from './object-store.js';
import { withServerTime } from './server-time.js';

const leaseContent = z.object({
  version: z.literal(1),
  runId: z.string(),
  /** Where the run is, for people. */
  owner: z.string(),
  /** The same for programs: tells whoever runs in the same place that the run is dead. */
  identity: z.unknown(),
  lifetimeMs: z.number().int().positive(),
  /** The run has given it back, and what stands in the journal is left. */
  ended: z.boolean(),
  /** Counts the writes of this run: tells our own write, whose answer was lost, from everybody else's. */
  turn: z.number().int().positive(),
  journal: z.unknown(),
});

/** What stands in a lease object. */
export type LeaseContent = Readonly<z.infer<typeof leaseContent>>;

/** A lease object as it was read. */
export interface LeaseObject {
  readonly content: LeaseContent;
  readonly etag: string;
  /** Both by S3's clock, to the second. */
  readonly writtenAtMs: number;
  readonly readAtMs: number;
}

/** A write that only counts if the object is still as it was. */
export interface LeaseWrite {
  readonly key: string;
  readonly content: LeaseContent;
  /** `absent`: there is none; otherwise the ETag it must have. */
  readonly onlyIf: string;
}

/**
 * Writes a lease object under its condition. Returns its ETag, or undefined where the condition did not hold. The signal
 * keeps it from being tried again; an attempt that has begun is seen through.
 */
export async function writeLeaseObject(
  store: ObjectStore,
  { key, content, onlyIf }: LeaseWrite,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const condition = onlyIf === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: onlyIf };
  const fields = { Bucket: store.bucket, Key: key, ContentType: 'application/json', Body: JSON.stringify(content) };
  try {
    const { ETag } = await callS3(
      store,
      { action: 's3:PutObject', resource: s3Url(store, key), isSeenThrough: true },
      (options) => store.client.send(new PutObjectCommand({ ...fields, ...condition }), options),
      signal,
    );
    return ETag ?? '';
  } catch (error) {
    // If-Match on an object that is gone is NoSuchKey.
    const isRefused =
      awsCode(error) === 'PreconditionFailed' || (error instanceof AppError && error.code === 'not-found');
    if (!isRefused) throw error;
    const found = await readLeaseObject(store, key, signal);
    if (found?.content.runId !== content.runId) return undefined;
    // An earlier attempt was the one that changed it, with its answer lost; or an earlier write, which this one follows.
    if (found.content.turn === content.turn) return found.etag;
    if (found.content.turn > content.turn) return undefined;
    return writeLeaseObject(store, { key, content, onlyIf: found.etag }, signal);
  }
}

/** Reads a lease object; undefined where there is none. Throws `rejected` for one that is none of ours. */
export async function readLeaseObject(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<LeaseObject | undefined> {
  const resource = s3Url(store, key);
  try {
    return await callS3(
      store,
      { action: 's3:GetObject', resource },
      async (options) => {
        const command = new GetObjectCommand({ Bucket: store.bucket, Key: key });
        const { output, serverTimeMs } = await withServerTime(command, () => store.client.send(command, options));
        const { Body, ETag = '', LastModified } = output;
        const text = (await Body?.transformToString()) ?? '';
        const writtenAtMs = LastModified?.getTime() ?? Number.NaN;
        return { content: parse(text, resource), etag: ETag, writtenAtMs, readAtMs: serverTimeMs };
      },
      signal,
    );
  } catch (error) {
    if (error instanceof AppError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** Removes a lease object that is still as it was; one that is not, or that is gone, is somebody else's affair. */
export async function removeLeaseObject(store: ObjectStore, key: string, etag: string): Promise<void> {
  try {
    await callS3(store, { action: 's3:DeleteObject', resource: s3Url(store, key) }, (options) =>
      store.client.send(new DeleteObjectCommand({ Bucket: store.bucket, Key: key, IfMatch: etag }), options),
    );
  } catch (error) {
    const isOthers =
      awsCode(error) === 'PreconditionFailed' || (error instanceof AppError && error.code === 'not-found');
    if (!isOthers) throw error;
  }
}

function parse(text: string, resource: string): LeaseContent {
  try {
    return leaseContent.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError('rejected', `${resource} is not a lease of this tool, or of a newer version.`, {
      cause,
      hint: 'Look at it; if no run needs it any more, delete it.',
    });
  }
}
