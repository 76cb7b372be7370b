import { planParts } from '../archive/index.js';
import { AppError, createBufferPool, MiB } from '../core/index.js';
import {
  createObjectSum,
  downloadObject,
  headObject,
  requireReadable,
  s3Url,
  uploadObject,
  type ObjectStore,
  type ServerSideEncryption,
  type UploadGuard,
} from '../store/index.js';
import { requireStoredSums } from './read-object.js';

/** A manifest is some KiB; the partition table and tags of a snapshot do not make more of it. */
const largestBytes = 16 * MiB;

/** Which object is read. */
export interface SmallObject {
  readonly key: string;
  /** What it should be, for the message: `manifest`. */
  readonly what: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads an object that is small, whose bytes must be those of which S3 keeps the checksum, and makes something of its text;
 * once more where they came damaged. Throws `corrupt-archive`, `object-frozen`, `not-found`, and what `parse` throws.
 */
export async function readSmallObject<T>(
  store: ObjectStore,
  object: SmallObject,
  parse: (text: string, where: string) => T,
): Promise<T> {
  const read = async (): Promise<T> => parse(await textOf(store, object), s3Url(store, object.key));
  try {
    return await read();
  } catch (error) {
    object.signal?.throwIfAborted();
    if (!(error instanceof AppError) || error.code !== 'corrupt-archive') throw error;
    return read();
  }
}

async function textOf(store: ObjectStore, { key, what, signal }: SmallObject): Promise<string> {
  const where = s3Url(store, key);
  const facts = await headObject(store, key, { signal });
  requireReadable(store, facts);
  if (facts.sizeBytes > largestBytes) {
    throw new AppError('corrupt-archive', `${where} has ${facts.sizeBytes} bytes: that is no ${what}.`);
  }
  const pieces: Buffer[] = [];
  const sum = createObjectSum();
  const options = { streams: 1, rangeBytes: largestBytes, pool: createBufferPool(), signal };
  for await (const bytes of downloadObject(store, facts, options)) {
    sum.add(bytes);
    pieces.push(bytes);
  }
  requireStoredSums(where, sum.result(), facts);
  return Buffer.concat(pieces).toString('utf8');
}

/** Where a small object goes, and how it is guarded and cancelled. */
export interface SmallWrite {
  readonly key: string;
  /** Undefined: as the bucket has it. */
  readonly encryption: ServerSideEncryption | undefined;
  readonly guard: UploadGuard | undefined;
  readonly signal: AbortSignal;
}

/** Writes JSON beside an archive, in place of what was there. Throws the failures of `uploadObject`. */
export async function writeSmallObject(
  store: ObjectStore,
  content: Buffer,
  { key, encryption, guard, signal }: SmallWrite,
): Promise<void> {
  await uploadObject(
    store,
    single(content),
    { key, contentType: 'application/json', encryption },
    { ...planParts({ expectedBytes: 0, boundBytes: 0 }), streams: 1, signal, guard },
  );
}

async function* single(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
}
