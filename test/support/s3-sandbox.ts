import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { createS3Service } from '../../sandbox/s3/index.js';
import type { Stage } from '../../sandbox/server/pipeline.js';
import { listen } from '../../sandbox/server/server.js';
import { systemClock, type Clock } from '../../src/core/index.js';

/** The local S3 alone, without devices or root. Disposing removes its state. */
export interface S3Sandbox extends AsyncDisposable {
  readonly url: string;
  /** Everything the sandbox threw instead of answering; a test that passes leaves it empty. */
  readonly defects: readonly unknown[];
  client(): S3Client;
  /** Ends the server and starts it again on the same state. */
  restart(): Promise<void>;
}

const silent = (): undefined => undefined;

/** What a test may want otherwise. */
export interface S3SandboxOptions {
  readonly clock?: Clock;
  readonly archiveSpeed?: number;
  /** What requests pass through before the services. */
  readonly stages?: readonly Stage[];
}

/** Starts one with a bucket `bucket`. */
export async function s3Sandbox(options: S3SandboxOptions = {}): Promise<S3Sandbox> {
  const directory = await mkdtemp(join(tmpdir(), 'snap-to-s3-s3-'));
  const defects: unknown[] = [];
  const begin = async () => {
    const s3 = await createS3Service({
      directory,
      clock: options.clock ?? systemClock,
      ...(options.archiveSpeed === undefined ? {} : { archiveSpeed: options.archiveSpeed }),
    });
    return listen([s3], {
      host: '127.0.0.1',
      port: 0,
      defaultRegion: 'us-east-1',
      onDefect: (error) => defects.push(error),
      stages: options.stages ?? [],
    });
  };
  let server = await begin();
  const clients: S3Client[] = [];
  await fetch(`${server.url}/bucket`, { method: 'PUT' });
  return {
    get url() {
      return server.url;
    },
    defects,
    client: () => {
      const client = new S3Client({
        endpoint: server.url,
        region: 'us-east-1',
        credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
        maxAttempts: 1,
        logger: { debug: silent, info: silent, warn: silent, error: silent },
      });
      clients.push(client);
      return client;
    },
    restart: async () => {
      await server.close();
      server = await begin();
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.destroy();
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
