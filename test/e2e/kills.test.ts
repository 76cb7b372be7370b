import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/index.js';
import { filesystemOn, localAws, type LocalAws } from '../support/local-aws.js';
import { decompressed, extracted, sha256sum } from '../support/read-archive.js';

// SIGKILL at random moments, each followed by a normal run: nothing is left, and everything is readable. `npm run
// test:soak` kills more often.

const kills = Number(process.env.SNAP_TO_S3_TEST_KILLS ?? '20');
/** Runs that are killed at once. */
const lanes = 4;
/** A run takes so long here, more or less; the kills are spread over it. */
const longestMs = 7_000;

let aws: LocalAws;
let bucket = '';
let snapshots: readonly string[] = [];
let sha256 = '';
beforeAll(async () => {
  aws = await localAws();
  bucket = await aws.bucket();
  const bytes = randomBytes(40 * 1024 * 1024);
  const path = join(aws.folder, 'random');
  await writeFile(path, bytes);
  sha256 = await sha256sum(path);
  snapshots = await aws.snapshots(
    (device) => filesystemOn(device, 'ext4', (mountedAt) => writeFile(join(mountedAt, 'random'), bytes)),
    lanes,
  );
});
afterAll(() => aws[Symbol.asyncDispose]());

/** The same moments each time. */
function* momentsMs(): Generator<number, never> {
  for (let state = 20_261_123; ;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield Math.floor((state / 2 ** 31) * longestMs);
  }
}
const moments = momentsMs();

const argv = (snapshotId: string): string[] => ['migrate', '--snapshots', snapshotId, '--bucket', bucket, '--json'];

/** Returns whether the run was still there to be killed. */
async function killed(snapshotId: string, afterMs: number): Promise<boolean> {
  const { status } = await aws.command(argv(snapshotId), {
    onStart: (kill) => void systemClock.sleep(afterMs).then(() => kill('SIGKILL')),
  });
  return status === null;
}

async function expectReadable(snapshotId: string): Promise<void> {
  const key = (await aws.keys(bucket)).find((one) => one.includes(snapshotId) && one.endsWith('.tar.lz4')) ?? '';
  const tar = await decompressed(await aws.download(bucket, key), 'lz4');
  expect(await sha256sum(join(await extracted(tar), 'random'))).toBe(sha256);
}

describe('SIGKILL at random moments', () => {
  it(
    `${kills} times -> after the next run nothing is left, and the archive is whole`,
    async () => {
      let dead = 0;
      for (let rounds = 0; dead < kills; rounds += 1) {
        // Moments at which the run has ended already do not count; but most must not be such.
        expect(rounds).toBeLessThan(kills);
        const fates = await Promise.all(snapshots.map((id) => killed(id, moments.next().value)));
        dead += fates.filter(Boolean).length;
        const next = await Promise.all(snapshots.map((id) => aws.command(argv(id))));
        expect(next.map(({ status, events }) => (status === 0 ? 0 : events.at(-2)))).toEqual(next.map(() => 0));
        expect(await aws.leftovers()).toEqual([]);
        expect((await aws.keys(bucket)).filter((key) => key.startsWith('.'))).toEqual([]);
        for (const id of snapshots) expect(await aws.tags(id)).toEqual({ 'snap-to-s3': 'migrated' });
        await Promise.all(snapshots.map(expectReadable));
      }
    },
    60_000 + kills * 20_000,
  );
});
