import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/process/index.js';
import { filesystemOn, localAws, type LocalAws } from '../support/local-aws.js';
import { s3Witness } from '../support/s3-witness.js';

let aws: LocalAws;
beforeAll(async () => {
  // EC2's keys are good for hours; these end in the middle of every part.
  aws = await localAws({ roleKeys: { lifetimeMs: 3_000, renewBeforeMs: 1_500 } });
});
afterAll(() => aws[Symbol.asyncDispose]());

describe("the keys of the instance's role", () => {
  it('end several times during an upload, and nobody notices', async () => {
    const bucket = await aws.bucket();
    const snapshotId = await aws.snapshot((device) =>
      filesystemOn(device, 'ext4', async (path) => {
        await run(['dd', 'if=/dev/urandom', `of=${join(path, 'random')}`, 'bs=1M', 'count=64', 'status=none']);
      }),
    );
    await using witness = await s3Witness(aws.url, { partDelayMs: 1_000 });
    const finished = await aws.command(['migrate', '--snapshots', snapshotId, '--bucket', bucket], {
      env: { AWS_ENDPOINT_URL_S3: witness.url },
    });
    expect(finished.status, finished.stderr).toBe(0);
    const parts = witness.answered.filter(({ query }) => query.has('partNumber'));
    const used = new Set(parts.map(({ accessKeyId }) => accessKeyId));
    expect(parts.length).toBeGreaterThan(5);
    expect(used.size).toBeGreaterThan(2);
    expect(await aws.tags(snapshotId)).toEqual({ 'snap-to-s3': 'migrated' });
    expect(await aws.leftovers()).toEqual([]);
  });
});
