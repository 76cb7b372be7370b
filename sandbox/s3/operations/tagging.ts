import { element } from '../../server/xml.js';
import { noSuchKey } from '../errors.js';
import { readSmallBody, type S3Request } from '../http/request.js';
import { checkTags, type Tags } from '../http/tagging.js';
import { children, parseXml, text } from '../http/xml-body.js';
import type { Bucket, StoredObject } from '../state/index.js';
import {
  answerEmpty,
  answerXml,
  bucketOf,
  keyOf,
  namespace,
  type Operation,
  type OperationContext,
} from './operation.js';

/** GetObjectTagging. */
export const getObjectTagging: Operation = async (request, response, context) => {
  const { object } = find(request, context);
  const tags = Object.entries(object.tags).map(([key, value]) =>
    element('Tag', [element('Key', key), element('Value', value)]),
  );
  answerXml(response, element('Tagging', [element('TagSet', tags)], namespace));
  await Promise.resolve();
};

/** PutObjectTagging: replaces all tags. */
export const putObjectTagging: Operation = async (request, response, context) => {
  const { bucket, object } = find(request, context);
  const [tagSet] = children(parseXml(await readSmallBody(request), 'Tagging').TagSet);
  const pairs = children(tagSet?.Tag).map((tag) => [text(tag.Key) ?? '', text(tag.Value) ?? ''] as const);
  await setTags(context, bucket, object, checkTags(pairs));
  answerEmpty(response, 200);
};

/** DeleteObjectTagging. */
export const deleteObjectTagging: Operation = async (request, response, context) => {
  const { bucket, object } = find(request, context);
  await setTags(context, bucket, object, {});
  answerEmpty(response, 204);
};

function find(request: S3Request, context: OperationContext): { bucket: Bucket; object: StoredObject } {
  const bucket = bucketOf(request, context);
  const object = bucket.objects.get(keyOf(request));
  if (object === undefined) throw noSuchKey(keyOf(request));
  return { bucket, object };
}

async function setTags({ store }: OperationContext, bucket: Bucket, object: StoredObject, tags: Tags): Promise<void> {
  await store.putObject(bucket, { ...object, tags });
}
