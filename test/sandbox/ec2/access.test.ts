import {
  AttachVolumeCommand,
  CopySnapshotCommand,
  CreateSnapshotCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DeleteVolumeCommand,
  DescribeSnapshotsCommand,
  ModifySnapshotAttributeCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { operations } from '../../../sandbox/ec2/operations/index.js';
import type { Access } from '../../../sandbox/server/caller.js';
import { Refusal } from '../../../sandbox/server/refusal.js';
import { availableVolume, clientOf, completedSnapshot, failure, rawRequest, snapshotNow, startEc2 } from './support.js';

const account = 'arn:aws:ec2:us-east-1:123456789012';

/** EC2, and what its policies were asked since the last look. */
async function watchedEc2() {
  const asked: Access[] = [];
  const ec2 = await startEc2({ authorize: (access) => void asked.push(access) });
  const takeAsked = () => asked.splice(0);
  return { ...ec2, takeAsked };
}

/** EC2 for somebody who may do everything but one action. */
function ec2Without(action: string) {
  return startEc2({
    authorize: (access) => {
      if (access.action !== action) return;
      const message = `User: someone is not authorized to perform: ${action} on resource: ${access.resource} because no identity-based policy allows the ${action} action`;
      throw new Refusal('access-denied', message);
    },
  });
}

describe('what IAM is asked', () => {
  it('for Describe actions is about *, with the region', async () => {
    const { client, takeAsked } = await watchedEc2();
    await client.send(new DescribeSnapshotsCommand({}));
    expect(takeAsked()).toEqual([
      {
        action: 'ec2:DescribeSnapshots',
        resource: '*',
        context: { 'aws:RequestedRegion': ['us-east-1'], 'ec2:Region': ['us-east-1'] },
      },
    ]);
  });

  it('for CreateVolume is about the volume to be, the snapshot, and its first tags', async () => {
    const { client, takeAsked } = await watchedEc2();
    const SnapshotId = await completedSnapshot(client, await availableVolume(client, { Size: 2 }));
    await client.send(new CreateTagsCommand({ Resources: [SnapshotId], Tags: [{ Key: 'team', Value: 'a' }] }));
    takeAsked();
    const TagSpecifications = [{ ResourceType: 'volume' as const, Tags: [{ Key: 'snap-to-s3', Value: 'x' }] }];
    await client.send(
      new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', SnapshotId, VolumeType: 'gp3', TagSpecifications }),
    );
    const [volume, tags, snapshot, ...others] = takeAsked();
    expect(others).toEqual([]);
    expect(volume).toMatchObject({
      action: 'ec2:CreateVolume',
      resource: `${account}:volume/*`,
      context: {
        'aws:RequestTag/snap-to-s3': ['x'],
        'aws:TagKeys': ['snap-to-s3'],
        'ec2:AvailabilityZone': ['us-east-1a'],
        'ec2:Encrypted': ['false'],
        'ec2:ParentSnapshot': [`arn:aws:ec2:us-east-1::snapshot/${SnapshotId}`],
        'ec2:VolumeSize': ['2'],
        'ec2:VolumeType': ['gp3'],
      },
    });
    expect(volume?.context).not.toHaveProperty('ec2:CreateAction');
    expect(snapshot).toMatchObject({
      action: 'ec2:CreateVolume',
      resource: `arn:aws:ec2:us-east-1::snapshot/${SnapshotId}`,
      context: { 'aws:ResourceTag/team': ['a'], 'ec2:ResourceTag/team': ['a'], 'ec2:Owner': ['123456789012'] },
    });
    expect(tags).toMatchObject({
      action: 'ec2:CreateTags',
      resource: `${account}:volume/*`,
      context: { 'ec2:CreateAction': ['CreateVolume'], 'aws:RequestTag/snap-to-s3': ['x'] },
    });
  });

  it('for tags of what is there is about each resource, with its tags and those of the request', async () => {
    const { client, takeAsked } = await watchedEc2();
    const volume = await availableVolume(client);
    takeAsked();
    await client.send(new CreateTagsCommand({ Resources: [volume], Tags: [{ Key: 'a', Value: '1' }] }));
    await client.send(new DeleteTagsCommand({ Resources: [volume], Tags: [{ Key: 'a' }] }));
    const [create, remove] = takeAsked();
    expect(create).toMatchObject({
      action: 'ec2:CreateTags',
      resource: `${account}:volume/${volume}`,
      context: { 'aws:RequestTag/a': ['1'], 'aws:TagKeys': ['a'] },
    });
    expect(create?.context).not.toHaveProperty('aws:ResourceTag/a');
    expect(create?.context).not.toHaveProperty('ec2:CreateAction');
    expect(remove).toMatchObject({ action: 'ec2:DeleteTags', context: { 'aws:ResourceTag/a': ['1'] } });
  });

  it('for attaching is about the volume and the instance', async () => {
    const { client, service, takeAsked } = await watchedEc2();
    const VolumeId = await availableVolume(client);
    takeAsked();
    const DryRun = true;
    await failure(
      client.send(new AttachVolumeCommand({ VolumeId, InstanceId: service.instance.id, Device: '/dev/sdf', DryRun })),
    );
    expect(takeAsked().map(({ action, resource }) => `${action} ${resource}`)).toEqual([
      `ec2:AttachVolume ${account}:volume/${VolumeId}`,
      `ec2:AttachVolume ${account}:instance/${service.instance.id}`,
    ]);
  });

  it('for a copy is about the new snapshot here and the old one there', async () => {
    const { client, url, takeAsked } = await watchedEc2();
    const SourceSnapshotId = await completedSnapshot(client, await availableVolume(client));
    takeAsked();
    await clientOf(url, 'eu-west-1').send(new CopySnapshotCommand({ SourceRegion: 'us-east-1', SourceSnapshotId }));
    expect(takeAsked().map(({ action, resource, context }) => [action, resource, context?.['ec2:Region']])).toEqual([
      ['ec2:CopySnapshot', 'arn:aws:ec2:eu-west-1::snapshot/*', ['eu-west-1']],
      ['ec2:CopySnapshot', `arn:aws:ec2:us-east-1::snapshot/${SourceSnapshotId}`, ['eu-west-1']],
    ]);
  });

  it('for a snapshot is about the new one, its volume, and its first tags', async () => {
    const { client, takeAsked } = await watchedEc2();
    const VolumeId = await availableVolume(client);
    takeAsked();
    const TagSpecifications = [{ ResourceType: 'snapshot' as const, Tags: [{ Key: 'a', Value: 'b' }] }];
    await client.send(new CreateSnapshotCommand({ VolumeId, TagSpecifications }));
    expect(takeAsked().map(({ action, resource }) => `${action} ${resource}`)).toEqual([
      `ec2:CreateSnapshot ${account}:volume/${VolumeId}`,
      'ec2:CreateSnapshot arn:aws:ec2:us-east-1::snapshot/*',
      'ec2:CreateTags arn:aws:ec2:us-east-1::snapshot/*',
    ]);
  });

  it('for sharing says with whom', async () => {
    const { client, takeAsked } = await watchedEc2();
    const SnapshotId = await completedSnapshot(client, await availableVolume(client));
    takeAsked();
    const Add = [{ UserId: '999988887777' }, { Group: 'all' as const }];
    await client.send(new ModifySnapshotAttributeCommand({ SnapshotId, CreateVolumePermission: { Add } }));
    expect(takeAsked()).toMatchObject([
      {
        action: 'ec2:ModifySnapshotAttribute',
        resource: `arn:aws:ec2:us-east-1::snapshot/${SnapshotId}`,
        context: {
          'ec2:Add/userId': ['999988887777'],
          'ec2:Add/group': ['all'],
          'ec2:ParentVolume': [expect.stringContaining(`${account}:volume/vol-`)],
        },
      },
    ]);
  });

  it('is asked for every operation there is', async () => {
    let denies = false;
    const { client, service, url } = await startEc2({
      authorize: ({ action }) => {
        if (denies) throw new Refusal('access-denied', action);
      },
    });
    const VolumeId = await availableVolume(client);
    const SnapshotId = await completedSnapshot(client, VolumeId);
    const InstanceId = service.instance.id;
    const required: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      AttachVolume: { VolumeId, InstanceId, Device: '/dev/sdf' },
      CopySnapshot: { SourceRegion: 'us-east-1', SourceSnapshotId: SnapshotId },
      CreateSnapshot: { VolumeId },
      CreateTags: { 'ResourceId.1': VolumeId, 'Tag.1.Key': 'a' },
      CreateVolume: { AvailabilityZone: 'us-east-1a', Size: '1' },
      DeleteSnapshot: { SnapshotId },
      DeleteTags: { 'ResourceId.1': VolumeId },
      DeleteVolume: { VolumeId },
      DescribeInstanceAttribute: { InstanceId, Attribute: 'instanceType' },
      DescribeSnapshotAttribute: { SnapshotId, Attribute: 'createVolumePermission' },
      DetachVolume: { VolumeId },
      ModifySnapshotAttribute: { SnapshotId, 'CreateVolumePermission.Add.1.Group': 'all' },
      ModifySnapshotTier: { SnapshotId },
      ResetSnapshotAttribute: { SnapshotId, Attribute: 'createVolumePermission' },
      RestoreSnapshotTier: { SnapshotId },
    };
    denies = true;
    for (const Action of operations.keys()) {
      const response = await rawRequest(url, { Action, ...required[Action] });
      const text = await response.text();
      expect(`${Action} ${response.status} ${/<Message>(.*)<\/Message>/.exec(text)?.[1]}`).toBe(
        `${Action} 403 You are not authorized to perform this operation. ec2:${Action}`,
      );
    }
  });
});

describe('what policies do not allow', () => {
  it('is UnauthorizedOperation with 403, and is not done', async () => {
    const { client } = await ec2Without('ec2:DeleteSnapshot');
    const SnapshotId = await completedSnapshot(client, await availableVolume(client));
    const denied = {
      code: 'UnauthorizedOperation',
      status: 403,
      message: `You are not authorized to perform this operation. User: someone is not authorized to perform: ec2:DeleteSnapshot on resource: arn:aws:ec2:us-east-1::snapshot/${SnapshotId} because no identity-based policy allows the ec2:DeleteSnapshot action`,
    };
    expect(await failure(client.send(new DeleteSnapshotCommand({ SnapshotId })))).toEqual(denied);
    expect(await failure(client.send(new DeleteSnapshotCommand({ SnapshotId, DryRun: true })))).toEqual(denied);
    expect((await snapshotNow(client, SnapshotId))?.State).toBe('completed');
  });

  it('is what a dry run finds out', async () => {
    const { client } = await ec2Without('ec2:DeleteSnapshot');
    const VolumeId = await availableVolume(client);
    expect(await failure(client.send(new DeleteVolumeCommand({ VolumeId, DryRun: true })))).toMatchObject({
      code: 'DryRunOperation',
      status: 412,
    });
  });

  it('may be only the tags that a volume is born with', async () => {
    const { client } = await ec2Without('ec2:CreateTags');
    const TagSpecifications = [{ ResourceType: 'volume' as const, Tags: [{ Key: 'a', Value: 'b' }] }];
    const input = { AvailabilityZone: 'us-east-1a', Size: 1 };
    await client.send(new CreateVolumeCommand(input));
    expect(await failure(client.send(new CreateVolumeCommand({ ...input, TagSpecifications })))).toMatchObject({
      code: 'UnauthorizedOperation',
    });
  });

  it('is not asked about what is not there', async () => {
    const { client } = await ec2Without('ec2:DeleteSnapshot');
    expect(
      await failure(client.send(new DeleteSnapshotCommand({ SnapshotId: 'snap-0123456789abcdef0' }))),
    ).toMatchObject({ code: 'InvalidSnapshot.NotFound' });
  });
});
