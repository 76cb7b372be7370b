import { CreateTagsCommand, DeleteTagsCommand } from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../sandbox/faults/index.js';
import { localAws, type LocalAws } from '../support/local-aws.js';
import { migrateHurried, validateHurried } from './in-process.js';
import { subject, type Subject } from './support.js';

// AWS fails at each stage of validating: the verdict is right all the same, or there is an error that says what failed.

let aws: LocalAws;
let disk: Subject;
beforeAll(async () => {
  aws = await localAws();
  disk = await subject(aws, await aws.bucket());
  expect((await migrateHurried(aws, disk)).done).toEqual([disk.snapshotId]);
});
afterAll(() => aws[Symbol.asyncDispose]());
beforeEach(async () => {
  await aws.ec2.send(new DeleteTagsCommand({ Resources: [disk.snapshotId], Tags: [{ Key: 'snap-to-s3-id' }] }));
  const Tags = [{ Key: 'snap-to-s3', Value: 'migrated' }];
  await aws.ec2.send(new CreateTagsCommand({ Resources: [disk.snapshotId], Tags }));
});
afterEach(async () => {
  aws.faults.clear();
  const left = await aws.leftovers();
  await aws.removeVolumes();
  expect(left).toEqual([]);
});

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
  'ec2:DescribeSnapshots',
  'ec2:DescribeVolumes',
  'ec2:CreateVolume',
  'ec2:AttachVolume',
  'ec2:CreateTags',
  'ec2:DetachVolume',
  'ec2:DeleteVolume',
];

describe('a fault that passes', () => {
  it.each([
    ...stages.flatMap((operation) => faultsOf.map((fault) => [operation, fault] as const)),
    ...bodies.map((fault) => ['s3:GetObject', fault] as const),
  ])('%s, twice %j -> validated', async (operation, fault) => {
    const injected = aws.faults.add({ operation, fault, times: 2 });
    const { done, failed } = await validateHurried(aws, disk);
    expect(injected.fired).toBeGreaterThan(0);
    expect(failed).toEqual([]);
    expect(done).toEqual([disk.snapshotId]);
    expect(await aws.tags(disk.snapshotId)).toEqual({ 'snap-to-s3': 'validated' });
  });
});

describe('a fault that lasts', () => {
  it.each(stages.filter((stage) => !/HeadBucket|DetachVolume|DeleteVolume/.test(stage)))(
    '%s -> a failure that names it; the snapshot stays migrated, and nothing is left',
    async (operation) => {
      // Describing comes before the work as well as within it.
      const fault = aws.faults.add({ operation, fault: { kind: 'internal-error' } });
      const { done, failed, events } = await validateHurried(aws, disk);
      fault.remove();
      expect(fault.fired).toBeGreaterThanOrEqual(3);
      expect(done).toEqual([]);
      expect(failed).toMatchObject([{ error: { code: 'unavailable' } }]);
      expect(events.some(({ kind }) => kind === 'snapshot-validated')).toBe(false);
      expect(await aws.tags(disk.snapshotId)).toEqual({ 'snap-to-s3': 'migrated' });
    },
  );

  it.each([
    ['always a cut body', { kind: 'truncated', afterBytes: 1_000 }],
    ['always a flipped bit', { kind: 'flipped-bit' }],
    ['keys that have expired', { kind: 'expired-token' }],
  ] as const)('s3:GetObject, %s -> a failure; the snapshot stays migrated', async (_, fault) => {
    const injected = aws.faults.add({ operation: 's3:GetObject', fault, where: { key: 'vol-*' } });
    const { done, failed } = await validateHurried(aws, disk);
    expect(injected.fired).toBeGreaterThan(0);
    expect(done).toEqual([]);
    expect(failed).toHaveLength(1);
    expect(await aws.tags(disk.snapshotId)).toEqual({ 'snap-to-s3': 'migrated' });
  });
});
