import { CreateTagsCommand, DeleteTagsCommand } from '@aws-sdk/client-ec2';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../sandbox/faults/index.js';
import { poll, systemClock } from '../../src/core/index.js';
import { localAws, type LocalAws } from '../support/local-aws.js';
import { migrateHurried } from './in-process.js';
import { subject, type Subject } from './support.js';

// AWS does what it is asked, and every answer that would tell so is lost: what was made has no name here, and must not stay.

let aws: LocalAws;
let disk: Subject;
beforeAll(async () => {
  aws = await localAws();
  disk = await subject(aws, await aws.bucket());
});
afterAll(() => aws[Symbol.asyncDispose]());
beforeEach(async () => {
  await aws.ec2.send(new DeleteTagsCommand({ Resources: [disk.snapshotId], Tags: [{ Key: 'snap-to-s3-id' }] }));
  const Tags = [{ Key: 'snap-to-s3', Value: 'migrate' }];
  await aws.ec2.send(new CreateTagsCommand({ Resources: [disk.snapshotId], Tags }));
});
afterEach(async () => {
  aws.faults.clear();
  // In hurried time, a manifest of a moment ago is one of another run since.
  const manifests = (await aws.keys(disk.bucket)).filter((key) => key.endsWith('.manifest.json'));
  for (const Key of manifests) await aws.s3.send(new DeleteObjectCommand({ Bucket: disk.bucket, Key }));
  await aws.removeVolumes();
});

const migrating = { 'snap-to-s3': 'migrate' };
const lost: readonly (readonly [string, Fault])[] = [
  ['a connection that breaks', { kind: 'reset', when: 'after' }],
  ['silence', { kind: 'hang', when: 'after' }],
];

describe.each(lost)('every answer lost to %s, of', (_, fault) => {
  it('ec2:CreateVolume -> the volume that was made is found by its tag, and removed', async () => {
    const injected = aws.faults.add({ operation: 'ec2:CreateVolume', fault });
    const { failed, warnings } = await migrateHurried(aws, disk, { attemptMs: 800 });
    expect(failed).toMatchObject([{ error: { code: 'unavailable', details: { action: 'ec2:CreateVolume' } } }]);
    expect(injected.fired).toBe(3);
    expect(warnings).toEqual([]);
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
    expect(await aws.leftovers()).toEqual([]);
  });

  it('s3:CreateMultipartUpload -> the uploads that were begun are aborted', async () => {
    const injected = aws.faults.add({ operation: 's3:CreateMultipartUpload', fault });
    const { failed, warnings } = await migrateHurried(aws, disk, { attemptMs: 800 });
    expect(failed).toMatchObject([{ error: { code: 'unavailable', details: { action: 's3:PutObject' } } }]);
    expect(injected.fired).toBe(3);
    expect(warnings.filter((text) => !text.startsWith('tar: '))).toEqual([]);
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
    expect(await aws.leftovers()).toEqual([]);
  });

  it('ec2:CreateTags -> the claim is taken off again when EC2 answers', async () => {
    const injected = aws.faults.add({ operation: 'ec2:CreateTags', fault, times: 3 });
    const { failed, warnings } = await migrateHurried(aws, disk, { attemptMs: 800 });
    expect(failed).toMatchObject([{ error: { code: 'unavailable', details: { action: 'ec2:CreateTags' } } }]);
    expect(injected.fired).toBe(3);
    expect(warnings).toEqual([]);
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
    expect(await aws.leftovers()).toEqual([]);
  });
});

describe('what was made without an answer, and cannot be looked for', () => {
  it('a volume -> is told, stays in the journal, and is removed by the next run', async () => {
    const making = aws.faults.add({ operation: 'ec2:CreateVolume', fault: { kind: 'reset', when: 'after' } });
    // Looking for a kept volume goes well; looking for the new one does not.
    const looking = aws.faults.add({ operation: 'ec2:DescribeVolumes', fault: { kind: 'internal-error' }, skip: 1 });
    const { failed, warnings } = await migrateHurried(aws, disk);
    expect(failed).toMatchObject([{ error: { code: 'unavailable', details: { action: 'ec2:CreateVolume' } } }]);
    expect([making.fired, looking.fired]).toEqual([3, 3]);
    expect(warnings).toEqual([expect.stringMatching(/^Whether EC2 has made a volume .* could not be found out: /)]);
    aws.faults.clear();
    expect(await aws.leftovers()).toHaveLength(2);
    const { done } = await migrateHurried(aws, disk);
    expect(done).toEqual([disk.snapshotId]);
    expect(await aws.leftovers()).toEqual([]);
  });

  it('an upload -> is told, stays in the journal, and is aborted by the next run', async () => {
    const making = aws.faults.add({ operation: 's3:CreateMultipartUpload', fault: { kind: 'reset', when: 'after' } });
    const looking = aws.faults.add({
      operation: 's3:ListMultipartUploads',
      fault: { kind: 'internal-error' },
      skip: 1,
    });
    const { failed, warnings } = await migrateHurried(aws, disk);
    expect(failed).toMatchObject([{ error: { code: 'unavailable', details: { action: 's3:PutObject' } } }]);
    expect([making.fired, looking.fired]).toEqual([3, 3]);
    expect(warnings.join('\n')).toMatch(/Whether S3 has begun an upload .* could not be found out: /);
    aws.faults.clear();
    expect(await aws.leftovers()).toHaveLength(4);
    const { done } = await migrateHurried(aws, disk);
    expect(done).toEqual([disk.snapshotId]);
    expect(await aws.leftovers()).toEqual([]);
  });

  it('a claim -> is told, stays in the journal, and is taken off by the next run', async () => {
    const making = aws.faults.add({ operation: 'ec2:CreateTags', fault: { kind: 'reset', when: 'after' } });
    const { failed, warnings } = await migrateHurried(aws, disk);
    expect(failed).toMatchObject([{ error: { code: 'unavailable', details: { action: 'ec2:CreateTags' } } }]);
    expect(making.fired).toBe(6);
    expect(warnings).toEqual([expect.stringMatching(/^The claim .* could not be taken off: /)]);
    aws.faults.clear();
    expect(await aws.leftovers()).toHaveLength(1);
    const { done } = await migrateHurried(aws, disk);
    expect(done).toEqual([disk.snapshotId]);
    expect(await aws.leftovers()).toEqual([]);
  });
});

describe('what EC2 does not get on with is remembered, and removed by the next run:', () => {
  it.each(['ec2:CreateVolume', 'ec2:AttachVolume'])('a volume that %s leaves on its way', async (operation) => {
    const fault = aws.faults.add({ operation, fault: { kind: 'stuck' } });
    const { failed } = await migrateHurried(aws, disk);
    expect(failed).toMatchObject([{ error: { code: 'timed-out' } }]);
    expect(fault.fired).toBe(1);
    const [left] = await aws.volumes();
    expect(left).toBeDefined();
    fault.remove();
    // In hurried time nobody waits long.
    const settled = async (): Promise<true | undefined> => {
      const [{ State, Attachments = [] } = { State: undefined }] = await aws.volumes();
      return State === 'available' || Attachments[0]?.State === 'attached' ? true : undefined;
    };
    await poll(settled, { clock: systemClock, intervalMs: 50, timeoutMs: 20_000 });
    const { done, failed: again, events } = await migrateHurried(aws, disk);
    expect(again).toEqual([]);
    expect(done).toEqual([disk.snapshotId]);
    const stages = events.flatMap((event) => (event.kind === 'stage' ? [event.stage] : []));
    expect([stages.includes('creating-volume'), stages.includes('reusing-volume')]).toEqual([true, false]);
    expect(await aws.leftovers()).toEqual([]);
  });
});

describe('ec2:DeleteTags fails for good', () => {
  it('-> the snapshot is done, and a warning says how to take off the id', async () => {
    const fault = aws.faults.add({ operation: 'ec2:DeleteTags', fault: { kind: 'internal-error' } });
    const { done, warnings } = await migrateHurried(aws, disk);
    expect(done).toEqual([disk.snapshotId]);
    expect(fault.fired).toBe(3);
    expect(warnings).toEqual([
      expect.stringContaining(`aws ec2 delete-tags --resources ${disk.snapshotId} --tags Key=snap-to-s3-id`),
    ]);
    expect(await aws.tags(disk.snapshotId)).toMatchObject({ 'snap-to-s3': 'migrated' });
    expect(await aws.leftovers()).toEqual([]);
  });
});
