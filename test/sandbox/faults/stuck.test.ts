import {
  AttachVolumeCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeInstancesCommand,
  DetachVolumeCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { availableVolume, completedSnapshot, eventually, failure, snapshotNow, volumeNow } from '../ec2/support.js';
import { faultySandbox } from './support.js';

/** Long enough for everything that does not wait to have happened. */
const aWhileMs = 150;

const attachment = async (ec2: EC2Client, id: string) => (await volumeNow(ec2, id))?.Attachments?.[0]?.State;
const until = (state: string | undefined, look: () => Promise<string | undefined>) =>
  eventually(async () => ((await look()) === state ? true : undefined), String(state));

async function attach(ec2: EC2Client, VolumeId: string): Promise<void> {
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
  const InstanceId = Reservations[0]?.Instances?.[0]?.InstanceId;
  await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: '/dev/sdf' }));
}

describe('EC2 that is stuck', () => {
  it('a volume stays attaching until the fault is removed', async () => {
    const { ec2, faults } = await faultySandbox();
    const id = await availableVolume(ec2);
    const fault = faults.add({ operation: 'ec2:AttachVolume', fault: { kind: 'stuck' }, times: 1 });
    await attach(ec2, id);
    expect(fault.fired).toBe(1);
    await sleep(aWhileMs);
    expect(await attachment(ec2, id)).toBe('attaching');
    fault.remove();
    await until('attached', () => attachment(ec2, id));
  });

  it('a volume stays detaching; Force detaches it all the same', async () => {
    const { ec2, faults } = await faultySandbox();
    const id = await availableVolume(ec2);
    await attach(ec2, id);
    await until('attached', () => attachment(ec2, id));
    const fault = faults.add({ operation: 'ec2:DetachVolume', fault: { kind: 'stuck' }, times: 1 });
    await ec2.send(new DetachVolumeCommand({ VolumeId: id }));
    await sleep(aWhileMs);
    expect(await attachment(ec2, id)).toBe('detaching');
    expect((await failure(ec2.send(new DeleteVolumeCommand({ VolumeId: id })))).code).toBe('VolumeInUse');
    await ec2.send(new DetachVolumeCommand({ VolumeId: id, Force: true }));
    await until('available', async () => (await volumeNow(ec2, id))?.State);
    expect(fault.fired).toBe(1);
  });

  it('the device of a volume seems to be in use: detaching is busy, and not with Force', async () => {
    const { ec2, faults } = await faultySandbox();
    const id = await availableVolume(ec2);
    for (const end of ['removed', 'forced']) {
      await attach(ec2, id);
      await until('attached', () => attachment(ec2, id));
      const fault = faults.add({ operation: 'ec2:DetachVolume', fault: { kind: 'busy' } });
      await ec2.send(new DetachVolumeCommand({ VolumeId: id }));
      await fault.hasFired();
      await until('busy', () => attachment(ec2, id));
      await sleep(aWhileMs);
      expect(await attachment(ec2, id)).toBe('busy');
      if (end === 'removed') fault.remove();
      else await ec2.send(new DetachVolumeCommand({ VolumeId: id, Force: true }));
      await until('available', async () => (await volumeNow(ec2, id))?.State);
      expect(fault.fired).toBe(1);
      fault.remove();
    }
  });

  it('a volume stays creating for ms, and a snapshot pending', async () => {
    const { ec2, faults } = await faultySandbox();
    const source = await availableVolume(ec2);
    const fault = faults.add({ operation: 'ec2:Create*', fault: { kind: 'stuck', ms: 600 } });
    const startedMs = performance.now();
    const { VolumeId = '' } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 1 }));
    const { SnapshotId = '' } = await ec2.send(new CreateSnapshotCommand({ VolumeId: source }));
    expect((await volumeNow(ec2, VolumeId))?.State).toBe('creating');
    expect((await snapshotNow(ec2, SnapshotId))?.State).toBe('pending');
    await until('completed', async () => (await snapshotNow(ec2, SnapshotId))?.State);
    expect((await volumeNow(ec2, VolumeId))?.State).toBe('available');
    expect(performance.now() - startedMs).toBeGreaterThan(590);
    expect(fault.fired).toBe(2);
  });

  it('a volume stays deleting', async () => {
    const { ec2, faults } = await faultySandbox();
    const id = await availableVolume(ec2);
    const fault = faults.add({ operation: 'ec2:DeleteVolume', fault: { kind: 'stuck' } });
    await ec2.send(new DeleteVolumeCommand({ VolumeId: id }));
    await sleep(aWhileMs);
    expect((await volumeNow(ec2, id))?.State).toBe('deleting');
    fault.remove();
    await until(undefined, async () => (await volumeNow(ec2, id))?.State);
  });

  it('does not keep the sandbox from ending', async () => {
    const sandbox = await faultySandbox();
    const { ec2, faults } = sandbox;
    faults.add({ operation: 'ec2:CreateVolume', fault: { kind: 'stuck' } });
    await ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 1 }));
    await sandbox.close();
  });

  it('what is refused, or only asked for with DryRun, does not count', async () => {
    const { ec2, faults } = await faultySandbox();
    const fault = faults.add({ operation: 'ec2:CreateVolume', fault: { kind: 'stuck' }, times: 1 });
    const zone = { AvailabilityZone: 'us-east-1a' };
    const dryRun = ec2.send(new CreateVolumeCommand({ ...zone, Size: 1, DryRun: true }));
    expect((await failure(dryRun)).code).toBe('DryRunOperation');
    expect((await failure(ec2.send(new CreateVolumeCommand({ ...zone, Size: -1 })))).status).toBe(400);
    expect(fault.fired).toBe(0);
    const { VolumeId = '' } = await ec2.send(new CreateVolumeCommand({ ...zone, Size: 1 }));
    await sleep(aWhileMs);
    expect((await volumeNow(ec2, VolumeId))?.State).toBe('creating');
    expect([fault.met, fault.fired]).toEqual([3, 1]);
  });
});

describe('EC2 in which things end in error', () => {
  it('a volume, from nothing and from a snapshot, and it can be deleted; the operator hears nothing', async () => {
    const { ec2, faults, notices } = await faultySandbox();
    const SnapshotId = await completedSnapshot(ec2, await availableVolume(ec2));
    const fault = faults.add({ operation: 'ec2:CreateVolume', fault: { kind: 'ends-in-error' } });
    for (const origin of [{ Size: 1 }, { SnapshotId }]) {
      const created = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', ...origin }));
      const id = created.VolumeId ?? '';
      expect(created.State).toBe('creating');
      await until('error', async () => (await volumeNow(ec2, id))?.State);
      await ec2.send(new DeleteVolumeCommand({ VolumeId: id }));
      await until(undefined, async () => (await volumeNow(ec2, id))?.State);
    }
    expect(fault.fired).toBe(2);
    expect(notices).toEqual([]);
  });

  it('a snapshot, after it was pending for ms, with a sentence', async () => {
    const { ec2, faults } = await faultySandbox();
    const VolumeId = await availableVolume(ec2);
    const fault = faults.add({ operation: 'ec2:CreateSnapshot', fault: { kind: 'ends-in-error', ms: 300 }, times: 1 });
    const { SnapshotId = '' } = await ec2.send(new CreateSnapshotCommand({ VolumeId }));
    expect((await snapshotNow(ec2, SnapshotId))?.State).toBe('pending');
    await until('error', async () => (await snapshotNow(ec2, SnapshotId))?.State);
    expect((await snapshotNow(ec2, SnapshotId))?.StateMessage).toBe('The volume could not be read.');
    expect(fault.fired).toBe(1);
    await completedSnapshot(ec2, VolumeId);
  });
});
