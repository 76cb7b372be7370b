import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeVolumesCommand,
} from '@aws-sdk/client-ec2';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { run, runText } from '../../src/process/index.js';
import { filesystemOn, localAws, strangersVolume, type Finished, type LocalAws } from '../support/local-aws.js';
import { s3Witness } from '../support/s3-witness.js';

// What the command does with tags, volumes and options when all goes well. See failures.test.ts for the rest.

let aws: LocalAws;
beforeAll(async () => {
  aws = await localAws();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  const left = await aws.leftovers();
  // The next test is not to suffer for it.
  await aws.removeVolumes();
  expect(left).toEqual([]);
});

const fewFiles = (device: string): Promise<void> =>
  filesystemOn(device, 'ext4', (path) => writeFile(join(path, 'file'), 'content'));
const migrating = { 'snap-to-s3': 'migrate' };

function stages({ events }: Finished): string[] {
  return events.filter(({ kind }) => kind === 'stage').map(({ stage = '', subject = '' }) => `${stage} ${subject}`);
}

function archivedIn(keys: readonly string[]): string[] {
  return keys.filter((key) => key.endsWith('.manifest.json')).map((key) => /snap-[0-9a-f]+/.exec(key)?.[0] ?? '');
}

describe('which snapshots are taken', () => {
  it('--all -> all that are tagged, and only those; their tag becomes "migrated", and the id is gone', async () => {
    const bucket = await aws.bucket();
    const tagged = [await aws.snapshot(fewFiles), await aws.snapshot(fewFiles)];
    const others = [
      await aws.snapshot(fewFiles, { tags: { 'snap-to-s3': 'migrated' } }),
      await aws.snapshot(fewFiles, { tags: { other: 'migrate' } }),
    ];
    const finished = await aws.command(['migrate', '--all', '--bucket', bucket]);
    expect(finished).toMatchObject({ status: 0 });
    expect(archivedIn(await aws.keys(bucket)).sort()).toEqual([...tagged].sort());
    for (const snapshotId of tagged) expect(await aws.tags(snapshotId)).toEqual({ 'snap-to-s3': 'migrated' });
    expect(await aws.tags(others[0] ?? '')).toEqual({ 'snap-to-s3': 'migrated' });
    expect(await aws.tags(others[1] ?? '')).toEqual({ other: 'migrate' });
    // Nothing is left to do, which is no failure.
    const again = await aws.command(['migrate', '--all', '--bucket', bucket]);
    expect(again).toMatchObject({ status: 0 });
    expect(again.stdout + again.stderr).not.toContain(tagged[0]);
  });

  it('--one -> exactly one; --migrate is the same as the command', async () => {
    const bucket = await aws.bucket();
    const tagged = [await aws.snapshot(fewFiles), await aws.snapshot(fewFiles)];
    expect(await aws.command(['--migrate', '--one', '--bucket', bucket])).toMatchObject({ status: 0 });
    const [taken] = archivedIn(await aws.keys(bucket));
    expect(archivedIn(await aws.keys(bucket))).toHaveLength(1);
    const [left] = tagged.filter((snapshotId) => snapshotId !== taken);
    expect(await aws.tags(taken ?? '')).toEqual({ 'snap-to-s3': 'migrated' });
    expect(await aws.tags(left ?? '')).toEqual(migrating);
    await aws.ec2.send(new CreateTagsCommand({ Resources: [left ?? ''], Tags: [{ Key: 'snap-to-s3', Value: 'no' }] }));
  });

  it('--tag -> another tag, on snapshots and on the volume', async () => {
    const bucket = await aws.bucket({ tag: 'other-tag' });
    const snapshotId = await aws.snapshot(fewFiles, { tags: { 'other-tag': 'migrate', 'snap-to-s3': 'validated' } });
    const kept = ['--tag', 'other-tag', '--keep-temp-volumes'];
    expect(await aws.command(['migrate', '--all', '--bucket', bucket, ...kept])).toMatchObject({ status: 0 });
    expect(archivedIn(await aws.keys(bucket))).toEqual([snapshotId]);
    expect(await aws.tags(snapshotId)).toEqual({ 'other-tag': 'migrated', 'snap-to-s3': 'validated' });
    const [volume] = await aws.volumes();
    expect(volume?.Tags).toContainEqual({ Key: 'other-tag', Value: expect.any(String) });
    await aws.ec2.send(new DeleteVolumeCommand({ VolumeId: volume?.VolumeId }));
  });

  it('while it works, the tag says "migrating" and bears an id; those that are tagged meanwhile are taken too', async () => {
    const bucket = await aws.bucket();
    const snapshotId = await aws.snapshot(fewFiles);
    const laterId = await aws.snapshot(fewFiles, { tags: {} });
    let during: Promise<Readonly<Record<string, string>>> | undefined;
    let tagged: Promise<unknown> | undefined;
    const finished = await aws.command(['migrate', '--all', '--bucket', bucket, '--json'], {
      onEvent: ({ stage }) => {
        if (stage === 'creating-volume') during ??= aws.tags(snapshotId);
        const Tags = [{ Key: 'snap-to-s3', Value: 'migrate' }];
        if (stage === 'archiving') tagged ??= aws.ec2.send(new CreateTagsCommand({ Resources: [laterId], Tags }));
      },
    });
    expect(finished.status).toBe(0);
    expect(tagged).toBeDefined();
    expect(archivedIn(await aws.keys(bucket)).sort()).toEqual([snapshotId, laterId].sort());
    expect(await aws.tags(laterId)).toEqual({ 'snap-to-s3': 'migrated' });
    expect(await during).toEqual({
      'snap-to-s3': 'migrating',
      'snap-to-s3-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });
});

describe('the temporary volume', () => {
  it('with --keep-temp-volumes -> stays, detached, and the next run takes it', async () => {
    const bucket = await aws.bucket();
    const snapshotId = await aws.snapshot(fewFiles);
    const argv = ['migrate', '--snapshots', snapshotId, '--bucket', bucket, '--json'];
    const first = await aws.command([...argv, '--keep-temp-volumes', '--volume-type', 'gp3']);
    expect(first.status).toBe(0);
    const [kept, ...others] = await aws.volumes();
    expect(others).toEqual([]);
    expect(kept).toMatchObject({ State: 'available', Attachments: [], SnapshotId: snapshotId, VolumeType: 'gp3' });
    expect(kept?.Tags).toContainEqual({ Key: 'snap-to-s3', Value: expect.any(String) });
    expect(await aws.leftovers()).toEqual([`volume ${kept?.VolumeId ?? ''} is available`]);

    const second = await aws.command(argv);
    expect(second.status).toBe(0);
    expect(stages(second)).toContain(`reusing-volume ${kept?.VolumeId ?? ''}`);
    expect(stages(second).join()).not.toContain('creating-volume');
  });

  it('is never one that only looks like it', async () => {
    const bucket = await aws.bucket();
    const snapshotId = await aws.snapshot(fewFiles);
    const anotherSnapshot = await aws.snapshot(fewFiles, { tags: {} });
    const mark = [{ ResourceType: 'volume' as const, Tags: [{ Key: 'snap-to-s3', Value: 'temporary' }] }];
    const { availabilityZone, elsewhere } = { availabilityZone: aws.machine.zone, elsewhere: 'us-east-1b' };
    expect(elsewhere).not.toBe(availabilityZone);
    const looksAlike = [
      { SnapshotId: anotherSnapshot, AvailabilityZone: availabilityZone, TagSpecifications: mark },
      { SnapshotId: snapshotId, AvailabilityZone: availabilityZone },
      { SnapshotId: snapshotId, AvailabilityZone: elsewhere, TagSpecifications: mark },
      { Size: 1, AvailabilityZone: availabilityZone, TagSpecifications: mark },
    ];
    const ids: string[] = [];
    for (const input of looksAlike) ids.push((await aws.ec2.send(new CreateVolumeCommand(input))).VolumeId ?? '');
    const finished = await aws.command(['migrate', '--snapshots', snapshotId, '--bucket', bucket, '--json']);
    expect(finished.status).toBe(0);
    expect(stages(finished).join()).not.toContain('reusing-volume');
    const { Volumes = [] } = await aws.ec2.send(new DescribeVolumesCommand({ VolumeIds: ids }));
    expect(Volumes.map(({ State }) => State)).toEqual(['available', 'available', 'available', 'available']);
    expect(await aws.volumes()).toHaveLength(4);
    for (const VolumeId of ids) await aws.ec2.send(new DeleteVolumeCommand({ VolumeId }));
  });

  it('is attached under another name where /dev/sdf is taken', async () => {
    const bucket = await aws.bucket();
    const snapshotId = await aws.snapshot(fewFiles);
    await using taken = await strangersVolume(aws, { sizeGiB: 1 });
    const { Volumes = [] } = await aws.ec2.send(new DescribeVolumesCommand({ VolumeIds: [taken.volumeId] }));
    expect(Volumes[0]?.Attachments?.[0]?.Device).toBe('/dev/sdf');
    const finished = await aws.command(['migrate', '--snapshots', snapshotId, '--bucket', bucket, '--json']);
    expect(finished.status).toBe(0);
    const names = stages(finished).flatMap((text) => /^attaching-volume vol-[0-9a-f]+ as (\S+)$/.exec(text)?.[1] ?? []);
    expect(names).toEqual(['/dev/sdg']);
  });
});

describe('two snapshots of one volume at once', () => {
  it.each(['xfs', 'btrfs'] as const)(
    '%s, which have the same UUID -> both are archived, each as it is',
    async (type) => {
      const bucket = await aws.bucket();
      const ids = await aws.snapshots(
        (device) => filesystemOn(device, type, (path) => writeFile(join(path, 'file'), type)),
        2,
      );
      const argv = ['migrate', '--snapshots', ...ids, '--jobs', '2', '--bucket', bucket, '--json'];
      const finished = await aws.command(argv);
      expect(finished.status, JSON.stringify(finished.events.slice(-3))).toBe(0);
      expect(archivedIn(await aws.keys(bucket)).sort()).toEqual([...ids].sort());
      // Both were begun before either was done.
      const order = finished.events.map(({ kind, stage }) => stage ?? kind);
      expect(order.lastIndexOf('attaching-volume')).toBeLessThan(order.indexOf('snapshot-archived'));
      for (const id of ids) expect(await aws.tags(id)).toEqual({ 'snap-to-s3': 'migrated' });
    },
  );
});

describe('what is told', () => {
  it('--json -> one object a line, in the order of the work', async () => {
    const bucket = await aws.bucket();
    const snapshotId = await aws.snapshot(fewFiles);
    const { status, events, stdout } = await aws.command([
      ...['migrate', '--snapshots', snapshotId, '--bucket', bucket],
      '--json',
    ]);
    expect(status).toBe(0);
    expect(stdout.split('\n').length - 1).toBe(events.length);
    const order = events.map(({ kind, stage }) => stage ?? kind).filter((word) => word !== 'progress');
    expect(order).toEqual([
      'snapshots-found',
      'snapshot-started',
      'claiming',
      'creating-volume',
      'attaching-volume',
      'waiting-for-device',
      'reading-disk',
      'archiving',
      'object-archived',
      'cleaning-up',
      'writing-manifest',
      'snapshot-archived',
      'run-finished',
    ]);
    expect(events.filter(({ kind }) => kind === 'progress').length).toBeGreaterThan(0);
    const ofOne = events.filter(({ kind }) => kind !== 'snapshots-found' && kind !== 'run-finished');
    expect(ofOne.every((event) => event.snapshotId === snapshotId)).toBe(true);
  });

  it('swap and empty partitions are left out, with a notice; no other partition is', async () => {
    const bucket = await aws.bucket();
    const snapshotId = await aws.snapshot(async (device) => {
      const disk = (await runText(['realpath', device])).trim();
      const input = 'label: dos\nsize=65536, type=82\nsize=65536\nsize=204800\ntype=5\nsize=204800\n';
      await run(['sfdisk', '--quiet', '--no-reread', disk], { input });
      await run(['partx', '--update', disk]);
      await run(['mkswap', '-q', `${disk}p1`]);
      await fewFiles(`${disk}p3`);
      await fewFiles(`${disk}p5`);
    });
    const finished = await aws.command(['migrate', '--snapshots', snapshotId, '--bucket', bucket, '--json']);
    expect(finished).toMatchObject({ status: 0 });
    const notices = finished.events.filter(({ kind }) => kind === 'notice').map(({ text }) => text);
    expect(notices).toEqual([
      expect.stringMatching(/^Partition 1 .* is swap space and is left out\.$/),
      expect.stringMatching(/^Partition 2 .* holds no filesystem and is left out\.$/),
    ]);
    const endings = (await aws.keys(bucket)).map((key) => /snap-[0-9a-f]+(.*)$/.exec(key)?.[1]);
    expect(endings.filter((ending) => ending?.endsWith('.lz4'))).toEqual(['.3.tar.lz4', '.5.tar.lz4']);
  });
});

describe('how it is sent', () => {
  it.each([
    ['aws:kms with a key', ['aws:kms', '--sse-kms-key-id', 'alias/backups'], 'aws:kms', /alias\/backups/],
    ['aws:kms without a key', ['aws:kms'], 'aws:kms', undefined],
    ['AES256', ['AES256'], 'AES256', undefined],
  ] as const)('--sse %s -> on every object', async (_, sse, mode, key) => {
    const bucket = await aws.bucket();
    const snapshotId = await aws.snapshot(fewFiles);
    const argv = ['migrate', '--snapshots', snapshotId, '--bucket', bucket, '--sse', ...sse];
    expect(await aws.command(argv)).toMatchObject({ status: 0 });
    const keys = await aws.keys(bucket);
    expect(keys).toHaveLength(3);
    for (const Key of keys) {
      const head = await aws.s3.send(new HeadObjectCommand({ Bucket: bucket, Key }));
      expect(head.ServerSideEncryption).toBe(mode);
      if (key === undefined) expect(head.SSEKMSKeyId).toBeUndefined();
      else expect(head.SSEKMSKeyId).toMatch(key);
    }
  });

  it('--sse-kms-key-id without --sse aws:kms -> refused before anything is done', async () => {
    const bucket = await aws.bucket();
    const finished = await aws.command(['migrate', '--all', '--bucket', bucket, '--sse-kms-key-id', 'alias/backups']);
    expect(finished.status).toBe(2);
    expect(finished.stderr).toContain('--sse aws:kms');
  });

  it('--upload-streams 4 -> four parts at once, and one without it', async () => {
    const snapshotId = await aws.snapshot((device) =>
      filesystemOn(device, 'ext4', async (path) => {
        await run(['dd', 'if=/dev/urandom', `of=${join(path, 'random')}`, 'bs=1M', 'count=64', 'status=none']);
      }),
    );
    const most: number[] = [];
    for (const streams of [[], ['--upload-streams', '4']]) {
      const bucket = await aws.bucket();
      await using witness = await s3Witness(aws.url, { partDelayMs: 200 });
      const finished = await aws.command(['migrate', '--snapshots', snapshotId, '--bucket', bucket, ...streams], {
        env: { AWS_ENDPOINT_URL_S3: witness.url },
      });
      expect(finished).toMatchObject({ status: 0 });
      most.push(witness.mostPartsAtOnce);
    }
    expect(most).toEqual([1, 4]);
  });
});
