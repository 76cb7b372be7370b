import type { AppEvent, Clock, RunSummary } from '../core/index.js';

/** Counts what becomes of the snapshots of a run. */
export interface Tally {
  event(event: AppEvent): void;
  /** What has happened so far. */
  summary(): RunSummary;
}

/** Begins to count, and to measure the time. */
export function startTally(clock: Clock): Tally {
  const startedMs = clock.now();
  const failed: RunSummary['failed'][number][] = [];
  let [archived, left, rawBytes, storedBytes] = [0, 0, 0, 0];
  return {
    event: (event) => {
      if (event.kind === 'snapshot-left') left += 1;
      if (event.kind === 'snapshot-failed') failed.push({ snapshotId: event.snapshotId, message: event.error.message });
      if (event.kind !== 'snapshot-archived') return;
      archived += 1;
      for (const object of event.objects) {
        rawBytes += object.rawBytes;
        storedBytes += object.storedBytes;
      }
    },
    summary: () => ({ archived, failed: [...failed], left, rawBytes, storedBytes, elapsedMs: clock.now() - startedMs }),
  };
}
