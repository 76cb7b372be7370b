import { element } from '../../server/xml.js';
import { S3Error } from '../errors.js';
import { readSmallBody } from '../http/request.js';
import { children, parseXml, text } from '../http/xml-body.js';
import { answerEmpty, answerXml, bucketOf, keyOf, namespace, type Operation } from './operation.js';

/** DeleteObject: a key that is not there is deleted as well. */
export const deleteObject: Operation = async (request, response, context) => {
  await context.store.deleteObject(bucketOf(request, context), keyOf(request));
  answerEmpty(response, 204);
};

/** At most so many keys in one request (DeleteObjects). */
const mostKeys = 1000;

/** DeleteObjects. */
export const deleteObjects: Operation = async (request, response, context) => {
  const bucket = bucketOf(request, context);
  const order = parseXml(await readSmallBody(request), 'Delete');
  const keys = children(order.Object).map((object) => text(object.Key) ?? '');
  if (keys.length === 0 || keys.length > mostKeys || keys.includes('')) {
    throw new S3Error(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    );
  }
  for (const key of keys) await context.store.deleteObject(bucket, key);
  const deleted = text(order.Quiet) === 'true' ? [] : keys.map((key) => element('Deleted', [element('Key', key)]));
  answerXml(response, element('DeleteResult', deleted, namespace));
};
