import type { AppEvent, Clock, RunSummary, SnapshotId } from '../core/index.js';

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
  const validated: SnapshotId[] = [];
  const seen = new Set<SnapshotId>();
  const add = (snapshotId: SnapshotId, objects: readonly { rawBytes: number; storedBytes: number }[]): void => {
    // What was archived and then validated is the same data.
    if (seen.has(snapshotId)) return;
    seen.add(snapshotId);
    for (const object of objects) {
      rawBytes += object.rawBytes;
      storedBytes += object.storedBytes;
    }
  };
  let [archived, restored, askedFor, left, rawBytes, storedBytes] = [0, 0, 0, 0, 0, 0];
  return {
    event: (event) => {
      if (event.kind === 'snapshot-left') left += 1;
      if (event.kind === 'snapshot-asked-for') askedFor += 1;
      if (event.kind === 'snapshot-failed') failed.push({ snapshotId: event.snapshotId, message: event.error.message });
      if (event.kind === 'snapshot-validated') {
        validated.push(event.snapshotId);
        add(event.snapshotId, event.objects);
      }
      if (event.kind === 'snapshot-archived') {
        archived += 1;
        add(event.snapshotId, event.objects);
      }
      if (event.kind === 'snapshot-restored') {
        restored += 1;
        for (const { writtenBytes, fetchedBytes } of event.objects) {
          rawBytes += writtenBytes;
          storedBytes += fetchedBytes;
        }
      }
    },
    summary: () => ({
      archived,
      restored,
      askedFor,
      validated: [...validated],
      failed: [...failed],
      left,
      rawBytes,
      storedBytes,
      elapsedMs: clock.now() - startedMs,
    }),
  };
}
