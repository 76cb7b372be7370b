import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AttachVolumeCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { attachedVolume, type DemoDisk } from '../../sandbox/seed/index.js';
import { poll, systemClock } from '../../src/core/index.js';
import { runText } from '../../src/process/index.js';
import { createStand, type CommandResult, type Stand } from '../support/stand.js';

let stand: Stand;
let good = '';
/** Volumes of the test's own, which must stay as they are. */
let strangers: string[] = [];
beforeAll(async () => {
  stand = await createStand();
  good = await stand.snapshot(small);
});
afterEach(async () => {
  await stand.expectNothingLeft(strangers);
  for (const volume of strangers) await stand.ec2.send(new DeleteVolumeCommand({ VolumeId: volume }));
  strangers = [];
});
afterAll(async () => stand[Symbol.asyncDispose]());

const content = { realMiB: 2, realFrom: 0.1, awkward: false, sparseGiB: 0, smallFiles: 10 };
const small: DemoDisk['disk'] = {
  kind: 'whole',
  filling: { kind: 'filesystem', type: 'ext4', label: 'small', content },
};

/** A snapshot of a disk that the test writes byte by byte. */
async function snapshotOf(write: (devicePath: string) => Promise<void>): Promise<string> {
  const machine = await stand.machine();
  await using volume = await attachedVolume({ sizeGiB: 1 }, { machine, tools: stand.tools });
  await write(volume.devicePath);
  const { SnapshotId = '' } = await stand.ec2.send(new CreateSnapshotCommand({ VolumeId: volume.volumeId }));
  await stand.setTags(SnapshotId, { 'snap-to-s3': 'migrate' });
  return SnapshotId;
}

async function volume(more: Partial<ConstructorParameters<typeof CreateVolumeCommand>[0]>): Promise<string> {
  const { zone } = await stand.machine();
  const { VolumeId = '' } = await stand.ec2.send(
    new CreateVolumeCommand({ AvailabilityZone: zone, VolumeType: 'gp3', ...more }),
  );
  await untilState(VolumeId, 'available');
  return VolumeId;
}

async function untilState(volumeId: string, state: string): Promise<void> {
  const found = await poll(async () => ((await describeVolume(volumeId))?.State === state ? true : undefined), {
    clock: systemClock,
    intervalMs: 20,
    timeoutMs: 10_000,
  });
  expect(found).toBe(true);
}
async function describeVolume(volumeId: string) {
  return (await stand.ec2.send(new DescribeVolumesCommand({ VolumeIds: [volumeId] }))).Volumes?.[0];
}
const mark = (value = 'snap-to-s3', of = 'volume') => [
  { ResourceType: of as 'volume', Tags: [{ Key: value, Value: 'x' }] },
];
const events = (result: CommandResult) =>
  result.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const stages = (result: CommandResult) =>
  events(result).flatMap((event) => (event.kind === 'stage' ? [event.stage] : []));
async function storedKeys(snapshotId: string): Promise<readonly string[]> {
  return (await stand.keys()).filter((key) => key.includes(snapshotId));
}

describe('which snapshots', () => {
  it('--one takes one that is tagged, --all the rest, and then there is none', async () => {
    const others = [await stand.snapshot(small), await stand.snapshot(small)];
    const waiting = async () => {
      const tags = await Promise.all([good, ...others].map((id) => stand.tags(id)));
      return tags.filter((one) => one['snap-to-s3'] === 'migrate').length;
    };
    expect(await waiting()).toBe(3);
    expect(await stand.migrate('--one')).toMatchObject({ status: 0, stderr: '' });
    expect(await waiting()).toBe(2);
    const all = await stand.start(['--migrate', '--all', '--bucket', stand.bucket, '--mount-point', stand.mountPoint])
      .ended;
    expect(all).toMatchObject({ status: 0, stderr: '' });
    expect(await waiting()).toBe(0);
    for (const id of others) {
      expect(await stand.tags(id)).toEqual({ Name: 'test', 'snap-to-s3': 'migrated' });
      expect(await storedKeys(id)).toHaveLength(3);
    }
    const none = await stand.migrate('--all');
    expect([none.status, none.stdout]).toEqual([0, 'No snapshot is waiting.\n']);
  });

  it('--snapshots takes exactly those, whatever their tags say; --tag names another tag', async () => {
    await stand.setTags(good, { 'snap-to-s3': 'migrated', mine: 'nonsense' });
    const result = await stand.migrate('--snapshots', good, '--tag', 'mine', '--json');
    expect(result.status).toBe(0);
    expect(await stand.tags(good)).toMatchObject({ 'snap-to-s3': 'migrated', mine: 'migrated' });
    expect(await stand.tags(good)).not.toHaveProperty('mine-id');
    expect(
      events(result)
        .map((event) => event.kind)
        .filter((kind) => kind !== 'stage' && kind !== 'progress'),
    ).toEqual(['snapshots-found', 'snapshot-started', 'object-archived', 'snapshot-archived']);
    expect(stages(result)).toEqual([
      'claiming',
      'creating-volume',
      'attaching-volume',
      'waiting-for-device',
      'reading-disk',
      'archiving',
      'cleaning-up',
      'writing-manifest',
    ]);
  });

  it('one that fails does not stop the others: exit status 3', async () => {
    const blank = await snapshotOf(() => Promise.resolve());
    const result = await stand.migrate('--snapshots', blank, good);
    expect(result.status).toBe(3);
    expect(result.stderr).toContain(`${blank}: Failed: There is no filesystem on`);
    expect(result.stderr).toContain('1 snapshot archived, 1 failed:');
    expect(await stand.tags(blank)).toEqual({ 'snap-to-s3': 'migrate' });
    expect(await stand.tags(good)).toMatchObject({ 'snap-to-s3': 'migrated' });
    await stand.setTags(blank, { 'snap-to-s3': 'no' });
  });
});

describe('temporary volumes', () => {
  it('kept by --keep-temp-volumes are detached, and used again by the next run', async () => {
    expect((await stand.migrate('--snapshots', good, '--keep-temp-volumes')).status).toBe(0);
    const { Volumes = [] } = await stand.ec2.send(
      new DescribeVolumesCommand({ Filters: [{ Name: 'snapshot-id', Values: [good] }] }),
    );
    expect(Volumes).toMatchObject([{ State: 'available', Attachments: [], VolumeType: 'standard' }]);
    const again = await stand.migrate('--snapshots', good, '--json');
    expect(again.status).toBe(0);
    expect(events(again)).toContainEqual(
      expect.objectContaining({ stage: 'reusing-volume', subject: Volumes[0]?.VolumeId }),
    );
    expect(stages(again)).not.toContain('creating-volume');
  });

  it('of others are never touched: right tag but another snapshot, right snapshot but no tag', async () => {
    const other = await stand.snapshot(small);
    strangers = [
      await volume({ SnapshotId: other, TagSpecifications: mark() }),
      await volume({ SnapshotId: good }),
      await volume({ SnapshotId: good, TagSpecifications: mark('snap-to-s3-other') }),
    ];
    await stand.setTags(other, { 'snap-to-s3': 'no' });
    const result = await stand.migrate('--snapshots', good, '--json');
    expect(result.status).toBe(0);
    expect(stages(result)).toContain('creating-volume');
    for (const id of strangers) expect(await describeVolume(id)).toMatchObject({ State: 'available' });
  });

  it('take another device name where one is in use, and the type that is asked for', async () => {
    const { instanceId } = await stand.machine();
    const [VolumeId = ''] = (strangers = [await volume({ Size: 1 })]);
    await stand.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: instanceId, Device: '/dev/sdf' }));
    const result = await stand.migrate('--snapshots', good, '--volume-type', 'gp2', '--json');
    expect(result.status).toBe(0);
    expect(events(result)).toContainEqual(
      expect.objectContaining({ stage: 'attaching-volume', subject: expect.stringMatching(/ as \/dev\/sdg$/) }),
    );
    await stand.ec2.send(new DetachVolumeCommand({ VolumeId }));
    await untilState(VolumeId, 'available');
  });
});

describe('what cannot be archived as files is refused before anything is sent', () => {
  it.each([
    ['LUKS', 'encrypted with LUKS', (sector: Buffer) => sector.write('LUKS\xba\xbe\x00\x01', 0, 'latin1')],
    ['blank', 'There is no filesystem on', () => undefined],
  ])('%s: exit status 1, and the sentence names --dd', async (_, sentence, write) => {
    const id = await snapshotOf(async (path) => {
      const device = await open(path, 'r+');
      const sector = Buffer.alloc(4096);
      write(sector);
      await device.write(sector, 0, sector.length, 0);
      await device.close();
    });
    const result = await stand.migrate('--snapshots', id);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain(sentence);
    expect(result.stderr).toContain('--dd');
    expect(await storedKeys(id)).toEqual([]);
    expect(await stand.tags(id)).toEqual({ 'snap-to-s3': 'migrate' });
    // With --dd it goes.
    expect((await stand.migrate('--snapshots', id, '--dd', '--compression', 'zstd')).status).toBe(0);
    expect(await storedKeys(id)).toHaveLength(3);
  });

  it('a damaged filesystem', async () => {
    const id = await snapshotOf(async (path) => {
      await runText(['mkfs.ext4', '-q', '-F', path]);
      await runText(['dd', 'if=/dev/urandom', `of=${path}`, 'bs=4096', 'seek=1', 'count=64', 'conv=notrunc']);
    });
    const result = await stand.migrate('--snapshots', id);
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/The ext4 filesystem on \/dev\/loop\d+ does not mount\..*--dd/);
    expect(await storedKeys(id)).toEqual([]);
    expect(await stand.tags(id)).toEqual({ 'snap-to-s3': 'migrate' });
  });
});

describe('what is not there is told in a sentence', () => {
  it('a snapshot', async () => {
    const result = await stand.migrate('--snapshots', 'snap-0123456789abcdef0');
    expect(result.status).toBe(1);
    expect(result.stderr).toContain("The snapshot 'snap-0123456789abcdef0' does not exist");
    expect(result.stderr).not.toContain('    at ');
  });

  it('a bucket, before a volume is made', async () => {
    const result = await stand.start([
      'migrate',
      '--snapshots',
      good,
      '--bucket',
      'missing',
      '--mount-point',
      stand.mountPoint,
    ]).ended;
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toBe(
      'snap-to-s3: The bucket missing does not exist.\nCreate it in the region of your snapshots: aws s3 mb s3://missing\n',
    );
  });

  it('the metadata service, within seconds', async () => {
    const startedMs = systemClock.now();
    const nowhere = { AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:9' };
    const result = await stand.start(['migrate', '--all', '--bucket', 'b'], nowhere).ended;
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('The EC2 instance metadata service at http://127.0.0.1:9 does not answer.');
    expect(systemClock.now() - startedMs).toBeLessThan(15_000);
  });
});

describe('btrfs', () => {
  it('is archived with all its subvolumes, whichever is the default', async () => {
    const id = await snapshotOf(async (device) => {
      await runText(['mkfs.btrfs', '-q', '-f', device]);
      const at = await mkdtemp(join(stand.folder, 'rw-'));
      await runText(['mount', device, at]);
      for (const name of ['root', 'home', 'home/nested'])
        await runText(['btrfs', 'subvolume', 'create', join(at, name)]);
      await runText(['cp', '--archive', '/usr/share/common-licenses', join(at, 'home/nested/licenses')]);
      await runText(['btrfs', 'subvolume', 'snapshot', '-r', join(at, 'home'), join(at, 'snapshot')]);
      await runText(['btrfs', 'subvolume', 'set-default', join(at, 'root')]);
      await runText(['umount', at]);
    });
    expect(await stand.migrate('--snapshots', id)).toMatchObject({ status: 0, stderr: '' });
    const [object] = (await stand.manifest(id)).objects;
    const archive = await stand.download(object?.key ?? '');
    const listing = await runText(['tar', '--list', '--use-compress-program=lz4', `--file=${archive}`]);
    const names = listing.split('\n');
    for (const name of ['./root/', './home/nested/licenses/GPL-3', './snapshot/nested/']) expect(names).toContain(name);
    // A snapshot of a subvolume does not hold the subvolumes below it.
    expect(names).not.toContain('./snapshot/nested/licenses/GPL-3');
    expect(object?.entries).toBe(names.length - 1);
  });
});

describe('a run whose output nobody reads any more', () => {
  it('goes on to its end', async () => {
    const running = stand.start([
      ...['migrate', '--snapshots', good, '--json'],
      ...['--bucket', stand.bucket, '--mount-point', stand.mountPoint],
    ]);
    running.stdout.once('data', () => running.stdout.destroy());
    expect(await running.ended).toMatchObject({ status: 0, stderr: '' });
    expect(await stand.tags(good)).toMatchObject({ 'snap-to-s3': 'migrated' });
  });
});

describe('a run that is broken off leaves nothing and sets the tag back', () => {
  let large = '';
  beforeAll(async () => {
    // Random data in an image: enough parts for an upload that lasts a while.
    large = await snapshotOf(async (path) => {
      const device = await open(path, 'r+');
      const block = randomBytes(1024 ** 2);
      for (let at = 0; at < 600; at += 1) await device.write(block, 0, block.length, at * block.length);
      await device.close();
    });
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s in the middle of an upload -> exit status 130',
    async (signal) => {
      const argv = [
        'migrate',
        '--snapshots',
        large,
        '--dd',
        '--bucket',
        stand.bucket,
        '--mount-point',
        stand.mountPoint,
        '--json',
      ];
      const running = stand.start(argv);
      for await (const text of running.stdout) if (/"storedBytes":[1-9]/.test(String(text))) break;
      running.kill(signal);
      const { status, stderr } = await running.ended;
      expect(status).toBe(130);
      expect(stderr).toContain(`${signal}: cleaning up.`);
      expect(await storedKeys(large)).toEqual([]);
      expect(await stand.tags(large)).toEqual({ 'snap-to-s3': 'migrate' });
    },
  );

  it.each([
    ['dies with an exit status', '"$TAR" "$@" | head -c 300000; exit 2', 'tar failed with exit status 2.'],
    ['is killed after it has written everything', '"$TAR" "$@"; kill -KILL $$', 'tar was killed by SIGKILL.'],
    ['says less than it should', '"$TAR" "$@" | head -c 300000', 'The tar'],
  ])('tar that %s', async (_, script, sentence) => {
    const bin = join(stand.folder, 'fake-bin');
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, 'tar'), `#!/bin/bash\n${script}\n`);
    await chmod(join(bin, 'tar'), 0o755);
    const before = await storedKeys(good);
    const result = await stand.start(
      [
        'migrate',
        '--snapshots',
        good,
        '--bucket',
        stand.bucket,
        '--mount-point',
        stand.mountPoint,
        '--compression',
        'zstd',
      ],
      { PATH: `${bin}:${process.env.PATH ?? ''}`, TAR: '/usr/bin/tar' },
    ).ended;
    expect(result.status).toBe(1);
    expect(result.stderr).toContain(sentence);
    expect(await stand.tags(good)).toMatchObject({ 'snap-to-s3': 'migrate' });
    expect(await storedKeys(good)).toEqual(before);
  });
});
