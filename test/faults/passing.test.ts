import { CreateTagsCommand } from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault, InjectedFault } from '../../sandbox/faults/index.js';
import { localAws, type LocalAws } from '../support/local-aws.js';
import { allOperations, expectArchived, once, operations, spared, subject, type Subject } from './support.js';

// A fault that passes, once at each call that `migrate` makes: the archive is what it would have been without.

let aws: LocalAws;
let disk: Subject;
beforeAll(async () => {
  aws = await localAws();
  disk = await subject(aws, await aws.bucket());
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  aws.faults.clear();
  await aws.removeVolumes();
});

const withBodies = [...operations.describing, ...operations.changing];
const all = allOperations;
const kinds: readonly (readonly [string, Fault, readonly string[]])[] = [
  ['is throttled', { kind: 'throttled' }, all],
  ['is an internal error', { kind: 'internal-error' }, all],
  ['is unavailable', { kind: 'unavailable' }, all],
  ['says that the token is over', { kind: 'expired-token' }, all],
  ['is reset before the work', { kind: 'reset', when: 'before' }, all],
  ['is reset after the work', { kind: 'reset', when: 'after' }, all],
  ['hangs for a while', { kind: 'hang', when: 'after', ms: 300 }, all],
  ['is answered with half an answer', { kind: 'truncated', afterBytes: 90, body: 'response' }, withBodies],
  ['is answered slowly', { kind: 'slow', bytesPerSecond: 4_000, body: 'response' }, withBodies],
];

const part = 's3:UploadPart';
const put = 's3:PutObject';
const complete = 's3:CompleteMultipartUpload';
/** What only bodies that are sent can have, and long operations, each once: met one after the other in one run. */
const ofSending: readonly (readonly [string, Fault])[] = [
  [part, { kind: 'truncated', afterBytes: 3_000_000, body: 'request' }],
  [part, { kind: 'flipped-bit', body: 'request' }],
  [part, { kind: 'slow', bytesPerSecond: 4_000_000, body: 'request' }],
  [put, { kind: 'truncated', afterBytes: 10, body: 'request' }],
  [put, { kind: 'flipped-bit', body: 'request' }],
  [complete, { kind: 'error-in-200', work: 'undone', code: 'InternalError' }],
  [complete, { kind: 'error-in-200', work: 'undone', code: 'SlowDown' }],
  [complete, { kind: 'error-in-200', work: 'done', code: 'ServiceUnavailable' }],
  [complete, { kind: 'reset', when: 'after' }],
];

/** Changes that are not seen at once, and ones that take their time. */
const ofEc2: readonly (readonly [string, Fault])[] = [
  ['ec2:CreateTags', { kind: 'late', ms: 4_000 }],
  ['ec2:CreateVolume', { kind: 'late', ms: 1_000 }],
  ['ec2:CreateVolume', { kind: 'stuck', ms: 1_500 }],
  ['ec2:AttachVolume', { kind: 'late', ms: 700 }],
  ['ec2:AttachVolume', { kind: 'stuck', ms: 1_500 }],
  ['ec2:DetachVolume', { kind: 'stuck', ms: 1_500 }],
];

describe('the archive is whole, and nothing is left, when', () => {
  const migrates = async (faults: readonly InjectedFault[]): Promise<void> => {
    const finished = await aws.command(['migrate', '--snapshots', disk.snapshotId, '--bucket', disk.bucket]);
    expect(finished.status, finished.stderr).toBe(0);
    expect(spared(faults)).toEqual([]);
    await expectArchived(aws, disk);
  };

  it('bytes on their way to S3 are cut off, changed or slow, and completions fail in every way', async () => {
    await migrates(ofSending.map(([operation, fault]) => aws.faults.add({ operation, fault, times: 1 })));
  });

  it.each(ofEc2)('%s is %o', async (operation, fault) => {
    await migrates([aws.faults.add({ operation, fault, times: 1 })]);
  });
});

describe('every call once', () => {
  it.each(kinds)('%s -> the archive is whole, and nothing is left', async (_, fault, names) => {
    const Tags = [{ Key: 'snap-to-s3', Value: 'migrate' }];
    await aws.ec2.send(new CreateTagsCommand({ Resources: [disk.snapshotId], Tags }));
    const faults = once(aws, names, fault);
    const finished = await aws.command(['migrate', '--all', '--bucket', disk.bucket]);
    expect(finished.status, finished.stderr).toBe(0);
    expect(spared(faults)).toEqual([]);
    await expectArchived(aws, disk);
  });
});
