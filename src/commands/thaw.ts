import { AppError, count, formatBytes, formatDuration, poll, type SnapshotId } from '../core/index.js';
import { listPrices, thawTerms, type ThawTier } from '../costs/index.js';
import { headObject, requestThaw, type ObjectFacts } from '../store/index.js';
import type { FoundObject } from './find-archive.js';
import type { RestoreDependencies, ThawSettings } from './restore-settings.js';

const tiers: readonly ThawTier[] = ['Expedited', 'Standard', 'Bulk'];
const hourMs = 3_600_000;
/** S3 takes two days at most; somebody may have asked for the slowest just now. */
const longestWaitMs = 4 * 24 * hourMs;
/** Looks become rarer, up to ten times this. */
const firstLookMs = 10_000;

/**
 * Makes sure that all objects can be read. Those that are frozen are asked for, all at once, if `thaw` says so; with `wait`
 * it returns when they have come. Throws `object-frozen` otherwise, saying what there is to do, how long it takes and what
 * it costs; `timed-out`, and the failures of S3.
 */
export async function requireThawed(
  objects: readonly FoundObject[],
  thaw: ThawSettings | undefined,
  dependencies: RestoreDependencies & { readonly snapshotId: SnapshotId },
): Promise<void> {
  const { store, events, snapshotId, clock, signal } = dependencies;
  const facts = await factsOf(objects, dependencies);
  const frozen = facts.filter((one) => one.thaw.kind === 'frozen');
  if (frozen.length > 0 && thaw === undefined) throw mustThaw(frozen, snapshotId);
  for (const { key } of frozen) if (thaw !== undefined) await requestThaw(store, key, { ...thaw, signal });
  if (frozen.length > 0 && thaw !== undefined) {
    const text = `${asked(frozen)} asked for (${thaw.tier}): ${termsText(frozen, thaw.tier) ?? 'it takes hours'}.`;
    events({ kind: 'notice', snapshotId, text });
  }
  const waiting = facts.filter((one) => one.thaw.kind === 'frozen' || one.thaw.kind === 'thawing');
  if (waiting.length === 0) return;
  if (thaw?.wait !== true) throw notYet(waiting);
  const startedMs = clock.now();
  events({ kind: 'notice', snapshotId, text: `Waiting for ${count(waiting.length, 'object')}.` });
  const areThere = async (): Promise<true | undefined> => {
    const now = await factsOf(objects, dependencies);
    return now.every((one) => one.thaw.kind === 'readable' || one.thaw.kind === 'thawed') ? true : undefined;
  };
  const isThere = await poll(areThere, { clock, signal, intervalMs: firstLookMs, timeoutMs: longestWaitMs });
  const waited = formatDuration(clock.now() - startedMs);
  if (isThere === undefined) {
    throw new AppError('timed-out', `After ${waited} the objects of ${snapshotId} can still not be read.`, {
      hint: `See what S3 says of them: snap-to-s3 inspect ${snapshotId} --bucket ${store.bucket}`,
    });
  }
  events({ kind: 'notice', snapshotId, text: `They can be read now, after ${waited}.` });
}

async function factsOf(
  objects: readonly FoundObject[],
  { store, signal }: RestoreDependencies,
): Promise<readonly ObjectFacts[]> {
  const facts: ObjectFacts[] = [];
  for (const { stored } of objects) facts.push(await headObject(store, stored.key, { signal }));
  return facts;
}

function asked(frozen: readonly ObjectFacts[]): string {
  return `${count(frozen.length, 'object')} of ${formatBytes(bytesOf(frozen))}`;
}

function bytesOf(objects: readonly ObjectFacts[]): number {
  return objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** `up to 12 h, about $0.02`; undefined where a class has no such tier. */
function termsText(frozen: readonly ObjectFacts[], tier: ThawTier): string | undefined {
  let [hours, dollars] = [0, 0];
  for (const { storageClass, sizeBytes } of frozen) {
    const terms = thawTerms(storageClass, tier);
    if (terms === undefined) return undefined;
    hours = Math.max(hours, terms.hours);
    dollars += (terms.dollarsPerGiB * sizeBytes) / 1024 ** 3;
  }
  const time = hours < 1 ? `${Math.round(hours * 60)} min` : `${hours} h`;
  return `up to ${time}, ${dollars === 0 ? 'free' : dollars < 0.01 ? 'under $0.01' : `about $${dollars.toFixed(2)}`}`;
}

function mustThaw(frozen: readonly ObjectFacts[], snapshotId: SnapshotId): AppError {
  const classes = [...new Set(frozen.map(({ storageClass }) => storageClass))].join(', ');
  const ways = tiers.flatMap((tier) => {
    const terms = termsText(frozen, tier);
    return terms === undefined ? [] : [`--thaw ${tier.toLowerCase()} (${terms})`];
  });
  const which = frozen.map(({ key }) => key);
  return new AppError('object-frozen', `${asked(frozen)} of ${snapshotId} in ${classes} must be thawed first.`, {
    hint: `Ask for them with one of: ${ways.join('; ')}; at list prices of ${listPrices.region}, ${listPrices.date}. --wait waits for them.`,
    details: { keys: which },
  });
}

function notYet(waiting: readonly ObjectFacts[]): AppError {
  return new AppError('object-frozen', `${asked(waiting)} cannot be read yet; they are being thawed.`, {
    hint: 'Run the same command again later, or with --wait.',
    details: { keys: waiting.map(({ key }) => key) },
  });
}
