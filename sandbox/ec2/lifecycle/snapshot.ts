import { namedKey } from '../kms.js';
import type { Region, Snapshot } from '../state/index.js';
import { loopAttachment } from './attachment.js';
import type { Lifecycle } from './lifecycle.js';

/** `pending` -> `completed`, once the bytes are copied; or gone, if it was deleted meanwhile. */
export function takeSnapshot(snapshot: Snapshot, region: Region, lifecycle: Lifecycle): void {
  const { devices, files } = lifecycle;
  const { volumeId } = snapshot;
  const flush = async (): Promise<void> => {
    if (loopAttachment(region.volumes.get(volumeId)) === undefined) return;
    await devices.flush({ volumeId, file: files.volumePath(volumeId) });
  };
  complete(snapshot, region, { lifecycle, fill: () => files.takeSnapshot(snapshot.id, { volumeId, flush }) });
}

/** {@link takeSnapshot} for the copy of a snapshot. One with an inaccessible key ends in `error`, as on EC2. */
export function copySnapshot(
  snapshot: Snapshot,
  region: Region,
  options: { readonly sourceId: string; readonly lifecycle: Lifecycle },
): void {
  const { sourceId, lifecycle } = options;
  const { accountId } = lifecycle.state.instance;
  const key = namedKey(snapshot.kmsKeyId ?? '', { region: region.name, accountId });
  if (snapshot.kmsKeyId !== null && key.kind === 'inaccessible') {
    lifecycle.tasks.start(`Copying ${sourceId}`, () => settle(snapshot.id, region, { lifecycle, failed: key.reason }));
    return;
  }
  complete(snapshot, region, { lifecycle, fill: () => lifecycle.files.copySnapshot(snapshot.id, { sourceId }) });
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
  if (snapshot.origin === 'direct') return 0;
  return percentOf(lifecycle.clock.now() - snapshot.startedAtMs, lifecycle.delays.snapshotMs);
}

/** How much of its time something that is not done has had, in percent: at most 99. */
export function percentOf(elapsedMs: number, wholeMs: number): number {
  return Math.min(99, Math.floor((100 * Math.max(0, elapsedMs)) / Math.max(1, wholeMs)));
}

function complete(
  { id }: Snapshot,
  region: Region,
  { lifecycle, fill }: { readonly lifecycle: Lifecycle; readonly fill: () => Promise<void> },
): void {
  const { clock, delays, tasks } = lifecycle;
  tasks.start(`Snapshot ${id}`, async (signal) => {
    try {
      await fill();
    } catch (error) {
      await settle(id, region, { lifecycle, failed: 'The volume could not be read.' });
      throw error;
    }
    await clock.sleep(delays.snapshotMs, signal);
    await settle(id, region, { lifecycle });
  });
}

async function completed(id: string, { clock, files }: Lifecycle): Promise<Snapshot['status']> {
  const fullSizeBytes = await files.fullSizeBytes(id);
  return { kind: 'completed', completedAtMs: clock.now(), fullSizeBytes };
}

async function settle(
  id: string,
  region: Region,
  { lifecycle, failed }: { readonly lifecycle: Lifecycle; readonly failed?: string },
): Promise<void> {
  const status: Snapshot['status'] =
    failed === undefined ? await completed(id, lifecycle) : { kind: 'error', reason: failed };
  const current = region.snapshots.get(id);
  if (current?.status.kind !== 'pending') return;
  if (current.status.afterwards === 'delete') {
    await lifecycle.files.removeSnapshot(id);
    region.removeSnapshot(id);
  } else {
    region.putSnapshot({ ...current, status });
  }
  await lifecycle.state.save();
}
