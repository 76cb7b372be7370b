import type { FoundObject } from './find-archive.js';
import type { RestoreObjectDependencies } from './restore-settings.js';

/** Progress is told at most this often. */
const progressIntervalMs = 100;

/** Tells how far restoring an object is. */
export function restoreProgress(
  { stored, expected }: FoundObject,
  { snapshotId, events, clock }: Pick<RestoreObjectDependencies, 'snapshotId' | 'events' | 'clock'>,
) {
  let [rawBytes, fetchedBytes, toldAtMs] = [0, 0, Number.NEGATIVE_INFINITY];
  const tell = (): void => {
    toldAtMs = clock.now();
    const expectedRawBytes = Math.max(expected?.rawBytes ?? 0, rawBytes);
    events({ kind: 'progress', snapshotId, key: stored.key, rawBytes, storedBytes: fetchedBytes, expectedRawBytes });
  };
  const tellSometimes = (): void => {
    if (clock.now() - toldAtMs >= progressIntervalMs) tell();
  };
  return {
    received: (bytes: number): void => {
      fetchedBytes += bytes;
      tellSometimes();
    },
    counted: async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
      for await (const bytes of source) {
        rawBytes += bytes.length;
        tellSometimes();
        yield bytes;
      }
    },
    fetchedBytes: () => fetchedBytes,
    finish: tell,
  };
}
