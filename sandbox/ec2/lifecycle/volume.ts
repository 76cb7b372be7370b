import { namedKey } from '../kms.js';
import type { Region, Volume } from '../state/index.js';
import type { Lifecycle } from './lifecycle.js';

/** `creating` -> `available`, once the bytes are there. A failed copy and an inaccessible key leave it in `error`. */
export function continueCreating(volume: Volume, region: Region, lifecycle: Lifecycle): void {
  const { clock, delays, files, state, tasks } = lifecycle;
  tasks.start(`Creating ${volume.id}`, async (signal) => {
    const settle = async (status: Volume['status']): Promise<void> => {
      const current = region.volumes.get(volume.id);
      if (current?.status.kind !== 'creating') return;
      region.putVolume({ ...current, status });
      await state.save();
    };
    const key = namedKey(volume.kmsKeyId ?? '', { region: region.name, accountId: state.instance.accountId });
    if (volume.kmsKeyId !== null && key.kind === 'inaccessible') {
      await settle({ kind: 'error', reason: key.reason });
      return;
    }
    try {
      const { snapshotId, sizeGiB } = volume;
      if (snapshotId === '') await files.createEmpty(volume.id, sizeGiB);
      else await files.createFromSnapshot(volume.id, { snapshotId, sizeGiB });
    } catch (error) {
      await settle({ kind: 'error', reason: 'The volume could not be made.' });
      throw error;
    }
    await clock.sleep(delays.createVolumeMs, signal);
    await settle({ kind: 'available' });
  });
}

/** `deleting` -> gone. */
export function continueDeleting(volume: Volume, region: Region, lifecycle: Lifecycle): void {
  const { clock, delays, files, state, tasks } = lifecycle;
  tasks.start(`Deleting ${volume.id}`, async (signal) => {
    await clock.sleep(delays.deleteVolumeMs, signal);
    await files.removeVolume(volume.id);
    region.removeVolume(volume.id);
    await state.save();
  });
}
