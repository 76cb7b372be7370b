import { invalidArgument, malformedXml, S3Error } from '../../errors.js';
import { readSmallBody } from '../../http/small-body.js';
import { children, onlyKnown, parseXml, text } from '../../http/xml-body.js';
import type { Restore, RetrievalTier, StoredObject } from '../../state/index.js';
import { objectOf, versionHeaders } from '../find-object.js';
import { answerEmpty, bucketOf, inTurn, keyOf, type Operation } from '../operation.js';
import { isTier, retrievalTimesOf, type RetrievalTimes } from './archives.js';
import { archiveState } from './restored-copy.js';

const dayMs = 24 * 3600 * 1000;

/** What a client asks for. */
interface Order {
  readonly days: number | undefined;
  readonly tier: RetrievalTier;
}

/**
 * RestoreObject: 202 for an object that is to be fetched, or to be fetched faster; 200 where the copy is there and only
 * its days change. Throws `RestoreAlreadyInProgress`, `InvalidObjectState`, `ObjectAlreadyInActiveTierError`,
 * `InvalidTier`, `MalformedXML`, `NotImplemented`.
 */
export const restoreObject: Operation = async (request, response, context) => {
  const { store, clock, archiveSpeed } = context;
  objectOf(request, context);
  const order = readOrder(await readSmallBody(request));
  const bucket = bucketOf(request, context);
  const status = await inTurn({ store, bucket, key: keyOf(request) }, async () => {
    const object = objectOf(request, context);
    const outcome = decide(object, order, { nowMs: clock.now(), archiveSpeed });
    await store.changeObject(bucket, { ...object, restore: outcome.restore });
    return outcome.status;
  });
  answerEmpty(response, status, versionHeaders(bucket, objectOf(request, context)));
};

function readOrder(body: string): Order {
  const document = parseXml(body, 'RestoreRequest');
  onlyKnown(document, ['Days', 'GlacierJobParameters', 'Description'], 'RestoreObject');
  const [parameters] = children(document.GlacierJobParameters);
  const tier = document.GlacierJobParameters === undefined ? 'Standard' : (text(parameters?.Tier) ?? '');
  if (!isTier(tier)) throw malformedXml();
  const days = text(document.Days)?.trim();
  if (days !== undefined && !/^\d{1,9}$/.test(days)) throw malformedXml();
  return { days: days === undefined ? undefined : Number(days), tier };
}

/** How time passes for archives. */
interface ArchiveTime {
  readonly nowMs: number;
  readonly archiveSpeed: number;
}

function decide(
  object: StoredObject,
  { days, tier }: Order,
  time: ArchiveTime,
): { readonly status: 200 | 202; readonly restore: Restore } {
  const times = retrievalTimesOf(object.storageClass);
  if (times === undefined) throw notArchived(object, days);
  if (days === undefined || days < 1) throw malformedXml();
  const fetchMs = times[tier];
  if (fetchMs === undefined) {
    throw new S3Error('InvalidTier', 'Retrieval option is not supported by this storage class');
  }
  const state = archiveState(object, time.nowMs);
  switch (state?.kind) {
    case 'restored': {
      const { expiryMs, goneMs } = copyAfter(0, { tier, days }, time);
      return { status: 200, restore: { ...state.restore, days, expiryMs, goneMs } };
    }
    case 'restoring': {
      requireFaster(state.restore, { tier, days }, times);
      const faster = copyAfter(fetchMs, { tier, days }, time);
      return { status: 202, restore: faster.readyMs < state.restore.readyMs ? faster : { ...state.restore, tier } };
    }
    case 'archived':
    case undefined:
      return { status: 202, restore: copyAfter(fetchMs, { tier, days }, time) };
  }
}

/** A restore that goes on can only become faster, and nothing else of it may change. Throws `RestoreAlreadyInProgress`. */
function requireFaster(restore: Restore, { days, tier }: Order, times: RetrievalTimes): void {
  if (days === restore.days && (times[tier] ?? Infinity) < (times[restore.tier] ?? 0)) return;
  throw new S3Error('RestoreAlreadyInProgress', 'Object restore is already in progress');
}

/**
 * A copy that is there after so long. It ends so many days later, at the next midnight, UTC (S3 user guide, "Restoring
 * an archived object"). Where archives run faster the end is told as on AWS, and comes sooner.
 */
function copyAfter(
  fetchMs: number,
  { tier, days }: { readonly tier: RetrievalTier; readonly days: number },
  { nowMs, archiveSpeed }: ArchiveTime,
): Restore {
  const expiryMs = Math.ceil((nowMs + fetchMs + days * dayMs) / dayMs) * dayMs;
  const readyMs = nowMs + fetchMs / archiveSpeed;
  return { tier, days, readyMs, expiryMs, goneMs: nowMs + (expiryMs - nowMs) / archiveSpeed };
}

function notArchived({ storageClass }: StoredObject, days: number | undefined): S3Error {
  if (storageClass !== 'INTELLIGENT_TIERING') {
    const message = "Restore is not allowed for the object's current storage class";
    return new S3Error('InvalidObjectState', message, { StorageClass: storageClass });
  }
  if (days !== undefined) {
    const message = `${storageClass} objects are not subject to restore expiry. Do not specify Days when restoring this object`;
    return invalidArgument('Days', String(days), message);
  }
  return new S3Error('ObjectAlreadyInActiveTierError', 'Restore is not allowed, as this object is not archived.');
}
