import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateSnapshotCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awsCli, type AwsCli } from './support/aws-cli.js';
import { interopSandbox, type InteropSandbox } from './support/interop-sandbox.js';

let sandbox: InteropSandbox;
let aws: AwsCli;
let instanceId: string;
let zone: string;
beforeAll(async () => {
  sandbox = await interopSandbox();
  aws = awsCli(sandbox);
  const place = await ec2Value(
    ['describe-instances'],
    'Reservations[0].Instances[0].[InstanceId, Placement.AvailabilityZone]',
  );
  [instanceId = '', zone = ''] = place.split('\t');
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const ec2 = (words: readonly string[]) => aws.json(['ec2', ...words]);
const ec2Value = (words: readonly string[], query: string) => aws.value(['ec2', ...words], query);
const ec2Refused = (words: readonly string[], code: string) => aws.refused(['ec2', ...words], code);

/** Makes a volume of 1 GiB. */
const create = (...more: readonly string[]) =>
  ec2Value(['create-volume', '--availability-zone', zone, '--size', '1', ...more], 'VolumeId');

/** Makes a volume of 1 GiB and waits for it. */
async function volume(...more: readonly string[]): Promise<string> {
  const id = await create(...more);
  await aws.text(['ec2', 'wait', 'volume-available', '--volume-ids', id]);
  return id;
}

const tagged = (type: string, tags: Readonly<Record<string, string>>): readonly string[] => [
  '--tag-specifications',
  JSON.stringify([{ ResourceType: type, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }]),
];

describe('aws sts', () => {
  it('says whose the key is', async () => {
    expect(await aws.json(['sts', 'get-caller-identity'])).toEqual({
      Account: '123456789012',
      Arn: expect.stringMatching(/^arn:aws:iam::123456789012:/),
      UserId: expect.stringMatching(/./),
    });
  });
});

describe('aws ec2', () => {
  it('takes a disk from its making to a snapshot of what was written, and another disk from that', async () => {
    const device = async (id: string): Promise<string> => {
      await aws.text(['ec2', 'wait', 'volume-in-use', '--volume-ids', id]);
      return join('/dev/disk/by-id', `nvme-Amazon_Elastic_Block_Store_${id.replace('-', '')}`);
    };
    const attach = (id: string, name: string) =>
      ec2(['attach-volume', '--volume-id', id, '--instance-id', instanceId, '--device', name]);
    const source = await volume('--volume-type', 'gp3', ...tagged('volume', { Name: 'source' }));
    expect(await attach(source, '/dev/sdf')).toMatchObject({
      VolumeId: source,
      InstanceId: instanceId,
      State: 'attaching',
    });
    const disk = await open(await device(source), 'r+');
    await disk.write(Buffer.from('written to the device'), 0, 21, 1_048_576);
    await disk.sync();
    await disk.close();

    const snapshot = await ec2Value(
      [
        'create-snapshot',
        '--volume-id',
        source,
        '--description',
        'after writing',
        ...tagged('snapshot', { kept: 'yes' }),
      ],
      'SnapshotId',
    );
    await aws.text(['ec2', 'wait', 'snapshot-completed', '--snapshot-ids', snapshot]);
    expect(await ec2(['describe-snapshots', '--snapshot-ids', snapshot])).toMatchObject({
      Snapshots: [
        {
          SnapshotId: snapshot,
          VolumeId: source,
          VolumeSize: 1,
          State: 'completed',
          Progress: '100%',
          Description: 'after writing',
          Encrypted: false,
          OwnerId: '123456789012',
          StorageTier: 'standard',
          Tags: [{ Key: 'kept', Value: 'yes' }],
        },
      ],
    });

    const copy = await volume('--snapshot-id', snapshot);
    await attach(copy, '/dev/sdg');
    const found = await open(await device(copy), 'r');
    expect((await found.read(Buffer.alloc(21), 0, 21, 1_048_576)).buffer.toString()).toBe('written to the device');
    await found.close();

    await ec2Refused(['delete-volume', '--volume-id', copy], 'VolumeInUse');
    const remove = async (id: string): Promise<void> => {
      await ec2(['detach-volume', '--volume-id', id]);
      await aws.text(['ec2', 'wait', 'volume-available', '--volume-ids', id]);
      await ec2(['delete-volume', '--volume-id', id]);
    };
    await Promise.all([source, copy].map(remove));
    await ec2(['delete-snapshot', '--snapshot-id', snapshot]);
    await ec2Refused(['describe-snapshots', '--snapshot-ids', snapshot], 'InvalidSnapshot.NotFound');
    await aws.text(['ec2', 'wait', 'volume-deleted', '--volume-ids', copy]);
  });

  it('finds volumes and snapshots by filters with wildcards and tags', async () => {
    const one = await create(...tagged('volume', { Name: 'filter one', stage: 'a' }));
    const two = await create(...tagged('volume', { Name: 'filter two', stage: 'b*' }));
    const idsOf = async (...filters: readonly string[]) =>
      (await ec2(['describe-volumes', '--filters', ...filters, '--query', 'Volumes[].VolumeId'])) as string[];
    expect(await idsOf('Name=tag:Name,Values=filter*')).toEqual([one, two]);
    expect(await idsOf('Name=tag:Name,Values=filter ?ne')).toEqual([one]);
    expect(await idsOf('Name=tag:stage,Values=a,x')).toEqual([one]);
    expect(await idsOf(String.raw`Name=tag:stage,Values=b\*`)).toEqual([two]);
    expect(await idsOf('Name=tag-key,Values=stage', 'Name=size,Values=1', 'Name=status,Values=available')).toEqual([
      one,
      two,
    ]);
    expect(await idsOf('Name=tag:Name,Values=FILTER*')).toEqual([]);

    await ec2(['create-tags', '--resources', one, two, '--tags', 'Key=Name,Value=renamed', 'Key=empty,Value=']);
    expect(await idsOf('Name=tag:Name,Values=renamed', 'Name=tag:empty,Values=')).toEqual([one, two]);
    await ec2(['delete-tags', '--resources', one, '--tags', 'Key=Name']);
    expect(await idsOf('Name=tag:Name,Values=renamed')).toEqual([two]);
    const tags = [
      'describe-tags',
      '--filters',
      `Name=resource-id,Values=${one}`,
      '--query',
      'Tags[].[ResourceType,Key,Value]',
    ];
    expect(await ec2(tags)).toEqual(
      expect.arrayContaining([
        ['volume', 'stage', 'a'],
        ['volume', 'empty', ''],
      ]),
    );
    await ec2Refused(['describe-volumes', '--filters', 'Name=no-such-filter,Values=1'], 'InvalidParameterValue');
  });

  it('lists snapshots in pages of its own making, and goes on from a token', async () => {
    const id = await volume();
    const description = 'one of many';
    // The command line is slow to start; that many are made by other means.
    const snapshots = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const { SnapshotId = '' } = await sandbox.ec2.send(
          new CreateSnapshotCommand({ VolumeId: id, Description: description }),
        );
        return SnapshotId;
      }),
    );
    const list = (...more: readonly string[]) =>
      ec2([
        'describe-snapshots',
        '--owner-ids',
        'self',
        '--filters',
        `Name=description,Values=${description}`,
        ...more,
      ]);
    const idsOf = (answer: unknown) =>
      (answer as { Snapshots: { SnapshotId: string }[] }).Snapshots.map(({ SnapshotId }) => SnapshotId);
    expect(idsOf(await list('--page-size', '5')).sort()).toEqual([...snapshots].sort());

    const first = await list('--page-size', '5', '--max-items', '7');
    expect(idsOf(first)).toHaveLength(7);
    const { NextToken } = first as { NextToken: string };
    const rest = idsOf(await list('--page-size', '5', '--starting-token', NextToken));
    expect([...idsOf(first), ...rest].sort()).toEqual([...snapshots].sort());
    await ec2Refused(['describe-snapshots', '--max-results', '4'], 'InvalidParameterValue');
    await ec2Refused(
      ['describe-snapshots', '--max-results', '5', '--snapshot-ids', ...snapshots.slice(0, 1)],
      'InvalidParameterCombination',
    );
  });

  it('describes the machine it runs on, the regions and the zones', async () => {
    expect(await ec2(['describe-instances', '--filters', 'Name=instance-state-name,Values=run*'])).toMatchObject({
      Reservations: [
        { Instances: [{ InstanceId: instanceId, State: { Name: 'running' }, RootDeviceName: '/dev/xvda' }] },
      ],
    });
    expect(
      await ec2(['describe-instance-attribute', '--instance-id', instanceId, '--attribute', 'blockDeviceMapping']),
    ).toMatchObject({
      InstanceId: instanceId,
      BlockDeviceMappings: [{ DeviceName: '/dev/xvda' }],
    });
    expect(await ec2(['describe-regions', '--region-names', 'eu-west-1'])).toMatchObject({
      Regions: [{ RegionName: 'eu-west-1', Endpoint: 'ec2.eu-west-1.amazonaws.com' }],
    });
    expect(await ec2(['describe-availability-zones', '--query', 'AvailabilityZones[].ZoneName'])).toContain(zone);
    await ec2Refused(['describe-instances', '--instance-ids', 'i-00000000000000000'], 'InvalidInstanceID.NotFound');
  });

  it('is refused by the codes that EC2 has, and a dry run changes nothing', async () => {
    const creation = [
      'create-volume',
      '--availability-zone',
      zone,
      '--size',
      '1',
      ...tagged('volume', { Name: 'dry' }),
    ];
    await ec2Refused([...creation, '--dry-run'], 'DryRunOperation');
    expect(await ec2(['describe-volumes', '--filters', 'Name=tag:Name,Values=dry', '--query', 'Volumes'])).toEqual([]);
    await ec2Refused(['create-volume', '--availability-zone', 'us-east-1z', '--size', '1'], 'InvalidZone.NotFound');
    await ec2Refused(['create-volume', '--availability-zone', zone], 'MissingParameter');
    await ec2Refused(['describe-volumes', '--volume-ids', 'vol-1'], 'InvalidParameterValue');
    await ec2Refused(['delete-snapshot', '--snapshot-id', 'snap-00000000000000000'], 'InvalidSnapshot.NotFound');
    await ec2Refused(
      ['create-tags', '--resources', instanceId, '--tags', 'Key=aws:mine,Value=1'],
      'InvalidParameterValue',
    );
    await ec2Refused(['describe-vpcs'], 'NotImplemented');
  });
});
