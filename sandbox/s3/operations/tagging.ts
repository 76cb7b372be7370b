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
  objectOf,
  type Operation,
  type OperationContext,
} from './operation.js';

/** GetObjectTagging. */
export const getObjectTagging: Operation = async (request, response, context) => {
  const { tags } = objectOf(request, context);
  const tagSet = Object.entries(tags).map(([key, value]) =>
    element('Tag', [element('Key', key), element('Value', value)]),
  );
  answerXml(response, element('Tagging', [element('TagSet', tagSet)], namespace));
  await Promise.resolve();
};

/** PutObjectTagging: replaces all tags. */
export const putObjectTagging: Operation = async (request, response, context) => {
  objectOf(request, context);
  const [tagSet] = children(parseXml(await readSmallBody(request), 'Tagging').TagSet);
  const pairs = children(tagSet?.Tag).map((tag) => [text(tag.Key) ?? '', text(tag.Value) ?? ''] as const);
  await setTags(request, context, checkTags(pairs));
  answerEmpty(response, 200);
};

/** DeleteObjectTagging. */
export const deleteObjectTagging: Operation = async (request, response, context) => {
  await setTags(request, context, {});
  answerEmpty(response, 204);
};

async function setTags(request: S3Request, context: OperationContext, tags: Tags): Promise<void> {
  const { store } = context;
  const bucket = bucketOf(request, context);
  await inTurn({ store, bucket, key: keyOf(request) }, async () => {
    await store.putObject(bucket, { ...objectOf(request, context), tags });
  });
}
