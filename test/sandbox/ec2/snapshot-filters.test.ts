import {
  CreateTagsCommand,
  DescribeSnapshotsCommand,
  DescribeTagsCommand,
  paginateDescribeSnapshots,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/core/index.js';
import { systemClock } from '../../../src/core/index.js';
import { availableVolume, completedSnapshot, startEc2 } from './support.js';

/** Two snapshots that were made on different days: one small and tagged, one large and encrypted. */
async function twoSnapshots() {
  let nowMs = Date.UTC(2026, 10, 22, 7, 8, 9);
  const clock: Clock = { now: () => nowMs, sleep: (ms, signal) => systemClock.sleep(ms, signal) };
  const ec2 = await startEc2({ clock });
  const { client } = ec2;
  const small = await completedSnapshot(client, await availableVolume(client));
  await client.send(
    new CreateTagsCommand({
      Resources: [small],
      Tags: [
        { Key: 'Name', Value: 'small one' },
        { Key: 'empty', Value: '' },
      ],
    }),
  );
  nowMs = Date.UTC(2026, 10, 23);
  const large = await completedSnapshot(client, await availableVolume(client, { Size: 200, Encrypted: true }));
  const find = async (...filters: readonly [string, ...string[]][]) => {
    const Filters = filters.map(([Name, ...Values]) => ({ Name, Values }));
    const { Snapshots = [] } = await client.send(new DescribeSnapshotsCommand({ Filters }));
    return Snapshots.map(({ SnapshotId }) => SnapshotId);
  };
  return { ...ec2, small, large, find };
}

describe('the filters of DescribeSnapshots', () => {
  it('look at time, size, encryption and progress', async () => {
    const { small, large, find } = await twoSnapshots();
    expect(await find(['start-time', '2026-11-22T07:08:09.000Z'])).toEqual([small]);
    expect(await find(['start-time', '2026-11-2*'])).toEqual([small, large]);
    expect(await find(['start-time', '2026-11-23*'])).toEqual([large]);
    expect(await find(['volume-size', '200'])).toEqual([large]);
    expect(await find(['volume-size', '1', '200'])).toEqual([small, large]);
    expect(await find(['encrypted', 'true'])).toEqual([large]);
    expect(await find(['encrypted', 'True'])).toEqual([]);
    expect(await find(['progress', '100%'])).toEqual([small, large]);
    expect(await find(['progress', '9?%'])).toEqual([]);
  });

  it('look at tags by key, by value, and by wildcards', async () => {
    const { small, large, find } = await twoSnapshots();
    expect(await find(['tag-key', 'Name'])).toEqual([small]);
    expect(await find(['tag-key', 'N*'])).toEqual([small]);
    expect(await find(['tag:Name', 'small*'])).toEqual([small]);
    expect(await find(['tag:Name', 'Small*'])).toEqual([]);
    expect(await find(['tag:empty', ''])).toEqual([small]);
    expect(await find(['tag:other', '*'])).toEqual([]);
    expect(await find(['description', ''])).toEqual([small, large]);
  });

  it('go with pages, which hold only what passes', async () => {
    const { client } = await startEc2();
    const volume = await availableVolume(client);
    const wanted: string[] = [];
    for (let count = 0; count < 14; count += 1) {
      const id = await completedSnapshot(client, volume, count % 2 === 0 ? 'even' : 'odd');
      if (count % 2 === 0) wanted.push(id);
    }
    const pages: string[][] = [];
    const Filters = [{ Name: 'description', Values: ['even'] }];
    for await (const { Snapshots = [] } of paginateDescribeSnapshots({ client, pageSize: 5 }, { Filters })) {
      pages.push(Snapshots.map(({ SnapshotId }) => SnapshotId ?? ''));
    }
    expect(pages).toEqual([wanted.slice(0, 5), wanted.slice(5)]);
  });

  it('DescribeTags keeps the order of creation over volumes and snapshots', async () => {
    const { client } = await startEc2();
    const first = await availableVolume(client);
    const second = await completedSnapshot(client, first);
    const third = await availableVolume(client);
    const fourth = await completedSnapshot(client, third);
    const Resources = [fourth, third, second, first];
    await client.send(new CreateTagsCommand({ Resources, Tags: [{ Key: 'a', Value: 'b' }] }));
    const { Tags = [] } = await client.send(new DescribeTagsCommand({}));
    expect(Tags.map(({ ResourceId }) => ResourceId)).toEqual([first, second, third, fourth]);
  });
});
