import {
  CreateSnapshotCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DescribeSnapshotsCommand,
  DescribeTagsCommand,
  DescribeVolumesCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { availableVolume, completedSnapshot, failure } from '../ec2/support.js';
import { systemClock, type Clock } from '../../../src/core/index.js';
import { faultySandbox } from './support.js';

/** The machine's clock, which the test can set forward. */
function movableClock(): Clock & { forward(ms: number): void } {
  let aheadMs = 0;
  return {
    now: () => systemClock.now() + aheadMs,
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    forward: (ms) => void (aheadMs += ms),
  };
}

const minuteMs = 60_000;
const volume = { AvailabilityZone: 'us-east-1a', Size: 1 };
const tagsOf = async (ec2: EC2Client, id: string) => {
  const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }));
  return Object.fromEntries((Snapshots[0]?.Tags ?? []).map(({ Key = '', Value }) => [Key, Value]));
};

describe('EC2 that shows changes late', () => {
  it('a new volume: not found by id, absent from listings, there when its time has come', async () => {
    const clock = movableClock();
    const { ec2, faults } = await faultySandbox({ clock });
    const fault = faults.add({ operation: 'ec2:CreateVolume', fault: { kind: 'late', ms: minuteMs }, times: 1 });
    const VolumeId = (await ec2.send(new CreateVolumeCommand(volume))).VolumeId ?? '';
    const byId = () => ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }));
    const Filters = [{ Name: 'volume-id', Values: [VolumeId] }];
    const byFilter = async () => (await ec2.send(new DescribeVolumesCommand({ Filters }))).Volumes?.length;
    expect(fault.fired).toBe(0);
    expect(await failure(byId())).toEqual({
      code: 'InvalidVolume.NotFound',
      status: 400,
      message: `The volume '${VolumeId}' does not exist.`,
    });
    expect(fault.fired).toBe(1);
    expect(await byFilter()).toBe(0);
    clock.forward(minuteMs);
    expect((await byId()).Volumes).toHaveLength(1);
    expect(await byFilter()).toBe(1);
    expect(fault.fired).toBe(1);
    await availableVolume(ec2);
  });

  it('a new snapshot: InvalidSnapshot.NotFound; it is usable, as AWS does not promise, by other actions', async () => {
    const clock = movableClock();
    const { ec2, faults } = await faultySandbox({ clock });
    const VolumeId = await availableVolume(ec2);
    const fault = faults.add({ operation: 'ec2:CreateSnapshot', fault: { kind: 'late', ms: minuteMs } });
    const SnapshotId = (await ec2.send(new CreateSnapshotCommand({ VolumeId }))).SnapshotId ?? '';
    const byId = () => ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [SnapshotId] }));
    expect((await failure(byId())).code).toBe('InvalidSnapshot.NotFound');
    expect((await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'] }))).Snapshots).toEqual([]);
    await ec2.send(new CreateTagsCommand({ Resources: [SnapshotId], Tags: [{ Key: 'a', Value: 'b' }] }));
    fault.remove();
    expect((await byId()).Snapshots).toHaveLength(1);
    expect(fault.fired).toBe(1);
  });

  it('tags: the old ones, in all actions that describe, until the new ones are seen', async () => {
    const clock = movableClock();
    const { ec2, faults } = await faultySandbox({ clock });
    const id = await completedSnapshot(ec2, await availableVolume(ec2));
    const set = (Key: string, Value: string) =>
      ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key, Value }] }));
    await set('state', 'migrate');
    const fault = faults.add({ operation: 'ec2:CreateTags', fault: { kind: 'late', ms: minuteMs } });
    await set('state', 'migrating');
    clock.forward(minuteMs / 2);
    await set('state', 'migrated');
    expect(await tagsOf(ec2, id)).toEqual({ state: 'migrate' });
    const Filters = [{ Name: 'tag:state', Values: ['migrated'] }];
    expect((await ec2.send(new DescribeSnapshotsCommand({ Filters }))).Snapshots).toEqual([]);
    const { Tags = [] } = await ec2.send(new DescribeTagsCommand({}));
    expect(Tags.map(({ Value }) => Value)).toEqual(['migrate']);
    clock.forward(minuteMs / 2);
    expect(await tagsOf(ec2, id)).toEqual({ state: 'migrating' });
    clock.forward(minuteMs / 2);
    expect(await tagsOf(ec2, id)).toEqual({ state: 'migrated' });
    expect([fault.met, fault.fired]).toEqual([2, 2]);
    faults.add({ operation: 'ec2:DeleteTags', fault: { kind: 'late', ms: minuteMs } });
    await ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: [{ Key: 'state' }] }));
    expect(await tagsOf(ec2, id)).toEqual({ state: 'migrated' });
    clock.forward(minuteMs);
    expect(await tagsOf(ec2, id)).toEqual({});
  });

  it('what was deleted is still shown, in its place', async () => {
    const clock = movableClock();
    const { ec2, faults } = await faultySandbox({ clock });
    const VolumeId = await availableVolume(ec2);
    const ids = [await completedSnapshot(ec2, VolumeId), await completedSnapshot(ec2, VolumeId)];
    const fault = faults.add({ operation: 'ec2:DeleteSnapshot', fault: { kind: 'late', ms: minuteMs } });
    await ec2.send(new DeleteSnapshotCommand({ SnapshotId: ids[0] }));
    const shown = async () =>
      (await ec2.send(new DescribeSnapshotsCommand({}))).Snapshots?.map(({ SnapshotId }) => SnapshotId);
    expect(await shown()).toEqual(ids);
    clock.forward(minuteMs);
    expect(await shown()).toEqual([ids[1]]);
    expect(fault.fired).toBe(1);
  });

  it('counts only when somebody looked and saw the difference, and is used up all the same', async () => {
    const clock = movableClock();
    const { ec2, faults } = await faultySandbox({ clock });
    const other = await availableVolume(ec2);
    const fault = faults.add({ operation: 'ec2:CreateVolume', fault: { kind: 'late', ms: minuteMs }, times: 1 });
    await ec2.send(new CreateVolumeCommand(volume));
    await ec2.send(new DescribeVolumesCommand({ VolumeIds: [other] }));
    await ec2.send(new DescribeVolumesCommand({ Filters: [{ Name: 'volume-id', Values: [other] }] }));
    expect(fault.fired).toBe(0);
    const VolumeId = (await ec2.send(new CreateVolumeCommand(volume))).VolumeId ?? '';
    expect((await ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }))).Volumes).toHaveLength(1);
    clock.forward(minuteMs);
    await ec2.send(new DescribeVolumesCommand({}));
    expect([fault.met, fault.fired]).toEqual([2, 0]);
  });
});
