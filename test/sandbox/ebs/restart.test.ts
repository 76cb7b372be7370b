import { CompleteSnapshotCommand } from '@aws-sdk/client-ebs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteSnapshotCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import {
  allBlocks,
  allPages,
  begin,
  blockOf,
  complete,
  eventually,
  get,
  movableClock,
  put,
  scratchDirectory,
  sha256,
  snapshotNow,
  snapshotOfVolumeWith,
  startEbs,
  written,
} from './support.js';

const minuteMs = 60 * 1_000;

describe('a restart of EBS direct', () => {
  it('goes on with a snapshot that is being written', async () => {
    const directory = await scratchDirectory();
    const first = await startEbs({ directory });
    const id = await begin(first.ebs, { ClientToken: 'once' });
    await put(first.ebs, id, [0, blockOf(1)]);
    await first.close();
    const second = await startEbs({ directory });
    expect((await snapshotNow(second.ec2, id))?.State).toBe('pending');
    expect(await begin(second.ebs, { ClientToken: 'once' })).toBe(id);
    await put(second.ebs, id, [1, blockOf(0)]);
    await complete(second, id, { ChangedBlocksCount: 2 });
    const blocks = await allBlocks(second.ebs, id);
    expect(blocks.map(({ BlockIndex }) => BlockIndex)).toEqual([0, 1]);
    expect(sha256(await get(second.ebs, id, blocks[0] ?? {}))).toBe(sha256(blockOf(1)));
  });

  it('completes what was being completed', async () => {
    const directory = await scratchDirectory();
    const clock = movableClock();
    const first = await startEbs({ directory, clock, delays: { completeMs: minuteMs } });
    const id = await begin(first.ebs);
    await put(first.ebs, id, [3, blockOf(3)]);
    await first.ebs.send(new CompleteSnapshotCommand({ SnapshotId: id, ChangedBlocksCount: 1 }));
    await first.close();
    const second = await startEbs({ directory });
    await eventually(async () => ((await snapshotNow(second.ec2, id))?.State === 'completed' ? true : undefined));
    const [block = {}] = await allBlocks(second.ebs, id);
    expect(sha256(await get(second.ebs, id, block))).toBe(sha256(blockOf(3)));
  });

  it('keeps tokens, blocks that were written with zeros, and what belongs together', async () => {
    const directory = await scratchDirectory();
    const first = await startEbs({ directory, paging: { mostBlocks: 1 } });
    const parent = await written(first, [
      [0, blockOf(0)],
      [5, blockOf(5)],
    ]);
    const child = await written(first, [[1, blockOf(1)]], { ParentSnapshotId: parent });
    const [page] = await allPages(first.ebs, child);
    await first.close();
    const second = await startEbs({ directory });
    expect(sha256(await get(second.ebs, child, page?.Blocks?.[0] ?? {}))).toBe(sha256(blockOf(0)));
    expect((await allBlocks(second.ebs, child)).map(({ BlockIndex }) => BlockIndex)).toEqual([0, 1, 5]);
    expect((await allBlocks(second.ebs, parent)).map(({ BlockIndex }) => BlockIndex)).toEqual([0, 5]);
  });

  it('counts the timeout from the last block, whichever run it was in', async () => {
    const directory = await scratchDirectory();
    const clock = movableClock();
    const first = await startEbs({ directory, clock });
    const id = await begin(first.ebs, { Timeout: 10 });
    clock.advance(9 * minuteMs);
    await put(first.ebs, id, [0, blockOf(1)]);
    clock.advance(minuteMs / 2);
    await put(first.ebs, id, [1, blockOf(1)]);
    await first.close();
    const second = await startEbs({ directory, clock });
    clock.advance(9 * minuteMs + minuteMs / 2);
    expect((await snapshotNow(second.ec2, id))?.State).toBe('pending');
    clock.advance(minuteMs / 2);
    await eventually(async () => ((await snapshotNow(second.ec2, id))?.State === 'error' ? true : undefined));
  });

  it('forgets what EC2 has deleted', async () => {
    const directory = await scratchDirectory();
    const first = await startEbs({ directory });
    const [direct, ofVolume] = [await written(first, []), await snapshotOfVolumeWith(first, [[0, blockOf(1)]])];
    await allBlocks(first.ebs, ofVolume);
    const files = (): Promise<readonly string[]> => readdir(join(directory, 'ebs', 'snapshots'));
    expect([...(await files())].sort()).toEqual([direct, ofVolume].sort());
    for (const SnapshotId of [direct, ofVolume]) await first.ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
    await first.close();
    await startEbs({ directory });
    expect(await files()).toEqual([]);
  });

  it('refuses a directory that is not its own', async () => {
    const directory = await scratchDirectory();
    const first = await startEbs({ directory });
    await first.close();
    await writeFile(join(directory, 'ebs', 'state.json'), '{"version":9}');
    await expect(startEbs({ directory })).rejects.toMatchObject({ code: 'usage' });
  });
});
