import { resolve } from 'node:path';
import { EC2Client } from '@aws-sdk/client-ec2';
import { AppError, count, formatBytes, systemClock } from '../../src/core/index.js';
import { administrator } from '../iam/index.js';
import { runningSandbox } from '../index.js';
import { seed, type SeededSnapshot } from '../seed/index.js';
import { interruption } from './interruption.js';

const region = 'us-east-1';

/** Fills a running sandbox with the demo snapshots and prints their ids, one a line. Throws `usage`, `not-root`. */
export async function seedRunning(options: { readonly state: string; readonly endpoint?: string }): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new AppError('not-root', 'Seeding makes and mounts filesystems, which needs root.', {
      hint: 'Run it with sudo.',
    });
  }
  const url = await endpointOf(options);
  using interrupted = interruption();
  const ec2 = new EC2Client({ endpoint: url, region, credentials: administrator });
  try {
    const made = await seed({
      ec2,
      clock: systemClock,
      signal: interrupted.signal,
      onProgress: (text) => console.error(text),
    });
    for (const snapshot of made) {
      console.log(snapshot.snapshotId);
      console.error(`${snapshot.snapshotId} "${snapshot.name}": ${contentOf(snapshot)}.`);
    }
  } finally {
    ec2.destroy();
  }
}

async function endpointOf(options: { readonly state: string; readonly endpoint?: string }): Promise<string> {
  if (options.endpoint !== undefined) {
    if (/^https?:/.test(options.endpoint) && URL.canParse(options.endpoint)) return options.endpoint;
    throw new AppError('usage', `"${options.endpoint}" is not the endpoint of a sandbox.`, {
      hint: 'Give it as snap-to-s3 sandbox start printed it, http://127.0.0.1:4599 for instance.',
    });
  }
  const stateDirectory = resolve(options.state);
  const running = await runningSandbox(stateDirectory);
  if (running !== undefined) return running.url;
  throw new AppError('usage', `No sandbox runs on ${stateDirectory}.`, {
    hint: 'Start one in another terminal with: snap-to-s3 sandbox start',
  });
}

function contentOf({ parts }: SeededSnapshot): string {
  const filesystems = parts.flatMap(({ content }) => content ?? []);
  const bytes = filesystems.reduce((sum, { realBytes }) => sum + realBytes, 0);
  return `${count(filesystems.length, 'filesystem')} with ${formatBytes(bytes)} of files`;
}
