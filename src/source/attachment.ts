import {
  abandon,
  AppError,
  awsCode,
  messageOf,
  poll,
  type Clock,
  type EventSink,
  type SnapshotId,
  type VolumeId,
} from '../core/index.js';
import type { Ec2 } from './ec2.js';
import type { Instance, VolumeAttachment } from './volume.js';

/** A volume attached to this instance. Disposing detaches it and waits until EC2 has it back. */
export interface Attachment extends AsyncDisposable {
  /** The name asked for, `/dev/sdf`; see `findDevice` for where it really is. */
  readonly deviceName: string;
}

/** How a volume is attached. */
export interface AttachOptions {
  readonly ec2: Ec2;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly instance: Instance;
  readonly snapshotId: SnapshotId;
  readonly signal?: AbortSignal | undefined;
}

/** Valid on every kind of instance (EC2 user guide, "Device names for volumes on Amazon EC2 instances"). */
const deviceNames = Array.from('fghijklmnop', (letter) => `/dev/sd${letter}`);
/** The first pause; EC2 is asked ever less often. */
const pollMs = 100;
const attachTimeoutMs = 5 * 60_000;
const detachTimeoutMs = 5 * 60_000;

/**
 * Attaches a volume under the first free device name, trying the next one where somebody else was faster; a volume that
 * hangs on this instance already stays where it is. Throws `timed-out` for one that is stuck, `rejected` when no name is
 * free.
 */
export async function attachVolume(volumeId: VolumeId, options: AttachOptions): Promise<Attachment> {
  const { ec2, instance, signal } = options;
  const existing = await settledAttachment(volumeId, options);
  const attachment = (deviceName: string): Attachment =>
    detachable(volumeId, { ...options, deviceName, timeoutMs: detachTimeoutMs });
  if (existing?.state === 'attached') return attachment(existing.deviceName);
  const deviceName = existing?.deviceName ?? (await requestAttachment(volumeId, options));
  const result = attachment(deviceName);
  try {
    const state = await poll(
      async () =>
        currentAttachment(await ec2.volume(volumeId, signal), instance)?.state === 'attached' ? true : undefined,
      { clock: options.clock, intervalMs: pollMs, timeoutMs: attachTimeoutMs, signal },
    );
    if (state === undefined) throw stuck(volumeId, { deviceName, state: 'attaching' }, instance, attachTimeoutMs);
    return result;
  } catch (error) {
    return await abandon(result, error);
  }
}

/** The attachment that an earlier run has left, if any; one that is on its way off is waited for. */
async function settledAttachment(volumeId: VolumeId, options: AttachOptions): Promise<VolumeAttachment | undefined> {
  const { ec2, clock, instance, signal } = options;
  let last: VolumeAttachment | undefined;
  const settled = await poll(
    async () => {
      last = (await ec2.volume(volumeId, signal))?.attachments[0];
      return last?.state === 'detaching' || last?.state === 'busy' ? undefined : true;
    },
    { clock, intervalMs: pollMs, timeoutMs: detachTimeoutMs, signal },
  );
  if (settled === undefined && last !== undefined) throw stuck(volumeId, last, instance, detachTimeoutMs);
  return last?.state === 'detached' ? undefined : last;
}

async function requestAttachment(volumeId: VolumeId, options: AttachOptions): Promise<string> {
  const { ec2, instance, signal } = options;
  const used = new Set((await ec2.deviceNames(instance.instanceId, signal)).map(canonicalName));
  let lastError: unknown;
  for (const deviceName of deviceNames) {
    if (used.has(deviceName)) continue;
    options.events({
      kind: 'stage',
      snapshotId: options.snapshotId,
      stage: 'attaching-volume',
      subject: `${volumeId} as ${deviceName}`,
    });
    signal?.throwIfAborted();
    try {
      await ec2.attachVolume({ volumeId, instanceId: instance.instanceId, deviceName });
      return deviceName;
    } catch (error) {
      // An earlier attempt whose answer was lost may have attached it.
      const attached = currentAttachment(await ec2.volume(volumeId), instance);
      if (attached !== undefined) return attached.deviceName;
      if (!isNameTaken(error)) throw error;
      lastError = error;
    }
  }
  throw new AppError(
    'rejected',
    `No device name from ${deviceNames[0] ?? ''} to ${deviceNames.at(-1) ?? ''} is free on ${instance.instanceId}.`,
    { cause: lastError, hint: 'Detach volumes that are not needed, or stop and start the instance.' },
  );
}

/** `/dev/xvdf` and `/dev/sdf` are the same place. */
function canonicalName(name: string): string {
  return name.replace(/^\/dev\/xvd/, '/dev/sd');
}

function isNameTaken(error: unknown): boolean {
  return (
    awsCode(error) === 'InvalidParameterValue' && error instanceof Error && /already in use|in use/i.test(error.message)
  );
}

function currentAttachment(
  volume: { readonly attachments: readonly VolumeAttachment[] } | undefined,
  instance: Instance,
): VolumeAttachment | undefined {
  return volume?.attachments.find((attachment) => attachment.instanceId === instance.instanceId);
}

function stuck(
  volumeId: VolumeId,
  { deviceName, state }: Pick<VolumeAttachment, 'deviceName' | 'state'>,
  instance: Instance,
  timeoutMs: number,
): AppError {
  return new AppError(
    'timed-out',
    `Volume ${volumeId} is stuck in "${state}" as ${deviceName} on ${instance.instanceId} after ${timeoutMs / 60_000} minutes.`,
    {
      hint:
        'Use "Force detach" on the volume in the EC2 console and run again; if several names are stuck, ' +
        'stop and start the instance.',
    },
  );
}

/** How a volume is detached. */
export interface DetachOptions extends Pick<AttachOptions, 'ec2' | 'clock' | 'instance'> {
  readonly deviceName: string;
  /** How long EC2 may take. */
  readonly timeoutMs: number;
}

/** A volume on this instance whose disposal detaches it. */
export function detachable(volumeId: VolumeId, options: DetachOptions): Attachment {
  const { ec2, clock, instance, deviceName, timeoutMs } = options;
  let attached = true;
  /** Asks again where EC2 refused: a volume that is still attaching cannot be detached. */
  const step = async (): Promise<true | undefined> => {
    const attachment = currentAttachment(await ec2.volume(volumeId), instance);
    if (attachment === undefined || attachment.state === 'detached') return true;
    if (attachment.state === 'attached') {
      await ec2.detachVolume(volumeId, instance.instanceId).catch((error: unknown) => {
        if (awsCode(error) !== 'IncorrectState') throw error;
      });
    }
    return undefined;
  };
  return {
    deviceName,
    [Symbol.asyncDispose]: async () => {
      if (!attached) return;
      const gone = await poll(step, { clock, intervalMs: pollMs, timeoutMs }).catch((error: unknown): never => {
        throw notDetached(volumeId, deviceName, error);
      });
      if (gone === undefined) throw notDetached(volumeId, deviceName);
      attached = false;
    },
  };
}

function notDetached(volumeId: VolumeId, deviceName: string, cause?: unknown): AppError {
  const why = cause === undefined ? '.' : `: ${messageOf(cause)}`;
  return new AppError('cleanup-failed', `Volume ${volumeId} does not detach from ${deviceName}${why}`, {
    cause,
    hint: `Use "Force detach" in the EC2 console, then run: aws ec2 delete-volume --volume-id ${volumeId}`,
  });
}
