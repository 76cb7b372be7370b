import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { noDelays } from '../../sandbox/index.js';
import { run, runText } from '../../src/process/index.js';
import { filesystemOn, localAws, type LocalAws } from '../support/local-aws.js';

let aws: LocalAws;
let bucket = '';
beforeAll(async () => {
  aws = await localAws();
  bucket = await aws.bucket();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  expect(await aws.leftovers()).toEqual([]);
});

describe('output that nobody reads any more', () => {
  it('does not end the run: the snapshot is archived, and nothing is left', async () => {
    const snapshotId = await aws.snapshot((device) => filesystemOn(device, 'ext4'));
    const argv = ['migrate', '--snapshots', snapshotId, '--bucket', bucket, '--json'];
    expect(await aws.command(argv, { closeStdout: true })).toMatchObject({ status: 0, stderr: '' });
    expect(await aws.tags(snapshotId)).toMatchObject({ 'snap-to-s3': 'migrated' });
    expect((await aws.keys(bucket)).filter((key) => key.includes(snapshotId))).toHaveLength(3);
  });
});

describe('Ctrl+C while EC2 takes its time', () => {
  it.each(['creating-volume', 'attaching-volume', 'waiting-for-device'])(
    'at the stage %s -> the volume is removed as soon as EC2 lets it go',
    async (stage) => {
      await using slow = await localAws({
        delays: { ...noDelays, createVolumeMs: 1_500, attachMs: 1_500, detachMs: 1_500, deviceLateMs: 1_500 },
      });
      const snapshotId = await slow.snapshot((device) => filesystemOn(device, 'ext4'));
      const argv = ['migrate', '--snapshots', snapshotId, '--bucket', await slow.bucket(), '--json'];
      const finished = await slow.command(argv, {
        onEvent: (event, kill) => {
          if (event.stage === stage) kill('SIGINT');
        },
      });
      expect(finished.status).toBe(130);
      expect(await slow.tags(snapshotId)).toEqual({ 'snap-to-s3': 'migrate' });
      expect(await slow.leftovers()).toEqual([]);
    },
  );
});

describe('btrfs', () => {
  it('is archived with all its subvolumes, whichever is the default', async () => {
    const snapshotId = await aws.snapshot((device) =>
      filesystemOn(device, 'btrfs', async (at) => {
        for (const name of ['root', 'home', 'home/nested']) await run(['btrfs', 'subvolume', 'create', join(at, name)]);
        await run(['cp', '--archive', '/usr/share/common-licenses', join(at, 'home/nested/licenses')]);
        await run(['btrfs', 'subvolume', 'snapshot', '-r', join(at, 'home'), join(at, 'snapshot')]);
        await run(['btrfs', 'subvolume', 'set-default', join(at, 'root')]);
      }),
    );
    const finished = await aws.command(['migrate', '--snapshots', snapshotId, '--bucket', bucket]);
    expect(finished).toMatchObject({ status: 0, stderr: '' });
    const key = (await aws.keys(bucket)).find((one) => one.endsWith(`${snapshotId}.tar.lz4`)) ?? '';
    const archive = await aws.download(bucket, key);
    const names = (await runText(['tar', '--list', '--use-compress-program=lz4', `--file=${archive}`])).split('\n');
    for (const name of ['./root/', './home/nested/licenses/GPL-3', './snapshot/nested/']) expect(names).toContain(name);
    // A snapshot of a subvolume does not hold the subvolumes below it.
    expect(names).not.toContain('./snapshot/nested/licenses/GPL-3');
  });
});
