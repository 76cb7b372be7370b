import type { ServerResponse } from 'node:http';
import { element } from '../../server/xml.js';
import { mayFail } from '../error-in-200.js';
import { S3Error } from '../errors.js';
import type { S3Request } from '../http/request.js';
import { readSmallBody } from '../http/small-body.js';
import { text } from '../http/xml-body.js';
import type { Bucket, StoredObject } from '../state/index.js';
import { assemble, chooseParts, etagOfParts, readParts, unquoted, type ListedPart } from './assemble.js';
import { beginWrite } from './conditional.js';
import { versionHeaders } from './find-object.js';
import { lockOfNew } from './lock/index.js';
import {
  answerXml,
  bucketOf,
  encryptionHeaders,
  inTurn,
  keyOf,
  namespace,
  uploadOf,
  type Operation,
  type OperationContext,
} from './operation.js';

/**
 * CompleteMultipartUpload. No byte is copied: the object consists of the files of its parts. Asked again with the same
 * parts it answers the same, as long as the object is there.
 */
export const completeMultipartUpload: Operation = async (request, response, context) => {
  const { store, clock } = context;
  const bucket = bucketOf(request, context);
  const key = keyOf(request);
  const listed = readParts(await readSmallBody(request, { checksumOf: 'object' }));
  const completed = completedBefore(request, bucket, listed);
  if (completed !== undefined) {
    answer(request, response, { bucket, object: completed });
    return;
  }
  uploadOf(request, bucket);
  let object: StoredObject | undefined;
  using conditions = beginWrite(request, { store, bucket, key });
  try {
    await conditions.commit(async () => {
      // No part can come or go from here on.
      const upload = uploadOf(request, bucket);
      const assembled = assemble(request, upload, chooseParts(listed, upload));
      mayFail(request, 'undone');
      const lock = lockOfNew(upload.lock, bucket, clock.now());
      object = await store.putObject(bucket, { ...assembled, lock });
      await store.endUpload(bucket, upload);
    });
  } catch (error) {
    await endAfterConflict(error, request, context);
    throw error;
  }
  if (object === undefined) throw new Error('The write was neither made nor refused');
  mayFail(request, 'done');
  answer(request, response, { bucket, object });
};

/** The object that this upload became, where the same parts are listed. */
function completedBefore(request: S3Request, bucket: Bucket, listed: readonly ListedPart[]): StoredObject | undefined {
  const uploadId = request.query.get('uploadId');
  const versions = bucket.versions.get(request.key ?? '')?.versions ?? [];
  const object = versions.find((version) => version.kind === 'object' && version.uploadId === uploadId);
  if (object?.kind !== 'object') return undefined;
  const numbers = listed.map((entry) => Number(text(entry.PartNumber)));
  const isSame =
    etagOfParts(listed.map((entry) => unquoted(text(entry.ETag)))) === object.etag &&
    numbers.every((partNumber, index) => partNumber === object.parts?.[index]?.partNumber);
  return isSame ? object : undefined;
}

/** After a conflict an upload has to be begun anew (S3 user guide, "How to prevent object overwrites with conditional writes"). */
async function endAfterConflict(error: unknown, request: S3Request, context: OperationContext): Promise<void> {
  if (!(error instanceof S3Error) || error.code !== 'ConditionalRequestConflict') return;
  const { store } = context;
  const bucket = bucketOf(request, context);
  await inTurn({ store, bucket, key: keyOf(request) }, async () => {
    const upload = bucket.uploads.get(request.query.get('uploadId') ?? '');
    if (upload !== undefined) await store.endUpload(bucket, upload);
  });
}

function answer(
  request: S3Request,
  response: ServerResponse,
  { bucket, object }: { readonly bucket: Bucket; readonly object: StoredObject },
): void {
  const { key, etag, checksum } = object;
  answerXml(
    response,
    element(
      'CompleteMultipartUploadResult',
      [
        element('Location', `http://${request.url.host}/${bucket.name}/${encodeURIComponent(key)}`),
        element('Bucket', bucket.name),
        element('Key', key),
        element('ETag', `"${etag}"`),
        element(`Checksum${checksum.algorithm}`, checksum.value),
        element('ChecksumType', checksum.type),
      ],
      namespace,
    ),
    { ...encryptionHeaders(object), ...versionHeaders(bucket, object) },
  );
}
