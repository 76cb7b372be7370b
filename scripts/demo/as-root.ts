import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { DescribeSnapshotsCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { attachedVolume, findMachine, seed, type SeededSnapshot } from '../../sandbox/seed/index.js';
import { parseManifest, type Manifest } from '../../src/archive/index.js';
import { count, formatBytes, formatDuration, systemClock } from '../../src/core/index.js';
import { mountReadOnly, readLayout, selectFilesystems } from '../../src/disk/index.js';
import { run } from '../../src/process/index.js';
import { bringBack, laterSnapshot } from './bring-back.js';
import { imageJudge, readBack, tarJudge } from './read-back.js';
import { table } from './table.js';

/** What the demo works with. */
export interface DemoTools {
  readonly ec2: EC2Client;
  readonly s3: S3Client;
  readonly bucket: string;
  readonly say: (text: string) => void;
  /** Runs the command as a user would, output and all; throws when it ends with another status than this (0). */
  readonly snapToS3: (argv: readonly string[], status?: number) => Promise<void>;
}

interface Migrated {
  readonly seeded: SeededSnapshot;
  readonly manifest: Manifest;
  readonly elapsedMs: number;
}

/** The whole demo: disks, snapshots, archives, and the proof that they hold the same. Needs root. */
export async function demoAsRoot(tools: DemoTools): Promise<void> {
  const { say, ec2, bucket, snapToS3 } = tools;
  say('\n1. Disks with real filesystems, and a snapshot of each');
  const snapshots = await seed({ ec2, clock: systemClock, onProgress: (text) => say(`   ${text}`) });
  const database = snapshots.find((snapshot) => snapshot.name === 'database');

  say('\n2. Snapshots become archives in S3');
  const migrated: Migrated[] = [];
  const migrate = async (...argv: readonly string[]): Promise<void> => {
    const startedMs = systemClock.now();
    await snapToS3(argv);
    const elapsedMs = systemClock.now() - startedMs;
    const known = new Set(migrated.map(({ manifest }) => manifest.snapshot.snapshotId));
    for (const manifest of await manifests(tools)) {
      const seeded = snapshots.find(({ snapshotId }) => snapshotId === manifest.snapshot.snapshotId);
      if (seeded !== undefined && !known.has(seeded.snapshotId)) migrated.push({ seeded, manifest, elapsedMs });
    }
  };
  if (database !== undefined) {
    await migrate('migrate', '--snapshots', database.snapshotId, '--dd', '--compression', 'zstd', '--bucket', bucket);
  }
  await migrate('migrate', '--one', '--bucket', bucket);
  await migrate('--migrate', '--all', '--bucket', bucket);

  say('\n3. The archives are read back with the ordinary programs and compared with the disks');
  for (const { manifest } of migrated) await compare(manifest, tools);

  say('\n4. The command proves them as well, and marks their snapshots "validated"');
  await snapToS3(['validate', '--all', '--bucket', bucket]);
  for (const { manifest } of migrated) await requireTag(manifest.snapshot.snapshotId, { ec2, value: 'validated' });

  say('\n5. One bit of an archive is changed, as no disk and no network would ever admit');
  const [victim] = migrated
    .filter(({ seeded }) => seeded.name !== 'mail archive')
    .toSorted((a, b) => storedBytes(a.manifest) - storedBytes(b.manifest));
  if (victim === undefined) throw new Error('Nothing was migrated.');
  const { snapshotId } = victim.manifest.snapshot;
  say(`   in ${await damage(victim.manifest, tools)}`);
  await snapToS3(['validate', '--snapshots', snapshotId, '--bucket', bucket], 1);
  await requireTag(snapshotId, { ec2, value: 'migrated' });
  say('   It was caught, and the snapshot is no longer marked "validated".');

  say('\n6. Archives come back, as a whole volume or a single file');
  const mail = snapshots.find((snapshot) => snapshot.name === 'mail archive');
  if (mail === undefined) throw new Error('There is no mail archive.');
  await bringBack(mail.snapshotId, tools);

  say('\n7. What has changed between two snapshots, told by their indexes alone');
  const later = await laterSnapshot(mail.snapshotId, tools);
  await snapToS3(['migrate', '--snapshots', later, '--bucket', bucket, '--quiet']);
  await snapToS3(['diff', mail.snapshotId, later, '--bucket', bucket]);

  say('\n8. What was done\n');
  say(summary(migrated));
}

async function manifests({ s3, bucket }: DemoTools): Promise<readonly Manifest[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  const keys = Contents.flatMap(({ Key }) => (Key?.endsWith('.manifest.json') === true ? [Key] : []));
  return Promise.all(
    keys.map(async (key) => {
      const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return parseManifest((await answer.Body?.transformToString()) ?? '', key);
    }),
  );
}

/** Throws unless the snapshot has this tag. */
async function requireTag(snapshotId: string, { ec2, value }: { ec2: EC2Client; value: string }): Promise<void> {
  const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }));
  const tag = Snapshots[0]?.Tags?.find(({ Key }) => Key === 'snap-to-s3')?.Value;
  if (tag !== value) throw new Error(`${snapshotId} has the tag ${String(tag)} instead of ${value}.`);
}

/** Writes the first archive of a snapshot anew, with the same metadata and one bit changed. Returns its key. */
async function damage({ objects }: Manifest, { s3, bucket }: DemoTools): Promise<string> {
  const Key = objects[0]?.key ?? '';
  const { Body, Metadata, ContentType } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
  const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
  const middle = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: bytes, Metadata, ContentType }));
  return Key;
}

function storedBytes({ objects }: Manifest): number {
  return objects.reduce((sum, object) => sum + object.storedBytes, 0);
}

/** Makes a new volume of the snapshot and holds every object of it against what is on that. Throws at a difference. */
async function compare(manifest: Manifest, { ec2, s3, bucket, say }: DemoTools): Promise<void> {
  const machine = await findMachine(ec2);
  const { snapshotId } = manifest.snapshot;
  const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-demo-mount-'));
  try {
    await using volume = await attachedVolume({ snapshotId }, { machine, tools: { ec2, clock: systemClock } });
    const layout = await readLayout(volume.devicePath, { clock: systemClock });
    for (const { key, codec, content, partition, entries } of manifest.objects) {
      const object = { s3, bucket, key, codec };
      if (content === 'image') {
        await readBack({ ...object, judge: imageJudge(volume.devicePath) });
        say(`   ${codec} -d | cmp - DISK: identical: ${key}`);
        continue;
      }
      const area = selectFilesystems(layout).filesystems.find((one) => (one.partition ?? null) === partition);
      if (area === undefined) throw new Error(`The disk of ${snapshotId} has no partition ${String(partition)}.`);
      await using mount = await mountReadOnly(area, { mountPoint: join(folder, 'disk'), clock: systemClock });
      await readBack({ ...object, judge: tarJudge(mount.path) });
      // tar --compare looks at what the archive has; so the numbers must agree as well. Sockets are not archived.
      const files = (await run(['find', mount.path, '!', '-type', 's', '-printf', '.'])).length;
      if (files !== entries) throw new Error(`${key} has ${entries} entries, but the disk has ${files}.`);
      say(`   ${codec} -d | tar --compare: ${count(files, 'entry', 'entries')} identical: ${key}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function summary(migrated: readonly Migrated[]): string {
  const rows = migrated.map(({ seeded, manifest, elapsedMs }) => {
    const raw = manifest.objects.reduce((sum, object) => sum + object.rawBytes, 0);
    const stored = storedBytes(manifest);
    const [first] = manifest.objects;
    return [
      manifest.snapshot.snapshotId,
      seeded.name,
      `${count(manifest.objects.length, first?.content ?? 'object', `${first?.content ?? 'object'}s`)}, ${first?.codec ?? ''}`,
      formatBytes(raw),
      formatBytes(stored),
      `${Math.round((100 * stored) / raw)} %`,
      formatDuration(elapsedMs),
    ];
  });
  return table([['snapshot', 'name', 'objects', 'read', 'stored', 'ratio', 'time'], ...rows], [3, 4, 5, 6]);
}
