import { CreateTagsCommand, DeleteTagsCommand } from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault, InjectedFault } from '../../sandbox/faults/index.js';
import { localAws, type LocalAws } from '../support/local-aws.js';
import { migrateHurried, validateHurried, type HurriedRun, type Hurry } from './in-process.js';
import { spared, subject, type Subject } from './support.js';

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

/** Everything that validating asks of AWS. */
const operations = [
  's3:HeadBucket',
  's3:ListObjectsV2',
  's3:HeadObject',
  's3:GetObject',
  // Of the lease.
  's3:PutObject',
  's3:DeleteObject',
  'ec2:DescribeSnapshots',
  'ec2:DescribeVolumes',
  'ec2:DescribeInstanceAttribute',
  'ec2:CreateVolume',
  'ec2:AttachVolume',
  'ec2:CreateTags',
  'ec2:DeleteTags',
  'ec2:DetachVolume',
  'ec2:DeleteVolume',
];
/** The archive has two ranges of 8 MiB. */
const places = [
  { where: { key: '*.tar.lz4' } },
  { where: { key: '*.tar.lz4' }, skip: 1 },
  { where: { key: '*.index.jsonl.gz' } },
  { where: { key: '*.manifest.json' } },
];
const reading = (fault: Fault): readonly InjectedFault[] =>
  places.map((place) => aws.faults.add({ operation: 's3:GetObject', fault, times: 1, ...place }));

describe('faults that pass', () => {
  const expectValidated = async (injected: readonly InjectedFault[], hurry: Hurry = {}): Promise<HurriedRun> => {
    const validated = await validateHurried(aws, disk, { attempts: 5, ...hurry });
    expect(spared(injected)).toEqual([]);
    expect(validated.failed).toEqual([]);
    expect(validated.done).toEqual([disk.snapshotId]);
    expect(validated.events.filter(({ kind }) => kind === 'finding')).toEqual([]);
    expect(await aws.tags(disk.snapshotId)).toEqual({ 'snap-to-s3': 'validated' });
    return validated;
  };

  it.each<Fault>([
    { kind: 'throttled' },
    { kind: 'internal-error' },
    { kind: 'unavailable' },
    { kind: 'reset', when: 'before' },
    { kind: 'reset', when: 'after' },
  ])('%j, twice at each call, and in the middle of the archive -> validated', async (fault) => {
    const injected = operations.map((operation) => aws.faults.add({ operation, fault, times: 2 }));
    const recording = { operation: 's3:PutObject', where: { key: '*.validated.json' } };
    await expectValidated([...injected, ...reading(fault), aws.faults.add({ ...recording, fault, times: 2 })]);
  });

  it('silence at each call, and in the middle of the archive, until it is given up -> validated', async () => {
    const fault = { kind: 'hang' } as const;
    const injected = operations.map((operation) => aws.faults.add({ operation, fault, times: 1 }));
    await expectValidated([...injected, ...reading(fault)], { haste: 20, attemptMs: 1_000, socketMs: 1_000 });
  });

  it('bodies that come slowly -> validated', async () => {
    // What is shorter does not come slowly.
    await expectValidated(reading({ kind: 'slow', bytesPerSecond: 3_000_000 }).slice(0, 2));
  });

  it.each([100, 3_000_000])('bodies that are cut after %i bytes -> validated', async (afterBytes) => {
    const injected = reading({ kind: 'truncated', afterBytes });
    // What is shorter is not cut.
    await expectValidated(afterBytes === 100 ? injected : injected.slice(0, 2));
  });

  it('a flipped bit of the archive -> read again, and said', async () => {
    const fault = { kind: 'flipped-bit' } as const;
    const where = { key: '*.tar.lz4' };
    const { warnings } = await expectValidated([
      aws.faults.add({ operation: 's3:GetObject', fault, where, skip: 1, times: 1 }),
    ]);
    expect(warnings).toEqual([expect.stringContaining('whole when it was read again')]);
  });
});

describe('a fault that lasts', () => {
  const failing = operations.filter(
    (one) => !/HeadBucket|PutObject|DeleteObject|DeleteTags|DetachVolume|DeleteVolume/.test(one),
  );
  it.each(failing)(
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

  it.each<readonly [Fault, string]>([
    [{ kind: 'internal-error' }, 'unavailable'],
    [{ kind: 'expired-token' }, 'credentials'],
  ])('%j when the record is written -> %s, and the snapshot is migrated again', async (fault, code) => {
    const where = { key: '*.validated.json' };
    const injected = aws.faults.add({ operation: 's3:PutObject', fault, where });
    const { done, failed } = await validateHurried(aws, disk);
    expect(injected.fired).toBeGreaterThan(0);
    expect(done).toEqual([]);
    expect(failed).toMatchObject([{ error: { code } }]);
    expect(await aws.tags(disk.snapshotId)).toEqual({ 'snap-to-s3': 'migrated' });
  });

  it.each<readonly [string, number, Fault, string]>([
    ['*.tar.lz4', 0, { kind: 'unavailable' }, 'unavailable'],
    ['*.tar.lz4', 1, { kind: 'truncated', afterBytes: 1_000 }, 'unavailable'],
    ['*.tar.lz4', 1, { kind: 'flipped-bit' }, 'validation-failed'],
    ['*.tar.lz4', 1, { kind: 'expired-token' }, 'credentials'],
    ['*.tar.lz4', 1, { kind: 'hang' }, 'unavailable'],
    ['*.index.jsonl.gz', 0, { kind: 'hang' }, 'unavailable'],
    ['*.index.jsonl.gz', 0, { kind: 'truncated', afterBytes: 10 }, 'unavailable'],
    ['*.index.jsonl.gz', 0, { kind: 'flipped-bit' }, 'validation-failed'],
  ])('in %s after %i ranges, %j -> %s; the snapshot is migrated again', async (key, skip, fault, code) => {
    const injected = aws.faults.add({ operation: 's3:GetObject', fault, where: { key }, skip });
    const { done, failed, events } = await validateHurried(aws, disk, { attemptMs: 1_000, socketMs: 1_000 });
    expect(injected.fired).toBeGreaterThan(0);
    expect(events.some((event) => event.kind === 'stage' && event.stage === 'validating')).toBe(true);
    expect(events.some(({ kind }) => kind === 'snapshot-validated')).toBe(false);
    expect(done).toEqual([]);
    expect(failed).toMatchObject([{ error: { code } }]);
    expect(await aws.tags(disk.snapshotId)).toEqual({ 'snap-to-s3': 'migrated' });
  });
});
