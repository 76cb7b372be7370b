import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { EC2Client } from '@aws-sdk/client-ec2';
import { S3Client } from '@aws-sdk/client-s3';
import { administrator } from '../../sandbox/iam/index.js';
import { clientDefaults } from '../../src/cli/compose.js';
import {
  cleanup,
  migrate,
  restore,
  validate,
  type CleanupResult,
  type RestoreDestination,
  type MigrateDependencies,
  type RunResult,
  type Selection,
  type ThawSettings,
} from '../../src/commands/index.js';
import {
  createPace,
  snapshotId,
  systemClock,
  type AppEvent,
  type AwsRetry,
  type Clock,
  type RetryPolicy,
} from '../../src/core/index.js';
import { archiveObject } from '../../src/commands/index.js';
import type { ProgramStage } from '../../src/process/index.js';
import { createEc2, currentInstance } from '../../src/source/index.js';
import type { LocalAws } from '../support/local-aws.js';
import type { Subject } from './support.js';

/** How much faster than real time goes, unless told: five minutes are less than three seconds. */
const usualHaste = 120;

/** Real work, hurried waiting: every bound in minutes is one in seconds. */
const hurriedClock = (haste: number): Clock => ({
  now: () => Date.now() * haste,
  sleep: (ms, signal) => systemClock.sleep(ms / haste, signal),
});

/** How a run differs from an impatient one. */
export interface Hurry extends Partial<RetryPolicy> {
  /** After how long a silent socket is given up; the command's own limit unless told. Real time. */
  readonly socketMs?: number;
  readonly onEvent?: (event: AppEvent) => void;
  readonly haste?: number;
  /** By its tag; unless told, the snapshot is named. */
  readonly selection?: Selection;
}

/** The command's own patience: nothing that passes may make a run fail, however slow the machine. */
export const patient: Hurry = { haste: 20, attempts: 10, totalMs: 24 * 3_600_000, throttledMs: 24 * 3_600_000 };

/** Few attempts with short pauses, so that failures that last are over soon. */
const impatient: RetryPolicy = {
  attempts: 3,
  firstPauseMs: 100,
  longestPauseMs: 200,
  totalMs: 10 * 60_000,
  throttledMs: 2 * 60_000,
};

/** What a run has said and done. */
export interface HurriedRun extends RunResult {
  readonly events: readonly AppEvent[];
  /** Everything that went wrong while cleaning up, as the user reads it. */
  readonly warnings: readonly string[];
}

/** Migrates one snapshot in this process, with the administrator's key and hurried time. */
export function migrateHurried(aws: LocalAws, subject: Subject, hurry?: Hurry): Promise<HurriedRun> {
  return hurried({ aws, subject, hurry }, (selection, dependencies) => {
    const settings = {
      ...common(aws),
      content: 'tar',
      codec: 'lz4',
      level: 1,
      uploadStreams: 2,
      recipients: [],
    } as const;
    return migrate(selection, { ...settings, storageClass: undefined }, dependencies);
  });
}

/** Validates one snapshot likewise. */
export function validateHurried(aws: LocalAws, subject: Subject, hurry?: Hurry): Promise<HurriedRun> {
  return hurried({ aws, subject, hurry }, (selection, dependencies) =>
    validate(selection, { ...common(aws), downloadStreams: 2, sessionKeys: [] }, dependencies),
  );
}

/** Where an archive is restored to, and how. */
export interface HurriedRestore {
  /** A new volume unless told otherwise. */
  readonly destination?: RestoreDestination;
  readonly thaw?: ThawSettings;
  readonly gnupgHome?: string;
  readonly sessionKeys?: readonly string[];
  readonly policy?: Hurry;
}

/** Restores the archive of one snapshot likewise. */
export function restoreHurried(
  aws: LocalAws,
  subject: Pick<Subject, 'snapshotId' | 'bucket'>,
  { destination, thaw, gnupgHome, sessionKeys = [], policy }: HurriedRestore = {},
): Promise<HurriedRun> {
  return hurried({ aws, subject, hurry: policy }, (_, machine) => {
    const settings = { partition: undefined, thaw, downloadStreams: 2, sessionKeys };
    const volume = { kind: 'new-volume', ...common(aws), volumeType: 'gp3', stayAttached: false, machine } as const;
    const archives = [{ snapshotId: snapshotId(subject.snapshotId) }];
    const dependencies = { ...machine, gnupgHome, isRoot: true };
    return restore(archives, { ...settings, destination: destination ?? volume }, dependencies);
  });
}

/** Cleans up after dead runs likewise. */
export async function cleanUpHurried(
  aws: LocalAws,
  subject: Subject,
  hurry?: Hurry,
): Promise<CleanupResult & Pick<HurriedRun, 'events' | 'warnings'>> {
  let cleaned: CleanupResult = { findings: [], freed: [] };
  const { events, warnings } = await hurried({ aws, subject, hurry }, async (_, dependencies) => {
    cleaned = await cleanup({ tag: 'snap-to-s3', leaseMs: 24 * 3_600_000, dryRun: false }, dependencies);
    return { done: [], failed: [] };
  });
  return { ...cleaned, events, warnings };
}

let images = 0;

/** Archives bytes as the image of a snapshot that is nowhere else, with an index and without a manifest. */
export async function imageArchived(
  aws: LocalAws,
  {
    bucket,
    image,
    encrypt,
  }: { readonly bucket: string; readonly image: Buffer; readonly encrypt?: ProgramStage | undefined },
): Promise<Pick<Subject, 'snapshotId' | 'bucket'>> {
  images += 1;
  const id = snapshotId(`snap-0123456789abd${String(images).padStart(4, '0')}`);
  const end = encrypt === undefined ? '' : '.gpg';
  await archiveObject(
    {
      snapshotId: id,
      target: {
        key: `vol-0123456789abcdef0/2026-01-01T00:00:00+00:00 ${id}.img.lz4${end}`,
        contentType: 'application/octet-stream',
        encryption: undefined,
      },
      content: 'image',
      codec: 'lz4',
      level: 1,
      expectedBytes: image.length,
      boundBytes: image.length * 2,
      uploadStreams: 2,
      open: async function* () {
        await Promise.resolve();
        for (let at = 0; at < image.length; at += 1024 * 1024) yield image.subarray(at, at + 1024 * 1024);
      },
    },
    {
      store: { client: aws.s3, bucket, clock: systemClock, temporaryDirectory: aws.folder },
      clock: systemClock,
      events: () => undefined,
      parallelism: 2,
      signal: new AbortController().signal,
      ...(encrypt === undefined ? {} : { encrypt }),
    },
  );
  return { snapshotId: id, bucket };
}

const common = ({ mountPoint }: LocalAws) => ({
  tag: 'snap-to-s3',
  mountPoint,
  volumeType: undefined,
  keepVolumes: false,
  encryption: undefined,
  jobs: 1,
  leaseMs: 24 * 3_600_000,
});

async function hurried(
  run: {
    readonly aws: LocalAws;
    readonly subject: Pick<Subject, 'snapshotId' | 'bucket'>;
    readonly hurry: Hurry | undefined;
  },
  work: (selection: Selection, dependencies: MigrateDependencies) => Promise<RunResult>,
): Promise<HurriedRun> {
  const { aws, subject } = run;
  const {
    socketMs = clientDefaults.requestHandler.socketTimeout,
    onEvent,
    selection,
    haste = usualHaste,
    ...policy
  } = run.hurry ?? {};
  const clock = hurriedClock(haste);
  // As cli/compose makes them.
  const client = {
    ...clientDefaults,
    requestHandler: { ...clientDefaults.requestHandler, socketTimeout: socketMs },
    endpoint: aws.url,
    region: 'us-east-1',
    credentials: administrator,
  };
  using ec2 = disposable(new EC2Client(client));
  using s3 = disposable(new S3Client({ ...client, forcePathStyle: true }));
  const events: AppEvent[] = [];
  const habits = {
    pace: createPace(clock),
    onRetry: ({ call: { action, resource }, error, attempt, pauseMs }: AwsRetry): void =>
      void events.push({ kind: 'retry', action, resource, attempt, pauseMs, reason: error.message }),
  };
  const retryPolicy = { ...impatient, ...policy };
  const temporaryDirectory = join(aws.folder, 'tmp');
  const result = await work(selection ?? { kind: 'list', snapshotIds: [snapshotId(subject.snapshotId)] }, {
    ec2: createEc2(ec2, { clock, retryPolicy, habits }),
    store: { client: s3, bucket: subject.bucket, clock, temporaryDirectory, retryPolicy, habits },
    instance: await currentInstance(aws.imdsUrl),
    clock,
    events: (event) => {
      events.push(event);
      onEvent?.(event);
    },
    parallelism: 2,
    runId: `run-${randomUUID()}`,
    gnupgHome: undefined,
    tool: { name: 'snap-to-s3', version: '0' },
    signal: new AbortController().signal,
  });
  const warnings = events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []));
  return { ...result, events, warnings };
}

function disposable<T extends { destroy(): void }>(client: T): T & Disposable {
  return Object.assign(client, { [Symbol.dispose]: () => client.destroy() });
}
