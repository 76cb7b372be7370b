import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poll, systemClock } from '../../src/core/index.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';
import { filesystemOn, localAws, mountedAt, type Finished, type LocalAws } from '../support/local-aws.js';
import { decompressed, extracted, sha256Of } from '../support/read-archive.js';

// SIGKILL at random moments, each followed by a normal run: nothing is left, and everything is readable. `npm run
// test:soak` kills more often. The moments and the ways follow from the seed, which the name of the test tells.

const kills = Number(process.env.SNAP_TO_S3_TEST_KILLS ?? '20');
const seed = Number(process.env.SNAP_TO_S3_TEST_SEED ?? '20261123');
/** A run takes so long here, more or less; the kills are spread over it. */
const longestMs = 7_000;

/** What is archived in one run: one snapshot, and in the last lane two at once. */
const lanes = [1, 1, 1, 2];

/** How a run archives, and where. */
interface Way {
  readonly flags: readonly string[];
  readonly ending: string;
  /** As another host, whose lease must end before anybody may clean up. */
  readonly elsewhere?: boolean;
}

/** As common as they stand here. */
const ways: readonly Way[] = [
  { flags: [], ending: '.tar.lz4' },
  { flags: ['--compression', 'zstd'], ending: '.tar.zstd' },
  { flags: [], ending: '.tar.lz4', elsewhere: true },
  { flags: ['--gpg-recipient', 'archive@example.com'], ending: '.tar.lz4.gpg' },
  { flags: [], ending: '.tar.lz4' },
  { flags: ['--dd'], ending: '.img.lz4' },
];

let aws: LocalAws;
let ring: GpgKeyring;
let bucket = '';
let groups: readonly (readonly string[])[] = [];
let sha256 = '';
beforeAll(async () => {
  [aws, ring] = await Promise.all([localAws(), gpgKeyring()]);
  bucket = await aws.bucket();
  await ring.key('Archive <archive@example.com>');
  const bytes = randomBytes(40 * 1024 * 1024);
  const path = join(aws.folder, 'random');
  await writeFile(path, bytes);
  sha256 = await sha256Of(path);
  const snapshots = await aws.snapshots(
    (device) => filesystemOn(device, 'ext4', (mountedAt) => writeFile(join(mountedAt, 'random'), bytes)),
    lanes.reduce((sum, count) => sum + count),
  );
  let at = 0;
  groups = lanes.map((count) => snapshots.slice(at, (at += count)));
});
afterAll(async () => {
  await aws[Symbol.asyncDispose]();
  await ring[Symbol.asyncDispose]();
});

/** The same ones each time. */
function* randomNumbers(): Generator<number, never> {
  for (let state = seed % 2 ** 31; ;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state / 2 ** 31;
  }
}
const numbers = randomNumbers();

/** One run that is killed. */
interface Fate {
  readonly ids: readonly string[];
  readonly way: Way;
  readonly afterMs: number;
}

function fateOf(ids: readonly string[]): Fate {
  const way = ways[Math.floor(numbers.next().value * ways.length)] ?? { flags: [], ending: '.tar.lz4' };
  return { ids, way, afterMs: Math.floor(numbers.next().value * longestMs) };
}

const argv = ({ ids, way }: Fate): string[] => {
  const jobs = ['--jobs', String(ids.length)];
  return ['migrate', '--snapshots', ...ids, '--bucket', bucket, ...jobs, ...way.flags, '--json'];
};
const keyring = () => ({ GNUPGHOME: ring.home });

/** Returns whether the run was still there to be killed. */
async function killed(fate: Fate): Promise<boolean> {
  const { elsewhere = false } = fate.way;
  const { status } = await aws.command([...argv(fate), ...(elsewhere ? ['--lease-seconds', '3'] : [])], {
    elsewhere,
    env: keyring(),
    onStart: (kill) => void systemClock.sleep(fate.afterMs).then(() => kill('SIGKILL')),
  });
  return status === null;
}

/** The next run; while the lease of another host may still be renewed, every run is refused. */
async function next(fate: Fate): Promise<Finished> {
  const attempt = async (): Promise<Finished | undefined> => {
    const finished = await aws.command(argv(fate), { env: keyring() });
    const isEarly = finished.events.some(({ error }) => error?.code === 'claimed-elsewhere');
    return isEarly && fate.way.elsewhere === true ? undefined : finished;
  };
  const finished = await poll(attempt, { clock: systemClock, intervalMs: 500, timeoutMs: 30_000 });
  if (finished === undefined) throw new Error(`The lease of a dead host does not end: ${fate.ids.join()}`);
  return finished;
}

async function expectReadable({ ids, way }: Fate): Promise<void> {
  for (const snapshotId of ids) {
    const keys = await aws.keys(bucket);
    const key = keys.find((one) => one.endsWith(`${snapshotId}${way.ending}`)) ?? '';
    let path = await aws.download(bucket, key);
    const made = [path];
    if (way.ending.endsWith('.gpg')) {
      await ring.gpg(['--output', `${path}.plain`, '--decrypt', path]);
      made.push((path = `${path}.plain`));
    }
    path = await decompressed(path, way.ending.includes('zstd') ? 'zstd' : 'lz4');
    made.push(path, `${path}.d`);
    const sum = way.ending.startsWith('.img')
      ? await mountedAt(path, { type: 'ext4', options: 'loop,ro' }, (folder) => sha256Of(join(folder, 'random')))
      : await sha256Of(join(await extracted(path), 'random'));
    expect(sum).toBe(sha256);
    await Promise.all(made.map((one) => rm(one, { recursive: true, force: true })));
  }
}

describe('SIGKILL at random moments', () => {
  it(
    `${kills} times, with SNAP_TO_S3_TEST_SEED=${seed} -> after the next run nothing is left, and the archive is whole`,
    async () => {
      let dead = 0;
      for (let rounds = 0; dead < kills; rounds += 1) {
        // Moments at which the run has ended already do not count; but most must not be such.
        expect(rounds).toBeLessThan(kills);
        const fates = groups.map(fateOf);
        dead += (await Promise.all(fates.map(killed))).filter(Boolean).length;
        const finished = await Promise.all(fates.map(next));
        const said = finished.map(({ status, events, stderr }) =>
          status === 0 ? 0 : [status, events.slice(-3), stderr],
        );
        expect(said, JSON.stringify(fates)).toEqual(fates.map(() => 0));
        // The kernel lets go of a loop device when the last of those who look at new disks has closed it.
        const gone = async () => ((await aws.leftovers()).length === 0 ? true : undefined);
        await poll(gone, { clock: systemClock, intervalMs: 50, timeoutMs: 5_000 });
        expect(await aws.leftovers(), JSON.stringify(fates)).toEqual([]);
        for (const id of groups.flat()) expect(await aws.tags(id)).toEqual({ 'snap-to-s3': 'migrated' });
        await Promise.all(fates.map(expectReadable));
      }
    },
    120_000 + kills * 30_000,
  );
});
