import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeadBucketCommand, ListPartsCommand, S3Client } from '@aws-sdk/client-s3';
import { administrator } from '../../sandbox/iam/index.js';
import { callAws, systemClock } from '../../src/core/index.js';
import { localAws, type Finished, type LocalAws } from '../support/local-aws.js';
import { metadataStandIn } from '../support/metadata-stand-in.js';
import { s3Witness } from '../support/s3-witness.js';
import { expectArchived, subject, type Subject } from './support.js';

let aws: LocalAws;
let disk: Subject;
beforeAll(async () => {
  // New keys every 20 ms, while those before are good for an hour: nobody has a reason to renew them by himself.
  aws = await localAws({ roleKeys: { lifetimeMs: 3_600_000, renewBeforeMs: 3_599_980 } });
  disk = await subject(aws, await aws.bucket());
});
afterAll(() => aws[Symbol.asyncDispose]());

const migrateWith = (env: Readonly<Record<string, string | undefined>>): Promise<Finished> =>
  aws.command(['migrate', '--snapshots', disk.snapshotId, '--bucket', disk.bucket], { env });
const policy = { attempts: 2, firstPauseMs: 1, longestPauseMs: 2, totalMs: 10_000, attemptMs: 1_000 };
const call = { action: 's3:ListBucket', resource: 's3://bucket' };

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a server', () => {
  it('that sends a byte now and then, for ever -> `unavailable`, in bounded time', async () => {
    let trickles = 0;
    const server = createServer((_, response) => {
      trickles += 1;
      response.writeHead(200, { 'content-type': 'application/xml', 'content-length': '1000000' });
      const timer = setInterval(() => response.write('<'), 50);
      response.once('close', () => clearInterval(timer));
    });
    // Longer than the byte takes: for the client the socket is alive.
    const client = new S3Client({
      endpoint: await listening(server),
      region: 'us-east-1',
      credentials: administrator,
      maxAttempts: 1,
      forcePathStyle: true,
      requestHandler: { socketTimeout: 500 },
    });
    const command = (): ListPartsCommand => new ListPartsCommand({ Bucket: 'b', Key: 'k', UploadId: 'u' });
    const failing = callAws(call, (abortSignal) => client.send(command(), { abortSignal }), {
      clock: systemClock,
      policy,
    });
    await expect(failing).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('within 1.0 s'),
    });
    expect(trickles).toBe(2);
    client.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it.each([
    ['nobody has the name of', 'http://no-such-host.invalid:1', /getaddrinfo/, 'DNS'],
    ['where nobody listens', 'http://127.0.0.1:1', /ECONNREFUSED/, 'AWS_ENDPOINT_URL'],
  ])('%s -> a sentence with what to look at', async (_, endpoint, sentence, hint) => {
    const client = new S3Client({
      endpoint,
      region: 'us-east-1',
      credentials: administrator,
      maxAttempts: 1,
      forcePathStyle: true,
    });
    const command = new HeadBucketCommand({ Bucket: 'b' });
    const failing = callAws(call, (abortSignal) => client.send(command, { abortSignal }), {
      clock: systemClock,
      policy,
    });
    await expect(failing).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(sentence),
      hint: expect.stringContaining(hint),
    });
    client.destroy();
  });
});

describe('credentials', () => {
  it('that S3 says are over, although their own end is far -> new ones are asked for, and used', async () => {
    await using witness = await s3Witness(aws.url);
    const fault = aws.faults.add({ operation: 's3:UploadPart', fault: { kind: 'expired-token' }, times: 4 });
    const finished = await migrateWith({ AWS_ENDPOINT_URL_S3: witness.url });
    expect(finished.status, finished.stderr).toBe(0);
    expect(fault.fired).toBe(4);
    const used = new Set(witness.answered.map(({ accessKeyId }) => accessKeyId));
    const story = witness.answered.map(({ method, path, status, accessKeyId = '' }) => [
      method,
      path,
      status,
      accessKeyId,
    ]);
    expect(used.size, `${finished.stderr}\n${JSON.stringify(story)}`).toBeGreaterThan(1);
    await expectArchived(aws, disk);
  });

  const keys = { AWS_ACCESS_KEY_ID: administrator.accessKeyId, AWS_SECRET_ACCESS_KEY: administrator.secretAccessKey };
  const secretFile = `[backup]\naws_access_key_id = ${administrator.accessKeyId}\naws_secret_access_key = ${administrator.secretAccessKey}\n`;

  it.each(['environment', 'profile'])('of the %s are used rather than those of the instance', async (source) => {
    const file = join(aws.folder, 'credentials');
    await writeFile(file, secretFile);
    await using witness = await s3Witness(aws.url);
    const from = source === 'profile' ? { AWS_PROFILE: 'backup', AWS_SHARED_CREDENTIALS_FILE: file } : keys;
    const finished = await migrateWith({ ...from, AWS_ENDPOINT_URL_S3: witness.url });
    expect(finished.status, finished.stderr).toBe(0);
    expect(new Set(witness.answered.map(({ accessKeyId }) => accessKeyId))).toEqual(
      new Set([administrator.accessKeyId]),
    );
  });

  it('that nobody knows -> one clear sentence, at once', async () => {
    const finished = await migrateWith({ ...keys, AWS_ACCESS_KEY_ID: 'AKIANOBODY0000000000' });
    expect(finished.status).toBe(1);
    expect(finished.stderr).toContain('failed: the answer was status 403, without a reason.');
    expect(finished.stderr).toContain('aws sts get-caller-identity');
    expect(await aws.leftovers()).toEqual([]);
  });

  it('that are nowhere -> one sentence within seconds, even where the metadata service falls silent', async () => {
    // It tells who the instance is, and has no role for it.
    await using metadata = await metadataStandIn(aws.imdsUrl, (path) =>
      path.includes('/iam/') ? 'silence' : 'passed on',
    );
    const finished = await migrateWith({ AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url });
    expect(finished.status).toBe(1);
    expect(finished.stderr).toContain('No AWS credentials were found');
    expect(finished.stderr).toContain('Attach an IAM role to this instance');
    expect(metadata.kept.silence).toBeGreaterThan(0);
  });
});
