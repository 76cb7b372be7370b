import { CreateTagsCommand, DeleteTagsCommand, DescribeVolumesCommand } from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FaultRequest } from '../../sandbox/faults/index.js';
import { poll, systemClock } from '../../src/core/index.js';
import { localAws, type LocalAws } from '../support/local-aws.js';
import { migrateHurried } from './in-process.js';
import { expectArchived, subject, type Subject } from './support.js';

// A fault that does not pass: a failure in bounded time, that names what was asked of what; nothing of ours is left, or a
// warning names it and says how to remove it.

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
  await aws.removeVolumes();
});

const migrating = { 'snap-to-s3': 'migrate' };
const internalError = { kind: 'internal-error' } as const;

describe('AWS fails for good at', () => {
  it.each([
    ['ec2:CreateTags', 'ec2:CreateTags', 0],
    ['ec2:DescribeSnapshots, reading the claim back', 'ec2:DescribeSnapshots', 1],
    ['ec2:DescribeVolumes', 'ec2:DescribeVolumes', 0],
    ['ec2:CreateVolume', 'ec2:CreateVolume', 0],
    ['ec2:DescribeInstanceAttribute', 'ec2:DescribeInstanceAttribute', 0],
    ['ec2:AttachVolume', 'ec2:AttachVolume', 0],
    ['s3:CreateMultipartUpload', 's3:PutObject', 0],
    ['s3:UploadPart', 's3:PutObject', 1],
    ['s3:CompleteMultipartUpload', 's3:PutObject', 0],
    ['s3:HeadObject', 's3:GetObject', 0],
    ['s3:PutObject', 's3:PutObject', 0],
  ])('%s -> a failure that names it, and nothing is left', async (place, action, skip) => {
    const operation = place.split(',')[0] ?? '';
    // Of the objects, not of the lease.
    const where = operation === 's3:PutObject' ? { where: { key: 'vol-*' } } : {};
    const fault = aws.faults.add({ operation, fault: internalError, skip, ...where });
    const { failed, done, warnings } = await migrateHurried(aws, disk);
    expect(done).toEqual([]);
    expect(failed).toMatchObject([{ error: { code: 'unavailable', details: { action } } }]);
    expect(failed[0]?.error.message).toContain(`${action} on `);
    expect(fault.fired).toBeGreaterThanOrEqual(3);
    // tar may say that nobody reads any more.
    expect(warnings.filter((text) => !text.startsWith('tar: '))).toEqual([]);
    fault.remove();
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
    expect(await aws.leftovers()).toEqual([]);
  });

  it.each(['ec2:DetachVolume', 'ec2:DeleteVolume'])(
    '%s -> a failure that names the volume and the command that removes it',
    async (operation) => {
      const fault = aws.faults.add({ operation, fault: internalError });
      const { failed, done, warnings } = await migrateHurried(aws, disk);
      expect(done).toEqual([]);
      expect(fault.fired).toBeGreaterThanOrEqual(3);
      const [left] = await aws.volumes();
      const said = [...failed.map(({ error }) => `${error.message} ${error.hint ?? ''}`), ...warnings].join('\n');
      expect(said).toContain(`aws ec2 delete-volume --volume-id ${left?.VolumeId ?? 'none'}`);
      expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
      expect(await aws.leftovers()).toHaveLength(operation === 'ec2:DetachVolume' ? 2 : 1);
    },
  );

  it('ec2:DescribeVolumes once the volume is there -> the volume is named with the command that removes it', async () => {
    const fault = aws.faults.add({ operation: 'ec2:DescribeVolumes', fault: internalError, skip: 1 });
    const { failed, warnings } = await migrateHurried(aws, disk);
    expect(failed).toMatchObject([{ error: { code: 'unavailable' } }]);
    expect(fault.fired).toBeGreaterThanOrEqual(6);
    fault.remove();
    const { Volumes = [] } = await aws.ec2.send(
      new DescribeVolumesCommand({ Filters: [{ Name: 'tag-key', Values: ['snap-to-s3'] }] }),
    );
    expect(warnings.join('\n')).toContain(`aws ec2 delete-volume --volume-id ${Volumes[0]?.VolumeId ?? 'none'}`);
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
  });

  it.each(['ec2:CreateVolume', 's3:UploadPart'])(
    '%s, by throttling -> `throttled`, after its own patience',
    async (operation) => {
      const fault = aws.faults.add({ operation, fault: { kind: 'throttled' } });
      const { failed } = await migrateHurried(aws, disk, { longestPauseMs: 20_000 });
      expect(failed).toMatchObject([{ error: { code: 'throttled', hint: expect.stringContaining('quieter') } }]);
      expect(fault.fired).toBeGreaterThan(5);
      expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
      expect(await aws.leftovers()).toEqual([]);
    },
  );

  it.each(['s3:HeadObject', 'ec2:AttachVolume', 's3:HeadBucket'])(
    '%s, by silence -> `unavailable`, and nothing is left',
    async (operation) => {
      const fault = aws.faults.add({ operation, fault: { kind: 'hang' } });
      // The limit of an attempt is real time, whatever the clock.
      const running = migrateHurried(aws, disk, { attemptMs: 300 });
      if (operation === 's3:HeadBucket') {
        await expect(running).rejects.toMatchObject({ code: 'unavailable' });
      } else {
        const { failed } = await running;
        expect(failed).toMatchObject([
          { error: { code: 'unavailable', message: expect.stringMatching(/was not answered within/) } },
        ]);
      }
      expect(fault.fired).toBeGreaterThanOrEqual(3);
      expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
      expect(await aws.leftovers()).toEqual([]);
    },
  );
});

describe('EC2 does not get on with', () => {
  const stuck = async (request: Pick<FaultRequest, 'operation' | 'fault'>) => {
    const fault = aws.faults.add(request);
    const run = await migrateHurried(aws, disk);
    expect(fault.fired).toBeGreaterThan(0);
    expect(run.done).toEqual([]);
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
    const [{ error } = { error: undefined }] = run.failed;
    return { ...run, error, fault, said: [`${error?.message ?? ''} ${error?.hint ?? ''}`, ...run.warnings].join('\n') };
  };

  it('a volume that stays in "creating" -> `timed-out` after a quarter of an hour', async () => {
    const { error, said } = await stuck({ operation: 'ec2:CreateVolume', fault: { kind: 'stuck' } });
    expect(error).toMatchObject({ code: 'timed-out', message: expect.stringContaining('15 minutes') });
    expect(said).toContain('aws ec2 delete-volume --volume-id vol-');
  });

  it('a volume that ends in "error" -> says so, and removes it', async () => {
    const { error } = await stuck({ operation: 'ec2:CreateVolume', fault: { kind: 'ends-in-error' } });
    expect(error).toMatchObject({ code: 'rejected', hint: expect.stringContaining('KMS') });
    expect(await aws.leftovers()).toEqual([]);
  });

  it('a volume that stays in "attaching" -> `timed-out`, with the advice to force detach', async () => {
    const { error, said } = await stuck({ operation: 'ec2:AttachVolume', fault: { kind: 'stuck' } });
    expect(error).toMatchObject({ code: 'timed-out', message: expect.stringContaining('stuck in "attaching"') });
    expect(error?.hint).toContain('Force detach');
    expect(said).toContain('stop and start the instance');
  });

  it.each(['stuck', 'busy'] as const)(
    'a volume that stays %s while detaching -> the advice to force detach',
    async (kind) => {
      const { said } = await stuck({ operation: 'ec2:DetachVolume', fault: { kind } });
      expect(said).toMatch(/does not detach from \/dev\/sd[f-p]/);
      expect(said).toContain('Force detach');
    },
  );

  it('a volume that would not detach -> the next run knows it from the journal, removes it, and makes its own', async () => {
    const { fault } = await stuck({ operation: 'ec2:DetachVolume', fault: { kind: 'stuck' } });
    const [left] = await aws.volumes();
    fault.remove();
    // In hurried time nobody waits long.
    const detached = async () => ((await aws.volumes())[0]?.State === 'available' ? true : undefined);
    await poll(detached, { clock: systemClock, intervalMs: 50, timeoutMs: 20_000 });
    const { done, events } = await migrateHurried(aws, disk);
    expect(done).toEqual([disk.snapshotId]);
    expect(events.filter((event) => event.kind === 'stage').map(({ stage }) => stage)).toContain('creating-volume');
    expect((await aws.volumes()).map(({ VolumeId }) => VolumeId)).not.toContain(left?.VolumeId);
    await expectArchived(aws, disk);
  });
});
