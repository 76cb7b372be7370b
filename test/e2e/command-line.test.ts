import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { filesystemOn, localAws, type LocalAws } from '../support/local-aws.js';

// What is asked for by options, variables and files, as the real command heeds it.

let aws: LocalAws;
beforeAll(async () => {
  aws = await localAws();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  expect(await aws.leftovers()).toEqual([]);
});

const oneFile = (device: string): Promise<void> =>
  filesystemOn(device, 'ext4', (path) => writeFile(join(path, 'a'), 'contents'));
const storageClasses = async (Bucket: string): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    await Promise.all(
      (await aws.keys(Bucket)).map(async (Key) => {
        const { StorageClass = 'STANDARD' } = await aws.s3.send(new HeadObjectCommand({ Bucket, Key }));
        return [Key.replace(/^.*snap-[0-9a-f]+/, ''), StorageClass] as const;
      }),
    ),
  );

describe('--storage-class', () => {
  it.each([
    ['tar', [], '.tar.lz4'],
    ['image', ['--dd'], '.img.lz4'],
  ])('is that of the %s, and index and manifest stay in STANDARD', async (_, more, suffix) => {
    const bucket = await aws.bucket();
    const snapshotId = await aws.snapshot(oneFile);
    const finished = await aws.command([
      ...['migrate', '--snapshots', snapshotId, '--bucket', bucket, '--storage-class', 'deep_archive', ...more],
    ]);
    expect(finished.status, finished.stderr).toBe(0);
    expect(await storageClasses(bucket)).toEqual({
      [suffix]: 'DEEP_ARCHIVE',
      [`${suffix}.index.jsonl.gz`]: 'STANDARD',
      '.manifest.json': 'STANDARD',
    });
  });
});

describe('--compression-level', () => {
  it('is in effect, and in the manifest', async () => {
    const bucket = await aws.bucket();
    // Text that somebody wrote: what is made up can come out larger at a higher level.
    const text = await readFile(join(import.meta.dirname, '../../package-lock.json'));
    const snapshotId = await aws.snapshot((device) =>
      filesystemOn(device, 'ext4', (path) => writeFile(join(path, 'text'), text)),
    );
    const storedAt = async (level: string): Promise<number> => {
      const how = ['--compression', 'zstd', '--compression-level', level];
      const { status, stderr } = await aws.command(['migrate', '--snapshots', snapshotId, '--bucket', bucket, ...how]);
      expect(status, stderr).toBe(0);
      const manifestKey = (await aws.keys(bucket)).find((key) => key.endsWith('.manifest.json')) ?? '';
      const manifest = JSON.parse(await readFile(await aws.download(bucket, manifestKey), 'utf8')) as {
        objects: { level: number; storedBytes: number }[];
      };
      expect(manifest.objects.map((object) => object.level)).toEqual([Number(level)]);
      return manifest.objects[0]?.storedBytes ?? 0;
    };
    const [fast, small] = [await storedAt('1'), await storedAt('9')];
    expect(small).toBeGreaterThan(0);
    expect(small).toBeLessThan(fast);
  });
});

describe('variables, a file and flags', () => {
  it('make one command line, and a mistyped variable is told', async () => {
    const bucket = await aws.bucket();
    const snapshotId = await aws.snapshot(oneFile);
    const config = join(aws.folder, 'config.json');
    await writeFile(config, JSON.stringify({ bucket, compression: 'zstd', 'storage-class': 'GLACIER' }));
    const finished = await aws.command(['migrate', '--snapshots', snapshotId, '--config', config], {
      env: { SNAP_TO_S3_STORAGE_CLASS: 'GLACIER_IR', SNAP_TO_S3_COMPRESION: 'lz4' },
    });
    expect(finished.status, finished.stderr).toBe(0);
    expect(finished.stderr).toMatch(
      /^Warning: The variable SNAP_TO_S3_COMPRESION .* Did you mean SNAP_TO_S3_COMPRESSION\?$/m,
    );
    expect(await storageClasses(bucket)).toMatchObject({ '.tar.zstd': 'GLACIER_IR' });
  });

  it('cannot say which snapshots are migrated', async () => {
    const finished = await aws.command(['migrate', '--bucket', 'bucket'], { env: { SNAP_TO_S3_ALL: '1' } });
    expect(finished).toMatchObject({ status: 2, stdout: '' });
    expect(finished.stderr).toContain('what is to be migrated must be typed each time');
  });
});

describe('what is told', () => {
  it('with --quiet is the summary, and the log file has everything, programs included', async () => {
    const bucket = await aws.bucket();
    const snapshotId = await aws.snapshot(oneFile);
    const log = join(aws.folder, 'quiet.log');
    const finished = await aws.command([
      ...['migrate', '--snapshots', snapshotId, '--bucket', bucket, '--quiet', '--log-file', log],
    ]);
    expect(finished).toMatchObject({ status: 0, stderr: '' });
    expect(finished.stdout).toMatch(/^1 snapshot archived, .* -> .* \(\d+ %\), .*\.\n$/);
    const records = (await readFile(log, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { time: string; kind: string; argv?: string[] });
    const kinds = new Set(records.map(({ kind }) => kind));
    for (const kind of ['snapshots-found', 'stage', 'object-archived', 'program-started', 'run-finished']) {
      expect(kinds).toContain(kind);
    }
    expect(records.some(({ argv }) => argv?.[0] === 'tar')).toBe(true);
    expect(records.every(({ time }) => !Number.isNaN(Date.parse(time)))).toBe(true);
  });

  it('to the log file includes the failure that ends the run', async () => {
    const log = join(aws.folder, 'failed.log');
    const finished = await aws.command(['migrate', '--all', '--bucket', 'missing.example.com', '--log-file', log]);
    expect(finished.status).toBe(1);
    const last = (await readFile(log, 'utf8')).trim().split('\n').at(-1) ?? '';
    expect(JSON.parse(last)).toMatchObject({
      kind: 'run-failed',
      error: { message: 'The bucket missing.example.com does not exist.' },
    });
  });

  it('with --verbose is not one line for each frame that a program compresses', async () => {
    const bucket = await aws.bucket();
    const snapshotId = await aws.snapshot(oneFile);
    const finished = await aws.command([
      ...['migrate', '--snapshots', snapshotId, '--bucket', bucket, '--dd', '--compression-level', '3', '--verbose'],
    ]);
    expect(finished.status, finished.stderr).toBe(0);
    expect(finished.stdout).toMatch(/^Running lsblk /m);
    expect(finished.stdout.match(/^Running lz4 /gm)).toHaveLength(1);
  });
});
