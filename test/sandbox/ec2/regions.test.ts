import {
  AttachVolumeCommand,
  CreateSnapshotCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DescribeAvailabilityZonesCommand,
  DescribeRegionsCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  ModifySnapshotTierCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { availableVolume, clientOf, completedSnapshot, failure, startEc2 } from './support.js';

describe('regions', () => {
  it('are all that need no opting in, and with AllRegions the others too', async () => {
    const { client } = await startEc2();
    const { Regions = [] } = await client.send(new DescribeRegionsCommand({}));
    expect(Regions).toHaveLength(17);
    expect(new Set(Regions.map(({ OptInStatus }) => OptInStatus))).toEqual(new Set(['opt-in-not-required']));
    const all = (await client.send(new DescribeRegionsCommand({ AllRegions: true }))).Regions ?? [];
    expect(all).toContainEqual({
      RegionName: 'af-south-1',
      Endpoint: 'ec2.af-south-1.amazonaws.com',
      OptInStatus: 'not-opted-in',
    });
    const Filters = [{ Name: 'opt-in-status', Values: ['not-opted-in'] }];
    const others = await client.send(new DescribeRegionsCommand({ AllRegions: true, Filters }));
    expect(others.Regions).toHaveLength(all.length - Regions.length);
    const unknown = client.send(new DescribeRegionsCommand({ RegionNames: ['af-south-1'] }));
    expect(await failure(unknown)).toMatchObject({ code: 'InvalidParameterValue' });
  });

  it('have zones of their own, with ids that differ from the letters', async () => {
    const { client, url } = await startEc2();
    const { Regions = [] } = await client.send(new DescribeRegionsCommand({}));
    const ids = new Set<string>();
    for (const { RegionName = '' } of Regions) {
      const zones = await clientOf(url, RegionName).send(new DescribeAvailabilityZonesCommand({}));
      for (const zone of zones.AvailabilityZones ?? []) {
        expect(zone).toMatchObject({
          RegionName,
          State: 'available',
          ZoneType: 'availability-zone',
          GroupName: `${RegionName}-zg-1`,
          NetworkBorderGroup: RegionName,
          OptInStatus: 'opt-in-not-required',
        });
        expect(zone.ZoneName?.slice(0, -1)).toBe(RegionName);
        expect(zone.ZoneId).toMatch(/^[a-z]+\d-az\d$/);
        ids.add(zone.ZoneId ?? '');
      }
    }
    expect(ids.size).toBe(55);
    const Filters = [{ Name: 'zone-id', Values: ['use1-az6'] }];
    const [zone] = (await client.send(new DescribeAvailabilityZonesCommand({ Filters }))).AvailabilityZones ?? [];
    expect(zone?.ZoneName).toBe('us-east-1a');
  });

  it('that need opting in know none of the account’s keys', async () => {
    const { url } = await startEc2();
    const call = clientOf(url, 'af-south-1').send(new DescribeVolumesCommand({}));
    expect(await failure(call)).toMatchObject({ code: 'AuthFailure', status: 401 });
  });

  it('do not know the ids of each other', async () => {
    const { client, service, url } = await startEc2();
    const VolumeId = await availableVolume(client);
    const SnapshotId = await completedSnapshot(client, VolumeId);
    const tokyo = clientOf(url, 'ap-northeast-1');
    const InstanceId = service.instance.id;
    const codes = await Promise.all(
      [
        tokyo.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] })),
        tokyo.send(new DeleteVolumeCommand({ VolumeId })),
        tokyo.send(new CreateSnapshotCommand({ VolumeId })),
        tokyo.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: '/dev/sdf' })),
        tokyo.send(new DescribeSnapshotsCommand({ SnapshotIds: [SnapshotId] })),
        tokyo.send(new DeleteSnapshotCommand({ SnapshotId })),
        tokyo.send(new ModifySnapshotTierCommand({ SnapshotId })),
      ].map(async (call: Promise<unknown>) => (await failure(call)).code),
    );
    expect(codes).toEqual([
      ...Array<string>(4).fill('InvalidVolume.NotFound'),
      ...Array<string>(3).fill('InvalidSnapshot.NotFound'),
    ]);
    const volume = await availableVolume(tokyo, { AvailabilityZone: 'ap-northeast-1c' });
    await completedSnapshot(tokyo, volume);
    expect((await tokyo.send(new DescribeSnapshotsCommand({}))).Snapshots).toHaveLength(1);
  });
});
