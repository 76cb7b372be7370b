import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  CreateBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  RestoreObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { administrator } from '../../../sandbox/iam/index.js';
import { noDelays, runningSandbox, startSandbox, type Sandbox, type SandboxOptions } from '../../../sandbox/index.js';
import { poll, systemClock } from '../../../src/core/index.js';
import { run, start } from '../../../src/process/index.js';

async function stateDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-state-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function started(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({
    stateDirectory: options.stateDirectory ?? (await stateDirectory()),
    port: 0,
    delays: noDelays,
    ...options,
  });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

describe('startSandbox', () => {
  it('gives an environment that leads clients without any configuration to EC2, S3 and STS, with the role', async () => {
    const everything = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}';
    const { environment } = await started({ rolePolicies: [everything] });
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE']) {
      vi.stubEnv(name, undefined);
    }
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(Object.keys(environment).sort()).toEqual([
      'AWS_DEFAULT_REGION',
      'AWS_EC2_METADATA_SERVICE_ENDPOINT',
      'AWS_ENDPOINT_URL',
      'AWS_REGION',
    ]);
    const { Reservations } = await new EC2Client({}).send(new DescribeInstancesCommand({}));
    expect(Reservations).toHaveLength(1);
    expect((await new S3Client({ forcePathStyle: true }).send(new ListBucketsCommand({}))).Buckets ?? []).toEqual([]);
    const { Arn, Account } = await new STSClient({}).send(new GetCallerIdentityCommand({}));
    expect(Account).toBe('123456789012');
    expect(Arn).toMatch(/:assumed-role\/snap-to-s3\/i-[0-9a-f]{17}$/);
  });

  it('lets archives run as much faster as it is told', async () => {
    // The 5 hours of a standard retrieval are 5 milliseconds; the copy of 365 days is there for 9 seconds.
    const { url } = await started({ archiveSpeed: 3_600_000 });

    const client = new S3Client({
      endpoint: url,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: administrator,
    });
    onTestFinished(() => {
      client.destroy();
    });
    const cold = { Bucket: 'archives', Key: 'cold' };
    await client.send(new CreateBucketCommand({ Bucket: cold.Bucket }));
    await client.send(new PutObjectCommand({ ...cold, Body: 'x', StorageClass: 'GLACIER' }));
    await client.send(new RestoreObjectCommand({ ...cold, RestoreRequest: { Days: 365 } }));
    await systemClock.sleep(10);
    expect((await client.send(new HeadObjectCommand(cold))).Restore).toContain('ongoing-request="false"');
  });

  it('refuses version 1 of instance metadata, or answers it, as it is told', async () => {
    const sandbox = await started();
    const status = async (): Promise<number> => (await fetch(`${sandbox.imdsUrl}/latest/meta-data/instance-id`)).status;
    expect(await status()).toBe(401);
    sandbox.setMetadataOptions({ httpTokens: 'optional' });
    expect(await status()).toBe(200);
    const other = await started({ metadataOptions: { httpEndpoint: 'disabled' } });
    expect((await fetch(`${other.imdsUrl}/latest/meta-data/instance-id`)).status).toBe(403);
  });

  it('refuses a state directory that another sandbox has, and takes it after that one has closed', async () => {
    const directory = await stateDirectory();
    const first = await started({ stateDirectory: directory });
    expect(await runningSandbox(directory)).toMatchObject({ url: first.url, imdsUrl: first.imdsUrl });
    await expect(startSandbox({ stateDirectory: directory, port: 0 })).rejects.toMatchObject({
      code: 'usage',
      message: `The sandbox with process id ${process.pid} is using ${directory}.`,
    });
    // The refused one has not taken the first one's lock away.
    expect(await runningSandbox(directory)).toBeDefined();
    await first.close();
    expect(await runningSandbox(directory)).toBeUndefined();
    await (await started({ stateDirectory: directory })).close();
  });

  it('takes over a directory whose sandbox was killed', async () => {
    const directory = await stateDirectory();
    const lock = ['flock', '--nonblock', '--no-fork', join(directory, 'sandbox.lock'), 'sleep', '600'];
    const killed = start(lock);
    const dead = { pid: killed.pid, startTicks: '1', url: 'http://127.0.0.1:1', imdsUrl: 'http://127.0.0.1:2' };
    await writeFile(join(directory, 'running.json'), JSON.stringify(dead));
    await poll(() => lockedBy(lock), { clock: systemClock, intervalMs: 10, timeoutMs: 5_000 });
    await expect(startSandbox({ stateDirectory: directory, port: 0 })).rejects.toMatchObject({
      message: `Another sandbox is using ${directory}.`,
    });
    killed.kill('SIGKILL');
    await killed.ended.catch(() => undefined);
    expect(await runningSandbox(directory)).toBeUndefined();
    const sandbox = await started({ stateDirectory: directory });
    expect(await runningSandbox(directory)).toMatchObject({ pid: process.pid, url: sandbox.url });
  });

  it('lets only one of many have a directory', async () => {
    const directory = await stateDirectory();
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, () => startSandbox({ stateDirectory: directory, port: 0 })),
    );
    const winners = all.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    for (const winner of winners) await winner.close();
    expect(winners).toHaveLength(1);
  });

  it('says which port is taken, and gives the state directory back', async () => {
    const directory = await stateDirectory();
    const first = await started();
    const port = Number(new URL(first.url).port);
    await expect(startSandbox({ stateDirectory: directory, port })).rejects.toMatchObject({
      code: 'usage',
      message: `Port ${port} of 127.0.0.1 is taken.`,
    });
    await started({ stateDirectory: directory });
  });
});

/** True once the lock of a `flock` command line is taken. */
async function lockedBy(lock: readonly string[]): Promise<true | undefined> {
  return run([...lock.slice(0, 4), 'true']).then(
    () => undefined,
    () => true,
  );
}
