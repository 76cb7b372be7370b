import { readAttributes } from '../http/attributes.js';
import { readObjectLock } from '../http/object-lock.js';
import { receiveBody } from '../http/receive.js';
import { checksumHeader, header } from '../http/request.js';
import { parseTaggingHeader } from '../http/tagging.js';
import { beginWrite } from './conditional.js';
import { versionHeaders } from './find-object.js';
import { lockOfBody } from './lock/index.js';
import { answerEmpty, bucketOf, encryptionHeaders, keyOf, type Operation } from './operation.js';

/** PutObject. */
export const putObject: Operation = async (request, response, context) => {
  const { store, clock } = context;
  const bucket = bucketOf(request, context);
  const key = keyOf(request);
  const attributes = readAttributes(request);
  const tags = parseTaggingHeader(header(request, 'x-amz-tagging'));
  const nowMs = clock.now();
  const lock = lockOfBody(readObjectLock(request, nowMs), request, { bucket, nowMs });
  using conditions = beginWrite(request, { store, bucket, key });
  const body = await receiveBody(request, store.bodies, 'CRC64NVME');
  const checksum = { ...body.checksum, type: 'FULL_OBJECT' as const };
  let version: Record<string, string> = {};
  try {
    await conditions.commit(async () => {
      const stored = await store.putObject(bucket, {
        ...attributes,
        key,
        bytes: body.segment.bytes,
        etag: body.md5,
        lastModifiedMs: clock.now(),
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
  answerEmpty(response, 200, {
    etag: `"${body.md5}"`,
    [checksumHeader(checksum.algorithm)]: checksum.value,
    'x-amz-checksum-type': checksum.type,
    ...encryptionHeaders(attributes),
    ...version,
  });
};
