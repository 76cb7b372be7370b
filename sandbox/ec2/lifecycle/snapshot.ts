import type { Region, Snapshot } from '../state/index.js';
import { loopAttachment } from './attachment.js';
import type { Lifecycle } from './lifecycle.js';

/** `pending` -> `completed`, once the bytes are copied; or gone, if it was deleted meanwhile. */
export function takeSnapshot(snapshot: Snapshot, region: Region, lifecycle: Lifecycle): void {
  const { clock, delays, devices, files, tasks } = lifecycle;
  const { volumeId } = snapshot;
  const flush = async (): Promise<void> => {
    if (loopAttachment(region.volumes.get(volumeId)) === undefined) return;
    await devices.flush({ volumeId, file: files.volumePath(volumeId) });
  };
  tasks.start(`Snapshot ${snapshot.id}`, async (signal) => {
    try {
      await files.takeSnapshot(snapshot.id, { volumeId, flush });
    } catch (error) {
      await settle(snapshot.id, region, { lifecycle, failed: 'The volume could not be read.' });
      throw error;
    }
    await clock.sleep(delays.snapshotMs, signal);
    await settle(snapshot.id, region, { lifecycle });
  });
}

/** What a start finds pending is whole or will never be: the volume has gone on changing since. */
export async function settlePending(snapshot: Snapshot, region: Region, lifecycle: Lifecycle): Promise<void> {
  const whole = await lifecycle.files.hasSnapshot(snapshot.id);
  if (whole) await settle(snapshot.id, region, { lifecycle });
  else await settle(snapshot.id, region, { lifecycle, failed: 'The sandbox ended before the copy was complete.' });
}

/** How far a snapshot is, in percent, as time goes: the copy itself tells nothing. */
export function progressPercent(snapshot: Snapshot, lifecycle: Pick<Lifecycle, 'clock' | 'delays'>): number {
  if (snapshot.status.kind === 'completed') return 100;
  if (snapshot.writtenDirectly === true) return 0;
  const elapsedMs = Math.max(0, lifecycle.clock.now() - snapshot.startedAtMs);
  return Math.min(99, Math.floor((100 * elapsedMs) / Math.max(1, lifecycle.delays.snapshotMs)));
}

async function settle(
  id: string,
  region: Region,
  { lifecycle, failed }: { readonly lifecycle: Lifecycle; readonly failed?: string },
): Promise<void> {
  const current = region.snapshots.get(id);
  if (current?.status.kind !== 'pending') return;
  if (current.status.afterwards === 'delete') {
    await lifecycle.files.removeSnapshot(id);
    region.removeSnapshot(id);
  } else {
    const completedAtMs = lifecycle.clock.now();
    region.putSnapshot({
      ...current,
      status: failed === undefined ? { kind: 'completed', completedAtMs } : { kind: 'error', reason: failed },
    });
  }
  await lifecycle.state.save();
}
