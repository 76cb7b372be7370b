import { CreateTagsCommand, DeleteTagsCommand, DescribeTagsCommand, paginateDescribeTags } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { availableVolume, completedSnapshot, failure, snapshotNow, startEc2, volumeNow } from './support.js';

describe('CreateTags', () => {
  it('sets tags over those of several resources at once', async () => {
    const { client } = await startEc2();
    const volume = await availableVolume(client);
    const snapshot = await completedSnapshot(client, volume);
    await client.send(new CreateTagsCommand({ Resources: [snapshot], Tags: [{ Key: 'state', Value: 'old' }] }));
    await client.send(
      new CreateTagsCommand({
        Resources: [volume, snapshot],
        Tags: [
          { Key: 'state', Value: 'new' },
          { Key: 'empty', Value: '' },
        ],
      }),
    );
    const expected = [
      { Key: 'state', Value: 'new' },
      { Key: 'empty', Value: '' },
    ];
    expect((await snapshotNow(client, snapshot))?.Tags).toEqual(expected);
    expect((await volumeNow(client, volume))?.Tags).toEqual(expected);
  });

  it('changes nothing when one of the resources is not there', async () => {
    const { client } = await startEc2();
    const volume = await availableVolume(client);
    const Resources = [volume, 'snap-0123456789abcdef0'];
    const failed = await failure(client.send(new CreateTagsCommand({ Resources, Tags: [{ Key: 'a', Value: 'b' }] })));
    expect(failed.code).toBe('InvalidSnapshot.NotFound');
    expect((await volumeNow(client, volume))?.Tags ?? []).toEqual([]);
  });

  it('takes 50 tags and refuses the 51st', async () => {
    const { client } = await startEc2();
    const volume = await availableVolume(client);
    const Tags = Array.from({ length: 50 }, (_, index) => ({ Key: `k${index}`, Value: 'v' }));
    await client.send(new CreateTagsCommand({ Resources: [volume], Tags }));
    await client.send(new CreateTagsCommand({ Resources: [volume], Tags: [{ Key: 'k0', Value: 'changed' }] }));
    expect(
      await failure(client.send(new CreateTagsCommand({ Resources: [volume], Tags: [{ Key: 'k50', Value: 'v' }] }))),
    ).toMatchObject({ code: 'TagLimitExceeded', status: 400 });
    expect((await volumeNow(client, volume))?.Tags).toHaveLength(50);
  });

  it('refuses reserved, long, empty and repeated keys, and ids of nothing it knows', async () => {
    const { client } = await startEc2();
    const volume = await availableVolume(client);
    const of = async (Resources: string[], ...Tags: { Key: string; Value: string }[]) =>
      (await failure(client.send(new CreateTagsCommand({ Resources, Tags })))).code;
    const tag = { Key: 'a', Value: 'b' };
    expect(await of([volume], { Key: 'aws:x', Value: '' })).toBe('InvalidParameterValue');
    expect(await of([volume], { Key: 'k'.repeat(129), Value: '' })).toBe('InvalidParameterValue');
    expect(await of([volume], { Key: 'k', Value: 'v'.repeat(257) })).toBe('InvalidParameterValue');
    expect(await of([volume], { Key: '', Value: 'v' })).toBe('InvalidParameterValue');
    expect(await of([volume], tag, tag)).toBe('InvalidParameterValue');
    expect(await of(['vpc-1'], tag)).toBe('InvalidID');
    expect(await of([volume])).toBe('MissingParameter');
    expect(await of([], tag)).toBe('MissingParameter');
  });
});

describe('DeleteTags', () => {
  it('removes a key, a key only with its value, or everything', async () => {
    const { client } = await startEc2();
    const volume = await availableVolume(client);
    const Tags = ['a', 'b', 'c', 'd'].map((Key) => ({ Key, Value: Key.toUpperCase() }));
    await client.send(new CreateTagsCommand({ Resources: [volume], Tags }));
    await client.send(
      new DeleteTagsCommand({
        Resources: [volume],
        Tags: [{ Key: 'a' }, { Key: 'b', Value: 'B' }, { Key: 'c', Value: 'other' }, { Key: 'd', Value: '' }],
      }),
    );
    expect((await volumeNow(client, volume))?.Tags?.map(({ Key }) => Key)).toEqual(['c', 'd']);
    await client.send(new DeleteTagsCommand({ Resources: [volume] }));
    expect((await volumeNow(client, volume))?.Tags ?? []).toEqual([]);
  });
});

describe('DescribeTags', () => {
  it('finds tags by resource, type, key and value, page by page', async () => {
    const { client } = await startEc2();
    const volume = await availableVolume(client);
    const snapshot = await completedSnapshot(client, volume);
    const Tags = Array.from({ length: 7 }, (_, index) => ({ Key: `k${index}`, Value: 'v*' }));
    await client.send(new CreateTagsCommand({ Resources: [volume, snapshot], Tags }));
    const find = async (Name: string, Value: string) => {
      const answer = await client.send(new DescribeTagsCommand({ Filters: [{ Name, Values: [Value] }] }));
      return (answer.Tags ?? []).map(({ ResourceId, Key }) => `${ResourceId} ${Key}`);
    };
    expect(await find('resource-type', 'snapshot')).toEqual(Tags.map(({ Key }) => `${snapshot} ${Key}`));
    expect(await find('key', 'k3')).toEqual([`${volume} k3`, `${snapshot} k3`]);
    expect(await find('tag:k4', 'v\\*')).toEqual([`${volume} k4`, `${snapshot} k4`]);
    expect(await find('resource-id', volume)).toHaveLength(7);
    expect(await find('value', 'nothing')).toEqual([]);
    const pages: number[] = [];
    for await (const page of paginateDescribeTags({ client, pageSize: 5 }, {})) pages.push(page.Tags?.length ?? 0);
    expect(pages).toEqual([5, 5, 4]);
    expect(
      await failure(client.send(new DescribeTagsCommand({ Filters: [{ Name: 'status', Values: ['x'] }] }))),
    ).toMatchObject({ code: 'InvalidParameterValue', message: "The filter 'status' is invalid" });
  });
});
