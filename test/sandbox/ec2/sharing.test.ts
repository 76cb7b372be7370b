import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CopySnapshotCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DescribeSnapshotAttributeCommand,
  DescribeSnapshotTierStatusCommand,
  DescribeSnapshotsCommand,
  ModifySnapshotAttributeCommand,
  ResetSnapshotAttributeCommand,
  type DescribeSnapshotsCommandInput,
  type EC2Client,
  type ModifySnapshotAttributeCommandInput,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import type { ForeignSnapshot } from '../../../sandbox/ec2/index.js';
import { runText } from '../../../src/process/index.js';
import {
  availableVolume,
  completedSnapshot,
  eventually,
  failure,
  scratchDirectory,
  snapshotNow,
  startEc2,
} from './support.js';

const self = '123456789012';
const other = '999988887777';
const third = '111122223333';

/** EC2 with one snapshot of each kind of owner and sharing. */
async function mixedEc2() {
  const ec2 = await startEc2();
  const { client, service } = ec2;
  const add = (foreign: Partial<ForeignSnapshot>) =>
    service.arrange.addForeignSnapshot({ ownerId: other, sharedWith: 'nobody', sizeGiB: 1, ...foreign });
  const own = await completedSnapshot(client, await availableVolume(client));
  const hidden = await add({});
  const shared = await add({ sharedWith: 'this-account', description: 'for you' });
  const open = await add({ sharedWith: 'everyone' });
  const amazons = await add({ ownerId: '137112412989', ownerAlias: 'amazon', sharedWith: 'everyone' });
  return { ...ec2, own, hidden, shared, open, amazons };
}

async function find(client: EC2Client, input: DescribeSnapshotsCommandInput) {
  const { Snapshots = [] } = await client.send(new DescribeSnapshotsCommand(input));
  return Snapshots.map(({ SnapshotId }) => SnapshotId);
}

async function permissionsOf(client: EC2Client, SnapshotId: string) {
  const Attribute = 'createVolumePermission';
  const answer = await client.send(new DescribeSnapshotAttributeCommand({ SnapshotId, Attribute }));
  return answer.CreateVolumePermissions;
}

describe('DescribeSnapshots', () => {
  it('without more finds all that the account may use', async () => {
    const { client, own, shared, open, amazons } = await mixedEc2();
    expect(await find(client, {})).toEqual([own, shared, open, amazons]);
  });

  it('finds by owner: self, numbers, amazon', async () => {
    const { client, own, shared, open, amazons } = await mixedEc2();
    expect(await find(client, { OwnerIds: ['self'] })).toEqual([own]);
    expect(await find(client, { OwnerIds: [self] })).toEqual([own]);
    expect(await find(client, { OwnerIds: [other] })).toEqual([shared, open]);
    expect(await find(client, { OwnerIds: ['amazon', 'self'] })).toEqual([own, amazons]);
    expect(await find(client, { Filters: [{ Name: 'owner-alias', Values: ['amazon'] }] })).toEqual([amazons]);
    expect(await find(client, { Filters: [{ Name: 'owner-id', Values: [`${other.slice(0, 4)}*`] }] })).toEqual([
      shared,
      open,
    ]);
    expect(await snapshotNow(client, amazons)).toMatchObject({ OwnerAlias: 'amazon', OwnerId: '137112412989' });
  });

  it('finds by who can restore: self, all, accounts that one shares with', async () => {
    const { client, own, shared, open, amazons } = await mixedEc2();
    const CreateVolumePermission = { Add: [{ UserId: third }] };
    await client.send(new ModifySnapshotAttributeCommand({ SnapshotId: own, CreateVolumePermission }));
    expect(await find(client, { RestorableByUserIds: ['self'] })).toEqual([own, shared]);
    expect(await find(client, { RestorableByUserIds: ['all'] })).toEqual([open, amazons]);
    expect(await find(client, { RestorableByUserIds: [third] })).toEqual([own]);
    expect(await find(client, { RestorableByUserIds: [other] })).toEqual([]);
  });

  it('by id leaves out what the account may not use, and knows what is not there', async () => {
    const { client, own, hidden, shared } = await mixedEc2();
    expect(await find(client, { SnapshotIds: [hidden, shared, own] })).toEqual([shared, own]);
    const SnapshotIds = [own, 'snap-0123456789abcdef0'];
    expect(await failure(client.send(new DescribeSnapshotsCommand({ SnapshotIds })))).toMatchObject({
      code: 'InvalidSnapshot.NotFound',
    });
  });

  it('remembers foreign snapshots over a restart', async () => {
    const directory = await scratchDirectory();
    const first = await startEc2({ directory });
    const foreign = await first.service.arrange.addForeignSnapshot({
      ownerId: other,
      sharedWith: 'this-account',
      sizeGiB: 2,
    });
    await first.close();
    const { client } = await startEc2({ directory });
    expect(await snapshotNow(client, foreign)).toMatchObject({ OwnerId: other, VolumeSize: 2 });
  });
});

describe('the snapshot of another account', () => {
  it('makes volumes and copies where it is shared, with its bytes', async () => {
    const { client, service, directory } = await startEc2();
    const file = join(await scratchDirectory(), 'disk');
    await writeFile(file, 'from a friend');
    const foreign = { ownerId: other, sizeGiB: 1, file, sharedWith: 'this-account' } as const;
    const SnapshotId = await service.arrange.addForeignSnapshot(foreign);
    const volume = await availableVolume(client, { SnapshotId });
    const image = join(directory, 'volumes', `${volume}.img`);
    expect(await runText(['head', '--bytes=13', image])).toBe('from a friend');
    const copied = await client.send(
      new CopySnapshotCommand({ SourceRegion: 'us-east-1', SourceSnapshotId: SnapshotId }),
    );
    await eventually(async () =>
      (await snapshotNow(client, copied.SnapshotId ?? ''))?.State === 'completed' ? true : undefined,
    );
    expect((await snapshotNow(client, copied.SnapshotId ?? ''))?.OwnerId).toBe(self);
  });

  it('is as good as absent where it is not shared', async () => {
    const { client, hidden } = await mixedEc2();
    const all = [
      client.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', SnapshotId: hidden })),
      client.send(new CopySnapshotCommand({ SourceRegion: 'us-east-1', SourceSnapshotId: hidden })),
      client.send(new CreateTagsCommand({ Resources: [hidden], Tags: [{ Key: 'a', Value: 'b' }] })),
      client.send(new DeleteSnapshotCommand({ SnapshotId: hidden })),
    ];
    const codes = (await Promise.all(all.map(failure))).map(({ code }) => code);
    expect(codes).toEqual(Array<string>(4).fill('InvalidSnapshot.NotFound'));
  });

  it('bears tags that only this account sees', async () => {
    const { client, shared } = await mixedEc2();
    await client.send(new CreateTagsCommand({ Resources: [shared], Tags: [{ Key: 'mine', Value: 'yes' }] }));
    expect(await find(client, { Filters: [{ Name: 'tag:mine', Values: ['yes'] }] })).toEqual([shared]);
    await client.send(new DeleteTagsCommand({ Resources: [shared] }));
    expect((await snapshotNow(client, shared))?.Tags ?? []).toEqual([]);
  });

  it('cannot be deleted, shared, archived or looked into', async () => {
    const { client, shared } = await mixedEc2();
    const SnapshotId = shared;
    const Attribute = 'createVolumePermission' as const;
    const all = [
      client.send(new DeleteSnapshotCommand({ SnapshotId })),
      client.send(new DescribeSnapshotAttributeCommand({ SnapshotId, Attribute })),
      client.send(new ResetSnapshotAttributeCommand({ SnapshotId, Attribute })),
      client.send(
        new ModifySnapshotAttributeCommand({ SnapshotId, CreateVolumePermission: { Add: [{ UserId: third }] } }),
      ),
    ];
    const codes = (await Promise.all(all.map(failure))).map(({ code }) => code);
    expect(codes).toEqual(Array<string>(4).fill('InvalidSnapshot.NotFound'));
    expect((await snapshotNow(client, shared))?.Description).toBe('for you');
    const { SnapshotTierStatuses = [] } = await client.send(new DescribeSnapshotTierStatusCommand({}));
    expect(SnapshotTierStatuses.map(({ OwnerId }) => OwnerId)).toEqual([self]);
  });
});

describe('ModifySnapshotAttribute', () => {
  it('adds and removes accounts and everyone, in both ways of saying it', async () => {
    const { client } = await startEc2();
    const SnapshotId = await completedSnapshot(client, await availableVolume(client));
    const change = (input: Partial<ModifySnapshotAttributeCommandInput>) =>
      client.send(new ModifySnapshotAttributeCommand({ SnapshotId, ...input }));
    await change({ CreateVolumePermission: { Add: [{ UserId: other }, { Group: 'all' }] } });
    expect(await permissionsOf(client, SnapshotId)).toEqual([{ Group: 'all' }, { UserId: other }]);
    await change({ Attribute: 'createVolumePermission', OperationType: 'add', UserIds: [third, other] });
    expect(await permissionsOf(client, SnapshotId)).toEqual([{ Group: 'all' }, { UserId: third }, { UserId: other }]);
    await change({ Attribute: 'createVolumePermission', OperationType: 'remove', GroupNames: ['all'] });
    await change({ CreateVolumePermission: { Remove: [{ UserId: other }, { UserId: '000000000000' }] } });
    expect(await permissionsOf(client, SnapshotId)).toEqual([{ UserId: third }]);
    const Attribute = 'createVolumePermission';
    await client.send(new ResetSnapshotAttributeCommand({ SnapshotId, Attribute }));
    expect(await permissionsOf(client, SnapshotId)).toEqual([]);
  });

  it('refuses what EC2 refuses', async () => {
    const { client } = await startEc2();
    const SnapshotId = await completedSnapshot(client, await availableVolume(client));
    const of = (input: Partial<ModifySnapshotAttributeCommandInput>) =>
      failure(client.send(new ModifySnapshotAttributeCommand({ SnapshotId, ...input })));
    const Add = [{ UserId: other }];
    expect(await of({ CreateVolumePermission: { Add, Remove: [{ UserId: third }] } })).toMatchObject({
      code: 'InvalidParameterCombination',
    });
    expect(await of({})).toMatchObject({ code: 'InvalidParameterCombination' });
    expect(await of({ CreateVolumePermission: { Add: [{ UserId: 'bob' }] } })).toMatchObject({
      code: 'InvalidAMIAttributeItemValue',
    });
    expect(await of({ Attribute: 'productCodes', OperationType: 'add', UserIds: [other] })).toMatchObject({
      code: 'InvalidParameterValue',
    });
    const many = Array.from({ length: 501 }, (_, index) => ({ UserId: String(100_000_000_000 + index) }));
    expect(await of({ CreateVolumePermission: { Add: many } })).toMatchObject({ code: 'InvalidParameterValue' });
    expect(await of({ SnapshotId: 'snap-0123456789abcdef0', CreateVolumePermission: { Add } })).toMatchObject({
      code: 'InvalidSnapshot.NotFound',
    });
    expect(await permissionsOf(client, SnapshotId)).toEqual([]);
  });
});
