import { availableParallelism, tmpdir } from 'node:os';
import { randomUUID } from 'node:crypto';
import { S3Client } from '@aws-sdk/client-s3';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { PricingClient } from '@aws-sdk/client-pricing';
import type { IndexDependencies, MigrateDependencies } from '../commands/index.js';
import { AppError, createPace, systemClock, type AwsCallHabits, type EventSink } from '../core/index.js';
import { createEc2, currentInstance, ec2Sdk, type Ec2 } from '../source/index.js';
import { silentLogger, usualCredentials } from './credentials.js';
import { slowCalls } from './slow-calls.js';
import { toolName, toolVersion } from './version.js';

/** What a composition needs to know of the command. */
export interface CompositionOptions {
  readonly bucket: string;
  readonly needsRoot: boolean;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

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
  const credentials = usualCredentials();
  const s3 = new S3Client({
    ...clientDefaults,
    credentials,
    region: instance.region,
    followRegionRedirects: true,
    forcePathStyle: hasOwnEndpoint(),
  });
  const sdk = await ec2Sdk();
  const ec2 = new sdk.EC2Client({ ...clientDefaults, credentials, region: instance.region });
  const habits = habitsOf(options.events);
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
 * Builds what reading archives takes: S3 and nothing else of AWS; neither root nor an instance. S3 in any region tells in
 * which the bucket is; only in China and GovCloud AWS_REGION must say one of theirs.
 */
export function composeReading(options: Omit<CompositionOptions, 'needsRoot'>): IndexDependencies & Disposable {
  const s3 = new S3Client({
    ...clientDefaults,
    credentials: usualCredentials(),
    region: process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1',
    followRegionRedirects: true,
    forcePathStyle: hasOwnEndpoint(),
  });
  s3.middlewareStack.add(slowCalls('s3', { events: options.events, clock: systemClock }), { step: 'initialize' });
  const habits = habitsOf(options.events);
  return {
    store: { client: s3, bucket: options.bucket, clock: systemClock, temporaryDirectory: tmpdir(), habits },
    clock: systemClock,
    events: options.events,
    parallelism: availableParallelism(),
    gnupgHome: process.env.GNUPGHOME,
    signal: options.signal,
    [Symbol.dispose]: () => s3.destroy(),
  };
}

/**
 * EC2, for who would like to ask it and can do without: the region is that of the environment, else the instance's;
 * undefined where neither tells one.
 */
export async function composeEc2({
  events,
}: Pick<CompositionOptions, 'events'>): Promise<{ readonly ec2: Ec2 | undefined } & Disposable> {
  const region = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? (await regionOfInstance());
  if (region === undefined) {
    const text = 'Which snapshots still exist is unknown: no region is set. Set AWS_REGION to theirs.';
    events({ kind: 'notice', text });
    return { ec2: undefined, [Symbol.dispose]: () => undefined };
  }
  const sdk = await ec2Sdk();
  const client = new sdk.EC2Client({
    ...clientDefaults,
    credentials: usualCredentials(),
    region,
  });
  return {
    ec2: createEc2(client, { clock: systemClock, habits: habitsOf(events) }),
    [Symbol.dispose]: () => client.destroy(),
  };
}

/** EC2 of any region, for who has questions in several. */
export async function composeRegions(): Promise<{ readonly ec2In: (region: string) => Ec2 } & Disposable> {
  const { EC2Client } = await ec2Sdk();
  const credentials = usualCredentials();
  const regions = new Map<string, { readonly client: EC2Client; readonly ec2: Ec2 }>();
  return {
    ec2In: (region) => {
      const known = regions.get(region);
      if (known !== undefined) return known.ec2;
      const client = new EC2Client({ ...clientDefaults, credentials, region });
      const ec2 = createEc2(client, { clock: systemClock });
      regions.set(region, { client, ec2 });
      return ec2;
    },
    [Symbol.dispose]: () => {
      for (const { client } of regions.values()) client.destroy();
    },
  };
}

/** The Price List, which is in a few regions only, and has in each the prices of all. */
export async function composePricing(
  events: EventSink,
): Promise<{ readonly client: PricingClient; readonly habits: AwsCallHabits } & Disposable> {
  const { PricingClient } = await import('@aws-sdk/client-pricing');
  const client = new PricingClient({
    ...clientDefaults,
    credentials: usualCredentials(),
    region: 'us-east-1',
  });
  return { client, habits: habitsOf(events), [Symbol.dispose]: () => client.destroy() };
}

async function regionOfInstance(): Promise<string | undefined> {
  const instance = await currentInstance(process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT).catch(() => undefined);
  return instance?.region;
}

function habitsOf(events: EventSink): AwsCallHabits {
  return {
    pace: createPace(systemClock),
    onRetry: ({ call: { action, resource }, error, attempt, pauseMs }) =>
      events({ kind: 'retry', action, resource, attempt, pauseMs, reason: error.message }),
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
