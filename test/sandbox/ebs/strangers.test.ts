import { ListSnapshotBlocksCommand, StartSnapshotCommand } from '@aws-sdk/client-ebs';
import { ModifySnapshotTierCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { blockOf, eventually, failure, snapshotNow, snapshotOfVolumeWith, startEbs } from './support.js';

const notThere = { code: 'ResourceNotFoundException', status: 404 };

describe('a snapshot', () => {
  it.each([
    ['this-account', 'can be read'],
    ['everyone', 'ResourceNotFoundException'],
    ['nobody', 'ResourceNotFoundException'],
  ] as const)('of another account, shared with %s -> %s, and it is no parent', async (sharedWith, expected) => {
    const { ebs, service } = await startEbs();
    const foreign = { ownerId: '999988887777', sharedWith, sizeGiB: 1 };
    const SnapshotId = await service.arrange.addForeignSnapshot(foreign);
    const listing = ebs.send(new ListSnapshotBlocksCommand({ SnapshotId })).then(
      ({ VolumeSize }) => (VolumeSize === 1 ? 'can be read' : VolumeSize),
      (error: unknown) => (error as Error).name,
    );
    expect(await listing).toBe(expected);
    const child = new StartSnapshotCommand({ VolumeSize: 1, ParentSnapshotId: SnapshotId });
    expect(await failure(ebs.send(child))).toMatchObject(notThere);
  });

  it('that is archived cannot be read', async () => {
    const test = await startEbs();
    const SnapshotId = await snapshotOfVolumeWith(test, [[0, blockOf(1)]]);
    await test.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId }));
    await test.ec2.send(new ModifySnapshotTierCommand({ SnapshotId, StorageTier: 'archive' }));
    await eventually(async () => {
      const now = await snapshotNow(test.ec2, SnapshotId);
      return now?.StorageTier === 'archive' ? true : undefined;
    }, `${SnapshotId} archived`);
    expect(await failure(test.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId })))).toMatchObject(notThere);
  });
});
