import {
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
  paginateDescribeSnapshots,
  type DescribeSnapshotsCommandInput,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import {
  availableVolume,
  clientOf,
  completedSnapshot,
  eventually,
  failure,
  rawRequest,
  snapshotNow,
  startEc2,
} from './support.js';

const unknownSnapshot = 'snap-0123456789abcdef0';

describe('CreateSnapshot', () => {
  it('answers pending with all facts, and completes after its delay', async () => {
    const { client } = await startEc2({ delays: { snapshotMs: 300 } });
    const volumeId = await availableVolume(client, { Size: 3, Encrypted: true });
    const before = Date.now();
    const answer = await client.send(
      new CreateSnapshotCommand({
        VolumeId: volumeId,
        Description: 'a <b> & "c"\r\n',
        TagSpecifications: [{ ResourceType: 'snapshot', Tags: [{ Key: 'Name', Value: 'één' }] }],
      }),
    );
    expect(answer).toMatchObject({
      VolumeId: volumeId,
      State: 'pending',
      OwnerId: '123456789012',
      VolumeSize: 3,
      Description: 'a <b> & "c"\r\n',
      Encrypted: true,
      Tags: [{ Key: 'Name', Value: 'één' }],
    });
    expect(answer.SnapshotId).toMatch(/^snap-[0-9a-f]{17}$/);
    expect(answer.StartTime?.getTime()).toBeGreaterThanOrEqual(before);
    const halfWay = await eventually(async () => {
      const { Progress } = (await snapshotNow(client, answer.SnapshotId ?? '')) ?? {};
      return Progress !== '0%' ? Progress : undefined;
    });
    expect(halfWay).toMatch(/^[1-9]\d?%$/);
    const done = await eventually(async () => {
      const now = await snapshotNow(client, answer.SnapshotId ?? '');
      return now?.State === 'completed' ? now : undefined;
    });
    expect(done).toMatchObject({ Progress: '100%', StorageTier: 'standard' });
    expect(Date.now() - before).toBeGreaterThanOrEqual(300);
  });

  it('refuses a volume that does not exist, a malformed id and none at all', async () => {
    const { client, url } = await startEc2();
    const of = (VolumeId: string) => failure(client.send(new CreateSnapshotCommand({ VolumeId })));
    expect(await of('vol-0123456789abcdef0')).toMatchObject({ code: 'InvalidVolume.NotFound', status: 400 });
    expect(await of('disk-1')).toMatchObject({ code: 'InvalidParameterValue', status: 400 });
    const raw = await rawRequest(url, { Action: 'CreateSnapshot' });
    expect(raw.status).toBe(400);
    expect(await raw.text()).toMatch(
      /^<\?xml[^>]*>\s*<Response><Errors><Error><Code>MissingParameter<\/Code><Message>The request must contain the parameter volumeId<\/Message><\/Error><\/Errors><RequestID>[^<]+<\/RequestID><\/Response>$/,
    );
  });

  it('refuses tags that are meant for another kind of resource', async () => {
    const { client } = await startEc2();
    const VolumeId = await availableVolume(client);
    const TagSpecifications = [{ ResourceType: 'volume' as const, Tags: [{ Key: 'a', Value: 'b' }] }];
    expect(await failure(client.send(new CreateSnapshotCommand({ VolumeId, TagSpecifications })))).toMatchObject({
      code: 'InvalidParameterValue',
    });
  });
});

describe('DeleteSnapshot', () => {
  it('makes the snapshot unknown', async () => {
    const { client } = await startEc2();
    const id = await completedSnapshot(client, await availableVolume(client));
    await client.send(new DeleteSnapshotCommand({ SnapshotId: id }));
    const gone = await failure(client.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] })));
    expect(gone).toMatchObject({ code: 'InvalidSnapshot.NotFound', message: `The snapshot '${id}' does not exist.` });
    expect(await failure(client.send(new DeleteSnapshotCommand({ SnapshotId: id })))).toMatchObject({
      code: 'InvalidSnapshot.NotFound',
    });
  });

  it('of a pending snapshot takes effect when it has completed', async () => {
    const { client } = await startEc2({ delays: { snapshotMs: 200 } });
    const created = await client.send(new CreateSnapshotCommand({ VolumeId: await availableVolume(client) }));
    const id = created.SnapshotId ?? '';
    await client.send(new DeleteSnapshotCommand({ SnapshotId: id }));
    expect((await snapshotNow(client, id))?.State).toBe('pending');
    await eventually(async () => ((await snapshotNow(client, id)) === undefined ? true : undefined));
  });

  it('says DryRunOperation with 412 and leaves the snapshot alone', async () => {
    const { client } = await startEc2();
    const id = await completedSnapshot(client, await availableVolume(client));
    const dry = await failure(client.send(new DeleteSnapshotCommand({ SnapshotId: id, DryRun: true })));
    expect(dry).toMatchObject({ code: 'DryRunOperation', status: 412 });
    expect((await snapshotNow(client, id))?.State).toBe('completed');
  });
});

describe('DescribeSnapshots', () => {
  it('gives 1,200 snapshots in pages of 500, each once, while others are deleted', async () => {
    const { client } = await startEc2();
    const VolumeId = await availableVolume(client);
    const ids: string[] = [];
    while (ids.length < 1_200) {
      const batch = Array.from({ length: 50 }, () => client.send(new CreateSnapshotCommand({ VolumeId })));
      ids.push(...(await Promise.all(batch)).map(({ SnapshotId }) => SnapshotId ?? ''));
    }
    const seen: string[] = [];
    const sizes: number[] = [];
    for await (const { Snapshots = [] } of paginateDescribeSnapshots(
      { client, pageSize: 500 },
      { OwnerIds: ['self'] },
    )) {
      seen.push(...Snapshots.map(({ SnapshotId }) => SnapshotId ?? ''));
      sizes.push(Snapshots.length);
      // The last one of this page: the token must not depend on it.
      if (sizes.length === 1) await client.send(new DeleteSnapshotCommand({ SnapshotId: seen.at(-1) }));
    }
    expect(sizes).toEqual([500, 500, 200]);
    expect(new Set(seen)).toEqual(new Set(ids));
    const unpaged = await client.send(new DescribeSnapshotsCommand({}));
    expect(unpaged.Snapshots).toHaveLength(1_199);
    expect(unpaged.NextToken).toBeUndefined();
    const clamped = await client.send(new DescribeSnapshotsCommand({ MaxResults: 5_000 }));
    expect(clamped.Snapshots).toHaveLength(1_000);
    expect(clamped.NextToken).toBeDefined();
  }, 60_000);

  it('filters by state, volume, size, tag and wildcard; values are alternatives, filters are not', async () => {
    const { client } = await startEc2();
    const one = await availableVolume(client);
    const two = await availableVolume(client, { Size: 2 });
    const a = await completedSnapshot(client, one, 'nightly 2026-11-22');
    const b = await completedSnapshot(client, two, 'nightly 2026-11-23');
    const c = await completedSnapshot(client, two, 'what? * really');
    const find = async (...filters: readonly [string, ...string[]][]) => {
      const Filters = filters.map(([Name, ...Values]) => ({ Name, Values }));
      const { Snapshots = [] } = await client.send(new DescribeSnapshotsCommand({ Filters }));
      return Snapshots.map(({ SnapshotId }) => SnapshotId);
    };
    expect(await find(['status', 'completed'])).toEqual([a, b, c]);
    expect(await find(['status', 'pending'])).toEqual([]);
    expect(await find(['volume-id', two])).toEqual([b, c]);
    expect(await find(['volume-size', '1'])).toEqual([a]);
    expect(await find(['description', 'nightly*'])).toEqual([a, b]);
    expect(await find(['description', 'nightly 2026-11-2?'])).toEqual([a, b]);
    expect(await find(['description', '*nightly 2026-11-22*'])).toEqual([a]);
    expect(await find(['description', 'nightly 2026-11-22?'])).toEqual([]);
    expect(await find(['description', 'NIGHTLY*'])).toEqual([]);
    expect(await find(['description', 'nightly'])).toEqual([]);
    expect(await find(['description', '*\\?*\\**'])).toEqual([c]);
    expect(await find(['description', 'nightly*'], ['volume-id', two])).toEqual([b]);
    expect(await find(['snapshot-id', a, c])).toEqual([a, c]);
    expect(await find(['owner-id', '123456789012'])).toEqual([a, b, c]);
  });

  it('treats every character but * ? and \\ as itself', async () => {
    const { client } = await startEc2();
    const volume = await availableVolume(client);
    const description = 'a.b+c (d) [e] {f} ^$|/ 🙂';
    const id = await completedSnapshot(client, volume, description);
    await completedSnapshot(client, volume, 'axb+c (d) [e] {f} ^$|/ 🙂');
    const { Snapshots = [] } = await client.send(
      new DescribeSnapshotsCommand({ Filters: [{ Name: 'description', Values: [description.replace('🙂', '?')] }] }),
    );
    expect(Snapshots.map(({ SnapshotId }) => SnapshotId)).toEqual([id]);
  });

  it('knows whose snapshots they are', async () => {
    const { client } = await startEc2();
    await completedSnapshot(client, await availableVolume(client));
    const countOf = async (owner: string) =>
      (await client.send(new DescribeSnapshotsCommand({ OwnerIds: [owner] }))).Snapshots?.length ?? 0;
    expect([await countOf('self'), await countOf('123456789012')]).toEqual([1, 1]);
    expect([await countOf('amazon'), await countOf('999999999999')]).toEqual([0, 0]);
    expect(await failure(client.send(new DescribeSnapshotsCommand({ OwnerIds: ['me'] })))).toMatchObject({
      code: 'InvalidUserID.Malformed',
    });
  });

  it('refuses what EC2 refuses', async () => {
    const { client } = await startEc2();
    const of = (input: DescribeSnapshotsCommandInput) => failure(client.send(new DescribeSnapshotsCommand(input)));
    expect(await of({ SnapshotIds: ['snap-xyz'] })).toMatchObject({ code: 'InvalidSnapshotID.Malformed', status: 400 });
    expect(await of({ SnapshotIds: [unknownSnapshot] })).toMatchObject({ code: 'InvalidSnapshot.NotFound' });
    expect(await of({ MaxResults: 4 })).toMatchObject({
      code: 'InvalidParameterValue',
      message: 'Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than 5.',
    });
    expect(await of({ MaxResults: 5, SnapshotIds: [unknownSnapshot] })).toMatchObject({
      code: 'InvalidParameterCombination',
    });
    expect(await of({ MaxResults: 5, NextToken: 'made up' })).toMatchObject({ code: 'InvalidNextToken' });
    expect(await of({ Filters: [{ Name: 'colour', Values: ['red'] }] })).toMatchObject({
      code: 'InvalidParameterValue',
      message: "The filter 'colour' is invalid",
    });
    expect(await of({ Filters: [{ Name: 'status', Values: Array<string>(201).fill('x') }] })).toMatchObject({
      code: 'FilterLimitExceeded',
    });
    expect(await of({ DryRun: true })).toMatchObject({ code: 'DryRunOperation', status: 412 });
  });

  it('keeps regions apart', async () => {
    const { client, url } = await startEc2();
    const id = await completedSnapshot(client, await availableVolume(client));
    const elsewhere = clientOf(url, 'eu-west-1');
    expect((await elsewhere.send(new DescribeSnapshotsCommand({}))).Snapshots).toEqual([]);
    expect(
      await failure(elsewhere.send(new CreateVolumeCommand({ SnapshotId: id, AvailabilityZone: 'eu-west-1a' }))),
    ).toMatchObject({ code: 'InvalidSnapshot.NotFound' });
  });
});
