import { z } from 'zod';
import { messageOf, unfold, AppError, type SnapshotId } from '../core/index.js';
import { hasEnded, ownIdentity, type ProgramStage } from '../process/index.js';
import { takeLease, type Lease, type UploadGuard } from '../store/index.js';
import { leaseKey, parseJournal, type Journal, type JournalEntry } from './journal.js';
import type { MigrateDependencies } from './migrate-settings.js';

/** The exclusive right to work on one snapshot, from all hosts, for as long as it is not disposed or lost. */
export interface SnapshotLease extends AsyncDisposable {
  /** What a run before this one has left; this run's journal begins with it. */
  readonly inherited: Lease<Journal>['inherited'];
  readonly journal: Journal;
  /** Aborts when another run has it. */
  readonly lost: AbortSignal;
  /** Asks whether it is still ours; true also where nobody can tell. */
  isOurs(): Promise<boolean>;
  /** Writes down what uploads make, and lets none finish that is not ours any more; undefined without lease objects. */
  readonly guard: UploadGuard | undefined;
  /**
   * Writes an entry down, makes the thing, and strikes the entry out when the thing is disposed. `revise` writes down
   * what is known of it only when it is made.
   */
  entered<R extends AsyncDisposable>(
    entry: JournalEntry,
    make: (revise: (entry: JournalEntry) => Promise<void>) => Promise<R>,
  ): Promise<R>;
  /** Takes an entry out whose thing is gone. */
  strike(entry: JournalEntry): void;
}

/** What the work on one snapshot needs; its signal aborts when the lease is lost. */
export interface SnapshotDependencies extends MigrateDependencies {
  readonly lease: SnapshotLease;
  /** What archives and indexes go through before they are sent; undefined: nothing. */
  readonly encrypt: ProgramStage | undefined;
}

/** What a lease is taken with. */
export interface SnapshotLeaseOptions extends Pick<
  MigrateDependencies,
  'store' | 'instance' | 'clock' | 'events' | 'runId' | 'signal'
> {
  readonly lifetimeMs: number;
}

const identitySchema = z.object({
  bootId: z.string(),
  pidNamespace: z.string(),
  pid: z.number(),
  startTicks: z.string(),
});

/** Whether the run with this identity is known to be dead: only a process of this machine can be. */
export function isDeadHere(identity: unknown): boolean {
  const { data } = identitySchema.safeParse(identity);
  return data !== undefined && hasEnded(data);
}

/** Takes the lease of a snapshot. Throws `claimed-elsewhere` while another run has it. */
export async function leaseSnapshot(snapshotId: SnapshotId, options: SnapshotLeaseOptions): Promise<SnapshotLease> {
  const { store, instance, clock, events, runId, signal } = options;
  const identity = ownIdentity();
  const lease = await takeLease<Journal>(store, {
    key: leaseKey(snapshotId),
    runId,
    owner: `${instance.instanceId} (process ${identity.pid})`,
    identity,
    isDead: isDeadHere,
    lifetimeMs: options.lifetimeMs,
    emptyJournal: [],
    isEmpty: (journal) => journal.length === 0,
    parseJournal,
    clock,
    signal,
  });
  const strike = (entry: JournalEntry): void => lease.note((journal) => journal.filter((one) => one !== entry));
  return {
    inherited: lease.inherited,
    get journal() {
      return lease.journal;
    },
    lost: lease.lost,
    isOurs: () =>
      lease.confirm().then(
        () => true,
        () => !lease.lost.aborted,
      ),
    guard: guardOf(lease),
    strike,
    entered: async (first, make) => {
      let entry = first;
      await lease.record((journal) => [...journal, entry]);
      const revise = (next: JournalEntry): Promise<void> => {
        const before = entry;
        entry = next;
        return lease.record((journal) => journal.map((one) => (one === before ? next : one)));
      };
      try {
        const made = await make(revise);
        const dispose = made[Symbol.asyncDispose].bind(made);
        return Object.assign(made, {
          [Symbol.asyncDispose]: async () => {
            await dispose();
            strike(entry);
          },
        });
      } catch (error) {
        // What could not be made and was removed again is no concern of anybody any more.
        if (!unfold(error).some((one) => one instanceof AppError && one.code === 'cleanup-failed')) strike(entry);
        throw error;
      }
    },
    [Symbol.asyncDispose]: async () => {
      try {
        await lease[Symbol.asyncDispose]();
      } catch (error) {
        // The work is done or has failed by its own cause; the lease ends by itself.
        events({ kind: 'warning', snapshotId, text: `The lease could not be given back: ${messageOf(error)}` });
      }
    },
  };
}

/** What stands for a lease where the store knows no conditional writes: only the tags keep others away. */
export function withoutLease(): SnapshotLease {
  return {
    inherited: undefined,
    journal: [],
    lost: new AbortController().signal,
    isOurs: () => Promise.resolve(true),
    guard: undefined,
    strike: () => undefined,
    entered: (_, make) => make(() => Promise.resolve()),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function guardOf(lease: Lease<Journal>): UploadGuard {
  const open = new Map<string, JournalEntry>();
  const replace = (key: string, entry: JournalEntry | undefined) => {
    const before = open.get(key);
    if (entry === undefined) open.delete(key);
    else open.set(key, entry);
    return (journal: Journal): Journal => [
      ...journal.filter((one) => one !== before),
      ...(entry === undefined ? [] : [entry]),
    ];
  };
  return {
    beginning: (key, before) => lease.record(replace(key, { kind: 'upload', key, uploadId: null, ...before })),
    begun: (key, uploadId) => lease.record(replace(key, { kind: 'upload', key, uploadId, others: [], sinceMs: 0 })),
    over: (key) => lease.note(replace(key, undefined)),
    finishing: () => lease.confirm(),
  };
}
