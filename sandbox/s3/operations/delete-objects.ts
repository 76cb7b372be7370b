import { element, type XmlElement } from '../../server/xml.js';
import { malformedXml, notImplemented, S3Error } from '../errors.js';
import { header } from '../http/request.js';
import { readSmallBody, requireBodyChecksum } from '../http/small-body.js';
import { children, parseXml, text, type XmlNode } from '../http/xml-body.js';
import { requireMatch } from './conditional.js';
import { answerEmpty, answerXml, bucketOf, inTurn, keyOf, namespace, type Operation, type Place } from './operation.js';

/** DeleteObject: a key that is not there is deleted as well, but for `If-Match`. */
export const deleteObject: Operation = async (request, response, context) => {
  const { store } = context;
  const place = { store, bucket: bucketOf(request, context), key: keyOf(request) };
  await deleteUnder(header(request, 'if-match'), place);
  answerEmpty(response, 204);
};

/** Deletes in its turn and under its condition. Throws `NoSuchKey` and `PreconditionFailed`, under a condition only. */
async function deleteUnder(ifMatch: string | undefined, place: Place): Promise<void> {
  const { store, bucket, key } = place;
  await inTurn(place, async () => {
    if (ifMatch !== undefined) requireMatch(ifMatch, key, bucket.objects.get(key));
    await store.deleteObject(bucket, key);
  });
}

/** At most so many keys in one request (DeleteObjects). */
const mostKeys = 1000;
/** What else an object of the list may have is not there. */
const knownFields = new Set(['Key', 'ETag', '#text']);

/** DeleteObjects; each key succeeds or fails for itself. */
export const deleteObjects: Operation = async (request, response, context) => {
  const { store } = context;
  const bucket = bucketOf(request, context);
  requireBodyChecksum(request);
  const order = parseXml(await readSmallBody(request), 'Delete');
  const wanted = children(order.Object).map(readWanted);
  if (wanted.length === 0 || wanted.length > mostKeys) throw malformedXml();
  const isQuiet = text(order.Quiet) === 'true';
  const results: XmlElement[] = [];
  for (const { key, ifMatch } of wanted) {
    try {
      await deleteUnder(ifMatch, { store, bucket, key });
      if (!isQuiet) results.push(element('Deleted', [element('Key', key)]));
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      const why = [element('Key', key), element('Code', error.code), element('Message', error.message)];
      results.push(element('Error', why));
    }
  }
  answerXml(response, element('DeleteResult', results, namespace));
};

function readWanted(object: Exclude<XmlNode, string>): { readonly key: string; readonly ifMatch: string | undefined } {
  const unknown = Object.keys(object).find((name) => !knownFields.has(name));
  if (unknown !== undefined) throw notImplemented(`DeleteObjects with ${unknown}`);
  const key = text(object.Key) ?? '';
  if (key === '') throw malformedXml();
  return { key, ifMatch: text(object.ETag) };
}
