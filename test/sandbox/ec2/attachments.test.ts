import { readdir, readlink, mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AttachVolumeCommand,
  DeleteVolumeCommand,
  DescribeInstanceAttributeCommand,
  DetachVolumeCommand,
  type AttachVolumeCommandInput,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { byIdName } from '../../../sandbox/ec2/index.js';
import { run, runText } from '../../../src/process/index.js';
import {
  availableVolume,
  completedSnapshot,
  eventually,
  failure,
  scratchDirectory,
  snapshotNow,
  startEc2,
  volumeNow,
  type TestEc2,
} from './support.js';

const byId = '/dev/disk/by-id';

async function attached(ec2: TestEc2, VolumeId: string, Device = '/dev/sdf'): Promise<string> {
  const { client, service } = ec2;
  await client.send(new AttachVolumeCommand({ VolumeId, InstanceId: service.instance.id, Device }));
  await phase(client, VolumeId, 'attached');
  return `/dev/${(await readlink(join(byId, byIdName(VolumeId)))).replace('../../', '')}`;
}

async function phase(client: EC2Client, id: string, wanted: string | undefined): Promise<void> {
  await eventually(
    async () => ((await volumeNow(client, id))?.Attachments?.[0]?.State === wanted ? true : undefined),
    `${id} ${wanted}`,
  );
}

async function loopsOf(ec2: { readonly directory: string }): Promise<string> {
  return (await runText(['losetup', '--list', '--noheadings', '--output', 'BACK-FILE']))
    .split('\n')
    .filter((line) => line.startsWith(ec2.directory))
    .join('\n');
}

async function linksOf(volumeId: string): Promise<string[]> {
  return (await readdir(byId)).filter((name) => name.startsWith(byIdName(volumeId))).sort();
}

async function mounted(device: string): Promise<string> {
  const directory = await scratchDirectory();
  const target = join(directory, 'mount');
  await mkdir(target);
  await run(['mount', device, target]);
  onTestFinished(() => run(['umount', target]).then(noop, noop));
  return target;
}

function noop(): void {
  // Already unmounted.
}

describe('AttachVolume', () => {
  it('makes a block device with a by-id link; what is written to it is in the snapshot and in volumes made of it', async () => {
    const ec2 = await startEc2();
    const volume = await availableVolume(ec2.client);
    const device = await attached(ec2, volume);
    expect((await runText(['blockdev', '--getsize64', device])).trim()).toBe(String(1024 ** 3));
    // Not synced and not closed, so that only the snapshot itself can have flushed it.
    const disk = await open(device, 'r+');
    await disk.write(Buffer.from('written through the device'), 0, null, 512 * 1024 * 1024);
    const SnapshotId = await completedSnapshot(ec2.client, volume);
    await disk.close();
    const copy = await attached(ec2, await availableVolume(ec2.client, { SnapshotId }), '/dev/sdg');
    expect(copy).not.toBe(device);
    const read = await open(copy, 'r');
    const { buffer } = await read.read(Buffer.alloc(26), 0, 26, 512 * 1024 * 1024);
    await read.close();
    expect(buffer.toString()).toBe('written through the device');
    expect((await stat(join(ec2.directory, 'snapshots', `${SnapshotId}.img`))).blocks * 512).toBeLessThan(1_000_000);
    // One block of 512 KiB was written.
    expect(await snapshotNow(ec2.client, SnapshotId)).toMatchObject({ FullSnapshotSizeInBytes: 512 * 1024 });
  });

  it('goes through attaching to attached, and shows in the block device mapping', async () => {
    const ec2 = await startEc2({ delays: { attachMs: 200, detachMs: 200 } });
    const { client, service } = ec2;
    const VolumeId = await availableVolume(client);
    const InstanceId = service.instance.id;
    const answer = await client.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: '/dev/sdp' }));
    expect(answer).toMatchObject({ State: 'attaching', Device: '/dev/sdp', InstanceId, VolumeId });
    expect(await volumeNow(client, VolumeId)).toMatchObject({
      State: 'in-use',
      Attachments: [{ State: 'attaching', DeleteOnTermination: false }],
    });
    expect(await linksOf(VolumeId).catch(() => [])).toEqual([]);
    await phase(client, VolumeId, 'attached');
    const { BlockDeviceMappings } = await client.send(
      new DescribeInstanceAttributeCommand({ InstanceId, Attribute: 'blockDeviceMapping' }),
    );
    expect(BlockDeviceMappings?.map(({ DeviceName }) => DeviceName)).toEqual(['/dev/xvda', '/dev/sdp']);
    const detaching = await client.send(new DetachVolumeCommand({ VolumeId }));
    expect(detaching.State).toBe('detaching');
    expect((await volumeNow(client, VolumeId))?.Attachments?.[0]?.State).toBe('detaching');
    await phase(client, VolumeId, undefined);
    expect((await volumeNow(client, VolumeId))?.State).toBe('available');
  });

  it('gives partitions nodes and links, and takes them away at detach', async () => {
    const ec2 = await startEc2();
    const source = await availableVolume(ec2.client);
    const device = await attached(ec2, source);
    await run(['sfdisk', '--quiet', '--no-reread', device], { input: 'label: gpt\nsize=100MiB\nsize=50MiB\n' });
    const SnapshotId = await completedSnapshot(ec2.client, source);
    const volume = await availableVolume(ec2.client, { SnapshotId });
    const partitioned = await attached(ec2, volume, '/dev/sdg');
    expect(await linksOf(volume)).toEqual([byIdName(volume), `${byIdName(volume)}-part1`, `${byIdName(volume)}-part2`]);
    const second = (await runText(['realpath', join(byId, `${byIdName(volume)}-part2`)])).trim();
    expect(second).toBe(`${partitioned}p2`);
    expect((await runText(['blockdev', '--getsize64', second])).trim()).toBe(String(50 * 1024 ** 2));
    await ec2.client.send(new DetachVolumeCommand({ VolumeId: volume }));
    await phase(ec2.client, volume, undefined);
    expect(await linksOf(volume)).toEqual([]);
    await expect(stat(`${partitioned}p1`)).rejects.toThrow('ENOENT');
  });

  it('can show the device only some time after attached', async () => {
    const ec2 = await startEc2({ delays: { deviceLateMs: 400 } });
    const VolumeId = await availableVolume(ec2.client);
    const { id } = ec2.service.instance;
    await ec2.client.send(new AttachVolumeCommand({ VolumeId, InstanceId: id, Device: '/dev/sdf' }));
    await phase(ec2.client, VolumeId, 'attached');
    expect(await linksOf(VolumeId).catch(() => [])).toEqual([]);
    await eventually(async () => ((await linksOf(VolumeId).catch(() => [])).length > 0 ? true : undefined));
  });

  it('refuses what EC2 refuses', async () => {
    const ec2 = await startEc2();
    const { client, service } = ec2;
    const one = await availableVolume(client);
    const two = await availableVolume(client);
    const elsewhere = await availableVolume(client, { AvailabilityZone: 'us-east-1b' });
    await attached(ec2, one);
    const of = (input: Partial<AttachVolumeCommandInput>) =>
      failure(
        client.send(
          new AttachVolumeCommand({ VolumeId: two, InstanceId: service.instance.id, Device: '/dev/sdg', ...input }),
        ),
      );
    expect(await of({ VolumeId: one })).toMatchObject({ code: 'VolumeInUse' });
    expect(await of({ VolumeId: elsewhere })).toMatchObject({ code: 'InvalidVolume.ZoneMismatch' });
    expect(await of({ VolumeId: 'vol-0123456789abcdef0' })).toMatchObject({ code: 'InvalidVolume.NotFound' });
    expect(await of({ InstanceId: 'i-0123456789abcdef0' })).toMatchObject({ code: 'InvalidInstanceID.NotFound' });
    expect(await of({ Device: '/dev/sdf' })).toMatchObject({
      code: 'InvalidParameterValue',
      message: "Invalid value '/dev/sdf' for unixDevice. Attachment point /dev/sdf is already in use",
    });
    expect(await of({ Device: '/dev/xvda' })).toMatchObject({ code: 'InvalidParameterValue' });
    expect(await of({ Device: 'sdg' })).toMatchObject({ code: 'InvalidParameterValue' });
    expect(await failure(client.send(new DeleteVolumeCommand({ VolumeId: one })))).toMatchObject({
      code: 'VolumeInUse',
    });
  });

  it('without root is a clear error, and changes nothing', async () => {
    const devices = {
      usable: false,
      attach: () => Promise.reject(new Error('must not be asked')),
      release: () => Promise.resolve('released' as const),
      releaseByForce: () => Promise.resolve(),
      flush: () => Promise.resolve(),
    };
    const { client, service } = await startEc2({ devices });
    const VolumeId = await availableVolume(client);
    const input = { VolumeId, InstanceId: service.instance.id, Device: '/dev/sdf' };
    expect(await failure(client.send(new AttachVolumeCommand(input)))).toMatchObject({
      code: 'UnsupportedOperation',
      message: expect.stringContaining('must run as root'),
    });
    expect((await volumeNow(client, VolumeId))?.State).toBe('available');
  });

  it('whose device cannot be made leaves the volume available and tells the operator', async () => {
    const devices = {
      usable: true,
      attach: () => Promise.reject(new Error('no loop device is free')),
      release: () => Promise.resolve('released' as const),
      releaseByForce: () => Promise.resolve(),
      flush: () => Promise.resolve(),
    };
    const { client, service, notices } = await startEc2({ devices });
    const VolumeId = await availableVolume(client);
    await client.send(new AttachVolumeCommand({ VolumeId, InstanceId: service.instance.id, Device: '/dev/sdf' }));
    await eventually(async () => ((await volumeNow(client, VolumeId))?.State === 'available' ? true : undefined));
    await eventually(() => Promise.resolve(notices[0]));
    expect(notices).toEqual([`Attaching ${VolumeId} failed: no loop device is free`]);
  });
});

describe('DetachVolume', () => {
  it('stays busy while the volume is mounted, and finishes after the unmount', async () => {
    const ec2 = await startEc2();
    const VolumeId = await availableVolume(ec2.client);
    const device = await attached(ec2, VolumeId);
    await run(['mkfs.ext4', '-q', device]);
    const target = await mounted(device);
    await ec2.client.send(new DetachVolumeCommand({ VolumeId }));
    await phase(ec2.client, VolumeId, 'busy');
    await writeFile(join(target, 'still'), 'here');
    expect((await volumeNow(ec2.client, VolumeId))?.State).toBe('in-use');
    expect(await loopsOf(ec2)).not.toBe('');
    await run(['umount', target]);
    await phase(ec2.client, VolumeId, undefined);
    expect(await loopsOf(ec2)).toBe('');
    expect(await linksOf(VolumeId)).toEqual([]);
    const again = await mounted(await attached(ec2, VolumeId));
    expect(await readFile(join(again, 'still'), 'utf8')).toBe('here');
    await run(['umount', again]);
  });

  it('stays busy for a mounted partition', async () => {
    const ec2 = await startEc2();
    const VolumeId = await availableVolume(ec2.client);
    const device = await attached(ec2, VolumeId);
    await run(['sfdisk', '--quiet', '--no-reread', device], { input: 'label: gpt\nsize=100MiB\n' });
    await run(['partx', '--add', device]);
    await run(['mkfs.ext4', '-q', `${device}p1`]);
    const target = await mounted(`${device}p1`);
    await ec2.client.send(new DetachVolumeCommand({ VolumeId }));
    await phase(ec2.client, VolumeId, 'busy');
    await run(['umount', target]);
    await phase(ec2.client, VolumeId, undefined);
    expect(await loopsOf(ec2)).toBe('');
  });

  it('stays busy while a program has the device open', async () => {
    const ec2 = await startEc2();
    const VolumeId = await availableVolume(ec2.client);
    const disk = await open(await attached(ec2, VolumeId), 'r');
    await ec2.client.send(new DetachVolumeCommand({ VolumeId }));
    await phase(ec2.client, VolumeId, 'busy');
    await disk.close();
    await phase(ec2.client, VolumeId, undefined);
    expect(await loopsOf(ec2)).toBe('');
  });

  it('with Force takes the device from under a mount', async () => {
    const ec2 = await startEc2();
    const VolumeId = await availableVolume(ec2.client);
    const device = await attached(ec2, VolumeId);
    await run(['mkfs.ext4', '-q', device]);
    const target = await mounted(device);
    await ec2.client.send(new DetachVolumeCommand({ VolumeId }));
    await phase(ec2.client, VolumeId, 'busy');
    await ec2.client.send(new DetachVolumeCommand({ VolumeId, Force: true }));
    await phase(ec2.client, VolumeId, undefined);
    expect(await loopsOf(ec2)).toBe('');
    expect(await readdir(target)).toEqual([]);
  });

  it('refuses what EC2 refuses', async () => {
    const ec2 = await startEc2();
    const { client, service } = ec2;
    const VolumeId = await availableVolume(client);
    const of = (input: { Device?: string; InstanceId?: string; VolumeId?: string }) =>
      failure(client.send(new DetachVolumeCommand({ VolumeId, ...input })));
    expect(await of({})).toMatchObject({
      code: 'IncorrectState',
      message: `Volume '${VolumeId}' is in the 'available' state.`,
    });
    await attached(ec2, VolumeId);
    expect(await of({ Device: '/dev/sdg' })).toMatchObject({ code: 'InvalidAttachment.NotFound' });
    expect(await of({ InstanceId: 'i-0123456789abcdef0' })).toMatchObject({ code: 'InvalidAttachment.NotFound' });
    expect(await of({ VolumeId: 'vol-0123456789abcdef0' })).toMatchObject({ code: 'InvalidVolume.NotFound' });
    const { BlockDeviceMappings = [] } = await client.send(
      new DescribeInstanceAttributeCommand({ InstanceId: service.instance.id, Attribute: 'blockDeviceMapping' }),
    );
    const root = BlockDeviceMappings.find(({ DeviceName }) => DeviceName === '/dev/xvda')?.Ebs?.VolumeId;
    expect(await of({ VolumeId: root ?? '' })).toMatchObject({ code: 'OperationNotPermitted' });
  });

  it('right after AttachVolume leaves nothing behind', async () => {
    const ec2 = await startEc2();
    const VolumeId = await availableVolume(ec2.client);
    const { id } = ec2.service.instance;
    for (let round = 0; round < 5; round += 1) {
      await ec2.client.send(new AttachVolumeCommand({ VolumeId, InstanceId: id, Device: '/dev/sdf' }));
      await ec2.client.send(new DetachVolumeCommand({ VolumeId }));
      await phase(ec2.client, VolumeId, undefined);
    }
    await ec2.close();
    expect(await loopsOf(ec2)).toBe('');
    expect(await linksOf(VolumeId)).toEqual([]);
  });
});
