import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  CreateSnapshotCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  waitUntilSnapshotCompleted,
  waitUntilVolumeAvailable,
} from '@aws-sdk/client-ec2';
import { CreateBucketCommand, ListObjectVersionsCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { administrator, shippedPolicy } from '../../sandbox/iam/index.js';
import { administratorVariables } from '../../sandbox/start.js';
import { systemClock } from '../../src/core/index.js';
import { diagnosis } from '../support/diagnosis.js';
import { localAws, type LocalAws } from '../support/local-aws.js';

const execute = promisify(execFile);

const dist = join(import.meta.dirname, '../../dist/bin/snap-to-s3.cjs');

let aws: LocalAws;
let bucket = '';
beforeAll(async () => {
  aws = await localAws();
  bucket = await aws.bucket();
  await aws.snapshot(() => Promise.resolve());
});
afterAll(async () => {
  expect(await aws.leftovers()).toEqual([]);
  expect(await aws.keys(bucket)).toEqual([]);
  await aws[Symbol.asyncDispose]();
});

/** A server on the loopback address, for as long as it is in scope. */
async function serverOf(answer: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function script(name: string, body: string): Promise<string> {
  const folder = join(aws.folder, name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'tar'), `#!/bin/sh\n${body}\n`);
  await chmod(join(folder, 'tar'), 0o755);
  return folder;
}

describe('doctor on this machine', () => {
  it('finds programs that are not there, and tells those that migrate can do without', async () => {
    const PATH = join(aws.folder, 'nothing');
    const found = await diagnosis(aws, [], { env: { PATH } });
    expect(found.with('failed')).toEqual(['tar', 'mount', 'umount', 'lsblk']);
    expect(found.with('warning')).toEqual(['getfattr', 'xargs', 'lz4', 'zstd']);
    expect(found.of('lsblk')).toMatchObject({
      text: 'The program lsblk is not installed.',
      advice: 'Install it: apt-get install util-linux (Debian, Ubuntu), dnf install util-linux (Amazon Linux).',
    });
    expect(found.of('lz4').text).toMatch(/needed only for levels 3 to 9/);
    expect(found.exitStatus).toBe(1);
  });

  it.each([
    ['another tar', 'echo "bsdtar 3.6.2 - libarchive 3.6.2"', 'The program tar is not GNU tar.'],
    ['an old tar', 'echo "tar (GNU tar) 1.27.1"', 'The program tar is version 1.27, and 1.28 or newer is needed.'],
    ['a tar that fails', 'echo broken >&2; exit 3', /^The program tar does not work: .*exit status 3.* broken/],
  ])('%s -> failed', async (name, body, text) => {
    const folder = await script(name.replaceAll(' ', '-'), body);
    const found = await diagnosis(aws, [], { env: { PATH: `${folder}:${process.env.PATH ?? ''}` } });
    expect(found.with('failed')).toEqual(['tar']);
    expect(found.of('tar').text).toMatch(text);
  });

  it('looks for gpg only where archives are to be encrypted', async () => {
    expect((await diagnosis(aws, [])).findings.map(({ check }) => check)).not.toContain('gpg');
    const unknown = await diagnosis(aws, ['--gpg-recipient', 'somebody']);
    expect(unknown.of('gpg').status).toBe('ok');
    expect(unknown.of('gpg-recipient')).toMatchObject({
      status: 'failed',
      text: expect.stringContaining('There is no key for the gpg recipient "somebody"') as string,
    });
    const env = { PATH: join(aws.folder, 'nothing') };
    expect((await diagnosis(aws, ['--gpg-recipient', 'somebody'], { env })).of('gpg').status).toBe('failed');
  });

  it('finds a temporary directory and a mount point that are of no use', async () => {
    const argv = ['--mount-point', '/proc/nothing'];
    const found = await diagnosis(aws, argv, { env: { TMPDIR: '/nonexistent' } });
    expect(found.with('failed')).toEqual(['temporary-directory', 'mount-point']);
    expect(found.of('mount-point').text).toMatch(/^Nothing can be made below \/proc\/nothing: /);
  });

  it('says that it is not root, and looks at everything else', async () => {
    const notRoot = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    // The checkout may lie where nobody else may look.
    const reading = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
    const command = [...notRoot, ...reading, process.execPath, dist, 'doctor', '--bucket', bucket];
    const failure = await execute('setpriv', command, {
      env: aws.environment,
    }).then(
      () => undefined,
      (error: unknown) => error as { code: number; stdout: string },
    );
    expect(failure?.code).toBe(1);
    expect(failure?.stdout).toContain(' FAILED   This does not run as root');
    expect(failure?.stdout).toContain(' unknown  mount-point: Not checked, because this does not run as root.');
    expect(failure?.stdout).toContain(' ok       s3:PutObject: Allowed.');
    expect(failure?.stdout).toMatch(/, 1 failed\.\nmigrate cannot work before what failed is put right\.\n$/);
  });
});

describe('doctor on AWS', () => {
  it('goes on without the metadata service, as far as that goes', async () => {
    await using silent = await serverOf(() => undefined);
    const env = { ...administratorVariables, AWS_EC2_METADATA_SERVICE_ENDPOINT: silent.url };
    const found = await diagnosis(aws, ['--bucket', bucket], { env });
    expect(found.with('failed')).toEqual(['metadata']);
    expect(found.of('metadata').text).toMatch(/does not answer\.$/);
    expect(found.of('ec2:CreateVolume').text).toMatch(/^Not checked, because the metadata service does not say which/);
    expect(found.of('ec2:CreateTags').status).toBe('ok');
    expect(found.of('s3:PutObject').status).toBe('ok');
  });

  it('says without a region what it could not look at, and why', async () => {
    await using silent = await serverOf(() => undefined);
    const nowhere = { AWS_REGION: undefined, AWS_DEFAULT_REGION: undefined };
    const env = { ...nowhere, AWS_EC2_METADATA_SERVICE_ENDPOINT: silent.url };
    const found = await diagnosis(aws, ['--bucket', bucket], { env });
    expect(found.with('failed')).toEqual(['metadata']);
    expect(found.of('credentials').text).toMatch(/neither the metadata service nor AWS_REGION says/);
    expect(found.of('ec2:DeleteVolume').status).toBe('unknown');
  });

  it('says in one sentence that there are no credentials', async () => {
    const found = await diagnosis(aws, ['--bucket', bucket], { env: { AWS_EC2_METADATA_DISABLED: 'true' } });
    expect(found.with('failed')).toEqual(['credentials']);
    expect(found.of('credentials')).toMatchObject({
      text: 'There are no AWS credentials: not in the environment, not in a profile, and this instance has no role.',
      advice: expect.stringMatching(/^Attach an IAM role with the permissions of docs\/iam-policy\.json/),
    });
    expect(found.of('s3:GetObject').text).toBe('Not checked, because there are no credentials.');
    expect(found.of('ec2:AttachVolume').text).toBe('Not checked, because there are no credentials.');
    expect(found.of('tar').status).toBe('ok');
  });

  it('tells credentials that AWS does not know', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'AKIANOBODYKNOWSTHIS0', AWS_SECRET_ACCESS_KEY: 'x'.repeat(40) };
    const found = await diagnosis(aws, ['--bucket', bucket], { env });
    expect(found.with('failed')).toEqual(['credentials']);
    expect(found.of('credentials').text).toMatch(/^AWS refuses the key AKIANOBODYKNOWSTHIS0\. /);
    expect(found.of('s3:GetObject').text).toBe('Not checked, because AWS refuses the credentials.');
  });

  it('tells whose the credentials are, and warns of those that nobody renews', async () => {
    expect((await diagnosis(aws, [])).of('credentials').text).toMatch(
      /those of arn:aws:sts::123456789012:assumed-role\/.*, until \d{4}-\d\d-\d\dT.*, and are renewed before that\.$/,
    );
    const sts = new STSClient({ endpoint: aws.url, region: 'us-east-1', credentials: administrator });
    const role = { RoleArn: 'arn:aws:iam::123456789012:role/snap-to-s3', RoleSessionName: 'by-hand' };
    const { Credentials: keys } = await sts.send(new AssumeRoleCommand(role));
    sts.destroy();
    const env = {
      AWS_ACCESS_KEY_ID: keys?.AccessKeyId,
      AWS_SECRET_ACCESS_KEY: keys?.SecretAccessKey,
      AWS_SESSION_TOKEN: keys?.SessionToken,
    };
    const found = await diagnosis(aws, ['--bucket', bucket], { env });
    expect(found.with('failed')).toEqual([]);
    expect(found.of('credentials')).toMatchObject({
      status: 'warning',
      text: expect.stringMatching(/assumed-role\/snap-to-s3\/by-hand.* Nothing renews them/),
    });
  });

  it('says once that EC2 does not answer, and looks at the bucket', async () => {
    const gone = await serverOf(() => undefined);
    await gone[Symbol.asyncDispose]();
    const found = await diagnosis(aws, ['--bucket', bucket], { env: { AWS_ENDPOINT_URL_EC2: gone.url } });
    expect(found.with('failed')).toEqual(['ec2:DescribeSnapshots']);
    expect(found.of('ec2:DescribeSnapshots').text).toContain('ECONNREFUSED');
    expect(found.of('ec2:DeleteVolume').text).toBe('Not checked, because EC2 does not answer.');
    expect(found.of('s3:PutObject').status).toBe('ok');
    expect(found.of('clock').status).toBe('ok');
  });

  it('asks an EC2 that does not heed DryRun for nothing that changes anything', async () => {
    const asked: string[] = [];
    await using careless = await serverOf((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        const action = new URLSearchParams(body).get('Action') ?? '';
        asked.push(action);
        response.end(`<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"/>`);
      });
    });
    const found = await diagnosis(aws, [], { env: { AWS_ENDPOINT_URL_EC2: careless.url } });
    expect(new Set(asked)).toEqual(new Set(['DescribeSnapshots', 'DescribeVolumes', 'DescribeInstanceAttribute']));
    expect(found.of('ec2:DeleteVolume').text).toBe('Not checked, because this EC2 does not heed DryRun.');
    expect(found.exitStatus).toBe(0);
  });
});

describe('doctor on the bucket', () => {
  it('says what is missing when none is named', async () => {
    const found = await diagnosis(aws, []);
    expect(found.of('bucket')).toMatchObject({ status: 'unknown', advice: expect.stringContaining('--bucket') });
    expect(found.exitStatus).toBe(0);
  });

  it('finds that it does not exist, and goes on with EC2', async () => {
    const found = await diagnosis(aws, ['--bucket', 'nobody-has-made-this']);
    expect(found.with('failed')).toEqual(['bucket']);
    expect(found.of('bucket')).toMatchObject({
      text: 'The bucket nobody-has-made-this does not exist.',
      advice: expect.stringContaining('aws s3 mb s3://nobody-has-made-this --region us-east-1'),
    });
    expect(found.of('s3:PutObject').text).toBe('Not checked, because the bucket cannot be used.');
    expect(found.of('ec2:CreateVolume').status).toBe('ok');
  });

  it('warns of a bucket in another region, with the cost', async () => {
    const Bucket = 'far-away.example.com';
    const far = { LocationConstraint: 'eu-central-1' } as const;
    await aws.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: far }));
    aws.allowRole([shippedPolicy({ bucket: Bucket })]);
    try {
      const found = await diagnosis(aws, ['--bucket', Bucket]);
      expect([found.exitStatus, found.with('warning')]).toEqual([0, ['bucket-region']]);
      expect(found.of('bucket-region').text).toMatch(
        /^The bucket is in eu-central-1 and the volumes in us-east-1: .*\$/,
      );
      expect(found.of('s3:GetObject').status).toBe('ok');
    } finally {
      aws.allowRole([shippedPolicy({ bucket })]);
    }
  });

  it("warns of a bucket that is another account's", async () => {
    const identity =
      '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
      '<Arn>arn:aws:iam::999999999999:user/other</Arn><UserId>AIDAX</UserId><Account>999999999999</Account>' +
      '</GetCallerIdentityResult></GetCallerIdentityResponse>';
    await using sts = await serverOf((_, response) => response.end(identity));
    const found = await diagnosis(aws, ['--bucket', bucket], { env: { AWS_ENDPOINT_URL_STS: sts.url } });
    expect(found.of('bucket')).toMatchObject({
      status: 'warning',
      text: expect.stringContaining('does not belong to account 999999999999'),
    });
    expect(found.exitStatus).toBe(0);
  });

  it('says that the key of an encrypted snapshot shows only in use, and nothing of keys where there is none', async () => {
    expect((await diagnosis(aws, ['--bucket', bucket])).findings.some(({ check }) => check === 'kms')).toBe(false);
    const volume = { AvailabilityZone: aws.machine.zone, Size: 1, Encrypted: true };
    const { VolumeId = '' } = await aws.ec2.send(new CreateVolumeCommand(volume));
    const wait = { client: aws.ec2, maxWaitTime: 20, minDelay: 1 };
    await waitUntilVolumeAvailable(wait, { VolumeIds: [VolumeId] });
    const { SnapshotId = '' } = await aws.ec2.send(new CreateSnapshotCommand({ VolumeId }));
    await waitUntilSnapshotCompleted(wait, { SnapshotIds: [SnapshotId] });
    await aws.ec2.send(new DeleteVolumeCommand({ VolumeId }));
    const Tags = [{ Key: 'encrypted', Value: 'migrate' }];
    await aws.ec2.send(new CreateTagsCommand({ Resources: [SnapshotId], Tags }));
    const found = await diagnosis(aws, ['--bucket', bucket, '--tag', 'encrypted']);
    await aws.ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
    expect(found.of('kms')).toMatchObject({
      status: 'unknown',
      text: expect.stringContaining(SnapshotId),
      advice: expect.stringContaining('docs/guides/kms.md'),
    });
    expect(found.exitStatus).toBe(0);
  });

  it('notes that old versions are kept', async () => {
    const Bucket = 'versions.example.com';
    await aws.s3.send(new CreateBucketCommand({ Bucket }));
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await aws.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    aws.allowRole([shippedPolicy({ bucket: Bucket })]);
    try {
      const found = await diagnosis(aws, ['--bucket', Bucket]);
      expect(found.of('bucket-settings').text).toMatch(/keeps old versions/);
      expect(await aws.keys(Bucket)).toEqual([]);
      expect((await aws.s3.send(new ListObjectVersionsCommand({ Bucket }))).Versions?.length).toBeGreaterThan(0);
    } finally {
      aws.allowRole([shippedPolicy({ bucket })]);
    }
  });
});

describe('doctor, interrupted', () => {
  it('removes its probes and says 130', async () => {
    let interrupted = 0;
    const { status, stderr } = await aws.command(['doctor', '--bucket', bucket, '--json'], {
      onEvent: (event, kill) => {
        if ((event as { check?: string }).check !== 's3:ListBucketMultipartUploads') return;
        interrupted += 1;
        kill('SIGINT');
      },
    });
    expect([interrupted, status]).toEqual([1, 130]);
    expect(stderr).toContain('Interrupted.');
    expect(await aws.keys(bucket)).toEqual([]);
    expect(await aws.leftovers()).toEqual([]);
  });
});

describe('doctor and the clock', () => {
  it.each([
    [2, 'warning', /2 min \d+ s|1 min 5\d s/],
    [-2, 'warning', /behind|ahead/],
    [10, 'failed', /1?\d min \d+ s .*AWS refuses signatures/],
  ] as const)('off by %i minutes -> %s', async (minutes, status, text) => {
    const clock = { ...systemClock, now: () => systemClock.now() + minutes * 60_000 };
    await using moved = await localAws({ clock });
    const found = await diagnosis(moved, ['--bucket', await moved.bucket()]);
    expect(found.of('clock')).toMatchObject({ status, text: expect.stringMatching(text) });
    expect(found.of('clock').text).toContain(minutes > 0 ? 'behind' : 'ahead of');
    expect(found.with('failed')).toEqual(status === 'failed' ? expect.arrayContaining(['clock']) : []);
    expect(found.exitStatus).toBe(status === 'failed' ? 1 : 0);
  });
});
