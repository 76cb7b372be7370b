import { join } from 'node:path';
import { EC2Client } from '@aws-sdk/client-ec2';
import { S3Client } from '@aws-sdk/client-s3';
import { administrator } from '../../sandbox/iam/index.js';
import { migrate, type MigrateResult } from '../../src/commands/index.js';
import { snapshotId, systemClock, type AppEvent, type Clock, type RetryPolicy } from '../../src/core/index.js';
import { createEc2, currentInstance } from '../../src/source/index.js';
import type { LocalAws } from '../support/local-aws.js';
import type { Subject } from './support.js';

/** How much faster than real the time of {@link migrateHurried} goes: five minutes are less than three seconds. */
const haste = 120;

/** Real work, hurried waiting: every bound in minutes is one in seconds. */
export const hurriedClock: Clock = {
  now: () => Date.now() * haste,
  sleep: (ms, signal) => systemClock.sleep(ms / haste, signal),
};

/** Few attempts with short pauses, so that failures that last are over soon. */
const impatient: RetryPolicy = {
  attempts: 3,
  firstPauseMs: 100,
  longestPauseMs: 200,
  totalMs: 10 * 60_000,
  throttledMs: 2 * 60_000,
};

/** What a run has said and done. */
export interface HurriedRun extends MigrateResult {
  readonly events: readonly AppEvent[];
  /** Everything that went wrong while cleaning up, as the user reads it. */
  readonly warnings: readonly string[];
}

/** Migrates one snapshot in this process, with the administrator's key and hurried time. */
export async function migrateHurried(
  aws: LocalAws,
  { snapshotId: id, bucket }: Subject,
  policy: Partial<RetryPolicy> = {},
): Promise<HurriedRun> {
  // As cli/compose makes them: retries are ours.
  const common = {
    endpoint: aws.url,
    region: 'us-east-1',
    credentials: administrator,
    maxAttempts: 1,
    logger: silentLogger,
  };
  using ec2 = disposable(new EC2Client(common));
  using s3 = disposable(new S3Client({ ...common, forcePathStyle: true }));
  const events: AppEvent[] = [];
  const retryPolicy = { ...impatient, ...policy };
  const result = await migrate(
    { kind: 'list', snapshotIds: [snapshotId(id)] },
    {
      tag: 'snap-to-s3',
      content: 'tar',
      codec: 'lz4',
      level: 1,
      uploadStreams: 2,
      mountPoint: aws.mountPoint,
      volumeType: undefined,
      keepVolumes: false,
      encryption: undefined,
      storageClass: undefined,
      recipients: [],
      jobs: 1,
      leaseMs: 24 * 3_600_000,
    },
    {
      ec2: createEc2(ec2, { clock: hurriedClock, retryPolicy }),
      store: {
        client: s3,
        bucket,
        clock: hurriedClock,
        temporaryDirectory: join(aws.folder, 'tmp'),
        retryPolicy,
      },
      instance: await currentInstance(aws.imdsUrl),
      clock: hurriedClock,
      events: (event) => void events.push(event),
      parallelism: 2,
      runId: `run-${events.length}-${id}`,
      gnupgHome: undefined,
      tool: { name: 'snap-to-s3', version: '0' },
      signal: new AbortController().signal,
    },
  );
  const warnings = events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []));
  return { ...result, events, warnings };
}

const silent = (): undefined => undefined;
const silentLogger = { debug: silent, info: silent, warn: silent, error: silent };

function disposable<T extends { destroy(): void }>(client: T): T & Disposable {
  return Object.assign(client, { [Symbol.dispose]: () => client.destroy() });
}
