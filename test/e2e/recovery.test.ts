import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/process/index.js';
import { filesystemOn, localAws, type LocalAws } from '../support/local-aws.js';
import { s3Witness } from '../support/s3-witness.js';

// What a run that was killed leaves is found and removed by the next one, and no snapshot is worked on twice.

let aws: LocalAws;
let bucket = '';
beforeAll(async () => {
  aws = await localAws();
  bucket = await aws.bucket();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  expect(await aws.leftovers()).toEqual([]);
  expect((await aws.keys(bucket)).filter((key) => key.startsWith('.snap-to-s3/'))).toEqual([]);
});

const random = (count: number) => (device: string) =>
  filesystemOn(device, 'ext4', async (path) => {
    await run(['dd', 'if=/dev/urandom', `of=${join(path, 'random')}`, 'bs=1M', `count=${count}`, 'status=none']);
  });
const fewFiles = (device: string) => filesystemOn(device, 'ext4', (path) => writeFile(join(path, 'file'), 'content'));
const argv = (...ids: string[]): string[] => ['migrate', '--snapshots', ...ids, '--bucket', bucket, '--json'];

describe('after SIGKILL', () => {
  it.each(['claiming', 'creating-volume', 'attaching-volume', 'archiving', 'writing-manifest'])(
    'at the stage %s -> the next run takes over at once and cleans up',
    async (stage) => {
      const snapshotId = await aws.snapshot(fewFiles);
      let killed = 0;
      const first = await aws.command(argv(snapshotId), {
        onEvent: (event, kill) => {
          if (event.stage !== stage) return;
          killed += 1;
          kill('SIGKILL');
        },
      });
      expect([killed, first.status]).toEqual([1, null]);
      const second = await aws.command(argv(snapshotId));
      expect(second.status, JSON.stringify(second.events.slice(-3))).toBe(0);
      expect(await aws.tags(snapshotId)).toEqual({ 'snap-to-s3': 'migrated' });
    },
  );

  it('in the middle of an upload -> its parts are gone, and another upload to the same key is not touched', async () => {
    const snapshotId = await aws.snapshot(random(120));
    await using witness = await s3Witness(aws.url, { partDelayMs: 1_000 });
    let killed = 0;
    await aws.command(argv(snapshotId), {
      env: { AWS_ENDPOINT_URL_S3: witness.url },
      onEvent: ({ kind }, kill) => {
        const begun = witness.answered.some(({ query }) => query.has('partNumber'));
        if (kind !== 'progress' || !begun || killed > 0) return;
        killed += 1;
        kill('SIGKILL');
      },
    });
    expect(killed).toBe(1);
    const uploads = async () => (await aws.s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? [];
    expect((await uploads()).length).toBeGreaterThan(0);
    expect((await aws.keys(bucket)).filter((key) => key.startsWith('.snap-to-s3/'))).toHaveLength(1);
    const second = await aws.command(argv(snapshotId));
    expect(second.status, JSON.stringify(second.events.slice(-3))).toBe(0);
    expect(second.events.some(({ text }) => text?.includes('ended without cleaning up') === true)).toBe(true);
    expect(await uploads()).toEqual([]);
  });
});

describe('the lease', () => {
  it('of a run on another host keeps everybody else away until it is over', async () => {
    const snapshotId = await aws.snapshot(fewFiles);
    const content = {
      version: 1,
      runId: 'other',
      owner: 'i-0123456789abcdef0 (process 1)',
      identity: { bootId: 'other', pidNamespace: 'pid:[1]', pid: 1, startTicks: '1' },
      lifetimeMs: 3_000,
      turn: 1,
      ended: false,
      journal: [],
    };
    const Key = `.snap-to-s3/leases/${snapshotId}.json`;
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: JSON.stringify(content) }));
    const early = await aws.command(argv(snapshotId));
    expect(early.status).toBe(1);
    expect(early.events.at(-2)).toMatchObject({
      kind: 'snapshot-failed',
      error: {
        code: 'claimed-elsewhere',
        message: expect.stringContaining('i-0123456789abcdef0 (process 1)') as string,
      },
    });
    expect(await aws.tags(snapshotId)).toEqual({ 'snap-to-s3': 'migrate' });
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect((await aws.command(argv(snapshotId))).status).toBe(0);
  });

  it('lets three processes share a list: each snapshot is archived once', async () => {
    const other = await aws.bucket();
    const ids = [await aws.snapshot(fewFiles), await aws.snapshot(fewFiles), await aws.snapshot(fewFiles)];
    const runs = await Promise.all(
      Array.from({ length: 3 }, () => aws.command(['migrate', '--all', '--bucket', other, '--json'])),
    );
    const archived = runs.flatMap(({ events }) =>
      events.flatMap((event) => (event.kind === 'snapshot-archived' ? [event.snapshotId] : [])),
    );
    expect(archived.sort()).toEqual([...ids].sort());
    expect(runs.map(({ status }) => status)).toEqual([0, 0, 0]);
  });
});
