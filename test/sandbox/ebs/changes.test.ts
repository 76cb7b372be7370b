import {
  ListChangedBlocksCommand,
  type ChangedBlock,
  type EBSClient,
  type ListChangedBlocksCommandInput,
  type ListChangedBlocksCommandOutput,
} from '@aws-sdk/client-ebs';
import { describe, expect, it } from 'vitest';
import {
  availableVolume,
  begin,
  blockBytes,
  blockOf,
  completedSnapshot,
  failure,
  get,
  movableClock,
  sha256,
  snapshotOfVolumeWith,
  startEbs,
  volumeWith,
  writeToVolume,
  written,
} from './support.js';

async function pagesBetween(
  ebs: EBSClient,
  [FirstSnapshotId, SecondSnapshotId]: readonly [string, string],
  input: Partial<ListChangedBlocksCommandInput> = {},
): Promise<readonly ListChangedBlocksCommandOutput[]> {
  const pages: ListChangedBlocksCommandOutput[] = [];
  let NextToken: string | undefined;
  do {
    const command = new ListChangedBlocksCommand({ FirstSnapshotId, SecondSnapshotId, NextToken, ...input });
    const page = await ebs.send(command);
    pages.push(page);
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return pages;
}

/** `3:12` is a block that both have, `3:1` one that only the first one has. */
const short = ({ BlockIndex, FirstBlockToken, SecondBlockToken }: ChangedBlock): string =>
  `${BlockIndex}:${FirstBlockToken === undefined ? '' : 1}${SecondBlockToken === undefined ? '' : 2}`;

const between = async (ebs: EBSClient, pair: readonly [string, string]) =>
  (await pagesBetween(ebs, pair)).flatMap(({ ChangedBlocks = [] }) => ChangedBlocks);

describe('ListChangedBlocks', () => {
  it('between two snapshots of a volume lists what was changed, added and removed, with good tokens', async () => {
    const test = await startEbs();
    const volume = await volumeWith(test, [
      [0, blockOf(1)],
      [1, blockOf(2)],
      [2, blockOf(3)],
    ]);
    const first = await completedSnapshot(test.ec2, volume);
    await writeToVolume(test.directory, volume, [
      [1, blockOf(9)],
      [2_047, blockOf(4)],
    ]);
    const second = await completedSnapshot(test.ec2, volume);
    const changed = await between(test.ebs, [first, second]);
    expect(changed.map(short)).toEqual(['1:12', '2047:2']);
    const [one] = changed;
    const before = await get(test.ebs, first, { BlockIndex: 1, BlockToken: one?.FirstBlockToken });
    const after = await get(test.ebs, second, { BlockIndex: 1, BlockToken: one?.SecondBlockToken });
    expect([sha256(before), sha256(after)]).toEqual([sha256(blockOf(2)), sha256(blockOf(9))]);
    expect((await between(test.ebs, [second, first])).map(short)).toEqual(['1:12', '2047:1']);
  });

  it('between a child and its parent lists what was put, also where the bytes are the same', async () => {
    const test = await startEbs();
    const parent = await written(test, [
      [0, blockOf(1)],
      [3, blockOf(2)],
      [9, blockOf(2)],
    ]);
    const put = [
      [0, blockOf(0)],
      [3, blockOf(2)],
      [5, blockOf(3)],
    ] as const;
    const child = await written(test, put, { ParentSnapshotId: parent, VolumeSize: 2 });
    const sibling = await written(test, [[3, blockOf(4)]], { ParentSnapshotId: parent });
    expect((await between(test.ebs, [parent, child])).map(short)).toEqual(['0:12', '3:12', '5:2']);
    expect((await between(test.ebs, [child, sibling])).map(short)).toEqual(['0:12', '3:12', '5:1']);
    const [page] = await pagesBetween(test.ebs, [parent, child]);
    expect(page).toMatchObject({ BlockSize: blockBytes, VolumeSize: 2, ExpiryTime: expect.any(Date) });
  });

  it('of a snapshot with itself is empty, without size, blocks and time', async () => {
    const test = await startEbs();
    const id = await written(test, [[0, blockOf(1)]]);
    const [page] = await pagesBetween(test.ebs, [id, id]);
    expect(page?.ChangedBlocks).toEqual([]);
    expect([page?.BlockSize, page?.VolumeSize, page?.ExpiryTime, page?.NextToken]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('gives empty pages with a NextToken where little has changed', async () => {
    const test = await startEbs();
    const blocks = Array.from({ length: 1_000 }, (_, index) => [index, Buffer.from('x')] as const);
    const volume = await volumeWith(test, blocks);
    const first = await completedSnapshot(test.ec2, volume);
    await writeToVolume(test.directory, volume, [[999, Buffer.from('y')]]);
    const second = await completedSnapshot(test.ec2, volume);
    const pages = await pagesBetween(test.ebs, [first, second], { MaxResults: 100 });
    expect(pages.map(({ ChangedBlocks }) => ChangedBlocks?.length)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    const from = await pagesBetween(test.ebs, [first, second], { MaxResults: 100, StartingBlockIndex: 950 });
    expect(from.map(({ ChangedBlocks }) => ChangedBlocks?.length)).toEqual([1]);
  });

  it('skips what neither snapshot has: the first page is not empty because its blocks are far away', async () => {
    const test = await startEbs();
    const blocks = Array.from({ length: 200 }, (_, place) => [1_500 + place, Buffer.from('x')] as const);
    const volume = await volumeWith(test, blocks);
    const first = await completedSnapshot(test.ec2, volume);
    await writeToVolume(test.directory, volume, [[1_500, Buffer.from('y')]]);
    const second = await completedSnapshot(test.ec2, volume);
    const [page] = await pagesBetween(test.ebs, [first, second], { MaxResults: 100 });
    expect(page?.ChangedBlocks?.map(short)).toEqual(['1500:12']);
  });

  it('knows that a volume was made of a snapshot, and a snapshot of that volume', async () => {
    const test = await startEbs();
    const origin = await written(test, [[0, blockOf(1)]]);
    const volume = await availableVolume(test.ec2, { SnapshotId: origin });
    await writeToVolume(test.directory, volume, [[8, blockOf(8)]]);
    const later = await completedSnapshot(test.ec2, volume);
    const changed = (await between(test.ebs, [origin, later])).map(short);
    expect(changed).toContain('8:2');
    expect(changed.length).toBeLessThanOrEqual(2);
  });

  it('refuses snapshots that have nothing to do with each other', async () => {
    const test = await startEbs();
    const [one, other] = [await snapshotOfVolumeWith(test, []), await snapshotOfVolumeWith(test, [])];
    const direct = await written(test, []);
    const of = async (input: Partial<ListChangedBlocksCommandInput>) => {
      const error = await test.ebs
        .send(new ListChangedBlocksCommand({ SecondSnapshotId: other, ...input }))
        .catch((cause: unknown) => cause as { name: string; Reason?: string });
      return 'name' in error ? [error.name, error.Reason] : [];
    };
    expect(await of({ FirstSnapshotId: one })).toEqual(['ValidationException', 'UNRELATED_SNAPSHOTS']);
    expect(await of({ FirstSnapshotId: direct })).toEqual(['ValidationException', 'UNRELATED_SNAPSHOTS']);
    expect(await of({})).toEqual(['ValidationException', 'INVALID_SNAPSHOT_ID']);
    const pending = await begin(test.ebs);
    expect(await of({ FirstSnapshotId: pending })).toEqual(['ResourceNotFoundException', 'SNAPSHOT_NOT_FOUND']);
    expect(await of({ FirstSnapshotId: other, SecondSnapshotId: 'snap-0123456789abcdef0' })).toEqual([
      'ResourceNotFoundException',
      'SNAPSHOT_NOT_FOUND',
    ]);
  });

  it('has tokens of its own for pages, which are over after an hour', async () => {
    const clock = movableClock();
    const test = await startEbs({ clock, paging: { mostBlocks: 1 } });
    const parent = await written(test, [
      [0, blockOf(1)],
      [1, blockOf(1)],
    ]);
    const child = await written(test, [[0, blockOf(2)]], { ParentSnapshotId: parent });
    const pair = { FirstSnapshotId: parent, SecondSnapshotId: child };
    const { NextToken } = await test.ebs.send(new ListChangedBlocksCommand(pair));
    const next = (ids: typeof pair) => test.ebs.send(new ListChangedBlocksCommand({ ...ids, NextToken }));
    const reversed = { FirstSnapshotId: child, SecondSnapshotId: parent };
    expect((await failure(next(reversed))).message).toContain('pagination token');
    expect((await next(pair)).ChangedBlocks).toEqual([]);
    clock.advance(60 * 60 * 1_000);
    expect(await failure(next(pair))).toMatchObject({ code: 'ValidationException', status: 400 });
  });
});
