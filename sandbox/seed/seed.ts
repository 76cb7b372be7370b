import {
  CreateSnapshotCommand,
  CreateTagsCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import { AppError } from '../../src/core/index.js';
import { attachedVolume, until, type Machine, type SeedTools } from './attached-volume.js';
import { buildDisk, type BuiltPart } from './build-disk.js';
import { demoDisks, type DemoDisk } from './demo-disks.js';

/** How to seed. */
export interface SeedOptions extends SeedTools {
  /** The disks to build; {@link demoDisks} if not given. */
  readonly disks?: readonly DemoDisk[];
  /** Told each step, as a sentence. */
  readonly onProgress?: (text: string) => void;
}

/** A snapshot that was made, and what is in it. */
export interface SeededSnapshot {
  readonly snapshotId: string;
  readonly volumeId: string;
  readonly name: string;
  readonly description: string;
  readonly parts: readonly BuiltPart[];
}

/**
 * Makes the demo snapshots through the public API alone, as an operator would on EC2: volume, attach, mkfs, mount, files,
 * snapshot, detach, delete. Each is tagged `snap-to-s3=migrate`. Needs root. Volumes are removed also when it fails.
 */
export async function seed(options: SeedOptions): Promise<readonly SeededSnapshot[]> {
  const machine = await findMachine(options.ec2);
  const made: SeededSnapshot[] = [];
  for (const demo of options.disks ?? demoDisks) made.push(await seedDisk(demo, { ...options, machine }));
  return made;
}

async function seedDisk(
  { name, description, sizeGiB, disk }: DemoDisk,
  options: SeedOptions & { readonly machine: Machine },
): Promise<SeededSnapshot> {
  const { ec2, clock, machine, onProgress = () => undefined } = options;
  onProgress(`Building "${name}": ${description}.`);
  await using volume = await attachedVolume({ sizeGiB }, { machine, tools: options });
  const { volumeId, devicePath } = volume;
  const parts = await buildDisk(devicePath, disk, { clock });
  options.signal?.throwIfAborted();
  const created = await ec2.send(new CreateSnapshotCommand({ VolumeId: volumeId, Description: description }));
  const snapshotId = created.SnapshotId ?? '';
  const completed = async (): Promise<boolean> => {
    const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }));
    return Snapshots?.[0]?.State === 'completed';
  };
  await until(`${snapshotId} to be completed`, options, completed);
  const Tags = [
    { Key: 'Name', Value: name },
    { Key: 'snap-to-s3', Value: 'migrate' },
  ];
  await ec2.send(new CreateTagsCommand({ Resources: [snapshotId], Tags }));
  onProgress(`Made ${snapshotId}.`);
  return { snapshotId, volumeId, name, description, parts };
}

/** The instance whose devices are this machine's. Throws `not-found`. */
export async function findMachine(ec2: EC2Client): Promise<Machine> {
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
  const instance = Reservations.flatMap(({ Instances = [] }) => Instances)[0];
  const { InstanceId: instanceId, Placement } = instance ?? {};
  const zone = Placement?.AvailabilityZone;
  if (instanceId !== undefined && zone !== undefined) return { instanceId, zone };
  throw new AppError('not-found', 'There is no instance in this region that volumes could be attached to.', {
    hint: 'The sandbox has one, in us-east-1.',
  });
}
