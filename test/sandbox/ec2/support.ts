import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  EC2Client,
  type CreateVolumeCommandInput,
  type Snapshot,
  type Volume,
} from '@aws-sdk/client-ec2';
import { onTestFinished } from 'vitest';
import { createEc2Service, noDelays, type Ec2Options, type Ec2Service } from '../../../sandbox/ec2/index.js';
import type { Caller } from '../../../sandbox/server/caller.js';
import { administrator } from '../../../sandbox/iam/index.js';
import { listen } from '../../../sandbox/server/server.js';
import { poll, systemClock } from '../../../src/core/index.js';

/** A directory that is gone after the test. */
export async function scratchDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-ec2-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** EC2 behind an HTTP listener of its own, and the official client for it. */
export interface TestEc2 {
  readonly client: EC2Client;
  readonly url: string;
  readonly service: Ec2Service;
  readonly notices: readonly string[];
  readonly directory: string;
  close(): Promise<void>;
}

/** How a test wants EC2. */
export interface TestEc2Options extends Partial<Ec2Options> {
  /** The region of the client. */
  readonly region?: string;
  /** What the policies of the caller say. */
  readonly authorize?: Caller['authorize'];
}

/** Starts EC2 without delays; it is closed after the test. */
export async function startEc2(options: TestEc2Options = {}): Promise<TestEc2> {
  const directory = options.directory ?? (await scratchDirectory());
  const notices: string[] = [];
  const service = await createEc2Service({
    clock: systemClock,
    onNotice: (text) => notices.push(text),
    ...options,
    delays: { ...noDelays, ...options.delays },
    directory,
  });
  const server = await listen([service], {
    host: '127.0.0.1',
    port: 0,
    defaultRegion: 'us-east-1',
    onDefect: (error) => notices.push(`defect: ${String(error)}`),
    stages: [
      ({ service: called, request, response }, next) => {
        const { authorize = request.caller.authorize } = options;
        return next({ service: called, request: { ...request, caller: { ...request.caller, authorize } }, response });
      },
    ],
  });
  const { url } = server;
  const client = clientOf(url, options.region);
  const close = async (): Promise<void> => {
    client.destroy();
    await server.close();
  };
  onTestFinished(close);
  return { client, url, service, notices, directory, close };
}

/** The official client for another region of the same EC2. */
export function clientOf(url: string, region = 'us-east-1'): EC2Client {
  return new EC2Client({ endpoint: url, region, credentials: administrator, maxAttempts: 1 });
}

/** Looks until `probe` gives something; fails the test after ten seconds. */
export async function eventually<T>(probe: () => Promise<T | undefined>, what = 'what was waited for'): Promise<T> {
  const found = await poll(probe, { clock: systemClock, intervalMs: 15, timeoutMs: 10_000 });
  if (found === undefined) throw new Error(`${what} did not happen within ten seconds`);
  return found;
}

/** The volume as it is now. */
export async function volumeNow(client: EC2Client, id: string): Promise<Volume | undefined> {
  const { Volumes } = await client.send(new DescribeVolumesCommand({ Filters: [{ Name: 'volume-id', Values: [id] }] }));
  return Volumes?.[0];
}

/** The snapshot as it is now. */
export async function snapshotNow(client: EC2Client, id: string): Promise<Snapshot | undefined> {
  const { Snapshots } = await client.send(
    new DescribeSnapshotsCommand({ Filters: [{ Name: 'snapshot-id', Values: [id] }] }),
  );
  return Snapshots?.[0];
}

/** A volume of 1 GiB in us-east-1a that is available. */
export async function availableVolume(
  client: EC2Client,
  input: Partial<CreateVolumeCommandInput> = {},
): Promise<string> {
  const created = await client.send(
    new CreateVolumeCommand({
      AvailabilityZone: 'us-east-1a',
      ...(input.SnapshotId === undefined ? { Size: 1 } : {}),
      ...input,
    }),
  );
  const id = created.VolumeId ?? '';
  await eventually(
    async () => ((await volumeNow(client, id))?.State === 'available' ? true : undefined),
    `${id} available`,
  );
  return id;
}

/** A completed snapshot of a volume. */
export async function completedSnapshot(client: EC2Client, volumeId: string, description = ''): Promise<string> {
  const created = await client.send(new CreateSnapshotCommand({ VolumeId: volumeId, Description: description }));
  const id = created.SnapshotId ?? '';
  await eventually(
    async () => ((await snapshotNow(client, id))?.State === 'completed' ? true : undefined),
    `${id} completed`,
  );
  return id;
}

/** Code and HTTP status of the error with which a call fails. */
export async function failure(call: Promise<unknown>): Promise<{ code: string; status: number; message: string }> {
  try {
    await call;
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    return { code: name, status: $metadata?.httpStatusCode ?? 0, message };
  }
  throw new Error('the call did not fail');
}

/** One Query request without the SDK, signed for EC2 as far as the router looks. */
export async function rawRequest(url: string, parameters: Readonly<Record<string, string>>): Promise<Response> {
  const authorization = 'AWS4-HMAC-SHA256 Credential=ASIATEST/20260101/us-east-1/ec2/aws4_request';
  return fetch(url, { method: 'POST', headers: { authorization }, body: new URLSearchParams(parameters) });
}
