import type { Clock } from '../../../src/core/index.js';
import type { EbsState, SnapshotRecord } from '../state/index.js';

/** How old what is on disk may be: a process that is killed forgets so much, of a timeout of ten minutes at least. */
const noteEveryMs = 60_000;

/** What goes on in snapshots that are open: when somebody wrote last, and who is writing now. */
export interface Activity {
  /** When the last request did something to the snapshot. */
  lastMs(record: SnapshotRecord): number;
  /** Notes that one did just now. */
  touch(id: string): Promise<void>;
  /**
   * Does the writing of a block, while nobody else may write it; undefined when somebody does. {@link Activity.quiet}
   * waits for it.
   */
  write(block: { readonly id: string; readonly index: number }, work: () => Promise<void>): Promise<void> | undefined;
  /** Resolves when no block of the snapshot is being written. */
  quiet(id: string): Promise<void>;
  /** Puts on disk what is only in memory. */
  flush(): Promise<void>;
}

/** Begins with what the state knows. */
export function newActivity(state: EbsState, { clock }: { readonly clock: Clock }): Activity {
  const latest = new Map<string, number>();
  const writing = new Map<string, Map<number, Promise<void>>>();
  const lastMs = (record: SnapshotRecord): number => latest.get(record.id) ?? record.activeAtMs;
  const note = (id: string): boolean => {
    const record = state.get(id);
    const atMs = latest.get(id);
    if (record === undefined || record.progress.kind !== 'open') latest.delete(id);
    else if (atMs !== undefined && atMs !== record.activeAtMs) state.put({ ...record, activeAtMs: atMs });
    else return false;
    return true;
  };
  return {
    lastMs,
    touch: async (id) => {
      const record = state.get(id);
      if (record === undefined) return;
      latest.set(id, clock.now());
      if (clock.now() - record.activeAtMs < noteEveryMs) return;
      note(id);
      await state.save();
    },
    write: ({ id, index }, work) => {
      const blocks = writing.get(id) ?? new Map<number, Promise<void>>();
      if (blocks.has(index)) return undefined;
      writing.set(id, blocks);
      const done = work().finally(() => {
        blocks.delete(index);
        if (blocks.size === 0) writing.delete(id);
      });
      blocks.set(index, done);
      return done;
    },
    quiet: async (id) => {
      for (let blocks = writing.get(id); blocks !== undefined; blocks = writing.get(id)) {
        await Promise.allSettled(blocks.values());
      }
    },
    flush: async () => {
      const noted = [...latest.keys()].filter((id) => note(id));
      if (noted.length > 0) await state.save();
    },
  };
}
