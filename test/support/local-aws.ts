import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateSnapshotCommand,
  CreateTagsCommand,
  DeleteVolumeCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  EC2Client,
  type Volume,
} from '@aws-sdk/client-ec2';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { administrator, shippedPolicy } from '../../sandbox/iam/index.js';
import type { Faults } from '../../sandbox/faults/index.js';
import { noDelays, startSandbox, type Ec2Delays, type SandboxOptions } from '../../sandbox/index.js';
import { attachedVolume, findMachine, type Machine } from '../../sandbox/seed/index.js';
import { poll, systemClock } from '../../src/core/index.js';
import { run, runText } from '../../src/process/index.js';
import { inOwnNamespace } from './own-namespace.js';

const command = join(import.meta.dirname, '../../dist/bin/snap-to-s3.cjs');

/** An event of `--json`, as a reader of it would see it. */
export interface JsonEvent {
  readonly kind: string;
  readonly snapshotId?: string;
  readonly stage?: string;
  readonly subject?: string;
  readonly text?: string;
  readonly problem?: string;
  readonly path?: string;
  readonly rawBytes?: number;
  readonly object?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

/** How a command ended and what it said. */
export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output line by line as JSON; only with `--json`. */
  readonly events: readonly JsonEvent[];
}

/** How the command is run. */
export interface CommandOptions {
  /** In addition to what the sandbox needs; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** In a PID namespace of its own: to others it is a run on another host, of which nobody can tell whether it is dead. */
  readonly elsewhere?: boolean;
  /** Whose it is; root's unless told. */
  readonly uid?: number;
  /** Standard output is closed by its reader after the first piece. */
  readonly closeStdout?: boolean;
  /** Told when the process is there. */
  readonly onStart?: (kill: (signal: NodeJS.Signals) => void) => void;
  /** Told every event of `--json` as it comes. */
  readonly onEvent?: (event: JsonEvent, kill: (signal: NodeJS.Signals) => void) => void;
}

/** What a snapshot is made with. */
export interface SnapshotOptions {
  readonly description?: string;
  /** The state tag `migrate` unless told otherwise. */
  readonly tags?: Readonly<Record<string, string>>;
  readonly sizeGiB?: number;
}

/** The local AWS with loop devices, its clients, and the real command. */
export interface LocalAws extends AsyncDisposable {
  readonly ec2: EC2Client;
  readonly s3: S3Client;
  readonly url: string;
  readonly imdsUrl: string;
  /** Faults on demand. */
  readonly faults: Faults;
  readonly machine: Machine;
  /** For whatever a test keeps; gone afterwards. */
  readonly folder: string;
  readonly stateDirectory: string;
  readonly mountPoint: string;
  /** With what the command finds everything. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * Makes a bucket of a name of its own; the command's role gets docs/iam-policy.json for it (and for the tag, if it is
   * another one than `snap-to-s3`), besides those before.
   */
  bucket(options?: { readonly tag?: string }): Promise<string>;
  /** Replaces what the command's role may do. */
  allowRole(policies: readonly string[]): void;
  /** Makes a volume, lets `build` write to its device, and takes a snapshot of it. */
  snapshot(build: (devicePath: string) => Promise<void>, options?: SnapshotOptions): Promise<string>;
  /** The same, several times of one volume. */
  snapshots(
    build: (devicePath: string) => Promise<void>,
    count: number,
    options?: SnapshotOptions,
  ): Promise<readonly string[]>;
  /** Runs `snap-to-s3 <argv> --mount-point …`. */
  command(argv: readonly string[], options?: CommandOptions): Promise<Finished>;
  volumes(): Promise<readonly Volume[]>;
  tags(snapshotId: string): Promise<Readonly<Record<string, string>>>;
  keys(bucket: string): Promise<readonly string[]>;
  /** Downloads an object to a file and returns its path. */
  download(bucket: string, key: string): Promise<string>;
  /** Everything temporary that is still there, as sentences; `[]` after every command. */
  leftovers(): Promise<readonly string[]>;
  /** Detaches and deletes all volumes, and removes the leases that may name them. */
  removeVolumes(): Promise<void>;
}

/** How it is started. */
export interface LocalAwsOptions {
  readonly delays?: Ec2Delays;
  /** How much faster than on AWS frozen objects thaw. */
  readonly archiveSpeed?: number;
  /** How long the keys of the command's role are good for. */
  readonly roleKeys?: NonNullable<SandboxOptions['roleKeys']>;
  /** Whose tokens STS takes. */
  readonly identityProviders?: NonNullable<SandboxOptions['identityProviders']>;
  /** How slowly volumes of snapshots give what was not read yet; at once, unless told. */
  readonly lazyLoading?: NonNullable<SandboxOptions['lazyLoading']>;
  /** The time for AWS; the command goes by the machine's own. */
  readonly clock?: NonNullable<SandboxOptions['clock']>;
}

/** Starts one; needs root and `npm run build`. The command has the role of the instance, with the shipped policy. */
export async function localAws({
  delays = noDelays,
  roleKeys,
  identityProviders,
  clock,
  archiveSpeed,
  lazyLoading,
}: LocalAwsOptions = {}): Promise<LocalAws> {
  const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-e2e-'));
  const stateDirectory = join(folder, 'state');
  const mountPoint = join(folder, 'mnt');
  const temporary = join(folder, 'tmp');
  await mkdir(temporary);
  const sandbox = await startSandbox({
    stateDirectory,
    port: 0,
    delays,
    ...(roleKeys === undefined ? {} : { roleKeys }),
    ...(identityProviders === undefined ? {} : { identityProviders }),
    ...(archiveSpeed === undefined ? {} : { archiveSpeed }),
    ...(clock === undefined ? {} : { clock }),
    ...(lazyLoading === undefined ? {} : { lazyLoading }),
  });
  const client = {
    endpoint: sandbox.url,
    region: 'us-east-1',
    credentials: administrator,
  };
  const ec2 = new EC2Client(client);
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  const machine = await findMachine(ec2);
  const tools = { ec2, clock: systemClock };
  const volumes = async (): Promise<readonly Volume[]> =>
    ((await ec2.send(new DescribeVolumesCommand({}))).Volumes ?? []).filter(
      ({ State, Attachments = [] }) =>
        State !== 'deleting' && !Attachments.some(({ Device }) => Device === '/dev/xvda' || Device === '/dev/sda1'),
    );
  const environment = { PATH: process.env.PATH, HOME: folder, TMPDIR: temporary, ...sandbox.environment };
  const policies: string[] = [];
  let made = 0;
  const takeSnapshot = async (
    VolumeId: string,
    { description = '', tags = { 'snap-to-s3': 'migrate' } }: SnapshotOptions,
  ): Promise<string> => {
    const created = await ec2.send(new CreateSnapshotCommand({ VolumeId, Description: description }));
    const snapshotId = created.SnapshotId ?? '';
    const completed = await poll(
      async () => {
        const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }));
        return Snapshots?.[0]?.State === 'completed' ? true : undefined;
      },
      { clock: systemClock, intervalMs: 20, timeoutMs: 30_000 },
    );
    if (completed === undefined) throw new Error(`${snapshotId} was not completed within 30 s`);
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    if (Tags.length > 0) await ec2.send(new CreateTagsCommand({ Resources: [snapshotId], Tags }));
    return snapshotId;
  };
  const takeSnapshots = async (
    build: (devicePath: string) => Promise<void>,
    count: number,
    options: SnapshotOptions = {},
  ): Promise<readonly string[]> => {
    await using volume = await attachedVolume({ sizeGiB: options.sizeGiB ?? 1 }, { machine, tools });
    await build(volume.devicePath);
    const taken: string[] = [];
    for (let n = 0; n < count; n += 1) taken.push(await takeSnapshot(volume.volumeId, options));
    return taken;
  };

  return {
    ec2,
    s3,
    url: sandbox.url,
    imdsUrl: sandbox.imdsUrl,
    faults: sandbox.faults,
    machine,
    folder,
    stateDirectory,
    mountPoint,
    environment,
    volumes,
    bucket: async (options = {}) => {
      made += 1;
      const Bucket = `bucket-${made}.example.com`;
      await s3.send(new CreateBucketCommand({ Bucket }));
      policies.push(shippedPolicy({ bucket: Bucket, ...options }));
      sandbox.setRolePolicies(policies);
      return Bucket;
    },
    allowRole: (documents) => sandbox.setRolePolicies(documents),
    snapshot: async (build, options) => (await takeSnapshots(build, 1, options))[0] ?? '',
    snapshots: (build, count, options) => takeSnapshots(build, count, options),
    command: (argv, options = {}) => {
      const mounts = argv.some((word) => mounting.includes(word));
      const place = mounts && !argv.includes('--mount-point') ? ['--mount-point', mountPoint] : [];
      return runCommand([...argv, ...place], { ...environment, ...options.env }, options);
    },
    tags: async (snapshotId) => {
      const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }));
      return Object.fromEntries((Snapshots?.[0]?.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
    },
    keys: async (Bucket) => {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
      return Contents.map(({ Key = '' }) => Key).sort();
    },
    download: async (Bucket, Key) => {
      made += 1;
      const path = join(folder, `download-${made}`);
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      if (Body === undefined) throw new Error(`${Key} has no body`);
      await writeFile(path, Body as unknown as AsyncIterable<Buffer>);
      return path;
    },
    leftovers: async () => {
      const found = (await volumes()).map(({ VolumeId, State }) => `volume ${VolumeId ?? ''} is ${State ?? ''}`);
      const loops = await runText(['losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE']);
      found.push(...lines(loops).filter((line) => line.includes(stateDirectory)));
      const mounts = lines(await readFile('/proc/self/mountinfo', 'utf8'));
      found.push(...mounts.filter((line) => line.includes(` ${folder}/`)));
      found.push(...(await readdir(mountPoint).catch(() => [])).map((name) => `${name} is left in the mount point`));
      found.push(...(await readdir(temporary)).map((name) => `${name} is left in TMPDIR`));
      found.push(...(await processesNaming(mountPoint)));
      for (const { Name } of (await s3.send(new ListBucketsCommand({}))).Buckets ?? []) {
        const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: Name }));
        found.push(...Uploads.map(({ Key }) => `upload of ${Key ?? ''} to ${Name ?? ''} is unfinished`));
        const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: Name, Prefix: '.snap-to-s3/' }));
        found.push(...Contents.map(({ Key }) => `${Key ?? ''} is left in ${Name ?? ''}`));
      }
      return found;
    },
    removeVolumes: async () => {
      for (const { VolumeId, State } of await volumes()) {
        if (State === 'in-use') await ec2.send(new DetachVolumeCommand({ VolumeId }));
      }
      const remove = async (): Promise<true | undefined> => {
        const left = await volumes();
        const free = left.filter(({ State }) => State === 'available');
        for (const { VolumeId } of free) await ec2.send(new DeleteVolumeCommand({ VolumeId }));
        return left.length === 0 ? true : undefined;
      };
      await poll(remove, { clock: systemClock, intervalMs: 50, timeoutMs: 10_000 });
      for (const { Name: Bucket } of (await s3.send(new ListBucketsCommand({}))).Buckets ?? []) {
        const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: '.snap-to-s3/' }));
        for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
      }
    },
    [Symbol.asyncDispose]: async () => {
      ec2.destroy();
      s3.destroy();
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** With one of these words a command may mount volumes, which is to be where `leftovers` looks. */
const mounting = ['migrate', '--migrate', 'validate', '--validate', 'doctor', '--to-new-volume'];

/** A volume of the test's own, and the end of it; for tests in which volumes are in the way. */
export function strangersVolume(aws: LocalAws, origin: { readonly snapshotId: string } | { readonly sizeGiB: number }) {
  return attachedVolume(origin, { machine: aws.machine, tools: { ec2: aws.ec2, clock: systemClock } });
}

/** Makes a filesystem on a device and lets `fill` write to it. */
export async function filesystemOn(
  device: string,
  type: 'ext4' | 'xfs' | 'btrfs',
  fill: (mountedAt: string) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await run([`mkfs.${type}`, '-q', type === 'ext4' ? '-F' : '-f', device]);
  await mountedAt(device, { type, options: 'rw' }, fill);
}

/** Does something with a mounted filesystem. */
export async function mountedAt<T>(
  device: string,
  how: { readonly type: string; readonly options: string },
  work: (path: string) => Promise<T>,
): Promise<T> {
  const path = await mkdtemp(join(tmpdir(), 'snap-to-s3-mounted-'));
  // Copies of a filesystem may be mounted at the same time.
  const options = how.type === 'xfs' ? `${how.options},nouuid` : how.options;
  await run(['mount', '-t', how.type, '-o', options, device, path]);
  try {
    return await work(path);
  } finally {
    await run(['umount', path]);
    await rm(path, { recursive: true });
  }
}

/** Whoever kills it kills what it runs. */
const otherHost = ['--pid', '--fork', '--kill-child', '--mount-proc'];

function runCommand(
  argv: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
  { onStart, onEvent, elsewhere = false, uid, closeStdout = false }: CommandOptions,
): Promise<Finished> {
  const env = Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const local = [process.execPath, command, ...argv];
  const [program = '', ...words] = elsewhere ? inOwnNamespace(local, { unshareOptions: otherHost }) : local;
  const child = spawn(program, words, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  onStart?.((signal) => child.kill(signal));
  const events: JsonEvent[] = [];
  let stdout = '';
  let stderr = '';
  let partial = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  if (closeStdout) child.stdout.once('data', () => child.stdout.destroy());
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (!argv.includes('--json')) return;
    const complete = (partial + text).split('\n');
    partial = complete.pop() ?? '';
    for (const line of complete) {
      const event = JSON.parse(line) as JsonEvent;
      events.push(event);
      onEvent?.(event, (signal) => child.kill(signal));
    }
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      if (partial === '' || closeStdout) resolve({ status, stdout, stderr, events });
      else reject(new Error(`The last line has no end: ${partial}`));
    });
  });
}

async function processesNaming(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (words.some((word) => word.includes(text))) found.push(`process ${pid} runs: ${words.join(' ')}`);
  }
  return found;
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
