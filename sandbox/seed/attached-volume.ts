import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeInstanceAttributeCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  type EC2Client,
  type Volume,
} from '@aws-sdk/client-ec2';
import { AppError, poll, type Clock } from '../../src/core/index.js';

/** Where a volume is made and attached. */
export interface Machine {
  readonly instanceId: string;
  readonly zone: string;
}

/** What the calls below need. */
export interface SeedTools {
  readonly ec2: EC2Client;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** A volume that is attached to this machine; disposing detaches and deletes it. */
export interface AttachedVolume extends AsyncDisposable {
  readonly volumeId: string;
  /** The by-id link of the device. */
  readonly devicePath: string;
}

/** The names that are valid on every instance type. */
const deviceNames = ['f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p'].map((letter) => `/dev/sd${letter}`);
const stepTimeoutMs = 60_000;
const intervalMs = 50;

/** What a volume begins with: nothing, or the contents of a snapshot; or it is there already. */
export type VolumeOrigin =
  { readonly sizeGiB: number } | { readonly snapshotId: string } | { readonly volumeId: string };

/** Makes a volume, attaches it at a free name and waits for its device. Throws `timed-out`, or what the SDK throws. */
export async function attachedVolume(
  origin: VolumeOrigin,
  { machine, tools }: { readonly machine: Machine; readonly tools: SeedTools },
): Promise<AttachedVolume> {
  const { ec2 } = tools;
  const volumeId = 'volumeId' in origin ? origin.volumeId : await createVolume(origin, machine, ec2);
  const dispose = (): Promise<void> => removeVolume(volumeId, tools);
  try {
    await until(`${volumeId} to be available`, tools, async () => (await volume(volumeId, ec2))?.State === 'available');
    const Device = await freeDeviceName(machine, ec2);
    await ec2.send(new AttachVolumeCommand({ VolumeId: volumeId, InstanceId: machine.instanceId, Device }));
    const devicePath = join('/dev/disk/by-id', `nvme-Amazon_Elastic_Block_Store_${volumeId.replace('-', '')}`);
    await until(`the device of ${volumeId}`, tools, async () => {
      const attachment = (await volume(volumeId, ec2))?.Attachments?.[0];
      return attachment?.State === 'attached' && (await exists(devicePath));
    });
    return { volumeId, devicePath, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function createVolume(
  origin: Exclude<VolumeOrigin, { readonly volumeId: string }>,
  { zone: AvailabilityZone }: Machine,
  ec2: EC2Client,
): Promise<string> {
  const what = 'sizeGiB' in origin ? { Size: origin.sizeGiB } : { SnapshotId: origin.snapshotId };
  const created = await ec2.send(new CreateVolumeCommand({ AvailabilityZone, VolumeType: 'gp3', ...what }));
  return created.VolumeId ?? '';
}

/** Waits until something is so. Throws `timed-out`. */
export async function until(what: string, tools: SeedTools, isSo: () => Promise<boolean>): Promise<void> {
  const probe = async (): Promise<true | undefined> => ((await isSo()) ? true : undefined);
  const { clock, signal } = tools;
  if ((await poll(probe, { clock, intervalMs, timeoutMs: stepTimeoutMs, signal })) !== undefined) return;
  throw new AppError('timed-out', `Timed out after ${stepTimeoutMs / 1000} s waiting for ${what}.`, {
    hint: 'See what the sandbox said in its own terminal; attaching needs root.',
  });
}

async function removeVolume(volumeId: string, { ec2, clock }: SeedTools): Promise<void> {
  // Cleaning up goes on after an interruption.
  const tools = { ec2, clock };
  if ((await volume(volumeId, ec2))?.State === 'in-use') {
    await ec2.send(new DetachVolumeCommand({ VolumeId: volumeId }));
  }
  await until(`${volumeId} to be detached`, tools, async () => (await volume(volumeId, ec2))?.State !== 'in-use');
  await ec2.send(new DeleteVolumeCommand({ VolumeId: volumeId }));
}

async function volume(volumeId: string, ec2: EC2Client): Promise<Volume | undefined> {
  return (await ec2.send(new DescribeVolumesCommand({ VolumeIds: [volumeId] }))).Volumes?.[0];
}

async function freeDeviceName({ instanceId }: Machine, ec2: EC2Client): Promise<string> {
  const { BlockDeviceMappings = [] } = await ec2.send(
    new DescribeInstanceAttributeCommand({ InstanceId: instanceId, Attribute: 'blockDeviceMapping' }),
  );
  const taken = BlockDeviceMappings.map(({ DeviceName }) => DeviceName);
  const free = deviceNames.find((name) => !taken.includes(name));
  if (free !== undefined) return free;
  throw new AppError('rejected', `All of /dev/sdf to /dev/sdp of ${instanceId} are taken.`, {
    hint: 'Detach volumes that nobody needs.',
  });
}

async function exists(link: string): Promise<boolean> {
  return readlink(link).then(
    () => true,
    () => false,
  );
}
