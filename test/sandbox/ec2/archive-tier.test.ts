import {
  CopySnapshotCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DescribeSnapshotTierStatusCommand,
  DescribeSnapshotsCommand,
  ModifySnapshotAttributeCommand,
  ModifySnapshotTierCommand,
  RestoreSnapshotTierCommand,
  type EC2Client,
  type RestoreSnapshotTierCommandInput,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../../src/core/index.js';
import {
  availableVolume,
  completedSnapshot,
  eventually,
  failure,
  scratchDirectory,
  snapshotNow,
  startEc2,
} from './support.js';

const dayMs = 24 * 60 * 60 * 1000;

async function tierOf(client: EC2Client, id: string) {
  const { SnapshotTierStatuses = [] } = await client.send(
    new DescribeSnapshotTierStatusCommand({ Filters: [{ Name: 'snapshot-id', Values: [id] }] }),
  );
  return SnapshotTierStatuses[0];
}

/** Waits until the last tiering operation of a snapshot has this status. */
function tiered(client: EC2Client, id: string, status: string): Promise<true> {
  return eventually(async () => ((await tierOf(client, id))?.LastTieringOperationStatus === status ? true : undefined));
}

/** A snapshot in the archive. */
async function archivedSnapshot(client: EC2Client, volume?: string): Promise<string> {
  const SnapshotId = await completedSnapshot(client, volume ?? (await availableVolume(client)));
  await client.send(new ModifySnapshotTierCommand({ SnapshotId, StorageTier: 'archive' }));
  await tiered(client, SnapshotId, 'archival-completed');
  return SnapshotId;
}

function makeVolume(client: EC2Client, SnapshotId: string) {
  return client.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', SnapshotId }));
}

describe('ModifySnapshotTier', () => {
  it('archives: usable until it is done, then not', async () => {
    const { client } = await startEc2({ delays: { archiveMs: 400 } });
    const volume = await availableVolume(client);
    const SnapshotId = await completedSnapshot(client, volume);
    const before = Date.now();
    const answer = await client.send(new ModifySnapshotTierCommand({ SnapshotId, StorageTier: 'archive' }));
    expect(answer.SnapshotId).toBe(SnapshotId);
    expect(answer.TieringStartTime?.getTime()).toBeGreaterThanOrEqual(before);
    expect(await tierOf(client, SnapshotId)).toMatchObject({
      SnapshotId,
      VolumeId: volume,
      OwnerId: '123456789012',
      Status: 'completed',
      StorageTier: 'standard',
      LastTieringOperationStatus: 'archival-in-progress',
    });
    await makeVolume(client, SnapshotId);
    await tiered(client, SnapshotId, 'archival-completed');
    expect(await tierOf(client, SnapshotId)).toMatchObject({
      StorageTier: 'archive',
      LastTieringProgress: 100,
      LastTieringStartTime: answer.TieringStartTime,
      ArchivalCompleteTime: expect.any(Date),
    });
    expect(await snapshotNow(client, SnapshotId)).toMatchObject({ State: 'completed', StorageTier: 'archive' });
    expect(await failure(makeVolume(client, SnapshotId))).toMatchObject({ code: 'IncorrectState' });
    const copy = client.send(new CopySnapshotCommand({ SourceRegion: 'us-east-1', SourceSnapshotId: SnapshotId }));
    expect(await failure(copy)).toMatchObject({ code: 'IncorrectState' });
  });

  it('ends sharing, and archived snapshots cannot be shared', async () => {
    const { client } = await startEc2({ delays: { archiveMs: 300 } });
    const SnapshotId = await completedSnapshot(client, await availableVolume(client));
    const CreateVolumePermission = { Add: [{ UserId: '999988887777' }] };
    const share = () => client.send(new ModifySnapshotAttributeCommand({ SnapshotId, CreateVolumePermission }));
    await share();
    const restorable = async () =>
      (await client.send(new DescribeSnapshotsCommand({ RestorableByUserIds: ['999988887777'] }))).Snapshots?.length;
    await client.send(new ModifySnapshotTierCommand({ SnapshotId, StorageTier: 'archive' }));
    expect(await restorable()).toBe(1);
    await tiered(client, SnapshotId, 'archival-completed');
    expect(await restorable()).toBe(0);
    expect(await failure(share())).toMatchObject({ code: 'IncorrectState' });
  });

  it('refuses what is archived already, pending, or of another tier', async () => {
    const { client, service } = await startEc2();
    const SnapshotId = await archivedSnapshot(client);
    const of = (id: string, StorageTier: 'archive' = 'archive') =>
      failure(client.send(new ModifySnapshotTierCommand({ SnapshotId: id, StorageTier })));
    expect(await of(SnapshotId)).toMatchObject({ code: 'IncorrectState' });
    expect(await of('snap-0123456789abcdef0')).toMatchObject({ code: 'InvalidSnapshot.NotFound' });
    expect(await of(SnapshotId, 'standard' as 'archive')).toMatchObject({ code: 'InvalidParameterValue' });
    const foreign = await service.arrange.addForeignSnapshot({
      ownerId: '999988887777',
      sharedWith: 'everyone',
      sizeGiB: 1,
    });
    expect(await of(foreign)).toMatchObject({ code: 'InvalidSnapshot.NotFound' });
    const failed = await completedSnapshot(client, await availableVolume(client));
    await service.arrange.failSnapshot(failed, { reason: 'on demand' });
    expect(await of(failed)).toMatchObject({ code: 'IncorrectState' });
  });

  it('takes 25 snapshots of one volume', async () => {
    const { client } = await startEc2();
    const volume = await availableVolume(client);
    for (let count = 0; count < 25; count += 1) await archivedSnapshot(client, volume);
    const SnapshotId = await completedSnapshot(client, volume);
    expect(await failure(client.send(new ModifySnapshotTierCommand({ SnapshotId })))).toMatchObject({
      code: 'ResourceLimitExceeded',
    });
    await archivedSnapshot(client);
  });

  it('lets what it archives be deleted, and goes on after a restart', async () => {
    const directory = await scratchDirectory();
    const first = await startEc2({ directory, delays: { archiveMs: 60_000 } });
    const volume = await availableVolume(first.client);
    const deleted = await completedSnapshot(first.client, volume);
    const kept = await completedSnapshot(first.client, volume);
    for (const SnapshotId of [deleted, kept]) {
      await first.client.send(new ModifySnapshotTierCommand({ SnapshotId, StorageTier: 'archive' }));
    }
    await first.client.send(new DeleteSnapshotCommand({ SnapshotId: deleted }));
    await first.close();
    const { client } = await startEc2({ directory });
    await tiered(client, kept, 'archival-completed');
    expect(await snapshotNow(client, deleted)).toBeUndefined();
  });
});

describe('RestoreSnapshotTier', () => {
  it('for good makes an ordinary snapshot again', async () => {
    const { client } = await startEc2({ delays: { restoreMs: 200 } });
    const SnapshotId = await archivedSnapshot(client);
    const answer = await client.send(new RestoreSnapshotTierCommand({ SnapshotId, PermanentRestore: true }));
    expect(answer).toMatchObject({ SnapshotId, IsPermanentRestore: true, RestoreStartTime: expect.any(Date) });
    expect(answer.RestoreDuration).toBeUndefined();
    expect((await tierOf(client, SnapshotId))?.LastTieringOperationStatus).toBe('permanent-restore-in-progress');
    expect(await failure(makeVolume(client, SnapshotId))).toMatchObject({ code: 'IncorrectState' });
    await tiered(client, SnapshotId, 'permanent-restore-completed');
    expect((await snapshotNow(client, SnapshotId))?.StorageTier).toBe('standard');
    await makeVolume(client, SnapshotId);
    await client.send(new ModifySnapshotTierCommand({ SnapshotId, StorageTier: 'archive' }));
  });

  it('for some days ends by itself, and can be prolonged or made permanent meanwhile', async () => {
    let laterMs = 0;
    const clock: Clock = {
      now: () => systemClock.now() + laterMs,
      sleep: (ms, signal) => systemClock.sleep(ms, signal),
    };
    const { client } = await startEc2({ clock });
    const SnapshotId = await archivedSnapshot(client);
    const restore = (input: Partial<RestoreSnapshotTierCommandInput>) =>
      client.send(new RestoreSnapshotTierCommand({ SnapshotId, ...input }));
    expect(await restore({ TemporaryRestoreDays: 5 })).toMatchObject({ RestoreDuration: 5, IsPermanentRestore: false });
    await tiered(client, SnapshotId, 'temporary-restore-completed');
    const now = await snapshotNow(client, SnapshotId);
    expect(now?.StorageTier).toBe('standard');
    const expiry = now?.RestoreExpiryTime?.getTime() ?? 0;
    expect(Math.abs(expiry - clock.now() - 5 * dayMs)).toBeLessThan(60_000);
    laterMs = 4 * dayMs;
    await restore({ TemporaryRestoreDays: 3 });
    laterMs = 6 * dayMs;
    await makeVolume(client, SnapshotId);
    laterMs = 8 * dayMs;
    expect(await snapshotNow(client, SnapshotId)).toMatchObject({ StorageTier: 'archive' });
    expect((await snapshotNow(client, SnapshotId))?.RestoreExpiryTime).toBeUndefined();
    expect(await failure(makeVolume(client, SnapshotId))).toMatchObject({ code: 'IncorrectState' });
    await restore({});
    await tiered(client, SnapshotId, 'temporary-restore-completed');
    await restore({ PermanentRestore: true });
    laterMs = 400 * dayMs;
    expect((await tierOf(client, SnapshotId))?.LastTieringOperationStatus).toBe('permanent-restore-completed');
    await makeVolume(client, SnapshotId);
  });

  it('refuses what EC2 refuses', async () => {
    const { client } = await startEc2({ delays: { restoreMs: 60_000 } });
    const SnapshotId = await archivedSnapshot(client);
    const of = (input: Partial<RestoreSnapshotTierCommandInput>) =>
      failure(client.send(new RestoreSnapshotTierCommand({ SnapshotId, ...input })));
    expect(await of({ TemporaryRestoreDays: 181 })).toMatchObject({ code: 'InvalidParameterValue' });
    expect(await of({ TemporaryRestoreDays: 0 })).toMatchObject({ code: 'InvalidParameterValue' });
    expect(await of({ TemporaryRestoreDays: 1, PermanentRestore: true })).toMatchObject({
      code: 'InvalidParameterCombination',
    });
    const standard = await completedSnapshot(client, await availableVolume(client));
    expect(await of({ SnapshotId: standard })).toMatchObject({ code: 'IncorrectState' });
    for (let count = 0; count < 5; count += 1) {
      await client.send(new RestoreSnapshotTierCommand({ SnapshotId: await archivedSnapshot(client) }));
    }
    expect(await of({})).toMatchObject({ code: 'ResourceLimitExceeded' });
  });
});

describe('DescribeSnapshotTierStatus', () => {
  it('finds by last operation and volume, page by page; DescribeSnapshots by tier', async () => {
    const { client } = await startEc2();
    const volume = await availableVolume(client);
    const plain = await completedSnapshot(client, volume);
    const archived = await archivedSnapshot(client);
    for (let more = 0; more < 5; more += 1) await completedSnapshot(client, volume);
    const find = async (Name: string, Value: string) =>
      (
        await client.send(new DescribeSnapshotTierStatusCommand({ Filters: [{ Name, Values: [Value] }] }))
      ).SnapshotTierStatuses?.map(({ SnapshotId }) => SnapshotId);
    expect(await find('last-tiering-operation', 'archival-completed')).toEqual([archived]);
    expect(await find('volume-id', volume)).toHaveLength(6);
    const first = await client.send(new DescribeSnapshotTierStatusCommand({ MaxResults: 5 }));
    expect(first.SnapshotTierStatuses).toHaveLength(5);
    const second = await client.send(
      new DescribeSnapshotTierStatusCommand({ MaxResults: 5, NextToken: first.NextToken }),
    );
    expect(second.SnapshotTierStatuses).toHaveLength(2);
    expect(second.NextToken).toBeUndefined();
    const byTier = async (tier: string) =>
      (
        await client.send(new DescribeSnapshotsCommand({ Filters: [{ Name: 'storage-tier', Values: [tier] }] }))
      ).Snapshots?.map(({ SnapshotId }) => SnapshotId);
    expect(await byTier('archive')).toEqual([archived]);
    expect(await byTier('standard')).toContain(plain);
  });
});
