import { readAttributes } from '../http/attributes.js';
import { receiveBody } from '../http/receive.js';
import { checksumHeader, header } from '../http/request.js';
import { parseTaggingHeader } from '../http/tagging.js';
import { underConditions } from './conditional.js';
import { answerEmpty, bucketOf, encryptionHeaders, keyOf, type Operation } from './operation.js';

/** PutObject. */
export const putObject: Operation = async (request, response, context) => {
  const { store, clock } = context;
  const bucket = bucketOf(request, context);
  const key = keyOf(request);
  const attributes = readAttributes(request);
  const tags = parseTaggingHeader(header(request, 'x-amz-tagging'));
  const body = await receiveBody(request, store.bodies, 'CRC64NVME');
  const checksum = { ...body.checksum, type: 'FULL_OBJECT' as const };
  try {
    await underConditions(request, { store, bucket, key }, async () =>
      store.putObject(bucket, {
        ...attributes,
        key,
        bytes: body.segment.bytes,
        etag: body.md5,
        lastModifiedMs: clock.now(),
        segments: [body.segment],
        checksum,
        tags,
      }),
    );
  } catch (error) {
    await store.bodies.remove([body.segment]);
    throw error;
  }
  answerEmpty(response, 200, {
    etag: `"${body.md5}"`,
    [checksumHeader(checksum.algorithm)]: checksum.value,
    'x-amz-checksum-type': checksum.type,
    ...encryptionHeaders(attributes),
  });
};
