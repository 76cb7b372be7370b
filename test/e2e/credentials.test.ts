import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { administrator } from '../../sandbox/iam/index.js';
import { run } from '../../src/process/index.js';
import { filesystemOn, localAws, type CommandOptions, type Finished, type LocalAws } from '../support/local-aws.js';
import { metadataStandIn } from '../support/metadata-stand-in.js';
import { s3Witness, type S3Witness } from '../support/s3-witness.js';
import { ssoLogin, ssoPortal } from '../support/sso-portal.js';
import { tokenMaker } from '../support/web-identity.js';

const roleArn = 'arn:aws:iam::123456789012:role/snap-to-s3';
/** AWS's keys are good for hours; these end in the middle of every upload. */
const lifetimeMs = 2_000;
const maker = tokenMaker({ sessionMs: lifetimeMs });

let aws: LocalAws;
let bucket = '';
let snapshotId = '';
let tokenFile = '';
let home = '';
beforeAll(async () => {
  aws = await localAws({ roleKeys: { lifetimeMs, renewBeforeMs: 1_000 }, identityProviders: [maker.provider] });
  bucket = await aws.bucket();
  snapshotId = await aws.snapshot((device) =>
    filesystemOn(device, 'ext4', async (path) => {
      await run(['dd', 'if=/dev/urandom', `of=${join(path, 'random')}`, 'bs=1M', 'count=34', 'status=none']);
    }),
  );
  tokenFile = join(aws.folder, 'token');
  await writeFile(tokenFile, maker.token());
  home = join(aws.folder, 'home');
  await mkdir(join(home, '.aws'), { recursive: true });
  const program = join(home, 'keys.sh');
  const { accessKeyId, secretAccessKey } = administrator;
  const printed = JSON.stringify({ Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey });
  await writeFile(program, `#!/bin/sh\necho '${printed}'\n`);
  await chmod(program, 0o755);
  await writeFile(
    join(home, '.aws/config'),
    `
[profile by-program]
credential_process = ${program}
[profile base]
aws_access_key_id = ${accessKeyId}
aws_secret_access_key = ${secretAccessKey}
[profile by-role]
role_arn = ${roleArn}
source_profile = base
[profile by-sso]
sso_session = company
sso_account_id = 123456789012
sso_role_name = snap-to-s3
[profile too-late]
sso_session = last-year
sso_account_id = 123456789012
sso_role_name = snap-to-s3
[sso-session company]
sso_start_url = https://company.example.com/start
sso_region = us-east-1
[sso-session last-year]
sso_start_url = https://company.example.com/start
sso_region = us-east-1
`,
  );
  const expiresAt = new Date(Date.now() + 3_600_000);
  await ssoLogin(home, { session: 'company', accessToken: 'access-of-company', expiresAt });
  await ssoLogin(home, { session: 'last-year', accessToken: 'access-of-last-year', expiresAt: new Date(0) });
});
afterAll(() => aws[Symbol.asyncDispose]());

const noInstanceRole = { AWS_EC2_METADATA_DISABLED: 'true' };
const webIdentity = () => ({ AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile, AWS_ROLE_ARN: roleArn, ...noInstanceRole });

function migrateThrough(witness: S3Witness, options: CommandOptions = {}, more: string[] = []): Promise<Finished> {
  const env = { AWS_ENDPOINT_URL_S3: witness.url, ...options.env };
  return aws.command(['migrate', '--snapshots', snapshotId, '--bucket', bucket, ...more], { ...options, env });
}

async function expectMigrated({ status, stderr }: Finished): Promise<void> {
  expect(status, stderr).toBe(0);
  expect(await aws.tags(snapshotId)).toEqual({ 'snap-to-s3': 'migrated' });
  expect(await aws.leftovers()).toEqual([]);
}

const keysOf = ({ answered }: S3Witness): ReadonlySet<string | undefined> =>
  new Set(answered.filter(({ query }) => query.has('partNumber')).map(({ accessKeyId }) => accessKeyId));

describe('keys that end several times during an upload', () => {
  it("are renewed: those of the instance's role, although the metadata service is silent and then broken for a while", async () => {
    await using witness = await s3Witness(aws.url, { partDelayMs: 700 });
    let awaySinceMs: number | undefined;
    await using metadata = await metadataStandIn(aws.imdsUrl, () => {
      if (keysOf(witness).size > 0) awaySinceMs ??= Date.now();
      const awayMs = Date.now() - (awaySinceMs ?? Date.now());
      if (awaySinceMs === undefined || awayMs > 4_000) return 'passed on';
      return awayMs < 2_500 ? 'silence' : 'an error';
    });
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url };
    const finished = await migrateThrough(witness, { env }, ['--json', '--verbose']);
    await expectMigrated(finished);
    expect(metadata.kept.silence).toBeGreaterThan(0);
    expect(finished.stdout).toContain('The AWS credentials are over, and new ones cannot be had');
    expect(keysOf(witness).size).toBeGreaterThan(2);
  });

  it('are renewed: those for a token of a web identity', async () => {
    await using witness = await s3Witness(aws.url, { partDelayMs: 700 });
    await expectMigrated(await migrateThrough(witness, { env: webIdentity() }));
    expect(keysOf(witness).size).toBeGreaterThan(2);
  });
});

describe('credentials', () => {
  const look = (witness: S3Witness, env: CommandOptions['env']): Promise<Finished> => {
    const argv = ['migrate', '--snapshots', snapshotId, '--bucket', bucket, '--dry-run'];
    return aws.command(argv, { env: { AWS_ENDPOINT_URL_S3: witness.url, HOME: home, ...noInstanceRole, ...env } });
  };
  const usedBy = ({ answered }: S3Witness) => [
    ...new Set(answered.map(({ accessKeyId = '' }) => accessKeyId.slice(0, 4))),
  ];

  it.each([
    ['the program of a profile', 'by-program', 'AKIA'],
    ['a profile that assumes a role with the keys of another', 'by-role', 'ASIA'],
  ])('come from %s', async (_, AWS_PROFILE, kind) => {
    await using witness = await s3Witness(aws.url);
    const { status, stderr } = await look(witness, { AWS_PROFILE });
    expect([status, stderr, usedBy(witness)]).toEqual([0, '', [kind]]);
  });

  it('come from SSO, and a session that is over is told with the command that begins the next', async () => {
    await using witness = await s3Witness(aws.url);
    await using portal = await ssoPortal(aws);
    const { status, stderr } = await look(witness, { AWS_PROFILE: 'by-sso', AWS_ENDPOINT_URL_SSO: portal.url });
    expect([status, stderr, usedBy(witness)]).toEqual([0, '', ['ASIA']]);
    expect([...portal.asked]).toEqual([['access-of-company', 1]]);
    const late = await look(witness, { AWS_PROFILE: 'too-late', AWS_ENDPOINT_URL_SSO: portal.url });
    expect(late.status).toBe(1);
    expect(late.stderr).toContain('The SSO session of the profile too-late is over, or was never begun.');
    expect(late.stderr).toContain('aws sso login --profile too-late');
    expect(portal.asked.size).toBe(1);
  });

  it('for a token of a web identity that is for others -> a sentence that says so', async () => {
    const file = join(aws.folder, 'token-for-others');
    await writeFile(file, maker.token({ aud: 'others' }));
    await using witness = await s3Witness(aws.url);
    const refused = await look(witness, { ...webIdentity(), AWS_WEB_IDENTITY_TOKEN_FILE: file });
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('Incorrect token audience');
    expect(refused.stderr).toContain('AWS_WEB_IDENTITY_TOKEN_FILE');
  });
});
