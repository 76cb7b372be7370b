import { GetSnapshotBlockCommand, ListSnapshotBlocksCommand } from '@aws-sdk/client-ebs';
import { CreateSnapshotCommand, DeleteSnapshotCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { run } from '../../../src/process/index.js';
import {
  allBlocks,
  allPages,
  blockBytes,
  blockOf,
  completedSnapshot,
  ebsClientOf,
  eventually,
  failure,
  get,
  movableClock,
  sha256,
  snapshotOfVolumeWith,
  startEbs,
  volumeFile,
  volumeWith,
} from './support.js';

const dayMs = 24 * 60 * 60 * 1_000;
const minuteMs = 60 * 1_000;
const reasonOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => ({}),
    (cause: unknown) => cause as { name: string; Reason?: string; $metadata: { httpStatusCode?: number } },
  );
  return 'name' in error ? [error.name, error.Reason, error.$metadata.httpStatusCode] : ['no error'];
};

describe('ListSnapshotBlocks', () => {
  it('lists the blocks of a volume that have data in them, ascending, and gives their bytes', async () => {
    const test = await startEbs();
    const small = Buffer.from('a few bytes');
    const id = await snapshotOfVolumeWith(test, [
      [2_047, blockOf(3)],
      [0, blockOf(1)],
      [700, small],
    ]);
    const [page] = await allPages(test.ebs, id);
    expect(page).toMatchObject({ BlockSize: blockBytes, VolumeSize: 1 });
    const blocks = page?.Blocks ?? [];
    expect(blocks.map(({ BlockIndex }) => BlockIndex)).toEqual([0, 700, 2_047]);
    const bytes = await Promise.all(blocks.map((block) => get(test.ebs, id, block)));
    expect(bytes.map(sha256)).toEqual(
      [blockOf(1), Buffer.concat([small, Buffer.alloc(blockBytes - small.length)]), blockOf(3)].map(sha256),
    );
  });

  it('lists no block that was given back to the disk', async () => {
    const test = await startEbs();
    const volume = await volumeWith(test, [
      [5, blockOf(1)],
      [6, blockOf(2)],
    ]);
    const file = volumeFile(test.directory, volume);
    await run(['fallocate', '--punch-hole', '--offset', String(5 * blockBytes), '--length', String(blockBytes), file]);
    const blocks = await allBlocks(test.ebs, await completedSnapshot(test.ec2, volume));
    expect(blocks.map(({ BlockIndex }) => BlockIndex)).toEqual([6]);
  });

  it('of a volume without data is empty, and its tokens are over at once', async () => {
    const clock = movableClock();
    const test = await startEbs({ clock });
    const id = await snapshotOfVolumeWith(test, []);
    const page = await test.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id }));
    expect(page.Blocks).toEqual([]);
    expect(page.NextToken).toBeUndefined();
    expect(page.ExpiryTime?.getTime()).toBe(clock.now());
  });

  it('of a volume of 8 TiB finds its few blocks at once', async () => {
    const test = await startEbs();
    const last = 8 * 1024 * 2_048 - 1;
    const id = await snapshotOfVolumeWith(
      test,
      [
        [last, blockOf(9)],
        [5_000_000, blockOf(8)],
      ],
      8 * 1024,
    );
    const began = Date.now();
    const blocks = await allBlocks(test.ebs, id);
    expect(blocks.map(({ BlockIndex }) => BlockIndex)).toEqual([5_000_000, last]);
    expect(Date.now() - began).toBeLessThan(5_000);
    expect(sha256(await get(test.ebs, id, blocks[1] ?? {}))).toBe(sha256(blockOf(9)));
  });

  it('gives pages of MaxResults, begins where it is told to, and goes on from its tokens', async () => {
    const test = await startEbs();
    const indexes = Array.from({ length: 250 }, (_, place) => place * 3);
    const id = await snapshotOfVolumeWith(
      test,
      indexes.map((index) => [index, Buffer.from('x')]),
    );
    const pages = await allPages(test.ebs, id, { MaxResults: 100 });
    expect(pages.map(({ Blocks }) => Blocks?.length)).toEqual([100, 100, 50]);
    expect(pages.flatMap(({ Blocks = [] }) => Blocks.map(({ BlockIndex }) => BlockIndex))).toEqual(indexes);
    const from = await test.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id, StartingBlockIndex: 601 }));
    expect(from.Blocks?.[0]?.BlockIndex).toBe(603);
    const both = { SnapshotId: id, NextToken: pages[0]?.NextToken, StartingBlockIndex: 0 };
    expect((await test.ebs.send(new ListSnapshotBlocksCommand(both))).Blocks?.[0]?.BlockIndex).toBe(300);
  });

  it('gives empty pages with a NextToken, and pages shorter than asked for, where it is told to', async () => {
    const test = await startEbs({ paging: { emptyPages: 2, mostBlocks: 3 } });
    const blocks = [0, 1, 2, 3, 4, 5, 6].map((index) => [index, Buffer.from('x')] as const);
    const id = await snapshotOfVolumeWith(test, blocks);
    const pages = await allPages(test.ebs, id);
    expect(pages.map(({ Blocks }) => Blocks?.length)).toEqual([0, 0, 3, 0, 0, 3, 0, 0, 1]);
    expect(pages.flatMap(({ Blocks = [] }) => Blocks.map(({ BlockIndex }) => BlockIndex))).toEqual([
      0, 1, 2, 3, 4, 5, 6,
    ]);
  });

  it('refuses in the words of AWS what breaks the constraints', async () => {
    const test = await startEbs();
    const id = await snapshotOfVolumeWith(test, []);
    const list = (input: object) => failure(test.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id, ...input })));
    expect(await list({ MaxResults: 99 })).toEqual({
      code: 'ValidationException',
      status: 400,
      message:
        "1 validation error detected: Value '99' at 'maxResults' failed to satisfy constraint: " +
        'Member must have value greater than or equal to 100',
    });
    expect((await list({ MaxResults: 10_001, StartingBlockIndex: -1 })).message).toBe(
      "2 validation errors detected: Value '10001' at 'maxResults' failed to satisfy constraint: " +
        "Member must have value less than or equal to 10000; Value '-1' at 'startingBlockIndex' failed to satisfy " +
        'constraint: Member must have value greater than or equal to 0',
    );
    expect((await list({ SnapshotId: 'vol-1' })).message).toContain('regular expression pattern: ^snap-[0-9a-f]+$');
  });

  it('knows no snapshot of another region, none that is pending, and none that is deleted', async () => {
    const test = await startEbs();
    const id = await snapshotOfVolumeWith(test, [[0, blockOf(1)]]);
    const list = (ebs = test.ebs) => failure(ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id })));
    const unknown = { code: 'ResourceNotFoundException', status: 404, message: `The snapshot '${id}' does not exist.` };
    expect(await list(ebsClientOf(test.url, 'eu-west-1'))).toEqual(unknown);
    const [block = {}] = await allBlocks(test.ebs, id);
    await test.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }));
    expect(await list()).toEqual(unknown);
    expect(await reasonOf(get(test.ebs, id, block))).toEqual(['ResourceNotFoundException', 'SNAPSHOT_NOT_FOUND', 404]);
  });

  it('knows no snapshot of EC2 that is being taken', async () => {
    const clock = movableClock();
    const test = await startEbs({ clock, snapshotMs: minuteMs });
    const { SnapshotId } = await test.ec2.send(new CreateSnapshotCommand({ VolumeId: await volumeWith(test, []) }));
    const list = () => test.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId }));
    expect((await failure(list())).code).toBe('ResourceNotFoundException');
    await eventually(async () => {
      clock.advance(minuteMs);
      return list().catch(() => undefined);
    });
  });
});

describe('tokens', () => {
  it('are new with each listing, and those of an older one stay good', async () => {
    const test = await startEbs();
    const id = await snapshotOfVolumeWith(test, [[0, blockOf(1)]]);
    const [first = {}] = await allBlocks(test.ebs, id);
    const [second = {}] = await allBlocks(test.ebs, id);
    expect(second.BlockToken).not.toBe(first.BlockToken);
    expect(first.BlockToken).toMatch(/^[A-Za-z0-9+/=_-]{1,256}$/);
    expect(sha256(await get(test.ebs, id, first))).toBe(sha256(blockOf(1)));
  });

  it('of another block, another snapshot, or made up are INVALID_BLOCK_TOKEN', async () => {
    const test = await startEbs();
    const blocks = [
      [0, blockOf(1)],
      [1, blockOf(2)],
    ] as const;
    const [id, other] = [await snapshotOfVolumeWith(test, blocks), await snapshotOfVolumeWith(test, blocks)];
    const [zero = {}] = await allBlocks(test.ebs, id);
    const [foreign = {}] = await allBlocks(test.ebs, other);
    const refused = ['ValidationException', 'INVALID_BLOCK_TOKEN', 400];
    expect(await reasonOf(get(test.ebs, id, { ...zero, BlockIndex: 1 }))).toEqual(refused);
    expect(await reasonOf(get(test.ebs, id, foreign))).toEqual(refused);
    expect(await reasonOf(get(test.ebs, id, { BlockIndex: 0, BlockToken: 'invalid' }))).toEqual(refused);
    const [page] = await allPages(test.ebs, id);
    expect(page?.Blocks).toHaveLength(2);
  });

  it('of blocks are over after seven days', async () => {
    const clock = movableClock();
    const test = await startEbs({ clock });
    const id = await snapshotOfVolumeWith(test, [[0, blockOf(1)]]);
    const { Blocks: [block = {}] = [], ExpiryTime } = (await allPages(test.ebs, id))[0] ?? {};
    expect(ExpiryTime?.getTime()).toBe(clock.now() + 7 * dayMs);
    clock.advance(7 * dayMs - 1);
    expect(sha256(await get(test.ebs, id, block))).toBe(sha256(blockOf(1)));
    clock.advance(1);
    expect(await reasonOf(get(test.ebs, id, block))).toEqual(['ValidationException', 'INVALID_BLOCK_TOKEN', 400]);
  });

  it('of pages are over after an hour, and good for no other listing', async () => {
    const clock = movableClock();
    const test = await startEbs({ clock, paging: { mostBlocks: 1 } });
    const blocks = [
      [0, blockOf(1)],
      [1, blockOf(2)],
    ] as const;
    const [id, other] = [await snapshotOfVolumeWith(test, blocks), await snapshotOfVolumeWith(test, blocks)];
    const { NextToken } = await test.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id }));
    const next = (SnapshotId: string) => test.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId, NextToken }));
    const refused = ['ValidationException', 'INVALID_PAGE_TOKEN', 400];
    expect(await reasonOf(next(other))).toEqual(refused);
    clock.advance(60 * minuteMs - 1);
    expect((await next(id)).Blocks?.[0]?.BlockIndex).toBe(1);
    clock.advance(1);
    expect(await reasonOf(next(id))).toEqual(refused);
  });
});

describe('GetSnapshotBlock', () => {
  it('says length, checksum and algorithm', async () => {
    const test = await startEbs();
    const id = await snapshotOfVolumeWith(test, [[3, blockOf(7)]]);
    const [block] = await allBlocks(test.ebs, id);
    const answer = await test.ebs.send(new GetSnapshotBlockCommand({ SnapshotId: id, ...block } as never));
    expect(answer).toMatchObject({ DataLength: blockBytes, Checksum: sha256(blockOf(7)), ChecksumAlgorithm: 'SHA256' });
  });
});
