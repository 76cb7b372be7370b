import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { Faults } from '../../sandbox/faults/index.js';
import { administrator } from '../../sandbox/iam/index.js';
import { noDelays, startSandbox } from '../../sandbox/index.js';
import { systemClock, type AwsRetry } from '../../src/core/index.js';
import type { ObjectStore } from '../../src/store/index.js';

/** The local S3 with faults on demand, and the store as the command composes it. */
export interface FaultyS3 extends AsyncDisposable {
  readonly url: string;
  /** What a test itself asks may take its time, on a machine that does other things as well. */
  readonly client: S3Client;
  /** Its bucket is `bucket`. Retries are quick and few. */
  readonly store: ObjectStore;
  readonly faults: Faults;
  /** Every call that was tried again. */
  readonly retries: AwsRetry[];
  readonly folder: string;
}

const silent = (): undefined => undefined;

/** Starts one; for the store, a silent socket is given up after half a second unless told otherwise. */
export async function faultyS3({ socketTimeout = 500 } = {}): Promise<FaultyS3> {
  const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-reading-'));
  const sandbox = await startSandbox({ stateDirectory: join(folder, 'state'), port: 0, delays: noDelays });
  const way = { endpoint: sandbox.url, region: 'us-east-1', credentials: administrator, forcePathStyle: true };
  const client = new S3Client(way);
  await client.send(new CreateBucketCommand({ Bucket: 'bucket' }));
  const hasty = new S3Client({
    ...way,
    maxAttempts: 1,
    logger: { debug: silent, info: silent, warn: silent, error: silent },
    requestHandler: { connectionTimeout: 1_000, socketTimeout, httpAgent: { keepAlive: true, maxSockets: 100 } },
  });
  const retries: AwsRetry[] = [];
  return {
    url: sandbox.url,
    client,
    faults: sandbox.faults,
    retries,
    folder,
    store: {
      client: hasty,
      bucket: 'bucket',
      clock: systemClock,
      temporaryDirectory: folder,
      habits: { onRetry: (retry) => void retries.push(retry) },
      retryPolicy: { attempts: 4, firstPauseMs: 1, longestPauseMs: 5, totalMs: 20_000 },
    },
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      hasty.destroy();
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
