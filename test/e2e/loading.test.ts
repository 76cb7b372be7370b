import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { KiB, MiB, systemClock } from '../../src/core/index.js';
import { filesystemOn, localAws, type LocalAws } from '../support/local-aws.js';

// On EC2 a volume is loaded from its snapshot while it is read, block by block, and each block takes its time. Who asks for
// one file after the other waits for each of them.

const latencyMs = 200;
const files = 200;
/** Each has blocks of its own, and waits for them at once: one after the other they take so long, whatever the machine does. */
const oneByOneMs = files * latencyMs;

let aws: LocalAws;
let bucket = '';
let snapshot = '';
beforeAll(async () => {
  aws = await localAws({ lazyLoading: { bytesPerSecond: 1024 * MiB, latencyMs } });
  bucket = await aws.bucket();
  snapshot = await aws.snapshot((device) =>
    filesystemOn(device, 'ext4', async (path) => {
      for (let file = 0; file < files; file += 1) await writeFile(join(path, `file-${file}`), randomBytes(512 * KiB));
    }),
  );
});
afterAll(() => aws[Symbol.asyncDispose]());

it.each([
  ['migrate', 'archiving', 'object-archived'],
  ['validate', 'validating', 'object-validated'],
])('%s asks for many files at once', async (command, first, last) => {
  let [beganMs, tookMs] = [0, Infinity];
  const finished = await aws.command([command, '--snapshots', snapshot, '--bucket', bucket, '--json'], {
    onEvent: ({ kind, stage }) => {
      if (stage === first) beganMs = systemClock.now();
      if (kind === last) tookMs = systemClock.now() - beganMs;
    },
  });
  expect(finished.status, finished.stderr).toBe(0);
  expect(beganMs).toBeGreaterThan(0);
  expect(tookMs).toBeLessThan(oneByOneMs / 2);
  expect(await aws.leftovers()).toEqual([]);
});
