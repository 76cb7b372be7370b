import {
  DescribeAvailabilityZonesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeRegionsCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { clientOf, failure, rawRequest, startEc2 } from './support.js';

describe('the machine', () => {
  it('is one running instance in us-east-1a, with its root volume', async () => {
    const { client, service, url } = await startEc2();
    const { Reservations = [] } = await client.send(new DescribeInstancesCommand({}));
    expect(Reservations.flatMap(({ Instances = [] }) => Instances)).toMatchObject([
      {
        InstanceId: service.instance.id,
        State: { Name: 'running', Code: 16 },
        Placement: { AvailabilityZone: 'us-east-1a' },
        BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { Status: 'attached' } }],
      },
    ]);
    const attribute = await client.send(
      new DescribeInstanceAttributeCommand({ InstanceId: service.instance.id, Attribute: 'blockDeviceMapping' }),
    );
    expect(attribute).toMatchObject({
      InstanceId: service.instance.id,
      BlockDeviceMappings: [{ DeviceName: '/dev/xvda' }],
    });
    expect((await clientOf(url, 'eu-west-1').send(new DescribeInstancesCommand({}))).Reservations).toEqual([]);
  });

  it('is the only one', async () => {
    const { client } = await startEc2();
    const of = (InstanceId: string) =>
      failure(client.send(new DescribeInstanceAttributeCommand({ InstanceId, Attribute: 'blockDeviceMapping' })));
    expect(await of('i-0123456789abcdef0')).toMatchObject({ code: 'InvalidInstanceID.NotFound' });
    expect(await of('server')).toMatchObject({ code: 'InvalidInstanceID.Malformed' });
  });
});

describe('regions and zones', () => {
  it('are listed, filtered and refused by name', async () => {
    const { client } = await startEc2();
    const { Regions = [] } = await client.send(new DescribeRegionsCommand({ RegionNames: ['us-east-1'] }));
    expect(Regions).toMatchObject([{ RegionName: 'us-east-1', OptInStatus: 'opt-in-not-required' }]);
    const { AvailabilityZones = [] } = await client.send(
      new DescribeAvailabilityZonesCommand({ Filters: [{ Name: 'state', Values: ['available'] }] }),
    );
    expect(AvailabilityZones.map(({ ZoneName }) => ZoneName)).toContain('us-east-1a');
    expect(AvailabilityZones).toHaveLength(6);
    const unknown = client.send(new DescribeAvailabilityZonesCommand({ ZoneNames: ['us-east-1z'] }));
    expect(await failure(unknown)).toMatchObject({ code: 'InvalidParameterValue' });
  });
});

describe('what the sandbox does not do', () => {
  it('is an error that names the action, never silent success', async () => {
    const { client } = await startEc2();
    const call = client.send(new RunInstancesCommand({ ImageId: 'ami-1', MinCount: 1, MaxCount: 1 }));
    expect(await failure(call)).toMatchObject({
      code: 'NotImplemented',
      message: expect.stringContaining('RunInstances'),
    });
  });

  it('is an error for parameters too', async () => {
    const { url } = await startEc2();
    const ask = async (parameters: Record<string, string>) => {
      const response = await rawRequest(url, parameters);
      return `${response.status} ${/<Code>(.*?)<\/Code>/.exec(await response.text())?.[1]}`;
    };
    const Action = 'DescribeVolumes';
    expect(await ask({ Action, Colour: 'red' })).toBe('400 UnknownParameter');
    expect(await ask({ Action, MaxResults: 'many' })).toBe('400 InvalidParameterValue');
    expect(await ask({ Action, DryRun: 'perhaps' })).toBe('400 InvalidParameterValue');
    expect(await ask({ Action, 'Filter.1.Name': 'status', 'Filter.1.Valu.1': 'x' })).toBe('400 InvalidParameterValue');
    expect(await ask({})).toBe('400 MalformedQueryString');
  });
});
