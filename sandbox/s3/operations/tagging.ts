import { element } from '../../server/xml.js';
import type { S3Request } from '../http/request.js';
import { readSmallBody } from '../http/small-body.js';
import { checkTags, type Tags } from '../http/tagging.js';
import { children, parseXml, text } from '../http/xml-body.js';
import {
  answerEmpty,
  answerXml,
  bucketOf,
  inTurn,
  keyOf,
  namespace,
  type Operation,
  type OperationContext,
} from './operation.js';
import { objectOf, versionHeaders } from './find-object.js';

/** GetObjectTagging. */
export const getObjectTagging: Operation = async (request, response, context) => {
  const object = objectOf(request, context);
  const { tags } = object;
  const tagSet = Object.entries(tags).map(([key, value]) =>
    element('Tag', [element('Key', key), element('Value', value)]),
  );
  const headers = versionHeaders(bucketOf(request, context), object);
  answerXml(response, element('Tagging', [element('TagSet', tagSet)], namespace), headers);
  await Promise.resolve();
};

/** PutObjectTagging: replaces all tags. */
export const putObjectTagging: Operation = async (request, response, context) => {
  objectOf(request, context);
  const [tagSet] = children(parseXml(await readSmallBody(request), 'Tagging').TagSet);
  const pairs = children(tagSet?.Tag).map((tag) => [text(tag.Key) ?? '', text(tag.Value) ?? ''] as const);
  answerEmpty(response, 200, await setTags(request, context, checkTags(pairs)));
};

/** DeleteObjectTagging. */
export const deleteObjectTagging: Operation = async (request, response, context) => {
  answerEmpty(response, 204, await setTags(request, context, {}));
};

async function setTags(request: S3Request, context: OperationContext, tags: Tags): Promise<Record<string, string>> {
  const { store } = context;
  const bucket = bucketOf(request, context);
  return inTurn({ store, bucket, key: keyOf(request) }, async () => {
    const object = objectOf(request, context);
    await store.changeObject(bucket, { ...object, tags });
    return versionHeaders(bucket, object);
  });
}
