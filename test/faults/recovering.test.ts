import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { poll, systemClock } from '../../src/core/index.js';
import { localAws, type LocalAws } from '../support/local-aws.js';
import { cleanUpHurried } from './in-process.js';
import { startAnew, subject, type Subject } from './support.js';

// What a run that was killed in the middle of an archive has left (mount, volume, upload, tag and lease) is never forgotten,
// though AWS fails while it is removed.

let aws: LocalAws;
let disk: Subject;
beforeAll(async () => {
  aws = await localAws();
  disk = await subject(aws, await aws.bucket());
});
afterAll(() => aws[Symbol.asyncDispose]());
beforeEach(async () => {
  await startAnew(aws, disk);
  // Nothing of it gets any further than its second part.
  const holding = aws.faults.add({ operation: 's3:UploadPart', fault: { kind: 'hang' }, skip: 1 });
  const underWay = () => Promise.resolve(holding.fired > 0 ? true : undefined);
  const { status } = await aws.command(['migrate', '--snapshots', disk.snapshotId, '--bucket', disk.bucket], {
    onStart: (kill) =>
      void poll(underWay, { clock: systemClock, intervalMs: 20, timeoutMs: 120_000 }).then(() => kill('SIGKILL')),
  });
  holding.remove();
  expect(status).toBe(null);
  expect((await aws.leftovers()).length).toBeGreaterThan(2);
});
afterEach(() => aws.faults.clear());

const leases = async (): Promise<readonly string[]> =>
  (await aws.keys(disk.bucket)).filter((key) => key.startsWith('.snap-to-s3/'));

async function expectFreed(): Promise<void> {
  expect(await aws.tags(disk.snapshotId)).toEqual({ 'snap-to-s3': 'migrate' });
  expect([await aws.leftovers(), await leases()]).toEqual([[], []]);
}

describe('cleanup', () => {
  it.each(['s3:AbortMultipartUpload', 'ec2:CreateTags'])(
    'for which %s fails for good tells what is left and keeps it in the journal, and the next one removes it',
    async (operation) => {
      const fault = aws.faults.add({ operation, fault: { kind: 'internal-error' } });
      const { freed, warnings } = await cleanUpHurried(aws, disk);
      expect(freed).toEqual([]);
      expect(fault.fired).toBeGreaterThanOrEqual(3);
      expect(warnings).not.toEqual([]);
      expect(await leases()).toHaveLength(1);
      fault.remove();
      const next = await cleanUpHurried(aws, disk);
      expect([next.freed, next.warnings]).toEqual([[disk.snapshotId], []]);
      await expectFreed();
    },
  );
});
