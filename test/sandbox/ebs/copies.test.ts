import { randomBytes } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AttachVolumeCommand, DeleteSnapshotCommand, DetachVolumeCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { byIdName } from '../../../sandbox/ec2/index.js';
import { run } from '../../../src/process/index.js';
import { volumeNow } from '../ec2/support.js';
import {
  allBlocks,
  availableVolume,
  begin,
  blockBytes,
  blockOf,
  complete,
  completedSnapshot,
  eventually,
  get,
  linear,
  put,
  scratchDirectory,
  sha256,
  startEbs,
  volumeFile,
  volumeWith,
  written,
} from './support.js';

async function blockOfFile(path: string, index: number): Promise<Buffer> {
  const copy = join(await scratchDirectory(), 'block');
  await run(['dd', `if=${path}`, `of=${copy}`, `bs=${blockBytes}`, `skip=${index}`, 'count=1', 'status=none']);
  return readFile(copy);
}

describe('a copy of a snapshot, block by block', () => {
  it('of a filesystem makes a volume with the same bytes, which can be attached and mounted', async () => {
    const test = await startEbs();
    const source = await volumeWith(test, []);
    const [directory, target] = [await scratchDirectory(), await scratchDirectory()];
    const content = join(directory, 'content');
    await run(['mkdir', content]);
    await run(['dd', 'if=/dev/urandom', `of=${join(content, 'data')}`, 'bs=1M', 'count=20', 'status=none']);
    await run(['mkfs.ext4', '-q', '-F', '-d', content, volumeFile(test.directory, source)]);
    const original = await completedSnapshot(test.ec2, source);

    const blocks = await allBlocks(test.ebs, original);
    expect(blocks.length).toBeGreaterThan(40);
    expect(blocks.length).toBeLessThan(1_000);
    const copy = await begin(test.ebs);
    const data: Buffer[] = [];
    for (const block of blocks) {
      const bytes = await get(test.ebs, original, block);
      data.push(bytes);
      await put(test.ebs, copy, [block.BlockIndex ?? -1, bytes]);
    }
    const said = { Checksum: linear(data), ChecksumAlgorithm: 'SHA256', ChecksumAggregationMethod: 'LINEAR' } as const;
    await complete(test, copy, { ChangedBlocksCount: data.length, ...said });

    const VolumeId = await availableVolume(test.ec2, { SnapshotId: copy });
    await run(['cmp', volumeFile(test.directory, source), volumeFile(test.directory, VolumeId)]);
    const InstanceId = test.service.instance.id;
    await test.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: '/dev/sdf' }));
    const state = async (): Promise<string | undefined> =>
      (await volumeNow(test.ec2, VolumeId))?.Attachments?.[0]?.State;
    await eventually(async () => ((await state()) === 'attached' ? true : undefined));
    const mounted = join(directory, 'mounted');
    await run(['mkdir', mounted]);
    await run(['mount', '-o', 'ro', `/dev/disk/by-id/${byIdName(VolumeId)}`, mounted]);
    try {
      await copyFile(join(mounted, 'data'), join(target, 'data'));
    } finally {
      await run(['umount', mounted]);
    }
    await run(['cmp', join(content, 'data'), join(target, 'data')]);
    await test.ec2.send(new DetachVolumeCommand({ VolumeId }));
    await eventually(async () => ((await volumeNow(test.ec2, VolumeId))?.State === 'available' ? true : undefined));
    expect(test.notices).toEqual([]);
  });

  it('that was made of nothing reads as zeros, and blocks of random bytes as themselves', async () => {
    const test = await startEbs();
    const bytes = randomBytes(blockBytes);
    const id = await written(test, [[2_047, bytes]]);
    const file = volumeFile(test.directory, await availableVolume(test.ec2, { SnapshotId: id, Size: 2 }));
    expect(sha256(await blockOfFile(file, 2_047))).toBe(sha256(bytes));
    expect(sha256(await blockOfFile(file, 0))).toBe(sha256(blockOf(0)));
    expect(sha256(await blockOfFile(file, 2_048))).toBe(sha256(blockOf(0)));
  });
});

describe('a child', () => {
  it('has the blocks of its parent where none were put, also when the parent is deleted meanwhile', async () => {
    const test = await startEbs();
    const parent = await written(test, [
      [0, blockOf(1)],
      [3, blockOf(2)],
    ]);
    const child = await begin(test.ebs, { ParentSnapshotId: parent, VolumeSize: 2 });
    await test.ec2.send(new DeleteSnapshotCommand({ SnapshotId: parent }));
    await put(test.ebs, child, [3, blockOf(0)]);
    await put(test.ebs, child, [4_095, blockOf(4)]);
    await complete(test, child, { ChangedBlocksCount: 2 });
    const blocks = await allBlocks(test.ebs, child);
    expect(blocks.map(({ BlockIndex }) => BlockIndex)).toEqual([0, 3, 4_095]);
    const bytes = await Promise.all(blocks.map((block) => get(test.ebs, child, block)));
    expect(bytes.map(sha256)).toEqual([blockOf(1), blockOf(0), blockOf(4)].map(sha256));
    // And so has a grandchild.
    const grandchild = await begin(test.ebs, { ParentSnapshotId: child, VolumeSize: 2 });
    await put(test.ebs, grandchild, [1, blockOf(5)]);
    await complete(test, grandchild, { ChangedBlocksCount: 1 });
    expect((await allBlocks(test.ebs, grandchild)).map(({ BlockIndex }) => BlockIndex)).toEqual([0, 1, 3, 4_095]);
    const file = volumeFile(test.directory, await availableVolume(test.ec2, { SnapshotId: grandchild }));
    const found = await Promise.all([0, 1, 3, 4_095, 2].map((index) => blockOfFile(file, index)));
    expect(found.map(sha256)).toEqual([blockOf(1), blockOf(5), blockOf(0), blockOf(4), blockOf(0)].map(sha256));
  });

  it('of a snapshot of a volume has its blocks', async () => {
    const test = await startEbs();
    const parent = await completedSnapshot(test.ec2, await volumeWith(test, [[5, blockOf(5)]]));
    const child = await begin(test.ebs, { ParentSnapshotId: parent });
    await put(test.ebs, child, [6, blockOf(6)]);
    await complete(test, child, { ChangedBlocksCount: 1 });
    const blocks = await allBlocks(test.ebs, child);
    expect(blocks.map(({ BlockIndex }) => BlockIndex)).toEqual([5, 6]);
    expect(sha256(await get(test.ebs, child, blocks[0] ?? {}))).toBe(sha256(blockOf(5)));
    const of = await allBlocks(test.ebs, parent);
    expect(of.map(({ BlockIndex }) => BlockIndex)).toEqual([5]);
  });
});

describe('an encrypted snapshot', () => {
  it('gives garbage for blocks that were never written, and zeros only where zeros were', async () => {
    const test = await startEbs();
    const id = await written(
      test,
      [
        [0, blockOf(0)],
        [1, blockOf(1)],
      ],
      { Encrypted: true },
    );
    expect((await allBlocks(test.ebs, id)).map(({ BlockIndex }) => BlockIndex)).toEqual([0, 1]);
    const VolumeId = await availableVolume(test.ec2, { SnapshotId: id });
    expect((await volumeNow(test.ec2, VolumeId))?.Encrypted).toBe(true);
    const file = volumeFile(test.directory, VolumeId);
    const sums = await Promise.all([0, 1, 2, 2_047].map(async (index) => sha256(await blockOfFile(file, index))));
    expect(sums.slice(0, 2)).toEqual([blockOf(0), blockOf(1)].map(sha256));
    expect(sums.slice(2)).not.toContain(sha256(blockOf(0)));
    expect(sums[2]).not.toBe(sums[3]);
    // The same each time: it is no noise of the disk.
    const again = volumeFile(test.directory, await availableVolume(test.ec2, { SnapshotId: id }));
    await run(['cmp', file, again]);
  });

  it('has garbage for what neither it nor its parent has, and not over the blocks of the parent', async () => {
    const test = await startEbs();
    const parent = await written(test, [[0, blockOf(1)]], { Encrypted: true });
    const child = await written(test, [[2, blockOf(0)]], { ParentSnapshotId: parent });
    const file = volumeFile(test.directory, await availableVolume(test.ec2, { SnapshotId: child }));
    const sums = await Promise.all([0, 1, 2].map(async (index) => sha256(await blockOfFile(file, index))));
    expect([sums[0], sums[2]]).toEqual([sha256(blockOf(1)), sha256(blockOf(0))]);
    expect(sums[1]).not.toBe(sha256(blockOf(0)));
  });
});
