import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { archiveObject, type ArchivedResult, type ArchiveJob } from '../../src/commands/index.js';
import { formatBytes, snapshotId, systemClock } from '../../src/core/index.js';
import { readDevice, tarBytes } from '../../src/disk/index.js';
import { run } from '../../src/process/index.js';
import { imageJudge, readBack, tarJudge } from './read-back.js';
import { table } from './table.js';

/** What this part works with. */
export interface UnprivilegedTools {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly say: (text: string) => void;
}

const imageBytes = 256 * 1024 ** 2;
/** A folder that every system has, of a size that shows something. */
const folderToArchive = '/usr/share/doc';

/**
 * What can be shown without root: no volumes, no mounts; but the same archiving that `migrate` does, of a folder as tar
 * and of a disk image made by mkfs, into the local S3 and back.
 */
export async function demoWithoutRoot({ s3, bucket, say }: UnprivilegedTools): Promise<void> {
  say(
    '\nThis is not root. Attaching volumes and mounting filesystems cannot be shown, so no snapshot is migrated here;',
  );
  say('run "sudo npm run demo" for that. What can be shown: a folder and a disk image become archives and come back.');
  const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-demo-'));
  try {
    const image = join(folder, 'disk.img');
    await writeFile(image, '');
    await truncate(image, imageBytes);
    say(`\n1. A disk image with an ext4 filesystem, filled from ${folderToArchive}`);
    await run(['mkfs.ext4', '-q', '-F', '-d', folderToArchive, image]);

    say('\n2. Folder and image become archives in the local S3');
    const jobs = [tarJob(), imageJob(image)];
    const results: ArchivedResult[] = [];
    for (const job of jobs) {
      const store = { client: s3, bucket, clock: systemClock, temporaryDirectory: tmpdir() };
      const options = { store, clock: systemClock, events: () => undefined, parallelism: availableParallelism() };
      results.push(await archiveObject(job, { ...options, signal: new AbortController().signal }));
    }
    say('\n3. They are read back with the ordinary programs');
    for (const job of jobs) {
      const judge = job.content === 'tar' ? tarJudge(folderToArchive) : imageJudge(image);
      await readBack({ s3, bucket, key: job.target.key, codec: job.codec, judge });
      say(`   ${job.codec} -d | ${judge.slice(0, 2).join(' ')} …: identical: ${job.target.key}`);
    }
    const rows = results.map(({ key, rawBytes, storedBytes }) => [
      key,
      formatBytes(rawBytes),
      formatBytes(storedBytes),
      `${Math.round((100 * storedBytes) / rawBytes)} %`,
    ]);
    say(`\n${table([['object', 'read', 'stored', 'ratio'], ...rows], [1, 2, 3])}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const common = { snapshotId: snapshotId('snap-00000000000000000'), level: 1, uploadStreams: 1 };

function tarJob(): ArchiveJob {
  return {
    ...common,
    content: 'tar',
    codec: 'lz4',
    target: { key: 'demo/folder.tar.lz4', contentType: 'application/x-lz4' },
    expectedBytes: 0,
    boundBytes: 0,
    open: (signal) => tarBytes(folderToArchive, { filesystemType: 'ext4', signal, onWarning: () => undefined }),
  };
}

function imageJob(image: string): ArchiveJob {
  return {
    ...common,
    content: 'image',
    codec: 'zstd',
    target: { key: 'demo/disk.img.zstd', contentType: 'application/zstd' },
    expectedBytes: imageBytes,
    boundBytes: imageBytes,
    open: (signal) => readDevice(image, { sizeBytes: imageBytes, signal }),
  };
}
