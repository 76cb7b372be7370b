import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AttachVolumeCommand, CreateVolumeCommand, DescribeVolumesCommand } from '@aws-sdk/client-ec2';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { shippedPolicy } from '../../sandbox/iam/index.js';
import { poll, systemClock } from '../../src/core/index.js';
import { diagnosis } from '../support/diagnosis.js';
import { localAws, type LocalAws } from '../support/local-aws.js';

// Each permission of docs/iam-policy.json taken away: the doctor's one line for it fails, and no other.

interface Statement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
}
interface Policy {
  readonly Statement: readonly Statement[];
}

const policyFor = (bucket: string): Policy => JSON.parse(shippedPolicy({ bucket })) as Policy;
const actionsOf = ({ Action }: Statement): readonly string[] => (typeof Action === 'string' ? [Action] : Action);
const permissions = policyFor('any').Statement.flatMap((statement) =>
  actionsOf(statement).map((action) => [action, statement.Sid] as const),
);

/** The shipped policy without one action of one statement. */
function without(action: string, sid: string, bucket: string): string {
  const policy = policyFor(bucket);
  const Statement = policy.Statement.flatMap((statement) => {
    if (statement.Sid !== sid) return [statement];
    const left = actionsOf(statement).filter((one) => one !== action);
    return left.length === 0 ? [] : [{ ...statement, Action: left }];
  });
  return JSON.stringify({ ...policy, Statement });
}

/** Only `restore --to-new-volume` needs it: the doctor warns where it is missing. */
const optional = 'FinishRestoredVolumes';

let aws: LocalAws;
let bucket = '';
const temporary: string[] = [];
beforeAll(async () => {
  aws = await localAws();
  bucket = await aws.bucket();
  const SnapshotId = await aws.snapshot(() => Promise.resolve());
  const AvailabilityZone = aws.machine.zone;
  const TagSpecifications = [{ ResourceType: 'volume' as const, Tags: [{ Key: 'snap-to-s3', Value: 'a run' }] }];
  for (let made = 0; made < 2; made += 1) {
    const volume = await aws.ec2.send(new CreateVolumeCommand({ SnapshotId, AvailabilityZone, TagSpecifications }));
    temporary.push(volume.VolumeId ?? '');
  }
  await everyVolume('available');
  const [VolumeId] = temporary;
  const place = { InstanceId: aws.machine.instanceId, Device: '/dev/sdk' };
  await aws.ec2.send(new AttachVolumeCommand({ VolumeId, ...place }));
  await poll(
    async () => {
      const { Volumes } = await aws.ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId ?? ''] }));
      return Volumes?.[0]?.Attachments?.[0]?.State === 'attached' ? true : undefined;
    },
    { clock: systemClock, intervalMs: 20, timeoutMs: 30_000 },
  );
});
afterAll(async () => {
  await aws.removeVolumes();
  await aws[Symbol.asyncDispose]();
});
afterEach(async () => {
  aws.allowRole([shippedPolicy({ bucket })]);
  expect(await aws.keys(bucket)).toEqual([]);
  expect((await aws.s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).toEqual([]);
  const states = (await aws.volumes()).map(({ State }) => State).sort();
  expect(states).toEqual(['available', 'in-use']);
});

async function everyVolume(state: string): Promise<void> {
  await poll(async () => ((await aws.volumes()).every(({ State }) => State === state) ? true : undefined), {
    clock: systemClock,
    intervalMs: 20,
    timeoutMs: 30_000,
  });
}

function checkOf(action: string, sid: string): string {
  if (sid === 'MarkTemporaryVolumesAtBirth') return `${action} on new volumes`;
  return sid === optional ? `${action} on temporary volumes` : action;
}

describe('doctor, with the shipped policy', () => {
  it('finds everything in order', async () => {
    const found = await diagnosis(aws, ['--bucket', bucket]);
    expect(found.findings.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect([found.exitStatus, found.stderr]).toEqual([0, '']);
    expect(found.with('ok')).toEqual(expect.arrayContaining(permissions.map(([action, sid]) => checkOf(action, sid))));
  });

  const isOptional = ([, sid]: (typeof permissions)[number]): boolean => sid === optional;
  it.each(permissions.filter(isOptional))(
    'without %s (%s) -> a warning names it, and who needs it',
    async (action, sid) => {
      aws.allowRole([without(action, sid, bucket)]);
      const found = await diagnosis(aws, ['--bucket', bucket]);
      const check = checkOf(action, sid);
      expect([found.with('failed'), found.with('warning')]).toEqual([[], [check]]);
      expect(found.of(check).text).toMatch(/^Not allowed\. Only restore --to-new-volume needs it\./);
      expect(found.of(check).advice).toMatch(new RegExp(`^Allow ${action} on .*docs/iam-policy.json`));
      expect(found.exitStatus).toBe(0);
    },
  );

  const needed = permissions.filter((permission) => !isOptional(permission));
  it.each(needed)('without %s (%s) -> that line fails and names it, and no other fails', async (action, sid) => {
    aws.allowRole([without(action, sid, bucket)]);
    const found = await diagnosis(aws, ['--bucket', bucket]);
    const check = checkOf(action, sid);
    expect(found.with('failed'), JSON.stringify(found.findings, null, 1)).toEqual([check]);
    expect(found.of(check).text).toContain('Not allowed.');
    expect(found.of(check).text).toContain(action);
    expect(found.of(check).advice).toMatch(new RegExp(`^Allow ${action} on .*docs/iam-policy.json`));
    const others = found.findings.filter(({ status }) => status === 'unknown' || status === 'warning');
    for (const { text } of others)
      expect(text).toMatch(/^Not checked, because|another account's, or may not be listed/);
    expect(found.exitStatus).toBe(1);
  });

  it('without any permission -> every permission fails that can be tried, and nothing is left', async () => {
    aws.allowRole([]);
    const found = await diagnosis(aws, ['--bucket', bucket]);
    const unknown = ['s3:PutObject', 's3:PutObjectTagging', 's3:GetObject', 's3:ListMultipartUploadParts'];
    const failed = found.with('failed');
    expect(failed).toEqual(
      expect.arrayContaining(['s3:ListBucket', 's3:DeleteObject', 's3:AbortMultipartUpload', 'ec2:DescribeSnapshots']),
    );
    expect(found.with('unknown')).toEqual(expect.arrayContaining(unknown));
    expect(found.exitStatus).toBe(1);
  });
});
