import { availableParallelism, tmpdir } from 'node:os';
import { randomUUID } from 'node:crypto';
import { S3Client } from '@aws-sdk/client-s3';
import { EC2Client } from '@aws-sdk/client-ec2';
import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import type { MigrateDependencies } from '../commands/index.js';
import { AppError, createPace, systemClock, type AwsCallHabits, type EventSink } from '../core/index.js';
import { createEc2, currentInstance } from '../source/index.js';
import { slowCalls } from './slow-calls.js';
import { toolName, toolVersion } from './version.js';

/** What a composition needs to know of the command. */
export interface CompositionOptions {
  readonly bucket: string;
  readonly needsRoot: boolean;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

/** What the SDK would write to the console, our own errors and retries tell better. */
const silent = (): undefined => undefined;
const silentLogger = { debug: silent, info: silent, warn: silent, error: silent };

/** The metadata service has a slow second now and then; where there is none, four of them tell. */
const metadataPatience = { timeout: 1_000, maxRetries: 2 };

/** Retries are ours (`callAws`); silence on a socket ends a call, and so do connections that never open. */
export const clientDefaults = {
  maxAttempts: 1,
  logger: silentLogger,
  requestHandler: {
    connectionTimeout: 10_000,
    socketTimeout: 60_000,
    httpAgent: { keepAlive: true, maxSockets: 100 },
    httpsAgent: { keepAlive: true, maxSockets: 100 },
  },
};

/**
 * Builds everything real that `migrate` works with: the only place where SDK clients are made. Where they find AWS,
 * and with which credentials, is the SDK's own affair (environment, profile, instance role). Throws `not-root`,
 * `no-instance-metadata`.
 */
export async function composeMigrate(options: CompositionOptions): Promise<MigrateDependencies & Disposable> {
  if (options.needsRoot) requireRoot();
  const instance = await currentInstance(process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT);
  // The SDK's usual chain: environment, profile, SSO, process, web identity, container, role of the instance.
  const credentials = fromNodeProviderChain({ ...metadataPatience, logger: silentLogger });
  const s3 = new S3Client({
    ...clientDefaults,
    credentials,
    region: instance.region,
    followRegionRedirects: true,
    forcePathStyle: hasOwnEndpoint(),
  });
  const ec2 = new EC2Client({ ...clientDefaults, credentials, region: instance.region });
  const habits: AwsCallHabits = {
    pace: createPace(systemClock),
    onRetry: ({ call: { action, resource }, error, attempt, pauseMs }) =>
      options.events({ kind: 'retry', action, resource, attempt, pauseMs, reason: error.message }),
  };
  const told = { events: options.events, clock: systemClock };
  s3.middlewareStack.add(slowCalls('s3', told), { step: 'initialize' });
  ec2.middlewareStack.add(slowCalls('ec2', told), { step: 'initialize' });
  return {
    ec2: createEc2(ec2, { clock: systemClock, habits }),
    store: { client: s3, bucket: options.bucket, clock: systemClock, temporaryDirectory: tmpdir(), habits },
    instance,
    clock: systemClock,
    events: options.events,
    parallelism: availableParallelism(),
    runId: randomUUID(),
    gnupgHome: process.env.GNUPGHOME,
    tool: { name: toolName, version: toolVersion },
    signal: options.signal,
    [Symbol.dispose]: () => {
      s3.destroy();
      ec2.destroy();
    },
  };
}

/**
 * Stores that are not AWS (MinIO, the local AWS) are reached by an address, before which no bucket name can stand; the
 * SDK notices that for names without dots only.
 */
export function hasOwnEndpoint(): boolean {
  return (process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL) !== undefined;
}

function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new AppError('not-root', 'Mounting volumes and reading every file on them takes root.', {
    hint: 'Run it with sudo: sudo snap-to-s3 …',
  });
}
