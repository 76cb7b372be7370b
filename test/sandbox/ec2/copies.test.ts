import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CopySnapshotCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  type CopySnapshotCommandInput,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { runText } from '../../../src/process/index.js';
import {
  availableVolume,
  clientOf,
  completedSnapshot,
  eventually,
  failure,
  rawRequest,
  scratchDirectory,
  snapshotNow,
  startEc2,
} from './support.js';

describe('CopySnapshot', () => {
  it('brings the bytes to another region, with tags and description of its own', async () => {
    const { client, url, directory } = await startEc2();
    const volume = await availableVolume(client, { Size: 3 });
    await writeFile(join(directory, 'volumes', `${volume}.img`), 'seen in Ireland', { flag: 'r+' });
    const SourceSnapshotId = await completedSnapshot(client, volume, 'the source');
    const ireland = clientOf(url, 'eu-west-1');
    const answer = await ireland.send(
      new CopySnapshotCommand({
        SourceRegion: 'us-east-1',
        SourceSnapshotId,
        Description: 'the copy',
        TagSpecifications: [{ ResourceType: 'snapshot', Tags: [{ Key: 'Name', Value: 'copy' }] }],
      }),
    );
    expect(answer.Tags).toEqual([{ Key: 'Name', Value: 'copy' }]);
    const id = answer.SnapshotId ?? '';
    const copy = await eventually(async () => {
      const now = await snapshotNow(ireland, id);
      return now?.State === 'completed' ? now : undefined;
    });
    expect(copy).toMatchObject({
      VolumeId: 'vol-ffffffff',
      VolumeSize: 3,
      Description: 'the copy',
      OwnerId: '123456789012',
      TransferType: 'standard',
      Tags: [{ Key: 'Name', Value: 'copy' }],
    });
    expect(await snapshotNow(client, id)).toBeUndefined();
    // The copy is whole by itself.
    await client.send(new DeleteSnapshotCommand({ SnapshotId: SourceSnapshotId }));
    const { VolumeId = '' } = await ireland.send(
      new CreateVolumeCommand({ AvailabilityZone: 'eu-west-1a', SnapshotId: id }),
    );
    const image = join(directory, 'volumes', `${VolumeId}.img`);
    const begin = () => runText(['head', '--bytes=15', image]).catch(() => undefined);
    expect(await eventually(begin)).toBe('seen in Ireland');
  });

  it('is pending for a while, with progress, and finishes after its source is deleted', async () => {
    const { client } = await startEc2({ delays: { snapshotMs: 300 } });
    const SourceSnapshotId = await completedSnapshot(client, await availableVolume(client));
    const { SnapshotId = '' } = await client.send(
      new CopySnapshotCommand({ SourceRegion: 'us-east-1', SourceSnapshotId }),
    );
    expect((await snapshotNow(client, SnapshotId))?.State).toBe('pending');
    await client.send(new DeleteSnapshotCommand({ SnapshotId: SourceSnapshotId }));
    await eventually(async () => ((await snapshotNow(client, SnapshotId))?.State === 'completed' ? true : undefined));
  });

  it('survives a restart in the middle', async () => {
    const directory = await scratchDirectory();
    const first = await startEc2({ directory });
    const SourceSnapshotId = await completedSnapshot(first.client, await availableVolume(first.client));
    await first.close();
    const slow = await startEc2({ directory, delays: { snapshotMs: 60_000 } });
    const { SnapshotId = '' } = await slow.client.send(
      new CopySnapshotCommand({ SourceRegion: 'us-east-1', SourceSnapshotId }),
    );
    await slow.close();
    const { client } = await startEc2({ directory });
    expect((await snapshotNow(client, SnapshotId))?.State).toBe('completed');
  });

  it('takes twenty at once to one region, and as many to another', async () => {
    const { client, service, url } = await startEc2({ delays: { snapshotMs: 60_000 } });
    const SourceSnapshotId = await service.arrange.addForeignSnapshot({
      ownerId: '999988887777',
      sharedWith: 'everyone',
      sizeGiB: 1,
    });
    const copy = (to = client) => to.send(new CopySnapshotCommand({ SourceRegion: 'us-east-1', SourceSnapshotId }));
    await Promise.all(Array.from({ length: 20 }, () => copy()));
    expect(await failure(copy())).toEqual({
      code: 'ResourceLimitExceeded',
      status: 400,
      message: 'Too many snapshot copies in progress. The limit is 20 for this destination region.',
    });
    expect((await copy(clientOf(url, 'us-west-2'))).SnapshotId).toMatch(/^snap-/);
  });

  it('refuses what EC2 refuses, and says what the sandbox lacks', async () => {
    const { client, service } = await startEc2({ delays: { snapshotMs: 200 } });
    const SourceSnapshotId = await completedSnapshot(client, await availableVolume(client));
    const of = (input: Partial<CopySnapshotCommandInput>) =>
      failure(client.send(new CopySnapshotCommand({ SourceRegion: 'us-east-1', SourceSnapshotId, ...input })));
    expect(await of({ SourceSnapshotId: 'snap-0123456789abcdef0' })).toMatchObject({
      code: 'InvalidSnapshot.NotFound',
    });
    expect(await of({ SourceRegion: 'eu-west-1' })).toMatchObject({ code: 'InvalidSnapshot.NotFound' });
    expect(await of({ SourceRegion: 'mars-north-1' })).toMatchObject({ code: 'InvalidParameterValue' });
    expect(await of({ KmsKeyId: 'alias/mine' })).toMatchObject({ code: 'InvalidParameterDependency' });
    expect(await of({ CompletionDurationMinutes: 15 })).toMatchObject({ code: 'NotImplemented' });
    expect(await of({ DryRun: true })).toMatchObject({ code: 'DryRunOperation' });
    const pending = await client.send(new CopySnapshotCommand({ SourceRegion: 'us-east-1', SourceSnapshotId }));
    expect(await of({ SourceSnapshotId: pending.SnapshotId })).toMatchObject({ code: 'IncorrectState' });
    await service.arrange.failSnapshot(SourceSnapshotId, { reason: 'on demand' });
    expect(await of({})).toMatchObject({ code: 'IncorrectState' });
  });

  it('wants the presigned URL to be about the same copy', async () => {
    const { client, url } = await startEc2();
    const SourceSnapshotId = await completedSnapshot(client, await availableVolume(client));
    const about = (id: string) =>
      `https://ec2.us-east-1.amazonaws.com/?Action=CopySnapshot&SourceSnapshotId=${id}&SourceRegion=us-east-1&DestinationRegion=us-east-1`;
    const ask = async (PresignedUrl: string) =>
      (await rawRequest(url, { Action: 'CopySnapshot', SourceRegion: 'us-east-1', SourceSnapshotId, PresignedUrl }))
        .status;
    expect(await ask(about('snap-0123456789abcdef0'))).toBe(400);
    expect(await ask(about(SourceSnapshotId))).toBe(200);
  });
});

describe('a snapshot that failed', () => {
  it('says why, and makes no volume', async () => {
    const { client, service } = await startEc2();
    const SnapshotId = await completedSnapshot(client, await availableVolume(client));
    await service.arrange.failSnapshot(SnapshotId, { reason: 'Client.InvalidDevice' });
    expect(await snapshotNow(client, SnapshotId)).toMatchObject({
      State: 'error',
      StateMessage: 'Client.InvalidDevice',
    });
    const input = { AvailabilityZone: 'us-east-1a', SnapshotId };
    expect(await failure(client.send(new CreateVolumeCommand(input)))).toMatchObject({ code: 'IncorrectState' });
  });
});
