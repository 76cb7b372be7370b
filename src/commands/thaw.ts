import { parseValidationKey } from '../archive/index.js';
import { AppError, count, formatBytes, formatDuration, poll, type SnapshotId } from '../core/index.js';
import { listPrices, thawTerms, type ThawTier } from '../costs/index.js';
import { headObject, listObjects, requestThaw, type ObjectFacts } from '../store/index.js';
import type { FoundArchive, FoundObject } from './find-archive.js';
import type { ArchiveRequest, RestoreDependencies, RestoreDestination, ThawSettings } from './restore-settings.js';

const tiers: readonly ThawTier[] = ['Expedited', 'Standard', 'Bulk'];
const hourMs = 3_600_000;
/** S3 takes two days at most; somebody may have asked for the slowest just now. */
const longestWaitMs = 4 * 24 * hourMs;
/** Looks become rarer, up to ten times this. */
const firstLookMs = 10_000;

type ThawDependencies = RestoreDependencies & { readonly snapshotId: SnapshotId };

/**
 * Makes sure that objects can be read. Those that are frozen are asked for, all at once, if `thaw` says so; with `wait`
 * it returns when they have come. Throws `object-frozen` otherwise, saying what there is to do, how long it takes and what
 * it costs; `timed-out`, and the failures of S3.
 */
export async function requireThawed(
  keys: readonly string[],
  thaw: ThawSettings | undefined,
  dependencies: ThawDependencies,
): Promise<void> {
  const waiting = await askFor(keys, thaw, dependencies);
  if (waiting.length === 0) return;
  if (thaw?.wait !== true) throw notYet(waiting);
  await untilThere(waiting, dependencies);
}

/** Only asks, and waits if that is asked for. Returns how many objects are still on their way. Throws as `requireThawed`. */
export async function thawOnly(
  keys: readonly string[],
  thaw: ThawSettings | undefined,
  dependencies: ThawDependencies,
): Promise<number> {
  const waiting = await askFor(keys, thaw, dependencies);
  if (waiting.length === 0 || thaw?.wait !== true) return waiting.length;
  await untilThere(waiting, dependencies);
  return 0;
}

/** The keys of everything that is read of an archive to restore objects of it. */
export function keysToRead(
  { manifest }: FoundArchive,
  objects: readonly FoundObject[],
  destination: RestoreDestination,
): readonly string[] {
  // Raw bytes are proven without the index.
  const isIndexRead = destination.kind !== 'output' && destination.kind !== 'file' && destination.kind !== 'device';
  return [
    ...(manifest === undefined ? [] : [manifest.key]),
    ...objects.flatMap(({ stored, index }) => [stored.key, ...(isIndexRead && index !== undefined ? [index.key] : [])]),
  ];
}

/** The keys of everything that may be read of a snapshot, where the manifest, which would say what is needed, is frozen. */
export async function keysNamed(
  { snapshotId, volumeId }: ArchiveRequest,
  { store, signal }: RestoreDependencies,
): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of listObjects(store, volumeId === undefined ? 'vol-' : `${volumeId}/`, signal)) {
    if (key.includes(snapshotId) && parseValidationKey(key) === undefined) keys.push(key);
  }
  return keys;
}

/** Asks for what is frozen. Returns what cannot be read yet. */
async function askFor(
  keys: readonly string[],
  thaw: ThawSettings | undefined,
  dependencies: ThawDependencies,
): Promise<readonly ObjectFacts[]> {
  const { store, events, snapshotId, signal } = dependencies;
  const facts = await factsOf(keys, dependencies);
  const frozen = facts.filter((one) => one.thaw.kind === 'frozen');
  if (frozen.length > 0 && thaw === undefined) throw mustThaw(frozen, snapshotId);
  for (const one of frozen) if (thaw !== undefined) await requestThaw(store, one, { ...thaw, signal });
  if (frozen.length > 0 && thaw !== undefined) {
    const text = `${asked(frozen)} asked for (${thaw.tier}): ${termsText(frozen, thaw.tier) ?? 'it takes hours'}.`;
    events({ kind: 'notice', snapshotId, text });
  }
  return facts.filter((one) => one.thaw.kind === 'frozen' || one.thaw.kind === 'thawing');
}

async function untilThere(waiting: readonly ObjectFacts[], dependencies: ThawDependencies): Promise<void> {
  const { store, events, snapshotId, clock, signal } = dependencies;
  const startedMs = clock.now();
  const keys = waiting.map(({ key }) => key);
  events({ kind: 'notice', snapshotId, text: `Waiting for ${count(waiting.length, 'object')}.` });
  const areThere = async (): Promise<true | undefined> => {
    const now = await factsOf(keys, dependencies);
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
  keys: readonly string[],
  { store, signal }: RestoreDependencies,
): Promise<readonly ObjectFacts[]> {
  const facts: ObjectFacts[] = [];
  for (const key of keys) facts.push(await headObject(store, key, { signal }));
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
  const askWith =
    ways.length > 0
      ? `Ask for them with one of: ${ways.join('; ')}; at list prices of ${listPrices.region}, ${listPrices.date}.`
      : 'Ask for them with --thaw, or --thaw bulk, which takes longer and costs less.';
  const which = frozen.map(({ key }) => key);
  return new AppError('object-frozen', `${asked(frozen)} of ${snapshotId} in ${classes} must be thawed first.`, {
    hint: `${askWith} --wait waits for them.`,
    details: { keys: which },
  });
}

function notYet(waiting: readonly ObjectFacts[]): AppError {
  return new AppError('object-frozen', `${asked(waiting)} cannot be read yet; they are being thawed.`, {
    hint: 'Run the same command again later, or with --wait.',
    details: { keys: waiting.map(({ key }) => key) },
  });
}
