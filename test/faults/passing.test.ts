import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault, InjectedFault } from '../../sandbox/faults/index.js';
import { localAws, type LocalAws } from '../support/local-aws.js';
import { migrateHurried, patient, type HurriedRun } from './in-process.js';
import {
  allOperations,
  expectArchived,
  once,
  operations,
  spared,
  startAnew,
  subject,
  type Subject,
} from './support.js';

// A fault that passes, once at each call that `migrate` makes: the archive is what it would have been without.

let aws: LocalAws;
let disk: Subject;
beforeAll(async () => {
  aws = await localAws();
  disk = await subject(aws, await aws.bucket());
});
afterAll(() => aws[Symbol.asyncDispose]());
beforeEach(() => startAnew(aws, disk));
afterEach(async () => {
  aws.faults.clear();
  await aws.removeVolumes();
});

const part = 's3:UploadPart';
const put = 's3:PutObject';
const complete = 's3:CompleteMultipartUpload';
const withBodies = [
  ...operations.describing,
  ...operations.changing,
  's3:CreateMultipartUpload',
  complete,
  's3:ListObjectsV2',
  's3:ListMultipartUploads',
];

/** What each call meets, one after the other, before it is let through. */
const kinds: readonly (readonly [string, readonly (readonly [Fault, readonly string[]])[]])[] = [
  [
    'by a refusal',
    [
      [{ kind: 'throttled' }, allOperations],
      [{ kind: 'internal-error' }, allOperations],
      [{ kind: 'unavailable' }, allOperations],
      [{ kind: 'expired-token' }, allOperations],
    ],
  ],
  [
    'before the work',
    [
      [{ kind: 'reset', when: 'before' }, allOperations],
      [{ kind: 'hang', when: 'before', ms: 300 }, allOperations],
      [{ kind: 'slow', bytesPerSecond: 4_000, body: 'response' }, withBodies],
    ],
  ],
  [
    'after the work',
    [
      [{ kind: 'reset', when: 'after' }, allOperations],
      [{ kind: 'truncated', afterBytes: 90, body: 'response' }, withBodies],
      [{ kind: 'hang', when: 'after', ms: 300 }, allOperations],
    ],
  ],
];

/** What only bodies that are sent can have, and long operations, each once: met one after the other in one run. */
const ofSending: readonly (readonly [string, Fault])[] = [
  [part, { kind: 'truncated', afterBytes: 3_000_000, body: 'request' }],
  [part, { kind: 'flipped-bit', body: 'request' }],
  [part, { kind: 'slow', bytesPerSecond: 4_000_000, body: 'request' }],
  [put, { kind: 'truncated', afterBytes: 10, body: 'request' }],
  [put, { kind: 'flipped-bit', body: 'request' }],
  [put, { kind: 'slow', bytesPerSecond: 1_000, body: 'request' }],
  [complete, { kind: 'truncated', afterBytes: 90, body: 'request' }],
  [complete, { kind: 'slow', bytesPerSecond: 4_000, body: 'request' }],
  [complete, { kind: 'error-in-200', work: 'undone', code: 'InternalError' }],
  [complete, { kind: 'error-in-200', work: 'undone', code: 'SlowDown' }],
  [complete, { kind: 'error-in-200', work: 'done', code: 'ServiceUnavailable' }],
  [complete, { kind: 'reset', when: 'after' }],
];

/** Changes that are not seen at once, and ones that take their time; in real time, which EC2's own bounds are for. */
const ofEc2: readonly (readonly [string, readonly (readonly [string, Fault])[]])[] = [
  [
    'seen late',
    [
      ['ec2:CreateTags', { kind: 'late', ms: 4_000 }],
      ['ec2:CreateVolume', { kind: 'late', ms: 1_000 }],
      ['ec2:AttachVolume', { kind: 'late', ms: 700 }],
      ['ec2:DetachVolume', { kind: 'late', ms: 700 }],
    ],
  ],
  [
    'slow to end',
    [
      ['ec2:CreateVolume', { kind: 'stuck', ms: 1_500 }],
      ['ec2:AttachVolume', { kind: 'stuck', ms: 1_500 }],
      ['ec2:DetachVolume', { kind: 'stuck', ms: 1_500 }],
      ['ec2:DeleteVolume', { kind: 'stuck', ms: 500 }],
    ],
  ],
  ['busy', [['ec2:DetachVolume', { kind: 'busy', ms: 1_000 }]]],
];

const adding = (faults: readonly (readonly [string, Fault])[]): readonly InjectedFault[] =>
  faults.map(([operation, fault]) => aws.faults.add({ operation, fault, times: 1 }));

async function expectMigrated({ done, failed, warnings }: HurriedRun, faults: readonly InjectedFault[]): Promise<void> {
  expect(failed).toEqual([]);
  expect(done).toEqual([disk.snapshotId]);
  expect(warnings).toEqual([]);
  expect(spared(faults)).toEqual([]);
  await expectArchived(aws, disk);
}

describe('the archive is whole, and nothing is left, when', () => {
  it.each(kinds)('every call fails %s, in every way, once each', async (_, met) => {
    const faults = met.flatMap(([fault, names]) => once(aws, names, fault));
    await expectMigrated(await migrateHurried(aws, disk, { ...patient, selection: { kind: 'all' } }), faults);
  });

  it('bytes on their way to S3 are cut off, changed or slow, and completions fail in every way', async () => {
    const faults = adding(ofSending);
    await expectMigrated(await migrateHurried(aws, disk, patient), faults);
  });

  it.each(ofEc2)('changes of EC2 are %s', async (_, changes) => {
    const faults = adding(changes);
    const finished = await aws.command(['migrate', '--snapshots', disk.snapshotId, '--bucket', disk.bucket]);
    expect(finished.status, finished.stderr).toBe(0);
    expect(spared(faults)).toEqual([]);
    await expectArchived(aws, disk);
  });
});
