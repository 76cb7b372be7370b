import { element } from '../../../server/xml.js';
import { malformedXml, S3Error } from '../../errors.js';
import { isMode, parseIsoTime, requireFuture } from '../../http/object-lock.js';
import type { S3Request } from '../../http/request.js';
import { readSmallBody } from '../../http/small-body.js';
import { onlyKnown, parseXml, text } from '../../http/xml-body.js';
import type { ObjectLock, Retention, StoredObject } from '../../state/index.js';
import { objectOf } from '../find-object.js';
import {
  answerEmpty,
  answerXml,
  bucketOf,
  inTurn,
  keyOf,
  namespace,
  xmlTime,
  type Operation,
  type OperationContext,
} from '../operation.js';
import { isRetained, requireRetentionOver } from './protection.js';

/** GetObjectRetention. */
export const getObjectRetention: Operation = async (request, response, context) => {
  const { retention } = lockableObject(request, context).lock;
  if (retention === undefined) throw noLock();
  const { mode, untilMs } = retention;
  answerXml(
    response,
    element('Retention', [element('Mode', mode), element('RetainUntilDate', xmlTime(untilMs))], namespace),
  );
  await Promise.resolve();
};

/**
 * PutObjectRetention: longer is free; shorter, or none, only round a governance retention. Throws `AccessDenied`,
 * `InvalidArgument`, `MalformedXML`.
 */
export const putObjectRetention: Operation = async (request, response, context) => {
  lockableObject(request, context);
  const nowMs = context.clock.now();
  const retention = readRetention(await readSmallBody(request), nowMs);
  await changeLock(request, context, (object) => {
    const { lock } = object;
    if (isRetained(lock.retention, nowMs) && !isExtension(retention, lock.retention)) {
      requireRetentionOver(object, request, nowMs);
    }
    const { retention: _before, ...others } = lock;
    return retention === undefined ? others : { ...others, retention };
  });
  answerEmpty(response, 200);
};

/** An empty document takes the retention away. */
function readRetention(body: string, nowMs: number): Retention | undefined {
  const document = parseXml(body, 'Retention');
  onlyKnown(document, ['Mode', 'RetainUntilDate'], 'PutObjectRetention');
  const mode = text(document.Mode);
  const until = text(document.RetainUntilDate);
  if (mode === undefined && until === undefined) return undefined;
  const untilMs = until === undefined ? undefined : parseIsoTime(until);
  if (!isMode(mode) || until === undefined || untilMs === undefined) throw malformedXml();
  requireFuture(untilMs, nowMs, { argument: 'RetainUntilDate', value: until });
  return { mode, untilMs };
}

function isExtension(retention: Retention | undefined, before: Retention | undefined): boolean {
  if (retention === undefined || before === undefined) return false;
  return retention.mode === before.mode && retention.untilMs >= before.untilMs;
}

/** GetObjectLegalHold. */
export const getObjectLegalHold: Operation = async (request, response, context) => {
  const { legalHold } = lockableObject(request, context).lock;
  if (legalHold === undefined) throw noLock();
  answerXml(response, element('LegalHold', [element('Status', legalHold)], namespace));
  await Promise.resolve();
};

/** PutObjectLegalHold. */
export const putObjectLegalHold: Operation = async (request, response, context) => {
  lockableObject(request, context);
  const document = parseXml(await readSmallBody(request), 'LegalHold');
  onlyKnown(document, ['Status'], 'PutObjectLegalHold');
  const legalHold = text(document.Status);
  if (legalHold !== 'ON' && legalHold !== 'OFF') throw malformedXml();
  await changeLock(request, context, ({ lock }) => ({ ...lock, legalHold }));
  answerEmpty(response, 200);
};

/** Throws `InvalidRequest` where the bucket has no Object Lock, and what {@link objectOf} throws. */
function lockableObject(request: S3Request, context: OperationContext): StoredObject {
  if (bucketOf(request, context).settings.objectLock === undefined) {
    throw new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration');
  }
  return objectOf(request, context);
}

async function changeLock(
  request: S3Request,
  context: OperationContext,
  change: (object: StoredObject) => ObjectLock,
): Promise<void> {
  const { store } = context;
  const bucket = bucketOf(request, context);
  await inTurn({ store, bucket, key: keyOf(request) }, async () => {
    const object = objectOf(request, context);
    await store.changeObject(bucket, { ...object, lock: change(object) });
  });
}

function noLock(): S3Error {
  return new S3Error('NoSuchObjectLockConfiguration', 'The specified object does not have a ObjectLock configuration');
}
