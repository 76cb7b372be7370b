import type { Region, Snapshot, Volume } from '../state/index.js';
import { continueAttaching, continueDetaching, loopAttachment, reattach, suspend } from './attachment.js';
import type { Lifecycle } from './lifecycle.js';
import { settlePending } from './snapshot.js';
import { continueArchiving, continueRestoring } from './tier.js';
import { continueCreating, continueDeleting } from './volume.js';

/** Takes everything up again where the last run left it. Attached volumes have their devices when it resolves. */
export async function resume(lifecycle: Lifecycle): Promise<void> {
  for (const region of lifecycle.state.regions()) {
    for (const volume of [...region.volumes.values()]) await resumeVolume(volume, region, lifecycle);
    for (const snapshot of [...region.snapshots.values()]) await resumeSnapshot(snapshot, region, lifecycle);
  }
}

/** Ends all work and takes the devices away; the state keeps what was attached. May be repeated. */
export async function pause(lifecycle: Lifecycle): Promise<void> {
  await lifecycle.tasks.stop();
  for (const region of lifecycle.state.regions()) {
    for (const volume of region.volumes.values()) {
      if (loopAttachment(volume) !== undefined) await suspend(volume, lifecycle);
    }
  }
  await lifecycle.state.save();
}

async function resumeVolume(volume: Volume, region: Region, lifecycle: Lifecycle): Promise<void> {
  switch (volume.status.kind) {
    case 'creating':
      continueCreating(volume, region, lifecycle);
      break;
    case 'deleting':
      continueDeleting(volume, region, lifecycle);
      break;
    case 'in-use':
      await resumeAttachment(volume, region, lifecycle);
      break;
    case 'available':
    case 'error':
      break;
  }
}

async function resumeAttachment(volume: Volume, region: Region, lifecycle: Lifecycle): Promise<void> {
  switch (loopAttachment(volume)?.phase) {
    case 'attached':
      await reattach(volume, region, lifecycle);
      break;
    case 'attaching':
      continueAttaching(volume, region, lifecycle);
      break;
    case 'detaching':
    case 'busy':
      continueDetaching(volume, region, lifecycle);
      break;
    case undefined:
      break;
  }
}

async function resumeSnapshot(snapshot: Snapshot, region: Region, lifecycle: Lifecycle): Promise<void> {
  // What is written through EBS direct goes on being pending until its service says otherwise.
  if (snapshot.status.kind === 'pending' && snapshot.origin !== 'direct')
    await settlePending(snapshot, region, lifecycle);
  if (snapshot.tier.kind === 'archiving') continueArchiving(snapshot, region, lifecycle);
  if (snapshot.tier.kind === 'restoring') continueRestoring(snapshot, region, lifecycle);
}
