import { readFile } from 'node:fs/promises';
import { DescribeVolumesCommand } from '@aws-sdk/client-ec2';
import { AbortMultipartUploadCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FaultRequest, InjectedFault } from '../../sandbox/faults/index.js';
import { poll, systemClock, type AppEvent } from '../../src/core/index.js';
import { localAws, type LocalAws } from '../support/local-aws.js';
import { migrateHurried } from './in-process.js';
import { expectArchived, once, spared, startAnew, subject, type Subject } from './support.js';

// A fault that does not pass: a failure in bounded time, that names what was asked of what; nothing of ours is left, or a
// warning names it and says how to remove it.

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

const migrating = { 'snap-to-s3': 'migrate' };
const internalError = { kind: 'internal-error' } as const;

/** Where migrating can fail: the call, its permission, how many of the calls go well before, and of which keys. */
const places: readonly (readonly [place: string, action: string, skip: number, key: string | undefined])[] = [
  ['ec2:DescribeSnapshots', 'ec2:DescribeSnapshots', 0, undefined],
  ['ec2:CreateTags', 'ec2:CreateTags', 0, undefined],
  ['ec2:DescribeSnapshots, reading the claim back', 'ec2:DescribeSnapshots', 1, undefined],
  ['ec2:DescribeVolumes', 'ec2:DescribeVolumes', 0, undefined],
  ['ec2:CreateVolume', 'ec2:CreateVolume', 0, undefined],
  ['ec2:DescribeInstanceAttribute', 'ec2:DescribeInstanceAttribute', 0, undefined],
  ['ec2:AttachVolume', 'ec2:AttachVolume', 0, undefined],
  ['s3:PutObject, of the lease', 's3:PutObject', 0, '.snap-to-s3/leases/*'],
  ['s3:PutObject, of the journal', 's3:PutObject', 3, '.snap-to-s3/leases/*'],
  ['s3:ListMultipartUploads', 's3:ListBucketMultipartUploads', 0, undefined],
  ['s3:CreateMultipartUpload', 's3:PutObject', 0, undefined],
  ['s3:UploadPart', 's3:PutObject', 1, undefined],
  ['s3:CompleteMultipartUpload', 's3:PutObject', 0, undefined],
  ['s3:HeadObject', 's3:GetObject', 0, undefined],
  ['s3:PutObject', 's3:PutObject', 0, 'vol-*'],
];

/** Adds a fault that does not pass. */
function lasting([place, , skip, key]: (typeof places)[number], fault: FaultRequest['fault']): InjectedFault {
  const where = key === undefined ? {} : { where: { key } };
  return aws.faults.add({ operation: place.split(',')[0] ?? '', fault, skip, ...where });
}

describe('AWS fails for good at', () => {
  it.each(places)('%s -> a failure that names it, and nothing is left', async (...row) => {
    const [, action] = row;
    const fault = lasting(row, internalError);
    const { failed, done, warnings } = await migrateHurried(aws, disk);
    expect(done).toEqual([]);
    expect(failed).toMatchObject([{ error: { code: 'unavailable', details: { action } } }]);
    expect(failed[0]?.error.message).toContain(`${action} on `);
    expect(fault.fired).toBeGreaterThanOrEqual(3);
    // tar may say that nobody reads any more.
    expect(warnings.filter((text) => !text.startsWith('tar: '))).toEqual([]);
    fault.remove();
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
    expect(await aws.leftovers()).toEqual([]);
  });

  it.each([
    ['ec2:DetachVolume', 'errors', internalError],
    ['ec2:DeleteVolume', 'errors', internalError],
    ['ec2:DetachVolume', 'silence', { kind: 'hang' }],
    ['ec2:DeleteVolume', 'silence', { kind: 'hang' }],
  ] as const)(
    '%s, by %s -> a failure that names the volume and the command that removes it',
    async (operation, _, kind) => {
      const fault = aws.faults.add({ operation, fault: kind });
      const { failed, done, warnings } = await migrateHurried(aws, disk, { haste: 20, attemptMs: 500 });
      expect(done).toEqual([]);
      expect(fault.fired).toBeGreaterThanOrEqual(3);
      const [left] = await aws.volumes();
      const said = [...failed.map(({ error }) => `${error.message} ${error.hint ?? ''}`), ...warnings].join('\n');
      expect(said).toContain(`aws ec2 delete-volume --volume-id ${left?.VolumeId ?? 'none'}`);
      expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
      // The volume, its device while it is attached, and the journal that names it.
      expect(await aws.leftovers()).toHaveLength(operation === 'ec2:DetachVolume' ? 3 : 2);
    },
  );

  it('ec2:DescribeVolumes once the volume is there -> the volume is named with the command that removes it', async () => {
    const fault = aws.faults.add({ operation: 'ec2:DescribeVolumes', fault: internalError, skip: 1 });
    const { failed, warnings } = await migrateHurried(aws, disk);
    expect(failed).toMatchObject([{ error: { code: 'unavailable' } }]);
    expect(fault.fired).toBeGreaterThanOrEqual(6);
    fault.remove();
    const { Volumes = [] } = await aws.ec2.send(
      new DescribeVolumesCommand({ Filters: [{ Name: 'tag-key', Values: ['snap-to-s3'] }] }),
    );
    expect(warnings.join('\n')).toContain(`aws ec2 delete-volume --volume-id ${Volumes[0]?.VolumeId ?? 'none'}`);
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
  });

  // The answer to a HEAD has no code to tell it by; leases have patience of their own.
  const throttling = places.filter(([place]) => !/HeadObject|of the (?:lease|journal)/.test(place));
  it.each(throttling)('%s, by throttling -> `throttled`, after its own patience', async (...row) => {
    const [, action] = row;
    const fault = lasting(row, { kind: 'throttled' });
    const { failed, done } = await migrateHurried(aws, disk, { longestPauseMs: 20_000 });
    expect(done).toEqual([]);
    expect(failed).toMatchObject([
      { error: { code: 'throttled', details: { action }, hint: expect.stringContaining('quieter') } },
    ]);
    expect(fault.fired).toBeGreaterThan(5);
    fault.remove();
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
    expect(await aws.leftovers()).toEqual([]);
  });

  const silencing = places.filter(([place]) => !/of the (?:lease|journal)/.test(place));
  it.each(silencing)('%s, by silence -> `unavailable`, and nothing is left', async (...row) => {
    const [, action] = row;
    const fault = lasting(row, { kind: 'hang' });
    // The limits of an attempt are real time, whatever the clock: of the socket where a body is given minutes.
    // So are the machine's own pauses: what gives the lease back is hurried no more than that allows.
    const { failed, done } = await migrateHurried(aws, disk, { haste: 20, attemptMs: 1_000, socketMs: 1_000 });
    expect(done).toEqual([]);
    expect(failed).toMatchObject([
      {
        error: {
          code: 'unavailable',
          message: expect.stringMatching(/was not answered within|socket timed out after/),
          details: { action },
        },
      },
    ]);
    expect(fault.fired).toBeGreaterThanOrEqual(3);
    fault.remove();
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
    expect(await aws.leftovers()).toEqual([]);
  });

  // Tags, volumes and uploads that came into being unseen are for the journal; an attachment is found to be there.
  const unseen = ['ec2:CreateTags', 'ec2:CreateVolume', 'ec2:AttachVolume', 's3:CreateMultipartUpload'];
  it.each(places.filter(([place]) => !unseen.includes(place)))(
    '%s, whose answers are lost -> `unavailable`, and nothing is left',
    async (...row) => {
      const [, action] = row;
      const fault = lasting(row, { kind: 'reset', when: 'after' });
      const { failed, done } = await migrateHurried(aws, disk, { haste: 40 });
      expect(done).toEqual([]);
      expect(failed).toMatchObject([{ error: { code: 'unavailable', details: { action } } }]);
      expect(fault.fired).toBeGreaterThanOrEqual(3);
      fault.remove();
      expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
      expect(await aws.leftovers()).toEqual([]);
    },
  );

  it.each(['s3:HeadBucket', 's3:PutObject', 's3:DeleteObject', 's3:ListObjectsV2'])(
    '%s before anything else -> nothing is begun',
    async (operation) => {
      const where = /Object$/.test(operation) ? { where: { key: '.snap-to-s3/probe-*' } } : {};
      const fault = aws.faults.add({ operation, fault: internalError, ...where });
      const run = migrateHurried(aws, disk, { selection: { kind: 'all' } });
      await expect(run).rejects.toMatchObject({ code: 'unavailable' });
      expect(fault.fired).toBeGreaterThanOrEqual(3);
      fault.remove();
      expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
      expect(await aws.leftovers()).toEqual([]);
    },
  );

  it('s3:DeleteObject of the lease -> archived all the same, with a warning', async () => {
    const where = { key: '.snap-to-s3/leases/*' };
    const fault = aws.faults.add({ operation: 's3:DeleteObject', fault: internalError, where });
    const { done, warnings } = await migrateHurried(aws, disk, { haste: 20 });
    expect(fault.fired).toBeGreaterThanOrEqual(3);
    expect(done).toEqual([disk.snapshotId]);
    expect(warnings.join('\n')).toMatch(/The lease could not be given back: s3:DeleteObject on .*failed/);
    fault.remove();
    expect(await aws.leftovers()).toEqual([expect.stringContaining('.snap-to-s3/leases/')]);
    await aws.removeVolumes();
    await expectArchived(aws, disk);
  });

  it('ec2:DeleteTags -> archived all the same, with a warning that names the tag and how to take it off', async () => {
    const fault = aws.faults.add({ operation: 'ec2:DeleteTags', fault: internalError });
    const { done, warnings } = await migrateHurried(aws, disk);
    expect(fault.fired).toBeGreaterThanOrEqual(3);
    expect(done).toEqual([disk.snapshotId]);
    expect(warnings.join('\n')).toContain(`aws ec2 delete-tags --resources ${disk.snapshotId}`);
    expect(await aws.tags(disk.snapshotId)).toMatchObject({ 'snap-to-s3': 'migrated' });
    expect(await aws.leftovers()).toEqual([]);
  });

  it('s3:GetObject of the lease that a dead run has left -> a failure that names it, and nothing is begun', async () => {
    const key = `.snap-to-s3/leases/${disk.snapshotId}.json`;
    await aws.s3.send(new PutObjectCommand({ Bucket: disk.bucket, Key: key, Body: '{}' }));
    const fault = aws.faults.add({ operation: 's3:GetObject', fault: internalError, where: { key } });
    const { failed, done } = await migrateHurried(aws, disk);
    expect(done).toEqual([]);
    expect(failed).toMatchObject([{ error: { code: 'unavailable', details: { action: 's3:GetObject' } } }]);
    expect(fault.fired).toBeGreaterThanOrEqual(3);
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
    expect(await aws.leftovers()).toEqual([`${key} is left in ${disk.bucket}`]);
  });

  it('ec2:CreateTags once all is archived -> a failure, and the journal remembers the tag', async () => {
    const fault = aws.faults.add({ operation: 'ec2:CreateTags', fault: internalError, skip: 1 });
    const { failed } = await migrateHurried(aws, disk);
    expect(failed).toMatchObject([{ error: { code: 'unavailable', details: { action: 'ec2:CreateTags' } } }]);
    expect(fault.fired).toBeGreaterThanOrEqual(3);
    const lease = (await aws.keys(disk.bucket)).find((key) => key.startsWith('.snap-to-s3/leases/')) ?? '';
    const { journal } = JSON.parse(await readFile(await aws.download(disk.bucket, lease), 'utf8')) as {
      journal: readonly { readonly kind: string }[];
    };
    expect(journal.map(({ kind }) => kind)).toEqual(['tag']);
    expect(await aws.leftovers()).toEqual([`${lease} is left in ${disk.bucket}`]);
  });

  it('every call, from the middle of an archive on, by a session that is over -> says so, and what is left', async () => {
    let faults: readonly InjectedFault[] = [];
    const onEvent = (event: AppEvent): void => {
      if (event.kind !== 'stage' || event.stage !== 'archiving' || faults.length > 0) return;
      faults = ['s3:*', 'ec2:*'].map((operation) => aws.faults.add({ operation, fault: { kind: 'expired-token' } }));
    };
    const { failed, warnings } = await migrateHurried(aws, disk, { onEvent });
    // What has no body has no reason either: then it is only likely.
    const hint = expect.stringMatching(/The session of these credentials (?:is|may be) over/);
    expect(failed).toMatchObject([{ error: { code: 'credentials', hint } }]);
    expect(faults.map(({ fired }) => fired > 0)).toEqual([true, true]);
    expect(warnings.join('\n')).toMatch(/aws ec2 (?:delete|detach)-volume|Force detach/);
  });

  it('s3:HeadBucket, by silence -> nothing is begun', async () => {
    const fault = aws.faults.add({ operation: 's3:HeadBucket', fault: { kind: 'hang' } });
    await expect(migrateHurried(aws, disk, { attemptMs: 300 })).rejects.toMatchObject({ code: 'unavailable' });
    expect(fault.fired).toBeGreaterThanOrEqual(3);
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
    expect(await aws.leftovers()).toEqual([]);
  });
});

describe('an upload that must be aborted', () => {
  const passing: readonly (readonly [string, FaultRequest['fault']])[] = [
    ['s3:AbortMultipartUpload', internalError],
    ['s3:AbortMultipartUpload', { kind: 'reset', when: 'after' }],
    ['s3:AbortMultipartUpload', { kind: 'throttled' }],
    ['s3:ListParts', internalError],
    ['s3:ListParts', { kind: 'reset', when: 'before' }],
    ['s3:ListParts', { kind: 'reset', when: 'after' }],
    ['s3:ListParts', { kind: 'truncated', afterBytes: 90, body: 'response' }],
  ];
  // What each of the two meets, one after the other: their first call meets them all.
  it('is, though both of its calls are refused, lost and silent', async () => {
    const cause = aws.faults.add({ operation: 's3:CompleteMultipartUpload', fault: internalError });
    const kinds: readonly FaultRequest['fault'][] = [
      { kind: 'unavailable' },
      { kind: 'expired-token' },
      { kind: 'throttled' },
      { kind: 'reset', when: 'before' },
      { kind: 'hang', ms: 300 },
    ];
    const faults = kinds.flatMap((fault) => once(aws, ['s3:AbortMultipartUpload', 's3:ListParts'], fault));
    const { failed } = await migrateHurried(aws, disk, { attempts: 10 });
    expect(failed).toMatchObject([{ error: { code: 'unavailable' } }]);
    expect(cause.fired).toBe(10);
    expect(spared(faults)).toEqual([]);
    expect(await aws.leftovers()).toEqual([]);
  });

  it.each(passing)('is, though %s fails once (%o)', async (operation, fault) => {
    const cause = aws.faults.add({ operation: 's3:CompleteMultipartUpload', fault: internalError });
    const once = aws.faults.add({ operation, fault, times: 1 });
    const { failed } = await migrateHurried(aws, disk);
    expect(failed).toMatchObject([{ error: { code: 'unavailable' } }]);
    expect([cause.fired > 0, once.fired]).toEqual([true, 1]);
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
    expect(await aws.leftovers()).toEqual([]);
  });

  it('and cannot be -> is named with the command that aborts it, and that does', async () => {
    aws.faults.add({ operation: 's3:CompleteMultipartUpload', fault: internalError });
    const fault = aws.faults.add({ operation: 's3:AbortMultipartUpload', fault: internalError });
    const { failed, warnings } = await migrateHurried(aws, disk);
    expect(fault.fired).toBeGreaterThanOrEqual(3);
    aws.faults.clear();
    const said = [...failed.map(({ error }) => `${error.message} ${error.hint ?? ''}`), ...warnings].join('\n');
    const [, Bucket, Key, UploadId] =
      /aws s3api abort-multipart-upload --bucket (\S+) --key '([^']+)' --upload-id '([^']+)'/.exec(said) ?? [];
    expect(await aws.leftovers()).toHaveLength(2);
    await aws.s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    // The journal is there for the next run.
    expect(await aws.leftovers()).toEqual([expect.stringContaining('.snap-to-s3/leases/')]);
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
  });
});

describe('EC2 does not get on with', () => {
  const stuck = async (request: Pick<FaultRequest, 'operation' | 'fault'>) => {
    const fault = aws.faults.add(request);
    const run = await migrateHurried(aws, disk);
    expect(fault.fired).toBeGreaterThan(0);
    expect(run.done).toEqual([]);
    expect(await aws.tags(disk.snapshotId)).toEqual(migrating);
    const [{ error } = { error: undefined }] = run.failed;
    return { ...run, error, fault, said: [`${error?.message ?? ''} ${error?.hint ?? ''}`, ...run.warnings].join('\n') };
  };

  it('a volume that stays in "creating" -> `timed-out` after a quarter of an hour', async () => {
    const { error, said } = await stuck({ operation: 'ec2:CreateVolume', fault: { kind: 'stuck' } });
    expect(error).toMatchObject({ code: 'timed-out', message: expect.stringContaining('15 minutes') });
    expect(said).toContain('aws ec2 delete-volume --volume-id vol-');
  });

  it('a volume that ends in "error" -> says so, and removes it', async () => {
    const { error } = await stuck({ operation: 'ec2:CreateVolume', fault: { kind: 'ends-in-error' } });
    expect(error).toMatchObject({ code: 'rejected', hint: expect.stringContaining('KMS') });
    expect(await aws.leftovers()).toEqual([]);
  });

  it('a volume that stays in "attaching" -> `timed-out`, with the advice to force detach', async () => {
    const { error, said } = await stuck({ operation: 'ec2:AttachVolume', fault: { kind: 'stuck' } });
    expect(error).toMatchObject({ code: 'timed-out', message: expect.stringContaining('stuck in "attaching"') });
    expect(error?.hint).toContain('Force detach');
    expect(said).toContain('stop and start the instance');
  });

  it.each(['stuck', 'busy'] as const)(
    'a volume that stays %s while detaching -> the advice to force detach',
    async (kind) => {
      const { said } = await stuck({ operation: 'ec2:DetachVolume', fault: { kind } });
      expect(said).toMatch(/does not detach from \/dev\/sd[f-p]/);
      expect(said).toContain('Force detach');
    },
  );

  it('a volume that would not detach -> the next run knows it from the journal, removes it, and makes its own', async () => {
    const { fault } = await stuck({ operation: 'ec2:DetachVolume', fault: { kind: 'stuck' } });
    const [left] = await aws.volumes();
    fault.remove();
    // In hurried time nobody waits long.
    const detached = async () => ((await aws.volumes())[0]?.State === 'available' ? true : undefined);
    await poll(detached, { clock: systemClock, intervalMs: 50, timeoutMs: 20_000 });
    const { done, events } = await migrateHurried(aws, disk);
    expect(done).toEqual([disk.snapshotId]);
    expect(events.filter((event) => event.kind === 'stage').map(({ stage }) => stage)).toContain('creating-volume');
    expect((await aws.volumes()).map(({ VolumeId }) => VolumeId)).not.toContain(left?.VolumeId);
    await expectArchived(aws, disk);
  });
});
