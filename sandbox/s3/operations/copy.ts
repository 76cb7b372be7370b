import { element } from '../../server/xml.js';
import { checksumAlgorithms, type ChecksumAlgorithm } from '../checksums/index.js';
import { mayFail } from '../error-in-200.js';
import { S3Error } from '../errors.js';
import { readAttributes } from '../http/attributes.js';
import type { ReceivedBody } from '../http/receive.js';
import { directive } from '../http/copy-source.js';
import { readObjectLock } from '../http/object-lock.js';
import { header, type S3Request } from '../http/request.js';
import { parseTaggingHeader } from '../http/tagging.js';
import { writeBody, type Bodies, type ObjectAttributes, type StoredObject } from '../state/index.js';
import { beginWrite } from './conditional.js';
import { copyRangeOf, copySourceOf, requireCopyable, type CopySource } from './copy-source.js';
import { versionHeaders } from './find-object.js';
import { lockOfNew } from './lock/index.js';
import { addPart, partNumberOf } from './multipart.js';
import {
  answerXml,
  bucketOf,
  encryptionHeaders,
  keyOf,
  namespace,
  uploadOf,
  xmlTime,
  type Operation,
} from './operation.js';

/** CopyObject. The bytes are copied, for the copy of a multipart object is a simple one, with the MD5 as its ETag. */
export const copyObject: Operation = async (request, response, context) => {
  const { store, clock } = context;
  const bucket = bucketOf(request, context);
  const key = keyOf(request);
  const source = copySourceOf(request, context);
  const { object } = source;
  requireCopyable(object.bytes);
  requireChange(request, source);
  const attributes = attributesOfCopy(request, object);
  const tags =
    directive(request, 'x-amz-tagging-directive') === 'REPLACE'
      ? parseTaggingHeader(header(request, 'x-amz-tagging'))
      : object.tags;
  const range = { from: 0, to: object.bytes };
  mayFail(request, 'undone');
  const lock = lockOfNew(readObjectLock(request, clock.now()), bucket, clock.now());
  using conditions = beginWrite(request, { store, bucket, key });
  const body = await copyBytes(object, store.bodies, { range, algorithm: algorithmOfCopy(request, object) });
  const lastModifiedMs = clock.now();
  const checksum = { ...body.checksum, type: 'FULL_OBJECT' as const };
  let version: Record<string, string> = {};
  try {
    await conditions.commit(async () => {
      const stored = await store.putObject(bucket, {
        ...attributes,
        key,
        bytes: body.segment.bytes,
        etag: body.md5,
        lastModifiedMs,
        segments: [body.segment],
        checksum,
        tags,
        lock,
      });
      version = versionHeaders(bucket, stored);
    });
  } catch (error) {
    await store.bodies.remove([body.segment]);
    throw error;
  }
  mayFail(request, 'done');
  answerXml(
    response,
    element(
      'CopyObjectResult',
      [
        element('ETag', `"${body.md5}"`),
        element('LastModified', xmlTime(lastModifiedMs)),
        element(`Checksum${checksum.algorithm}`, checksum.value),
        element('ChecksumType', checksum.type),
      ],
      namespace,
    ),
    { ...encryptionHeaders(attributes), ...version, ...source.headers },
  );
};

/** UploadPartCopy. */
export const uploadPartCopy: Operation = async (request, response, context) => {
  const { store } = context;
  const upload = uploadOf(request, bucketOf(request, context));
  const partNumber = partNumberOf(request);
  const { object, headers } = copySourceOf(request, context);
  const range = copyRangeOf(request, object);
  requireCopyable(range.to - range.from);
  mayFail(request, 'undone');
  const body = await copyBytes(object, store.bodies, { range, algorithm: upload.checksum.algorithm });
  const lastModifiedMs = await addPart(request, context, { partNumber, body });
  mayFail(request, 'done');
  answerXml(
    response,
    element(
      'CopyPartResult',
      [
        element('ETag', `"${body.md5}"`),
        element('LastModified', xmlTime(lastModifiedMs)),
        upload.checksum.asked ? element(`Checksum${body.checksum.algorithm}`, body.checksum.value) : undefined,
      ],
      namespace,
    ),
    { ...encryptionHeaders(upload.attributes), ...headers },
  );
};

async function copyBytes(
  object: StoredObject,
  bodies: Bodies,
  options: { readonly range: { readonly from: number; readonly to: number }; readonly algorithm: ChecksumAlgorithm },
): Promise<ReceivedBody> {
  const { range, algorithm } = options;
  await using reading = bodies.read(object.segments, range.from, range.to);
  const { segment, md5, checksum } = await writeBody(reading.bytes, bodies, {
    algorithm,
    expectedBytes: range.to - range.from,
  });
  return { segment, md5: md5.toString('hex'), checksum };
}

/** Storage class and encryption are those of the request, never those of the source. */
function attributesOfCopy(request: S3Request, source: StoredObject): ObjectAttributes {
  const asked = readAttributes(request);
  if (directive(request, 'x-amz-metadata-directive') === 'REPLACE') return asked;
  return { ...asked, headers: source.headers, metadata: source.metadata };
}

/** The source's algorithm is kept unless the request names another one. Throws `InvalidRequest`. */
function algorithmOfCopy(request: S3Request, source: StoredObject): ChecksumAlgorithm {
  const name = header(request, 'x-amz-checksum-algorithm')?.toUpperCase();
  if (name === undefined) return source.checksum.algorithm;
  const algorithm = checksumAlgorithms.find((known) => known === name);
  if (algorithm === undefined) {
    throw new S3Error('InvalidRequest', `Checksum algorithm provided is unsupported: ${name}`);
  }
  return algorithm;
}

/** What makes a copy of an object onto itself more than nothing. */
const changes = [
  'x-amz-storage-class',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-checksum-algorithm',
];

function requireChange(request: S3Request, { bucket, object, isVersion }: CopySource): void {
  // A version that is named is copied on top: that is how an old one becomes the current one.
  const onItself = bucket === request.bucket && object.key === request.key && !isVersion;
  const replaces = directive(request, 'x-amz-metadata-directive') === 'REPLACE';
  if (!onItself || replaces || changes.some((name) => header(request, name) !== undefined)) return;
  throw new S3Error(
    'InvalidRequest',
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  );
}
