import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CreateTagsCommand, DescribeSnapshotsCommand, DescribeVolumesCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { noDelays, startSandbox } from '../../sandbox/index.js';
import { findMachine, seed, type DemoDisk, type Machine, type SeedTools } from '../../sandbox/seed/index.js';
import { parseManifest, type Manifest } from '../../src/archive/index.js';
import { systemClock } from '../../src/core/index.js';
import { runText } from '../../src/process/index.js';

/** How a command ended and what it said. */
export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A local AWS with an empty bucket, and the real command to run against it. */
export interface Stand extends AsyncDisposable {
  readonly s3: S3Client;
  readonly ec2: EC2Client;
  readonly bucket: string;
  /** A folder for the test's own files. */
  readonly folder: string;
  readonly mountPoint: string;
  readonly environment: Readonly<Record<string, string>>;
  machine(): Promise<Machine>;
  readonly tools: SeedTools;
  /** Builds a disk and makes a snapshot of it, tagged `migrate`. */
  snapshot(disk: DemoDisk['disk'], sizeGiB?: number): Promise<string>;
  /** `snap-to-s3 migrate --bucket … --mount-point … <argv>`. */
  migrate(...argv: readonly string[]): Promise<CommandResult>;
  start(argv: readonly string[], environment?: Readonly<Record<string, string>>): RunningCommand;
  tags(snapshotId: string): Promise<Record<string, string>>;
  setTags(resource: string, tags: Readonly<Record<string, string>>): Promise<void>;
  manifest(snapshotId: string): Promise<Manifest>;
  keys(): Promise<readonly string[]>;
  /** Writes an object to a file of `folder` and returns its path. */
  download(key: string): Promise<string>;
  /** Fails unless volumes (but these), devices, mounts and unfinished uploads are all gone. */
  expectNothingLeft(volumesThatStay?: readonly string[]): Promise<void>;
}

/** The command while it runs. */
export interface RunningCommand {
  readonly stdout: Readable;
  readonly ended: Promise<CommandResult>;
  kill(signal: NodeJS.Signals): void;
}

const command = join(import.meta.dirname, '../../dist/bin/snap-to-s3.cjs');

/** Starts one. Needs root, and the command built. */
export async function createStand(): Promise<Stand> {
  const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-stand-'));
  const mountPoint = join(folder, 'mnt');
  await mkdir(mountPoint);
  const sandbox = await startSandbox({ stateDirectory: join(folder, 'state'), port: 0, delays: noDelays });
  Object.assign(process.env, sandbox.environment);
  const s3 = new S3Client({ forcePathStyle: true });
  const ec2 = new EC2Client();
  const bucket = 'archives';
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const tools = { ec2, clock: systemClock };

  const start: Stand['start'] = (argv, environment = {}) => {
    const child = spawn(process.execPath, [command, ...argv], {
      env: { ...process.env, ...sandbox.environment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise<CommandResult>((resolve) => {
      child.once('close', (status) => resolve({ status, stdout, stderr }));
    });
    return { stdout: child.stdout, ended, kill: (signal) => void child.kill(signal) };
  };
  const keys = async (): Promise<string[]> => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
    return Contents.map((one) => one.Key ?? '');
  };
  const get = async (Key: string): Promise<Readable> => {
    return (await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))).Body as Readable;
  };
  const setTags: Stand['setTags'] = async (resource, tags) => {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    await ec2.send(new CreateTagsCommand({ Resources: [resource], Tags }));
  };
  return {
    s3,
    ec2,
    bucket,
    folder,
    mountPoint,
    environment: sandbox.environment,
    tools,
    machine: () => findMachine(ec2),
    snapshot: async (disk, sizeGiB = 1) => {
      const [made] = await seed({ ...tools, disks: [{ name: 'test', description: 'a test', sizeGiB, disk }] });
      return made?.snapshotId ?? '';
    },
    start,
    migrate: (...argv) => start(['migrate', '--bucket', bucket, '--mount-point', mountPoint, ...argv]).ended,
    tags: async (snapshotId) => {
      const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }));
      return Object.fromEntries((Snapshots?.[0]?.Tags ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']));
    },
    setTags,
    manifest: async (snapshotId) => {
      const key = (await keys()).find((one) => one.endsWith(` ${snapshotId}.manifest.json`)) ?? '';
      let text = '';
      for await (const chunk of await get(key)) text += String(chunk);
      return parseManifest(text, key);
    },
    keys,
    download: async (key) => {
      const path = join(folder, `object-${Buffer.from(key).toString('hex').slice(-40)}`);
      await pipeline(await get(key), createWriteStream(path));
      return path;
    },
    expectNothingLeft: async (volumesThatStay = []) => {
      const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({}));
      const volumes = Volumes.filter(
        (one) => one.State !== 'deleting' && !one.Attachments?.some(({ Device }) => Device === '/dev/xvda'),
      );
      expect(volumes.map((one) => one.VolumeId).sort()).toEqual([...volumesThatStay].sort());
      expect(await readdir(mountPoint)).toEqual([]);
      expect(await runText(['losetup', '--list', '--noheadings', '--output', 'BACK-FILE'])).not.toContain(folder);
      const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      expect(Uploads).toEqual([]);
    },
    [Symbol.asyncDispose]: async () => {
      s3.destroy();
      ec2.destroy();
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
