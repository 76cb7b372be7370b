import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeVolumesCommand,
  paginateDescribeVolumes,
  type CreateVolumeCommandInput,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { availableVolume, completedSnapshot, eventually, failure, startEc2, volumeNow } from './support.js';

const zone = 'us-east-1a';

describe('CreateVolume', () => {
  it('answers creating, and is available after its delay', async () => {
    const { client } = await startEc2({ delays: { createVolumeMs: 200 } });
    const answer = await client.send(
      new CreateVolumeCommand({
        AvailabilityZone: 'us-east-1b',
        Size: 10,
        VolumeType: 'gp3',
        TagSpecifications: [{ ResourceType: 'volume', Tags: [{ Key: 'snap-to-s3', Value: 'snap-1' }] }],
      }),
    );
    expect(answer).toMatchObject({
      State: 'creating',
      AvailabilityZone: 'us-east-1b',
      Size: 10,
      VolumeType: 'gp3',
      Iops: 3000,
      Throughput: 125,
      Encrypted: false,
      SnapshotId: '',
      Tags: [{ Key: 'snap-to-s3', Value: 'snap-1' }],
    });
    const id = answer.VolumeId ?? '';
    expect((await volumeNow(client, id))?.State).toBe('creating');
    expect(await failure(client.send(new CreateSnapshotCommand({ VolumeId: id })))).toMatchObject({
      code: 'IncorrectState',
    });
    await eventually(async () => ((await volumeNow(client, id))?.State === 'available' ? true : undefined));
  });

  it('makes one volume for one client token, and refuses the token for another request', async () => {
    const { client } = await startEc2();
    const input = { AvailabilityZone: zone, Size: 1, ClientToken: 'token-1' };
    const first = await client.send(new CreateVolumeCommand(input));
    const again = await client.send(new CreateVolumeCommand(input));
    expect(again.VolumeId).toBe(first.VolumeId);
    expect(await failure(client.send(new CreateVolumeCommand({ ...input, Size: 2 })))).toMatchObject({
      code: 'IdempotentParameterMismatch',
    });
    const other = await client.send(new CreateVolumeCommand({ ...input, ClientToken: 'token-2' }));
    expect(other.VolumeId).not.toBe(first.VolumeId);
  });

  it('takes size and encryption from the snapshot, and grows it where more is asked for', async () => {
    const { client, directory } = await startEc2();
    const source = await availableVolume(client, { Size: 2, Encrypted: true });
    const SnapshotId = await completedSnapshot(client, source);
    const same = await volumeNow(client, await availableVolume(client, { SnapshotId }));
    expect(same).toMatchObject({ Size: 2, Encrypted: true, SnapshotId });
    const grown = await availableVolume(client, { SnapshotId, Size: 5 });
    expect((await stat(join(directory, 'volumes', `${grown}.img`))).size).toBe(5 * 1024 ** 3);
  });

  it('costs less than 1 MB on disk for 1 TiB, snapshot and copy included', async () => {
    const { client, directory } = await startEc2();
    const volume = await availableVolume(client, { Size: 1024, VolumeType: 'gp3' });
    const SnapshotId = await completedSnapshot(client, volume);
    const copy = await availableVolume(client, { SnapshotId, VolumeType: 'gp3' });
    const files = [`volumes/${volume}.img`, `snapshots/${SnapshotId}.img`, `volumes/${copy}.img`];
    const stats = await Promise.all(files.map((file) => stat(join(directory, file))));
    expect(stats.map(({ size }) => size)).toEqual(Array<number>(3).fill(1024 ** 4));
    expect(stats.reduce((sum, { blocks }) => sum + blocks * 512, 0)).toBeLessThan(1_000_000);
  });

  it('makes the file of a snapshot read-only', async () => {
    const { client, directory } = await startEc2();
    const id = await completedSnapshot(client, await availableVolume(client));
    expect((await stat(join(directory, 'snapshots', `${id}.img`))).mode & 0o777).toBe(0o444);
  });

  it('refuses what EC2 refuses', async () => {
    const { client } = await startEc2({ delays: { snapshotMs: 10_000 } });
    const of = (input: Partial<CreateVolumeCommandInput>) =>
      failure(client.send(new CreateVolumeCommand({ AvailabilityZone: zone, ...input })));
    expect(await of({})).toMatchObject({ code: 'MissingParameter' });
    expect(await of({ Size: 1, AvailabilityZone: 'us-east-1z' })).toMatchObject({ code: 'InvalidZone.NotFound' });
    expect(await of({ SnapshotId: 'snap-0123456789abcdef0' })).toMatchObject({ code: 'InvalidSnapshot.NotFound' });
    expect(await of({ SnapshotId: 'snap-1' })).toMatchObject({ code: 'InvalidSnapshotID.Malformed' });
    expect(await of({ Size: 1, VolumeType: 'gp9' as 'gp3' })).toMatchObject({ code: 'UnknownVolumeType' });
    expect(await of({ Size: 0 })).toMatchObject({ code: 'InvalidParameterValue' });
    expect(await of({ Size: 100, VolumeType: 'st1' })).toMatchObject({ code: 'InvalidParameterValue' });
    expect(await of({ Size: 100, VolumeType: 'io2' })).toMatchObject({ code: 'MissingParameter' });
    expect(await of({ Size: 1, MultiAttachEnabled: true })).toMatchObject({ code: 'NotImplemented' });
    expect(await of({ Size: 1, DryRun: true })).toMatchObject({ code: 'DryRunOperation', status: 412 });
    const VolumeId = await availableVolume(client, { Size: 2 });
    const { SnapshotId } = await client.send(new CreateSnapshotCommand({ VolumeId }));
    expect(await of({ SnapshotId })).toMatchObject({
      code: 'IncorrectState',
      message: 'Snapshot is in invalid state - pending',
    });
  });

  it('refuses less than the snapshot holds', async () => {
    const { client } = await startEc2();
    const SnapshotId = await completedSnapshot(client, await availableVolume(client, { Size: 2 }));
    expect(
      await failure(client.send(new CreateVolumeCommand({ AvailabilityZone: zone, SnapshotId, Size: 1 }))),
    ).toMatchObject({ code: 'InvalidParameterValue', message: expect.stringContaining('smaller than snapshot') });
  });
});

describe('DeleteVolume', () => {
  it('goes through deleting to not found, and frees the bytes', async () => {
    const { client, directory } = await startEc2({ delays: { deleteVolumeMs: 150 } });
    const id = await availableVolume(client);
    await client.send(new DeleteVolumeCommand({ VolumeId: id }));
    expect((await volumeNow(client, id))?.State).toBe('deleting');
    await eventually(async () => ((await volumeNow(client, id)) === undefined ? true : undefined));
    expect(await failure(client.send(new DescribeVolumesCommand({ VolumeIds: [id] })))).toMatchObject({
      code: 'InvalidVolume.NotFound',
      message: `The volume '${id}' does not exist.`,
    });
    await expect(stat(join(directory, 'volumes', `${id}.img`))).rejects.toThrow('ENOENT');
    expect(await failure(client.send(new DeleteVolumeCommand({ VolumeId: id })))).toMatchObject({
      code: 'InvalidVolume.NotFound',
    });
  });

  it('refuses a volume that hangs on the instance, as its root volume does', async () => {
    const { client, service } = await startEc2();
    const Filters = [{ Name: 'attachment.instance-id', Values: [service.instance.id] }];
    const { Volumes = [] } = await client.send(new DescribeVolumesCommand({ Filters }));
    expect(Volumes).toMatchObject([{ State: 'in-use', Attachments: [{ Device: '/dev/xvda', State: 'attached' }] }]);
    const { VolumeId } = Volumes[0] ?? {};
    expect(await failure(client.send(new DeleteVolumeCommand({ VolumeId })))).toMatchObject({ code: 'VolumeInUse' });
  });
});

describe('DescribeVolumes', () => {
  it('filters by what a cleanup looks for, and pages', async () => {
    const { client } = await startEc2();
    const plain = await availableVolume(client);
    const SnapshotId = await completedSnapshot(client, plain);
    const tagged = await availableVolume(client, {
      SnapshotId,
      TagSpecifications: [{ ResourceType: 'volume', Tags: [{ Key: 'snap-to-s3', Value: 'x' }] }],
    });
    const find = async (Name: string, ...Values: readonly string[]) => {
      const { Volumes = [] } = await client.send(
        new DescribeVolumesCommand({ Filters: [{ Name, Values: [...Values] }] }),
      );
      return Volumes.map(({ VolumeId }) => VolumeId);
    };
    expect(await find('snapshot-id', SnapshotId)).toEqual([tagged]);
    expect(await find('tag-key', 'snap-to-s3')).toEqual([tagged]);
    expect(await find('tag:snap-to-s3', '*')).toEqual([tagged]);
    expect(await find('status', 'available', 'creating')).toEqual([plain, tagged]);
    expect(await find('attachment.status', 'attached', 'attaching')).toHaveLength(1);
    for (let more = 0; more < 10; more += 1) await availableVolume(client);
    const sizes: number[] = [];
    for await (const page of paginateDescribeVolumes({ client, pageSize: 5 }, {}))
      sizes.push(page.Volumes?.length ?? 0);
    // Twelve, and the root volume.
    expect(sizes).toEqual([5, 5, 3]);
  });
});
