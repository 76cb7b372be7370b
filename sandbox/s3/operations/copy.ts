import { element } from '../../server/xml.js';
import { noSuchBucket, noSuchKey, S3Error } from '../errors.js';
import { readAttributes } from '../http/attributes.js';
import { hashSegments } from '../http/receive.js';
import { header, queryNumber, type S3Request } from '../http/request.js';
import { parseTaggingHeader } from '../http/tagging.js';
import type { StoredObject } from '../state/index.js';
import { underConditions } from './conditional.js';
import { checkCopyConditions } from './copy-conditions.js';
import {
  answerXml,
  bucketOf,
  encryptionHeaders,
  keyOf,
  namespace,
  uploadOf,
  xmlTime,
  type Operation,
  type OperationContext,
} from './operation.js';

/** The largest object that CopyObject takes, and the largest range of UploadPartCopy (S3 API reference, CopyObject). */
const largestCopyBytes = 5 * 1024 ** 3;

/** CopyObject: bytes are copied; metadata and tags are kept or replaced, as the directives say. */
export const copyObject: Operation = async (request, response, context) => {
  const { store, clock } = context;
  const bucket = bucketOf(request, context);
  const key = keyOf(request);
  const source = sourceOf(request, context);
  const isReplaced = directive(request, 'x-amz-metadata-directive') === 'REPLACE';
  const attributes = readAttributes(request);
  if (source === bucket.objects.get(key) && !isReplaced && header(request, 'x-amz-storage-class') === undefined) {
    throw new S3Error(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  requireCopySize(source.bytes);
  const copied = await hashSegments(store.bodies, source, { from: 0, to: source.bytes }, source.checksum.algorithm);
  const tags =
    directive(request, 'x-amz-tagging-directive') === 'REPLACE'
      ? parseTaggingHeader(header(request, 'x-amz-tagging'))
      : source.tags;
  const lastModifiedMs = clock.now();
  await underConditions(request, { bucket, key }, async () =>
    store.putObject(bucket, {
      ...attributes,
      ...(isReplaced ? {} : { headers: source.headers, metadata: source.metadata }),
      key,
      bytes: source.bytes,
      etag: copied.md5,
      lastModifiedMs,
      segments: [copied.segment],
      checksum: { ...copied.checksum, type: 'FULL_OBJECT' },
      tags,
    }),
  ).catch(async (error: unknown) => {
    await store.bodies.remove([copied.segment]);
    throw error;
  });
  const result = [
    element('ETag', `"${copied.md5}"`),
    element('LastModified', xmlTime(lastModifiedMs)),
    element(`Checksum${copied.checksum.algorithm}`, copied.checksum.value),
    element('ChecksumType', 'FULL_OBJECT'),
  ];
  answerXml(response, element('CopyObjectResult', result, namespace), encryptionHeaders(attributes));
};

/** UploadPartCopy, of a whole object or a range of it. */
export const uploadPartCopy: Operation = async (request, response, context) => {
  const { store, clock } = context;
  const bucket = bucketOf(request, context);
  const upload = uploadOf(request, bucket);
  const partNumber = queryNumber(request, 'partNumber', { min: 1, max: 10_000 }) ?? 0;
  const source = sourceOf(request, context);
  const range = copyRange(request, source);
  requireCopySize(range.to - range.from);
  const copied = await hashSegments(store.bodies, source, range, upload.checksum.algorithm);
  const lastModifiedMs = clock.now();
  await store.putPart(bucket, upload, {
    partNumber,
    etag: copied.md5,
    checksum: copied.checksum.value,
    segment: copied.segment,
    lastModifiedMs,
  });
  const result = [
    element('ETag', `"${copied.md5}"`),
    element('LastModified', xmlTime(lastModifiedMs)),
    upload.checksum.asked ? element(`Checksum${upload.checksum.algorithm}`, copied.checksum.value) : undefined,
  ];
  answerXml(response, element('CopyPartResult', result, namespace));
};

function directive(request: S3Request, name: string): string {
  const value = header(request, name) ?? 'COPY';
  if (value === 'COPY' || value === 'REPLACE') return value;
  throw new S3Error('InvalidArgument', `Unknown ${name}.`, { ArgumentName: name, ArgumentValue: value });
}

/** `x-amz-copy-source: /bucket/key`, percent-encoded. Throws `NoSuchBucket`, `NoSuchKey`, `InvalidArgument`. */
function sourceOf(request: S3Request, { store }: OperationContext): StoredObject {
  const text = (header(request, 'x-amz-copy-source') ?? '').replace(/^\//, '');
  const slash = text.indexOf('/');
  if (slash <= 0 || text.includes('?versionId=')) {
    throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey', {
      ArgumentName: 'x-amz-copy-source',
      ArgumentValue: text,
    });
  }
  const bucketName = text.slice(0, slash);
  const key = decodeURIComponent(text.slice(slash + 1));
  const bucket = store.buckets.get(bucketName);
  if (bucket === undefined) throw noSuchBucket(bucketName);
  const object = bucket.objects.get(key);
  if (object === undefined) throw noSuchKey(key);
  checkCopyConditions(request, object);
  return object;
}

function copyRange(request: S3Request, source: StoredObject): { readonly from: number; readonly to: number } {
  const text = header(request, 'x-amz-copy-source-range');
  if (text === undefined) return { from: 0, to: source.bytes };
  const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last) + 1];
  if (first !== '' && from < to && to <= source.bytes) return { from, to };
  throw new S3Error('InvalidArgument', `Range specified is not valid for source object of size: ${source.bytes}`, {
    ArgumentName: 'x-amz-copy-source-range',
    ArgumentValue: text,
  });
}

function requireCopySize(bytes: number): void {
  if (bytes <= largestCopyBytes) return;
  throw new S3Error(
    'InvalidRequest',
    `The specified copy source is larger than the maximum allowable size for a copy source: ${largestCopyBytes}`,
  );
}
