import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AttachVolumeCommand,
  CreateSnapshotCommand,
  DeleteVolumeCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import type { LazyLoading } from '../../sandbox/ec2/index.js';
import { administrator } from '../../sandbox/iam/index.js';
import { attachedVolume, findMachine, until, type Machine } from '../../sandbox/seed/index.js';
import { systemClock } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';
import { cpuSeconds } from '../process-facts.js';

/** Where everything goes. */
export const bucket = 'bench';
/** The command that is measured. */
export const command = join(import.meta.dirname, '../../bin/snap-to-s3.cjs');

/** How a local AWS is reached. */
export interface StandFacts {
  readonly url: string;
  readonly region: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly administratorEnvironment: Readonly<Record<string, string>>;
}

/** A local AWS in a process of its own; disposing takes all its volumes away and removes everything. */
export interface Stand extends AsyncDisposable, StandFacts {
  /** For whatever a measurement keeps. */
  readonly folder: string;
  readonly mountPoint: string;
  /** CPU time of the local AWS so far, in seconds. */
  cpuSeconds(): number;
  /** Makes a volume, lets `fill` write to the filesystem on it, and takes a snapshot. */
  snapshot(sizeGiB: number, fill: (mountedAt: string) => Promise<void>): Promise<string>;
  /** Works with a new volume of a snapshot, of which nothing was read yet, and removes it. */
  withFreshVolume<T>(snapshotId: string, work: (device: string) => Promise<T>): Promise<T>;
  /** Works with the one volume that was made of a snapshot and kept; its device is there meanwhile. */
  withKeptVolume<T>(snapshotId: string, work: (device: string) => Promise<T>): Promise<T>;
  sizeOf(key: string): Promise<number>;
  emptyBucket(): Promise<void>;
}

/** Starts one; without delays, and without lazy loading unless a speed is given. */
export async function startStand({ lazyLoading }: { readonly lazyLoading?: LazyLoading } = {}): Promise<Stand> {
  const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-bench-'));
  const server = fork(join(import.meta.dirname, 'stand-process.js'), [
    join(folder, 'state'),
    ...(lazyLoading === undefined ? [] : [JSON.stringify(lazyLoading)]),
  ]);
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const facts = await new Promise<StandFacts>((resolve, reject) => {
    server.once('message', (message) => resolve(message as StandFacts));
    server.once('exit', (code) => reject(new Error(`The local AWS ended with ${String(code)}.`)));
  });
  const client = { endpoint: facts.url, region: facts.region, credentials: administrator };
  const ec2 = new EC2Client(client);
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  const machine = await findMachine(ec2);
  const tools = { ec2, clock: systemClock };
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const emptyBucket = async (): Promise<void> => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
    for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
  };
  return {
    ...facts,
    folder,
    mountPoint: join(folder, 'mnt'),
    cpuSeconds: () => cpuSeconds(server.pid),
    snapshot: async (sizeGiB, fill) => {
      await using volume = await attachedVolume({ sizeGiB }, { machine, tools });
      await run(['mkfs.ext4', '-q', '-F', volume.devicePath]);
      const place = await mkdtemp(join(folder, 'fill-'));
      await run(['mount', volume.devicePath, place]);
      try {
        await fill(place);
      } finally {
        await run(['umount', place]);
      }
      const { SnapshotId = '' } = await ec2.send(new CreateSnapshotCommand({ VolumeId: volume.volumeId }));
      await until(`${SnapshotId} to be completed`, tools, async () => {
        const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [SnapshotId] }));
        return Snapshots?.[0]?.State === 'completed';
      });
      return SnapshotId;
    },
    withFreshVolume: async (snapshotId, work) => {
      await using volume = await attachedVolume({ snapshotId }, { machine, tools });
      return await work(volume.devicePath);
    },
    withKeptVolume: (snapshotId, work) => withKeptVolume(snapshotId, work, { ec2, machine }),
    sizeOf: async (Key) => (await s3.send(new HeadObjectCommand({ Bucket: bucket, Key }))).ContentLength ?? NaN,
    emptyBucket,
    [Symbol.asyncDispose]: async () => {
      for (const { VolumeId = '' } of await madeVolumes(ec2)) {
        await freeVolume(VolumeId, ec2);
        await ec2.send(new DeleteVolumeCommand({ VolumeId }));
      }
      ec2.destroy();
      s3.destroy();
      server.disconnect();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function withKeptVolume<T>(
  snapshotId: string,
  work: (device: string) => Promise<T>,
  { ec2, machine }: { readonly ec2: EC2Client; readonly machine: Machine },
): Promise<T> {
  const kept = (await madeVolumes(ec2)).find((volume) => volume.SnapshotId === snapshotId);
  const VolumeId = kept?.VolumeId ?? '';
  await freeVolume(VolumeId, ec2);
  await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: machine.instanceId, Device: '/dev/sdp' }));
  await until(`${VolumeId} to be attached`, { ec2, clock: systemClock }, async () => {
    const { Volumes } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }));
    return Volumes?.[0]?.Attachments?.[0]?.State === 'attached';
  });
  try {
    return await work(`/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${VolumeId.replace('-', '')}`);
  } finally {
    await freeVolume(VolumeId, ec2);
  }
}

/** All but the instance's own. */
async function madeVolumes(ec2: EC2Client) {
  const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({}));
  return Volumes.filter(
    ({ Attachments = [], State }) =>
      State !== 'deleting' && !Attachments.some(({ Device }) => Device === '/dev/xvda' || Device === '/dev/sda1'),
  );
}

async function freeVolume(VolumeId: string, ec2: EC2Client): Promise<void> {
  const state = async (): Promise<string | undefined> =>
    (await ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }))).Volumes?.[0]?.State;
  if ((await state()) === 'available') return;
  await ec2.send(new DetachVolumeCommand({ VolumeId }));
  await until(`${VolumeId} to be detached`, { ec2, clock: systemClock }, async () => (await state()) === 'available');
}
