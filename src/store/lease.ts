import { AppError, defaultRetryPolicy, isAbort, type Clock } from '../core/index.js';
import {
  readLeaseObject,
  removeLeaseObject,
  writeLeaseObject,
  type LeaseObject,
  type LeaseWrite,
} from './lease-object.js';
import { s3Url, type ObjectStore } from './object-store.js';

/** What a lease is about. */
export interface LeaseOptions<Journal> {
  /** The key of the lease object. */
  readonly key: string;
  /** Unique for this run. */
  readonly runId: string;
  /** Where it runs, for people: `i-0123… (pid 4711)`. */
  readonly owner: string;
  /** The same for programs; whatever {@link LeaseOptions.isDead} understands. */
  readonly identity: unknown;
  /** Whether the run with this identity is known to be dead; its lease is then taken without waiting for its end. */
  readonly isDead: (identity: unknown) => boolean;
  /** After so long without renewal others may take it over. It is renewed three times as often. */
  readonly lifetimeMs: number;
  /** The journal of a run that has made nothing yet. */
  readonly emptyJournal: Journal;
  /** Whether nothing is left of what a journal names. */
  readonly isEmpty: (journal: Journal) => boolean;
  /** Reads a journal that another run, of another version perhaps, has written; throws for what it cannot understand. */
  readonly parseJournal: (value: unknown) => Journal;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The right to work on one thing, held in the bucket where all hosts see it, and the journal of what that work has made.
 * Disposing gives it back: the object is removed, unless somebody else has it by then. Where the journal still names
 * something, the object stays, as one that anybody may take over at once.
 */
export interface Lease<Journal> extends AsyncDisposable {
  /** The journal of the run whose lease was over when this one took it; undefined where there was none. */
  readonly inherited: Inherited<Journal> | undefined;
  /** Aborts when the lease is another run's, or could not be renewed for its lifetime; the reason is an AppError. */
  readonly lost: AbortSignal;
  readonly journal: Journal;
  /** Changes the journal; it is written when this resolves. Throws when the lease is lost. */
  record(change: (journal: Journal) => Journal): Promise<void>;
  /** Changes the journal; it is written with the next renewal. For what may be forgotten: a thing that is gone. */
  note(change: (journal: Journal) => Journal): void;
  /** Makes sure, by renewing it, that it is still ours. Throws `claimed-elsewhere`. */
  confirm(): Promise<void>;
}

/** What a run before this one has left. */
export interface Inherited<Journal> {
  readonly journal: Journal;
  /** How long before the takeover it was written, by S3's clock, to the second. */
  readonly ageMs: number;
  /** When it was over, by S3's clock: what that run has made it has made before. */
  readonly overAtMs: number;
}

/** S3 tells both times in whole seconds (HTTP dates). */
const serverTimeErrorMs = 1000;

/** How often somebody else may be in between while a lease that is over is taken. */
const takeoverRounds = 5;

/**
 * Takes a lease: makes its object if there is none (`If-None-Match: *`), or takes over the object of a run that has not
 * renewed it in time (`If-Match`). Of any number of hosts that try at once one succeeds. What is "in time" S3's clock
 * decides, never that of a host. Throws `claimed-elsewhere`, and `rejected` where the store has no conditional writes.
 */
export async function takeLease<Journal>(bucket: ObjectStore, options: LeaseOptions<Journal>): Promise<Lease<Journal>> {
  const { key, runId, owner, identity, lifetimeMs, signal } = options;
  const store = patientFor(lifetimeMs / 3, bucket);
  const own = { version: 1, runId, owner, identity, lifetimeMs, ended: false } as const;
  const fresh = { ...own, turn: 1, journal: options.emptyJournal };
  for (let round = 1; round <= takeoverRounds; round += 1) {
    const startedMs = options.clock.now();
    const etag = await writeFirst(store, { key, content: fresh, onlyIf: 'absent' }, { isEmpty: true, signal });
    if (etag !== undefined) return hold(store, options, { etag, startedMs, turn: 1, inherited: undefined });
    const found = await readLeaseObject(store, key, signal);
    // It went away in between: once more.
    if (found === undefined) continue;
    if (found.content.runId !== runId && !isAbandoned(found, options)) throw claimedElsewhere(store, key, found);
    const inherited = {
      journal: readJournal(found, store, options),
      ageMs: Math.max(0, found.readAtMs - found.writtenAtMs),
      overAtMs: found.writtenAtMs + found.content.lifetimeMs,
    };
    const content = { ...fresh, journal: inherited.journal };
    const taken = await writeFirst(
      store,
      { key, content, onlyIf: found.etag },
      { isEmpty: options.isEmpty(inherited.journal), signal },
    );
    if (taken !== undefined) return hold(store, options, { etag: taken, startedMs, turn: 1, inherited });
  }
  throw new AppError('claimed-elsewhere', `Others were faster ${takeoverRounds} times to take ${s3Url(store, key)}.`);
}

/** Throws `claimed-elsewhere` while a run has the lease with this key. Takes nothing. */
export async function requireFree(
  store: ObjectStore,
  key: string,
  { isDead, signal }: Pick<LeaseOptions<unknown>, 'isDead' | 'signal'>,
): Promise<void> {
  const found = await readLeaseObject(store, key, signal);
  if (found !== undefined && !isAbandoned(found, { isDead })) throw claimedElsewhere(store, key, found);
}

/** Writes the lease for the first time; where that is broken off, or nobody knows how it ended, it is given back. */
async function writeFirst(
  store: ObjectStore,
  write: LeaseWrite,
  { isEmpty, signal }: { readonly isEmpty: boolean; readonly signal: AbortSignal | undefined },
): Promise<string | undefined> {
  try {
    const etag = await writeLeaseObject(store, write, signal);
    signal?.throwIfAborted();
    return etag;
  } catch (error) {
    const isUnknown = isAbort(error) || (error instanceof AppError && error.retryable);
    // Without an answer again it ends by itself, like that of a run that has died.
    if (isUnknown) await giveBack(patientFor(givingBackMs, store), write, isEmpty).catch(() => undefined);
    throw error;
  }
}

/** Whoever has interrupted the run is waiting for it. */
const givingBackMs = 10_000;

async function giveBack(store: ObjectStore, { key, content }: LeaseWrite, isEmpty: boolean): Promise<void> {
  const found = await readLeaseObject(store, key);
  if (found?.content.runId !== content.runId || found.content.turn !== content.turn) return;
  if (isEmpty) await removeLeaseObject(store, key, found.etag);
  else
    await writeLeaseObject(store, {
      key,
      content: { ...content, turn: content.turn + 1, ended: true },
      onlyIf: found.etag,
    });
}

/** A renewal that is tried for longer than until the next one helps nobody. */
function patientFor(totalMs: number, store: ObjectStore): ObjectStore {
  const { retryPolicy = defaultRetryPolicy, habits: { pace: _, ...habits } = {} } = store;
  // Without the common pace: where parts are slowed down, a renewal is not to wait behind them.
  const policy = { ...retryPolicy, totalMs: Math.min(retryPolicy.totalMs, totalMs), throttledMs: totalMs };
  return { ...store, habits, retryPolicy: policy };
}

/** Whether a lease may be taken over: given back with something left, not renewed in time, or its run known to be dead. */
export function isAbandoned(
  { content, writtenAtMs, readAtMs }: LeaseObject,
  { isDead }: { readonly isDead: (identity: unknown) => boolean },
): boolean {
  if (content.ended || readAtMs - writtenAtMs > content.lifetimeMs + serverTimeErrorMs) return true;
  return isDead(content.identity);
}

function readJournal<Journal>(
  { content }: LeaseObject,
  store: ObjectStore,
  { key, parseJournal }: LeaseOptions<Journal>,
): Journal {
  try {
    return parseJournal(content.journal);
  } catch (cause) {
    throw new AppError('rejected', `The journal in ${s3Url(store, key)} is not one that this version understands.`, {
      cause,
      hint: `Run the version that wrote it, or remove what run ${content.runId} has left and delete the object.`,
    });
  }
}

function claimedElsewhere(store: ObjectStore, key: string, { content, writtenAtMs }: LeaseObject): AppError {
  const since = new Date(writtenAtMs).toISOString();
  return new AppError(
    'claimed-elsewhere',
    `Run ${content.runId} on ${content.owner} is working on this: ${s3Url(store, key)}, last renewed at ${since}.`,
    { hint: `If that run is dead, its lease ends ${Math.round(content.lifetimeMs / 1000)} seconds after that.` },
  );
}

interface Held<Journal> {
  readonly etag: string;
  /** When the write began that gave it to us, by our own clock. */
  readonly startedMs: number;
  readonly turn: number;
  readonly inherited: Inherited<Journal> | undefined;
}

function hold<Journal>(store: ObjectStore, options: LeaseOptions<Journal>, held: Held<Journal>): Lease<Journal> {
  const { key, runId, owner, identity, lifetimeMs, clock } = options;
  const own = { version: 1, runId, owner, identity, lifetimeMs } as const;
  const loss = new AbortController();
  const end = new AbortController();
  let { etag, turn } = held;
  let journal = held.inherited?.journal ?? options.emptyJournal;
  let renewedAtMs = held.startedMs;
  /** Whether the last write was answered; without an answer, nobody knows which ETag the object has. */
  let isAnswered = true;
  let queue: Promise<unknown> = Promise.resolve();

  const lose = (why: string): never => {
    const error = new AppError('claimed-elsewhere', `The lease ${s3Url(store, key)} of this run is lost: ${why}.`);
    loss.abort(error);
    throw error;
  };
  const unchanged = (same: Journal): Journal => same;
  /** One write after the other: each needs the ETag of the one before. */
  const write = (change: (journal: Journal) => Journal, ended = false): Promise<void> => {
    const work = queue.then(async () => {
      loss.signal.throwIfAborted();
      // At once, so that a note made while this is written does not get lost.
      journal = change(journal);
      const startedMs = clock.now();
      turn += 1;
      isAnswered = false;
      const content = { ...own, ended, turn, journal };
      const written = await writeLeaseObject(store, { key, content, onlyIf: etag });
      if (written === undefined) return lose('another run has taken it');
      [etag, isAnswered, renewedAtMs] = [written, true, startedMs];
    });
    queue = work.catch(() => undefined);
    return work;
  };
  const beat = async (): Promise<void> => {
    while (!end.signal.aborted && !loss.signal.aborted) {
      await clock.sleep(lifetimeMs / 3, end.signal);
      await write(unchanged).catch((error: unknown) => {
        // S3 may be away for a while; until the end of the lease there is hope.
        if (clock.now() - renewedAtMs <= lifetimeMs) return;
        if (!loss.signal.aborted) lose(`it could not be renewed: ${error instanceof Error ? error.message : ''}`);
      });
    }
  };
  const beating = beat().catch((error: unknown) => {
    if (!isAbort(error) && !loss.signal.aborted) throw error;
  });

  return {
    inherited: held.inherited,
    lost: loss.signal,
    get journal() {
      return journal;
    },
    record: (change) => write(change),
    note: (change) => {
      journal = change(journal);
    },
    confirm: () => write(unchanged),
    [Symbol.asyncDispose]: async () => {
      if (end.signal.aborted) return;
      end.abort();
      await beating;
      await queue;
      if (loss.signal.aborted) return;
      const last = isAnswered ? undefined : await readLeaseObject(store, key);
      if (last?.content.runId === runId) etag = last.etag;
      if (options.isEmpty(journal)) await removeLeaseObject(store, key, etag);
      else await write(unchanged, true);
    },
  };
}
