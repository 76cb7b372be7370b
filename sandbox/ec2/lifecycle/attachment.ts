import { messageOf } from '../../../src/core/index.js';
import type { VolumeFile } from '../devices/index.js';
import type { Attachment, Region, Volume } from '../state/index.js';
import type { Lifecycle } from './lifecycle.js';

/** How often a device that is in use is looked at while its volume waits to be detached. */
const busyIntervalMs = 100;

/** `attaching` -> `attached`, with a real device. If there can be none, the volume is `available` again. */
export function continueAttaching(volume: Volume, region: Region, lifecycle: Lifecycle): void {
  const { clock, delays, devices, tasks } = lifecycle;
  tasks.start(`Attaching ${volume.id}`, async (signal) => {
    await clock.sleep(delays.attachMs, signal);
    if (delays.deviceLateMs > 0) {
      await setPhase(volume.id, region, { lifecycle, from: ['attaching'], to: 'attached' });
      await clock.sleep(delays.deviceLateMs, signal);
    }
    if (!isAttaching(volume.id, region)) return;
    try {
      await devices.attach(fileOf(volume.id, lifecycle));
    } catch (error) {
      if (isAttaching(volume.id, region)) await setAvailable(volume.id, region, lifecycle);
      throw error;
    }
    await setPhase(volume.id, region, { lifecycle, from: ['attaching'], to: 'attached' });
    // Detached while the device was being made: whoever detached it has found nothing yet.
    if (!isAttaching(volume.id, region)) await devices.release(fileOf(volume.id, lifecycle));
  });
}

/** `detaching` -> gone. While the machine uses the device, the attachment is `busy`, for ever if need be. */
export function continueDetaching(volume: Volume, region: Region, lifecycle: Lifecycle): void {
  const { clock, delays, devices, tasks } = lifecycle;
  tasks.start(`Detaching ${volume.id}`, async (signal) => {
    await clock.sleep(delays.detachMs, signal);
    while (isDetaching(volume.id, region)) {
      const release = await devices.release(fileOf(volume.id, lifecycle));
      // Somebody may have detached it by force, and attached it anew, while the kernel was asked.
      if (!isDetaching(volume.id, region)) return;
      if (release === 'released') {
        await setAvailable(volume.id, region, lifecycle);
        return;
      }
      await setPhase(volume.id, region, { lifecycle, from: ['detaching'], to: 'busy' });
      await clock.sleep(busyIntervalMs, signal);
    }
  });
}

/** Detaches whatever the machine does with the device. */
export function detachByForce(volume: Volume, region: Region, lifecycle: Lifecycle): void {
  const { clock, delays, devices, tasks } = lifecycle;
  tasks.start(`Detaching ${volume.id} by force`, async (signal) => {
    await clock.sleep(delays.detachMs, signal);
    await devices.releaseByForce(fileOf(volume.id, lifecycle));
    if (isDetaching(volume.id, region)) await setAvailable(volume.id, region, lifecycle);
  });
}

/** Gives an attached volume its device again after a start, or keeps the one that is still there. */
export async function reattach(volume: Volume, region: Region, lifecycle: Lifecycle): Promise<void> {
  const { devices, onNotice } = lifecycle;
  if (!devices.usable) {
    onNotice(`${volume.id} was attached and is detached now: the sandbox must run as root to attach volumes.`);
    await setAvailable(volume.id, region, lifecycle);
    return;
  }
  try {
    await devices.attach(fileOf(volume.id, lifecycle));
  } catch (error) {
    onNotice(`${volume.id} was attached and is detached now: ${messageOf(error)}`);
    await setAvailable(volume.id, region, lifecycle);
  }
}

/** Takes the device away and keeps the attachment in the state, so that the next start attaches the volume again. */
export async function suspend(volume: Volume, lifecycle: Lifecycle): Promise<void> {
  const { devices, onNotice } = lifecycle;
  try {
    if ((await devices.release(fileOf(volume.id, lifecycle))) === 'released') return;
    onNotice(
      `The device of ${volume.id} is still in use and stays. Unmount it; the next start of the sandbox takes it over.`,
    );
  } catch (error) {
    onNotice(`The device of ${volume.id} could not be removed: ${messageOf(error)}`);
  }
}

/** The attachment to a loop device, if the volume has one. */
export function loopAttachment(volume: Volume | undefined): Attachment | undefined {
  if (volume?.status.kind !== 'in-use' || volume.status.attachment.backing !== 'loop') return undefined;
  return volume.status.attachment;
}

function fileOf(volumeId: string, { files }: Lifecycle): VolumeFile {
  return { volumeId, file: files.volumePath(volumeId) };
}

function phaseOf(id: string, region: Region): Attachment['phase'] | undefined {
  return loopAttachment(region.volumes.get(id))?.phase;
}

function isAttaching(id: string, region: Region): boolean {
  const phase = phaseOf(id, region);
  return phase === 'attaching' || phase === 'attached';
}

function isDetaching(id: string, region: Region): boolean {
  const phase = phaseOf(id, region);
  return phase === 'detaching' || phase === 'busy';
}

async function setPhase(
  id: string,
  region: Region,
  change: {
    readonly lifecycle: Lifecycle;
    readonly from: readonly Attachment['phase'][];
    readonly to: Attachment['phase'];
  },
): Promise<void> {
  const volume = region.volumes.get(id);
  const attachment = loopAttachment(volume);
  if (volume === undefined || attachment === undefined || !change.from.includes(attachment.phase)) return;
  region.putVolume({ ...volume, status: { kind: 'in-use', attachment: { ...attachment, phase: change.to } } });
  await change.lifecycle.state.save();
}

async function setAvailable(id: string, region: Region, { state }: Lifecycle): Promise<void> {
  const volume = region.volumes.get(id);
  if (volume?.status.kind !== 'in-use') return;
  region.putVolume({ ...volume, status: { kind: 'available' } });
  await state.save();
}
