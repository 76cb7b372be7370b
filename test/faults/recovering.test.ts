import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../sandbox/faults/index.js';
import { poll, systemClock } from '../../src/core/index.js';
import { localAws, type LocalAws } from '../support/local-aws.js';
import { cleanUpHurried, patient } from './in-process.js';
import { once, spared, startAnew, subject, type Subject } from './support.js';

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
  it.each([
    's3:AbortMultipartUpload',
    's3:ListParts',
    'ec2:DetachVolume',
    'ec2:DeleteVolume',
    'ec2:DescribeSnapshots',
    'ec2:CreateTags',
    'ec2:DeleteTags',
  ])(
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

  it('to which EC2 names no volumes fails, and the next one removes what is left', async () => {
    const fault = aws.faults.add({ operation: 'ec2:DescribeVolumes', fault: { kind: 'internal-error' } });
    await expect(cleanUpHurried(aws, disk)).rejects.toMatchObject({ code: 'unavailable' });
    expect(fault.fired).toBeGreaterThanOrEqual(3);
    expect(await leases()).toHaveLength(1);
    fault.remove();
    expect((await cleanUpHurried(aws, disk)).freed).toEqual([disk.snapshotId]);
    await expectFreed();
  });

  // Not s3:ListParts: an upload whose abort was done and its answer lost is gone, and its parts are not asked for.
  const calls = [
    ...['s3:AbortMultipartUpload', 's3:ListObjectsV2', 's3:GetObject', 's3:PutObject', 's3:DeleteObject'],
    ...['ec2:DescribeVolumes', 'ec2:DetachVolume', 'ec2:DeleteVolume', 'ec2:DescribeSnapshots'],
    ...['ec2:CreateTags', 'ec2:DeleteTags'],
  ];

  it('of which every call is refused, throttled, cut off, lost and silent first removes all the same', async () => {
    const kinds: readonly Fault[] = [
      { kind: 'internal-error' },
      { kind: 'unavailable' },
      { kind: 'throttled' },
      { kind: 'reset', when: 'before' },
      { kind: 'reset', when: 'after' },
      { kind: 'hang', ms: 200 },
    ];
    const faults = kinds.flatMap((fault) => once(aws, calls, fault));
    const { freed } = await cleanUpHurried(aws, disk, patient);
    expect(spared(faults)).toEqual([]);
    expect(freed).toEqual([disk.snapshotId]);
    await expectFreed();
  });
});
