import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  CreateSnapshotCommand,
  CreateTagsCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
} from '@aws-sdk/client-ec2';
import { attachedVolume, findMachine } from '../../sandbox/seed/index.js';
import { count, poll, systemClock } from '../../src/core/index.js';
import { run, runText } from '../../src/process/index.js';
import { walkDisk } from '../../src/verify/index.js';
import type { DemoTools } from './as-root.js';

/** Restores an archive of one ext4 to a new volume, and a single file of it, and holds both against the snapshot. */
export async function bringBack(snapshotId: string, tools: DemoTools): Promise<void> {
  const { say, bucket, snapToS3 } = tools;
  const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-demo-restored-'));
  try {
    await snapToS3(['restore', snapshotId, '--bucket', bucket, '--to-new-volume']);
    const restored = { volumeId: await restoredVolume(snapshotId, tools) };
    const original = { snapshotId };
    const path = await withFiles(restored, { tools, options: 'ro' }, async (all) => {
      const entries = await withFiles(original, { tools, options: 'ro' }, (there) => requireSame(there, all));
      const what = 'contents, owners, modes, times, attributes';
      say(`   Both volumes have the same ${count(entries, 'entry', 'entries')}: ${what}.`);
      const files = await runText(['find', 'usr-share', '-type', 'f', '-size', '+20k'], { cwd: all });
      return files.split('\n').sort().at(-1) ?? '';
    });
    const one = join(folder, 'one');
    await snapToS3(['restore', snapshotId, '--bucket', bucket, '--path', path, '--to-directory', one]);
    await withFiles(original, { tools, options: 'ro' }, (there) => run(['cmp', join(there, path), join(one, path)]));
    say('   cmp: the single file is identical, too.');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The volume that bears the tag of a snapshot's restored volume. */
async function restoredVolume(snapshotId: string, { ec2 }: DemoTools): Promise<string> {
  const Filters = [{ Name: 'tag:snap-to-s3-restored-from', Values: [snapshotId] }];
  const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ Filters }));
  const [{ VolumeId } = {}] = Volumes;
  if (VolumeId === undefined) throw new Error(`No volume was restored from ${snapshotId}.`);
  return VolumeId;
}

/** Throws at the first thing that two trees do not have alike; returns how many they have. */
async function requireSame(original: string, restored: string): Promise<number> {
  const walk = (path: string) => walkDisk(path, { parallelism: 2, filesystemType: 'ext4' });
  const found = walk(restored);
  let entries = 0;
  for await (const entry of walk(original)) {
    const { value } = await found.next();
    if (!isDeepStrictEqual(entry, value))
      throw new Error(`${entry.path.toString('utf8')} did not come back as it was.`);
    entries += 1;
  }
  if ((await found.next()).done !== true) throw new Error('There is more than there was.');
  return entries;
}

/** Changes a few files of a copy of the snapshot's volume, and takes a snapshot of that. Returns its id. */
export async function laterSnapshot(snapshotId: string, tools: DemoTools): Promise<string> {
  const { ec2 } = tools;
  return withFiles({ snapshotId }, { tools, options: 'rw' }, async (path, VolumeId) => {
    await writeFile(join(path, 'new file'), 'It was not there before.\n');
    await run(
      [
        'bash',
        '-ec',
        'f=$(find usr-share -type f | sort | head -1); chmod 0600 "$f"; rm "$(find usr-share -type f | sort | tail -1)"',
      ],
      { cwd: path },
    );
    await run(['sync', '--file-system', path]);
    const { SnapshotId = '' } = await ec2.send(new CreateSnapshotCommand({ VolumeId, Description: 'a day later' }));
    await ec2.send(
      new CreateTagsCommand({ Resources: [SnapshotId], Tags: [{ Key: 'Name', Value: 'mail archive, later' }] }),
    );
    const isCompleted = async (): Promise<true | undefined> => {
      const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [SnapshotId] }));
      return Snapshots[0]?.State === 'completed' ? true : undefined;
    };
    await poll(isCompleted, { clock: systemClock, intervalMs: 100, timeoutMs: 30_000 });
    return SnapshotId;
  });
}

/** Works on the files of a volume that is one filesystem, a new one of a snapshot or one that is there; then it is deleted. */
async function withFiles<T>(
  origin: { readonly snapshotId: string } | { readonly volumeId: string },
  { tools: { ec2 }, options }: { readonly tools: DemoTools; readonly options: 'ro' | 'rw' },
  work: (path: string, volumeId: string) => Promise<T>,
): Promise<T> {
  const machine = await findMachine(ec2);
  const path = await mkdtemp(join(tmpdir(), 'snap-to-s3-demo-mount-'));
  try {
    await using volume = await attachedVolume(origin, { machine, tools: { ec2, clock: systemClock } });
    await run(['mount', '-o', options, volume.devicePath, path]);
    try {
      return await work(path, volume.volumeId);
    } finally {
      await run(['umount', path]);
    }
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}
