import { readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AttachVolumeCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { byIdName } from '../../../sandbox/ec2/index.js';
import { run, runText } from '../../../src/process/index.js';
import {
  availableVolume,
  completedSnapshot,
  eventually,
  failure,
  scratchDirectory,
  snapshotNow,
  startEc2,
  volumeNow,
} from './support.js';

async function linkOf(volumeId: string): Promise<string | undefined> {
  return readlink(`/dev/disk/by-id/${byIdName(volumeId)}`).catch(() => undefined);
}

describe('a restart', () => {
  it('brings back volumes, snapshots, tags and the instance', async () => {
    const directory = await scratchDirectory();
    const first = await startEc2({ directory });
    const volume = await availableVolume(first.client, { Size: 2 });
    const snapshot = await completedSnapshot(first.client, volume, 'kept');
    const Tags = [{ Key: 'snap-to-s3', Value: 'migrate' }];
    await first.client.send(new CreateTagsCommand({ Resources: [snapshot, first.service.instance.id], Tags }));
    const before = {
      volume: await volumeNow(first.client, volume),
      snapshot: await snapshotNow(first.client, snapshot),
    };
    await first.close();
    const second = await startEc2({ directory });
    expect(second.service.instance.id).toBe(first.service.instance.id);
    expect(await volumeNow(second.client, volume)).toEqual(before.volume);
    expect(await snapshotNow(second.client, snapshot)).toEqual(before.snapshot);
    const later = await availableVolume(second.client);
    const { Volumes = [] } = await second.client.send(new DescribeVolumesCommand({}));
    expect(Volumes.map(({ VolumeId }) => VolumeId).slice(-2)).toEqual([volume, later]);
  });

  it('loses nothing that was answered, even without a close', async () => {
    const directory = await scratchDirectory();
    const first = await startEc2({ directory });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        first.client.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 1 })),
      ),
    );
    const Tags = [{ Key: 'answered', Value: 'yes' }];
    await first.client.send(new CreateTagsCommand({ Resources: [answers[0]?.VolumeId ?? ''], Tags }));
    // What a second reader finds now is what a crash would leave.
    const copy = await scratchDirectory();
    await writeFile(join(copy, 'state.jsonl'), await readFile(join(directory, 'state.jsonl')));
    const second = await startEc2({ directory: copy });
    const { Volumes = [] } = await second.client.send(new DescribeVolumesCommand({}));
    const found = new Set(Volumes.map(({ VolumeId }) => VolumeId));
    expect(answers.filter(({ VolumeId }) => !found.has(VolumeId))).toEqual([]);
    expect(Volumes.find(({ VolumeId }) => VolumeId === answers[0]?.VolumeId)?.Tags).toEqual(Tags);
  });

  it('takes the devices away at close and gives them back, with what was written', async () => {
    const directory = await scratchDirectory();
    const first = await startEc2({ directory });
    const VolumeId = await availableVolume(first.client);
    const { id } = first.service.instance;
    await first.client.send(new AttachVolumeCommand({ VolumeId, InstanceId: id, Device: '/dev/sdf' }));
    const link = await eventually(() => linkOf(VolumeId));
    await writeFile(join('/dev', link.replace('../../', '')), 'before the restart', { flag: 'r+' });
    await first.close();
    expect(await linkOf(VolumeId)).toBeUndefined();
    expect(await runText(['losetup', '--list', '--noheadings'])).not.toContain(directory);
    const second = await startEc2({ directory });
    expect((await volumeNow(second.client, VolumeId))?.Attachments).toMatchObject([
      { State: 'attached', Device: '/dev/sdf' },
    ]);
    const device = join('/dev/disk/by-id', (await linkOf(VolumeId)) ?? 'none');
    expect((await runText(['head', '--bytes=18', device])).trim()).toBe('before the restart');
    await second.client.send(new DetachVolumeCommand({ VolumeId }));
    await eventually(async () =>
      (await volumeNow(second.client, VolumeId))?.State === 'available' ? true : undefined,
    );
  });

  it('adopts the device that is still there because it was mounted', async () => {
    const directory = await scratchDirectory();
    const first = await startEc2({ directory });
    const VolumeId = await availableVolume(first.client);
    const { id } = first.service.instance;
    await first.client.send(new AttachVolumeCommand({ VolumeId, InstanceId: id, Device: '/dev/sdf' }));
    const link = await eventually(() => linkOf(VolumeId));
    const device = `/dev/${link.replace('../../', '')}`;
    await run(['mkfs.ext4', '-q', device]);
    const target = await scratchDirectory();
    await run(['mount', device, target]);
    try {
      await first.close();
      expect(first.notices).toEqual([expect.stringContaining('still in use')]);
      const second = await startEc2({ directory });
      expect(await linkOf(VolumeId)).toBe(link);
      await run(['umount', target]);
      await second.client.send(new DetachVolumeCommand({ VolumeId }));
      await eventually(async () => ((await linkOf(VolumeId)) === undefined ? true : undefined));
    } finally {
      await run(['umount', target]).catch(() => undefined);
    }
  });

  it('finishes what was under way: creating, deleting, attaching, detaching', async () => {
    const directory = await scratchDirectory();
    const slow = { createVolumeMs: 60_000, deleteVolumeMs: 60_000, attachMs: 60_000, detachMs: 60_000 };
    const quick = await startEc2({ directory });
    const deleting = await availableVolume(quick.client);
    const attaching = await availableVolume(quick.client);
    const detaching = await availableVolume(quick.client);
    const InstanceId = quick.service.instance.id;
    await quick.client.send(new AttachVolumeCommand({ VolumeId: detaching, InstanceId, Device: '/dev/sdf' }));
    await eventually(() => linkOf(detaching));
    await quick.close();
    const first = await startEc2({ directory, delays: slow });
    await first.client.send(new DeleteVolumeCommand({ VolumeId: deleting }));
    await first.client.send(new AttachVolumeCommand({ VolumeId: attaching, InstanceId, Device: '/dev/sdg' }));
    await first.client.send(new DetachVolumeCommand({ VolumeId: detaching }));
    const created = await first.client.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 1 }));
    const creating = created.VolumeId ?? '';
    await first.close();
    const second = await startEc2({ directory });
    const states = async () =>
      (await Promise.all([creating, deleting, attaching, detaching].map((id) => volumeNow(second.client, id)))).map(
        (volume) => volume?.Attachments?.[0]?.State ?? volume?.State,
      );
    await eventually(
      async () =>
        JSON.stringify(await states()) === JSON.stringify(['available', undefined, 'attached', 'available']) ||
        undefined,
    );
    await expect(stat(join(directory, 'volumes', `${deleting}.img`))).rejects.toThrow('ENOENT');
  });

  it('calls a snapshot an error whose copy a crash cut short, and completes one whose copy is whole', async () => {
    const directory = await scratchDirectory();
    const first = await startEc2({ directory });
    const volume = await availableVolume(first.client);
    const whole = await completedSnapshot(first.client, volume);
    const cut = await completedSnapshot(first.client, volume);
    await first.close();
    const path = join(directory, 'state.jsonl');
    const pending = (await readFile(path, 'utf8')).replaceAll(
      /"status":\{"kind":"completed","completedAtMs":\d+[^}]*\}/g,
      '"status":{"kind":"pending","afterwards":"keep"}',
    );
    await writeFile(path, pending);
    await run(['rm', join(directory, 'snapshots', `${cut}.img`)]);
    const second = await startEc2({ directory });
    expect((await snapshotNow(second.client, whole))?.State).toBe('completed');
    expect(await snapshotNow(second.client, cut)).toMatchObject({
      State: 'error',
      StateMessage: expect.stringContaining('before the copy was complete'),
    });
  });

  it('refuses a state file that is not its own', async () => {
    const directory = await scratchDirectory();
    await writeFile(join(directory, 'state.json'), '{"version":1}');
    expect(await failure(startEc2({ directory }))).toMatchObject({ message: expect.stringContaining(directory) });
  });
});
