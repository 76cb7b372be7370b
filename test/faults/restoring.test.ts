import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AttachVolumeCommand } from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../sandbox/faults/index.js';
import { poll, systemClock } from '../../src/core/index.js';
import { mountedAt, localAws, type LocalAws } from '../support/local-aws.js';
import { sha256sum } from '../support/read-archive.js';
import { migrateHurried, restoreHurried, type HurriedRun } from './in-process.js';
import { subject, type Subject } from './support.js';

// AWS fails at each stage of restoring to a new volume: the volume is right all the same, or there is none, and an error
// that says what failed.

let aws: LocalAws;
let disk: Subject;
beforeAll(async () => {
  aws = await localAws();
  disk = await subject(aws, await aws.bucket());
  expect((await migrateHurried(aws, disk)).done).toEqual([disk.snapshotId]);
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  aws.faults.clear();
  await aws.removeVolumes();
  expect(await aws.leftovers()).toEqual([]);
});

/** The one volume that is there has what the archived one had. */
async function expectRestored({ done, failed, events }: HurriedRun): Promise<void> {
  expect(failed).toEqual([]);
  expect(done).toEqual([disk.snapshotId]);
  const restored = events.find(({ kind }) => kind === 'snapshot-restored');
  const volumes = await aws.volumes();
  expect(volumes).toMatchObject([{ State: 'available', Attachments: [] }]);
  const [{ VolumeId, Tags } = {}] = volumes;
  expect(restored).toMatchObject({ to: VolumeId });
  expect(Tags?.some(({ Key }) => Key === 'snap-to-s3')).toBe(false);
  await aws.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: aws.machine.instanceId, Device: '/dev/sdp' }));
  const link = `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${VolumeId?.replace('-', '') ?? ''}`;
  const attached = async () => ((await aws.volumes())[0]?.Attachments?.[0]?.State === 'attached' ? true : undefined);
  expect(await poll(attached, { clock: systemClock, intervalMs: 20, timeoutMs: 10_000 })).toBe(true);
  const sum = await mountedAt(link, { type: 'ext4', options: 'ro' }, (path) => sha256sum(join(path, 'random')));
  expect(sum).toBe(disk.sha256);
}

const faultsOf: readonly Fault[] = [
  { kind: 'throttled' },
  { kind: 'internal-error' },
  { kind: 'unavailable' },
  { kind: 'reset', when: 'before' },
  { kind: 'reset', when: 'after' },
];
const bodies: readonly Fault[] = [
  { kind: 'truncated', afterBytes: 100 },
  { kind: 'truncated', afterBytes: 3_000_000 },
];
const stages = [
  's3:HeadBucket',
  's3:ListObjectsV2',
  's3:HeadObject',
  's3:GetObject',
  's3:PutObject',
  'ec2:DescribeVolumes',
  'ec2:CreateVolume',
  'ec2:AttachVolume',
  'ec2:CreateTags',
  'ec2:DetachVolume',
  'ec2:DeleteTags',
];

describe('a fault that passes', () => {
  it.each([
    ...stages.flatMap((operation) => faultsOf.map((fault) => [operation, fault] as const)),
    ...bodies.map((fault) => ['s3:GetObject', fault] as const),
  ])('%s, twice %j -> restored', async (operation, fault) => {
    const injected = aws.faults.add({ operation, fault, times: 2 });
    const run = await restoreHurried(aws, disk);
    expect(injected.fired).toBeGreaterThan(0);
    await expectRestored(run);
  });
});

describe('a fault that lasts', () => {
  it.each(stages.filter((stage) => !/HeadBucket|DetachVolume|DescribeVolumes/.test(stage)))(
    '%s -> a failure that names it, and no volume',
    async (operation) => {
      const fault = aws.faults.add({ operation, fault: { kind: 'internal-error' } });
      const outcome = await restoreHurried(aws, disk).catch((error: unknown) => ({ failed: [{ error }], done: [] }));
      fault.remove();
      expect(fault.fired).toBeGreaterThanOrEqual(3);
      expect(outcome.done).toEqual([]);
      expect(outcome.failed).toMatchObject([{ error: { code: 'unavailable' } }]);
      expect(await aws.volumes()).toEqual([]);
    },
  );

  it.each([
    ['always a cut body', { kind: 'truncated', afterBytes: 1_000 }],
    ['always a flipped bit', { kind: 'flipped-bit' }],
    ['keys that have expired', { kind: 'expired-token' }],
  ] as const)('s3:GetObject, %s -> a failure, and no volume', async (_, fault) => {
    const injected = aws.faults.add({ operation: 's3:GetObject', fault, where: { key: 'vol-*' } });
    const { done, failed } = await restoreHurried(aws, disk);
    expect(injected.fired).toBeGreaterThan(0);
    expect(done).toEqual([]);
    expect(failed).toHaveLength(1);
    expect(await aws.volumes()).toEqual([]);
  });

  it.each(['ec2:DetachVolume', 'ec2:DescribeVolumes'])(
    '%s -> a failure that names the volume, which only the next run can remove',
    async (operation) => {
      const fault = aws.faults.add({ operation, fault: { kind: 'internal-error' } });
      const { done, failed } = await restoreHurried(aws, disk);
      fault.remove();
      const [{ VolumeId = '', Tags } = {}] = await aws.volumes();
      expect(done).toEqual([]);
      expect(JSON.stringify(failed)).toContain(VolumeId);
      expect(Tags?.some(({ Key }) => Key === 'snap-to-s3')).toBe(true);
      await expectRestored(await restoreHurried(aws, disk));
    },
  );
});

describe('to a directory', () => {
  const reading = ['s3:HeadBucket', 's3:ListObjectsV2', 's3:HeadObject', 's3:GetObject'];
  const newDirectory = async (): Promise<string> => join(await mkdtemp(join(aws.folder, 'restored-')), 'files');

  it.each([
    ...reading.flatMap((operation) => faultsOf.map((fault) => [operation, fault] as const)),
    ...bodies.map((fault) => ['s3:GetObject', fault] as const),
  ])('%s, twice %j -> restored', async (operation, fault) => {
    const injected = aws.faults.add({ operation, fault, times: 2 });
    const path = await newDirectory();
    const { done, failed } = await restoreHurried(aws, disk, { path });
    expect(injected.fired).toBeGreaterThan(0);
    expect(failed).toEqual([]);
    expect(done).toEqual([disk.snapshotId]);
    expect(await sha256sum(join(path, 'random'))).toBe(disk.sha256);
  });

  it.each<readonly [string, Fault]>([
    ...reading.slice(1).map((operation) => [operation, { kind: 'internal-error' }] as const),
    ['s3:GetObject', { kind: 'truncated', afterBytes: 1_000 }],
    ['s3:GetObject', { kind: 'flipped-bit' }],
    ['s3:GetObject', { kind: 'expired-token' }],
  ])('%s, always %j -> a failure, and nothing under its name', async (operation, fault) => {
    const injected = aws.faults.add({
      operation,
      fault,
      ...(operation === 's3:GetObject' ? { where: { key: 'vol-*' } } : {}),
    });
    const path = await newDirectory();
    const { done, failed } = await restoreHurried(aws, disk, { path });
    injected.remove();
    expect(injected.fired).toBeGreaterThan(0);
    expect(done).toEqual([]);
    expect(failed).toHaveLength(1);
    expect(await readdir(path).catch(() => [])).toEqual([]);
    // What is left of it is in nobody's way.
    expect((await restoreHurried(aws, disk, { path })).done).toEqual([disk.snapshotId]);
    expect(await sha256sum(join(path, 'random'))).toBe(disk.sha256);
  });
});
