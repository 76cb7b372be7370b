import { Refusal } from '../../server/refusal.js';
import { element, type XmlElement } from '../../server/xml.js';
import { deletingKey } from '../access/index.js';
import { malformedXml, S3Error } from '../errors.js';
import { header, type S3Request } from '../http/request.js';
import { readSmallBody, requireBodyChecksum } from '../http/small-body.js';
import { children, onlyKnown, parseXml, text, type XmlNode } from '../http/xml-body.js';
import { deleteUnder, type Deleted, type Deletion } from './delete-version.js';
import { requireVersionId, versionIdOf } from './find-object.js';
import { requireBypassable } from './lock/index.js';
import {
  answerEmpty,
  answerXml,
  bucketOf,
  keyOf,
  namespace,
  type Operation,
  type OperationContext,
} from './operation.js';

/** DeleteObject: a key that is not there is deleted as well, but for `If-Match`. */
export const deleteObject: Operation = async (request, response, context) => {
  const bucket = bucketOf(request, context);
  requireBypassable(request, bucket);
  const deletion = { key: keyOf(request), versionId: versionIdOf(request), ifMatch: header(request, 'if-match') };
  const deleted = await deleteUnder(request, context, deletion);
  answerEmpty(response, 204, bucket.settings.versioning === undefined ? {} : headersOf(deleted));
};

function headersOf(deleted: Deleted): Record<string, string> {
  switch (deleted.kind) {
    case 'object':
      return {};
    case 'marked':
      return { 'x-amz-version-id': deleted.markerId, 'x-amz-delete-marker': 'true' };
    case 'version':
      return {
        'x-amz-version-id': deleted.versionId,
        ...(deleted.wasMarker ? { 'x-amz-delete-marker': 'true' } : {}),
      };
  }
}

/** At most so many keys in one request (DeleteObjects). */
const mostKeys = 1000;

/** DeleteObjects; each key succeeds or fails for itself, and is allowed or denied for itself. */
export const deleteObjects: Operation = async (request, response, context) => {
  requireBypassable(request, bucketOf(request, context));
  requireBodyChecksum(request);
  const order = parseXml(await readSmallBody(request), 'Delete');
  onlyKnown(order, ['Object', 'Quiet'], 'DeleteObjects');
  const wanted = children(order.Object).map(readWanted);
  if (wanted.length === 0 || wanted.length > mostKeys) throw malformedXml();
  const isQuiet = text(order.Quiet) === 'true';
  const results: XmlElement[] = [];
  for (const deletion of wanted) {
    const result = await deleteOne(request, context, deletion);
    if (result.name === 'Error' || !isQuiet) results.push(result);
  }
  answerXml(response, element('DeleteResult', results, namespace));
};

async function deleteOne(request: S3Request, context: OperationContext, deletion: Deletion): Promise<XmlElement> {
  const { key, versionId } = deletion;
  const which = [element('Key', key), versionId === undefined ? undefined : element('VersionId', versionId)];
  try {
    if (versionId !== undefined) requireVersionId(versionId);
    for (const access of deletingKey(request, deletion)) request.caller.authorize(access);
    return element('Deleted', [...which, ...elementsOf(await deleteUnder(request, context, deletion))]);
  } catch (error) {
    const code = error instanceof S3Error ? error.code : isDenial(error) ? 'AccessDenied' : undefined;
    if (code === undefined || !(error instanceof Error)) throw error;
    return element('Error', [...which, element('Code', code), element('Message', error.message)]);
  }
}

function isDenial(error: unknown): boolean {
  return error instanceof Refusal && error.kind === 'access-denied';
}

function elementsOf(deleted: Deleted): readonly XmlElement[] {
  switch (deleted.kind) {
    case 'object':
      return [];
    case 'marked':
      return [element('DeleteMarker', true), element('DeleteMarkerVersionId', deleted.markerId)];
    case 'version':
      return deleted.wasMarker
        ? [element('DeleteMarker', true), element('DeleteMarkerVersionId', deleted.versionId)]
        : [];
  }
}

function readWanted(object: Exclude<XmlNode, string>): Deletion {
  onlyKnown(object, ['Key', 'ETag', 'VersionId'], 'DeleteObjects');
  const key = text(object.Key) ?? '';
  if (key === '') throw malformedXml();
  return { key, versionId: text(object.VersionId), ifMatch: text(object.ETag) };
}
