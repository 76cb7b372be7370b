import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { shippedPolicy } from '../../sandbox/iam/index.js';
import { run } from '../../src/process/index.js';
import { filesystemOn, localAws, type Finished, type LocalAws } from '../support/local-aws.js';

// docs/iam-policy.json is complete: every end-to-end test runs with it. Here it is shown to be minimal: without any single
// permission of it something fails, and the sentence that says so names the permission.

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

let aws: LocalAws;
let bucket = '';
let small = '';
let large = '';
let brokenTar = '';
beforeAll(async () => {
  aws = await localAws();
  bucket = await aws.bucket();
  const tags = { 'snap-to-s3': 'migrate', Name: 'a tag that goes to the objects' };
  small = await aws.snapshot(
    (device) => filesystemOn(device, 'ext4', (path) => writeFile(join(path, 'file'), 'content')),
    { tags },
  );
  large = await aws.snapshot((device) =>
    filesystemOn(device, 'ext4', async (path) => {
      await run(['dd', 'if=/dev/urandom', `of=${join(path, 'random')}`, 'bs=1M', 'count=60', 'status=none']);
    }),
  );
  brokenTar = join(aws.folder, 'broken-tar');
  await mkdir(brokenTar);
  const script = '#!/bin/bash\nPATH="${PATH#*:}" tar "$@" | head -c 50000000\nexit 2\n';
  await writeFile(join(brokenTar, 'tar'), script);
  await chmod(join(brokenTar, 'tar'), 0o755);
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  aws.allowRole([shippedPolicy({ bucket })]);
  await aws.removeVolumes();
});

/** What only a run needs that fails in the middle of a large upload. */
const neededToAbort = new Set([
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
  's3:ListBucketMultipartUploads',
]);

/** Only the id of the run stays behind without it, on a snapshot that is done. */
const neededToTidy = (action: string, sid?: string): boolean => action === 'ec2:DeleteTags' && sid === 'MarkSnapshots';

/** Of these statements nothing is needed but to restore to a volume. */
const neededToRestore = new Set(['FinishRestoredVolumes']);

function use(action: string, sid?: string): Promise<Finished> {
  if (sid !== undefined && neededToRestore.has(sid)) {
    return aws.command(['restore', small, '--bucket', bucket, '--to-new-volume']);
  }
  const argv = (snapshotId: string): string[] => ['migrate', '--snapshots', snapshotId, '--bucket', bucket];
  if (!neededToAbort.has(action)) return aws.command(argv(small));
  return aws.command(argv(large), { env: { PATH: `${brokenTar}:${process.env.PATH ?? ''}` } });
}

describe('the shipped policy', () => {
  it.each(permissions)(
    'without %s (%s) -> it is named, nothing passes for done that is not, and with it nothing is left',
    async (action, sid) => {
      aws.allowRole([without(action, sid, bucket)]);
      const denied = await use(action, sid);
      const said = denied.stdout + denied.stderr;
      expect(denied.status === 0, said).toBe(neededToTidy(action, sid));
      expect(said).toContain(action);
      expect(said).not.toMatch(/\n\s+at |defect/);

      // When it is given back, what was left is found and removed, and the snapshot can be taken up again.
      aws.allowRole([shippedPolicy({ bucket })]);
      const cleaned = await aws.command(['cleanup', '--bucket', bucket]);
      expect(cleaned.status, cleaned.stdout + cleaned.stderr).toBe(0);
      expect(await aws.leftovers()).toEqual([]);
      const { 'snap-to-s3': state } = await aws.tags(neededToAbort.has(action) ? large : small);
      expect(['migrate', 'migrated']).toContain(state);
    },
  );

  it('says nothing of permissions when it is whole', async () => {
    for (const sid of [undefined, 'FinishRestoredVolumes']) {
      const finished = await use('', sid);
      expect(finished.stdout + finished.stderr).not.toMatch(/not authorized|AccessDenied|permission/);
      expect(finished.status).toBe(0);
    }
  });
});
