import { PutObjectCommand } from '@aws-sdk/client-s3';
import { confirmObject } from './confirm.js';
import { beginMultipart, type MultipartUpload } from './multipart.js';
import { callS3, s3Url, targetFields, type ObjectStore, type ObjectTarget, type StoredObject } from './object-store.js';
import { createObjectSum, type ObjectSum } from './object-sum.js';
import { createPartBuffer, createPartMemory, type PartBuffer } from './part-buffer.js';
import type { UploadGuard } from './upload-guard.js';
import { asItIs, isConditionRefused, overtaken, type WriteCondition } from './write-condition.js';

/** How a stream is sent. */
export interface UploadOptions {
  /** The size of part `n` (1-based); throws when there are too many. See `planParts`. */
  readonly partBytes: (partNumber: number) => number;
  /** Parts sent at once. */
  readonly streams: number;
  readonly signal?: AbortSignal | undefined;
  /** Told after each part how many bytes S3 has confirmed in all. */
  readonly onStored?: (storedBytes: number) => void;
  /** Where it is given, the object comes into being only if it is then as it was at the beginning. */
  readonly guard?: UploadGuard | undefined;
}

/**
 * Sends a stream of unknown length to one object, and returns when S3 has confirmed the size and the checksum of what
 * was read. A stream that fits into one part becomes a PutObject, a longer one a multipart upload; when anything fails,
 * the source and the signal included, nothing is left in the bucket. At most `streams + 1` parts are held at a time.
 * Throws the AWS failures of `callAws`, `object-too-large`, `upload-mismatch`, `claimed-elsewhere` for an object that
 * another run has made meanwhile, and whatever the source throws.
 */
export async function uploadObject(
  store: ObjectStore,
  source: AsyncIterable<Buffer>,
  target: ObjectTarget,
  options: UploadOptions,
): Promise<StoredObject> {
  const condition = options.guard === undefined ? {} : await asItIs(store, target.key, options.signal);
  const sum = createObjectSum();
  const parts = cutIntoParts(measured(source, sum), options.partBytes, store.temporaryDirectory);
  try {
    const first = await parts.next();
    if (first.done === true) throw new Error('cutIntoParts yields at least one part');
    const { part, isLast } = first.value;
    const how = { ...options, condition };
    const sent = isLast
      ? await putWhole(store, part, target, how)
      : await sendParts(store, { first: part, rest: parts, sum }, target, how);
    const object = { key: target.key, ...sum.result(), etag: sent.etag };
    return await confirmObject(store, object, options.signal).catch((error: unknown) => {
      throw sent.refused === undefined ? error : overtaken(store, target.key, sent.refused);
    });
  } finally {
    await parts.return();
  }
}

async function* measured(source: AsyncIterable<Buffer>, sum: ObjectSum): AsyncGenerator<Buffer> {
  for await (const bytes of source) {
    sum.add(bytes);
    yield bytes;
  }
}

interface CutPart {
  /** Belongs to the receiver, who disposes it. */
  readonly part: PartBuffer;
  readonly isLast: boolean;
}

/** Cuts a stream into parts of the planned sizes, the last one shorter; an empty stream is one empty part. */
async function* cutIntoParts(
  source: AsyncIterable<Buffer>,
  partBytes: (partNumber: number) => number,
  temporaryDirectory: string,
): AsyncGenerator<CutPart, void, void> {
  let partNumber = 1;
  const memory = createPartMemory();
  let capacityBytes = partBytes(partNumber);
  let part: PartBuffer | undefined = await createPartBuffer({ capacityBytes, temporaryDirectory, memory });
  try {
    for await (let bytes of source) {
      while (bytes.length > 0) {
        if (part.sizeBytes === capacityBytes) {
          const full: PartBuffer = part;
          partNumber += 1;
          capacityBytes = partBytes(partNumber);
          part = await createPartBuffer({ capacityBytes, temporaryDirectory, memory });
          yield { part: full, isLast: false };
        }
        const room = capacityBytes - part.sizeBytes;
        await part.append(bytes.subarray(0, room));
        bytes = bytes.subarray(room);
      }
    }
    const last = part;
    part = undefined;
    yield { part: last, isLast: true };
  } finally {
    await part?.[Symbol.asyncDispose]();
  }
}

interface SendOptions extends UploadOptions {
  readonly condition: WriteCondition;
}

/** What S3 said. */
interface Sent {
  readonly etag: string;
  /** S3 refused the condition: because an attempt before, whose answer was lost, made the object; or another run. */
  readonly refused?: unknown;
}

function unlessRefused(error: unknown): Sent {
  if (isConditionRefused(error)) return { etag: '', refused: error };
  throw error;
}

async function putWhole(
  store: ObjectStore,
  part: PartBuffer,
  target: ObjectTarget,
  options: SendOptions,
): Promise<Sent> {
  await using body = part;
  await options.guard?.finishing(target.key);
  const sent = await callS3(
    store,
    { action: 's3:PutObject', resource: s3Url(store, target.key), bodyBytes: body.sizeBytes },
    (sendOptions) =>
      store.client.send(
        new PutObjectCommand({
          Bucket: store.bucket,
          ...targetFields(target),
          ...options.condition,
          Body: body.read(),
          ContentLength: body.sizeBytes,
          ChecksumCRC32: body.crc32,
        }),
        sendOptions,
      ),
    options.signal,
  ).then(({ ETag = '' }) => ({ etag: ETag }), unlessRefused);
  options.onStored?.(body.sizeBytes);
  return sent;
}

interface PartSource {
  readonly first: PartBuffer;
  readonly rest: AsyncIterable<CutPart>;
  readonly sum: ObjectSum;
}

async function sendParts(
  store: ObjectStore,
  source: PartSource,
  target: ObjectTarget,
  options: SendOptions,
): Promise<Sent> {
  await using first = source.first;
  await using upload = await beginMultipart(store, target, options);
  let partNumber = 0;
  let storedBytes = 0;
  const sending = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const send = async (part: PartBuffer): Promise<void> => {
    while (sending.size >= options.streams) await Promise.race(sending);
    if (failures.length > 0) {
      await part[Symbol.asyncDispose]();
      throw failures[0];
    }
    partNumber += 1;
    const sent = sendPart(upload, part, partNumber)
      .then((bytes) => {
        storedBytes += bytes;
        options.onStored?.(storedBytes);
      })
      .catch((error: unknown) => void failures.push(error))
      .finally(() => void sending.delete(sent));
    sending.add(sent);
  };
  try {
    await send(first);
    for await (const { part } of source.rest) await send(part);
  } finally {
    await Promise.all(sending);
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, 'Several parts failed');
  await options.guard?.finishing(target.key);
  return await upload.complete(source.sum.result()).catch(unlessRefused);
}

async function sendPart(upload: MultipartUpload, part: PartBuffer, partNumber: number): Promise<number> {
  await using body = part;
  await upload.sendPart(partNumber, body);
  return body.sizeBytes;
}
