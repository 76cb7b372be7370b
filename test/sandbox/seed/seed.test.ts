import { lstat, mkdir, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AttachVolumeCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { byIdName } from '../../../sandbox/ec2/index.js';
import { seed, type DemoDisk } from '../../../sandbox/seed/index.js';
import { systemClock } from '../../../src/core/index.js';
import { run, runText } from '../../../src/process/index.js';
import { availableVolume, eventually, scratchDirectory, startEc2, volumeNow } from '../ec2/support.js';

const content = { realMiB: 2, realFrom: 0, awkward: true, sparseGiB: 0, smallFiles: 3 };

const small: DemoDisk = {
  name: 'small',
  description: 'everything, but little of it',
  sizeGiB: 1,
  disk: {
    kind: 'partitioned',
    partitions: [
      { size: 100, filling: { kind: 'filesystem', type: 'ext4', label: 'one', content: { ...content, sparseGiB: 8 } } },
      { size: 320, filling: { kind: 'filesystem', type: 'xfs', label: 'two', content } },
      { size: 120, filling: { kind: 'filesystem', type: 'btrfs', label: 'three', content } },
      { size: 16, filling: { kind: 'swap', label: 'four' } },
      { size: 'rest', filling: { kind: 'nothing' } },
    ],
  },
};

describe('seed', () => {
  it('makes a tagged snapshot with every filesystem, and leaves no volume and no device behind', async () => {
    const ec2 = await startEc2();
    const { client, service } = ec2;
    const [made] = await seed({ ec2: client, clock: systemClock, disks: [small] });
    expect(made?.parts.map(({ partition, filling }) => `${partition} ${filling}`)).toEqual([
      '1 ext4',
      '2 xfs',
      '3 btrfs',
      '4 swap',
      '5 nothing',
    ]);
    const Filters = [{ Name: 'tag:snap-to-s3', Values: ['migrate'] }];
    const { Snapshots = [] } = await client.send(new DescribeSnapshotsCommand({ Filters }));
    expect(Snapshots).toMatchObject([{ SnapshotId: made?.snapshotId, State: 'completed' }]);
    await eventually(async () => {
      const { Volumes = [] } = await client.send(new DescribeVolumesCommand({}));
      return Volumes.length === 1 ? true : undefined;
    });
    expect(await runText(['losetup', '--list', '--noheadings'])).not.toContain(ec2.directory);

    const VolumeId = await availableVolume(client, { SnapshotId: made?.snapshotId });
    await client.send(new AttachVolumeCommand({ VolumeId, InstanceId: service.instance.id, Device: '/dev/sdf' }));
    await eventually(async () =>
      (await volumeNow(client, VolumeId))?.Attachments?.[0]?.State === 'attached' ? true : undefined,
    );
    const link = join('/dev/disk/by-id', byIdName(VolumeId));
    const types = await runText([
      'blkid',
      '--match-tag',
      'TYPE',
      '--output',
      'value',
      ...[1, 2, 3, 4].map((n) => `${link}-part${n}`),
    ]);
    expect(types.trim().split('\n')).toEqual(['ext4', 'xfs', 'btrfs', 'swap']);
    const target = join(await scratchDirectory(), 'mount');
    await mkdir(target);
    for (const number of [1, 2, 3]) {
      await run(['mount', '--options', 'ro', `${link}-part${number}`, target]);
      try {
        await checkAwkward(target);
        if (number === 1) {
          const sparse = await stat(join(target, 'sparse'));
          expect(sparse.size).toBeGreaterThan(8 * 1024 ** 3);
          expect(sparse.blocks * 512).toBeLessThan(5 * 1024 ** 2);
        }
      } finally {
        await run(['umount', target]);
      }
    }
    await client.send(new DetachVolumeCommand({ VolumeId }));
    await eventually(async () => ((await volumeNow(client, VolumeId))?.State === 'available' ? true : undefined));
  });

  it('removes its volume when a disk cannot be built', async () => {
    const { client } = await startEc2();
    const impossible: DemoDisk = {
      ...small,
      disk: { kind: 'partitioned', partitions: [{ size: 5_000, filling: { kind: 'nothing' } }] },
    };
    await expect(seed({ ec2: client, clock: systemClock, disks: [impossible] })).rejects.toThrow('sfdisk');
    await eventually(async () => {
      const { Volumes = [] } = await client.send(new DescribeVolumesCommand({}));
      return Volumes.length === 1 ? true : undefined;
    });
  });
});

async function checkAwkward(root: string): Promise<void> {
  const names = await readdir(Buffer.from(join(root, 'awkward/names')), { encoding: 'buffer' });
  const has = (name: Buffer) => names.some((candidate) => candidate.equals(name));
  expect(has(Buffer.from('line\nbreak'))).toBe(true);
  expect(has(Buffer.from('-rf'))).toBe(true);
  expect(has(Buffer.from([0xff, 0xfe]))).toBe(true);
  const longest = (await runText(['find', join(root, 'awkward'), '-printf', '%P\\n']))
    .split('\n')
    .reduce((most, path) => Math.max(most, path.length), 0);
  expect(longest).toBeGreaterThan(300);
  const files = join(root, 'awkward/files');
  expect((await stat(join(files, 'owner-3000000000'))).uid).toBe(3_000_000_000);
  expect((await stat(join(files, 'setuid'))).mode & 0o7777).toBe(0o4755);
  expect((await lstat(join(files, 'block-device'))).isBlockDevice()).toBe(true);
  expect((await lstat(join(files, 'fifo'))).isFIFO()).toBe(true);
  expect((await stat(join(files, 'links/original'))).nlink).toBe(3);
  expect(await readlink(join(files, 'dangling'))).toBe('nothing/here');
  expect((await lstat(join(files, 'time-nanoseconds'), { bigint: true })).mtimeNs).toBe(1_234_567_890_123_456_789n);
  expect((await lstat(join(files, 'time-before-1970'), { bigint: true })).mtimeNs).toBe(-86_400_750_000_000n);
  expect(
    await runText([
      'getfattr',
      '--name=user.binary',
      '--encoding=hex',
      '--only-values',
      '--absolute-names',
      join(files, 'with-attributes'),
    ]),
  ).toContain('\n\r');
  expect(await runText(['getfacl', '--absolute-names', '--numeric', join(files, 'with-acl')])).toContain(
    'default:user:12345:rwx',
  );
  expect(await readdir(join(root, 'small'))).toHaveLength(3);
  expect((await readdir(join(root, 'usr-share'))).length).toBeGreaterThan(0);
}
