import type { SnapshotRecord } from '../state/index.js';
import type { Lifecycle } from './lifecycle.js';

const minuteMs = 60_000;

/** A pending snapshot in which nothing happens for its timeout goes to `error` ("StartSnapshot", Timeout). */
export function watchTimeout({ id }: SnapshotRecord, lifecycle: Lifecycle): void {
  const { activity, clock, files, snapshots, state, tasks } = lifecycle;
  tasks.start(`The timeout of ${id}`, async (signal) => {
    for (let record = state.get(id); record?.progress.kind === 'open'; record = state.get(id)) {
      const leftMs = activity.lastMs(record) + record.timeoutMinutes * minuteMs - clock.now();
      if (leftMs > 0) {
        await clock.sleep(leftMs, signal);
        continue;
      }
      // EC2 first: what a crash leaves between the two is done again.
      await snapshots.fail(record.region, id, 'Snapshot timed out');
      state.put({ ...record, progress: { kind: 'over' } });
      await state.save();
      await activity.quiet(id);
      await files.removeParts(id);
    }
  });
}
