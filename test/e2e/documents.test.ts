import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { DeleteTagsCommand, DescribeSnapshotsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { administrator, shippedPolicy } from '../../sandbox/iam/index.js';
import { startSandbox, type Sandbox } from '../../sandbox/index.js';
import { seed } from '../../sandbox/seed/index.js';
import { parseManifest, type Manifest } from '../../src/archive/index.js';
import { systemClock } from '../../src/core/index.js';
import { recogniseReport } from '../../src/costs/index.js';
import { csv, records } from '../costs/report/make-report.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';
import { loopDisk } from '../support/loop-disk.js';

// Every command of the documents (the fenced blocks marked bash) is run here, as it stands there.

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const Bucket = 'backups.example.com';

const plain = { realMiB: 12, realFrom: 0.2, awkward: false, sparseGiB: 0, smallFiles: 50 };
const filling = { kind: 'filesystem', type: 'ext4', label: 'docs', content: plain } as const;
const disk = {
  name: 'docs',
  description: 'for the documents',
  sizeGiB: 1,
  disk: { kind: 'whole', filling },
} as const;

let folder = '';
let sandbox: Sandbox;
let s3: S3Client;
let keyring: GpgKeyring;
let snapshots: readonly string[] = [];
let environment: Record<string, string> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-docs-'));
  sandbox = await startSandbox({
    stateDirectory: join(folder, 'state'),
    port: 0,
    rolePolicies: [shippedPolicy({ bucket: Bucket })],
  });
  Object.assign(process.env, sandbox.environment);
  s3 = new S3Client({ forcePathStyle: true, credentials: administrator });
  await s3.send(new CreateBucketCommand({ Bucket }));
  snapshots = (
    await seed({ ec2: new EC2Client({ credentials: administrator }), clock: systemClock, disks: [disk, disk] })
  ).map((one) => one.snapshotId);
  keyring = await gpgKeyring();
  await keyring.key('Backup <backup@example.com>');
  // What a reader has on his machine: the command, and sudo.
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await script(join(bin, 'sudo'), 'exec "$@"');
  await script(join(bin, 'snap-to-s3'), `exec '${process.execPath}' '${root}/dist/bin/snap-to-s3.cjs' "$@"`);
  environment = {
    ...sandbox.environment,
    PATH: `${bin}:${process.env.PATH ?? ''}`,
    HOME: folder,
    GNUPGHOME: keyring.home,
    BUCKET: Bucket,
    SNAPSHOT: snapshots[0] ?? '',
    OTHER: snapshots[1] ?? '',
  };
});
afterAll(async () => {
  s3.destroy();
  await keyring[Symbol.asyncDispose]();
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

async function script(path: string, body: string): Promise<void> {
  await writeFile(path, `#!/bin/bash\n${body}\n`);
  await chmod(path, 0o755);
}

/** The bash blocks of a document, in order. */
async function blocks(document: string): Promise<string[]> {
  const text = await readFile(join(root, document), 'utf8');
  return [...text.matchAll(/^```bash\n([^]*?)^```$/gm)].map((found) => found[1] ?? '');
}

async function bash(commands: string, more: Record<string, string> = {}): Promise<string> {
  const cwd = await mkdtemp(join(folder, 'cwd-'));
  await execute('bash', ['--norc', '-eu', '-c', commands], {
    cwd,
    env: { ...environment, ...more },
    timeout: 270_000,
  });
  return cwd;
}

async function manifestOf(snapshotId: string): Promise<Manifest> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
  const Key = Contents.find((one) => one.Key?.endsWith(`${snapshotId}.manifest.json`))?.Key ?? '';
  const answer = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return parseManifest((await answer.Body?.transformToString()) ?? '', Key);
}

describe('the commands of README.md', () => {
  it('are the two for the checkout, which CI and the next test run, …', async () => {
    expect((await blocks('README.md')).slice(0, 2)).toEqual(['npm ci && npm run demo\n', 'npm ci && npm test\n']);
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts.demo).toMatch(/node dist\/scripts\/demo\.js$/);
    expect(await readFile(join(root, '.ci/run'), 'utf8')).toContain('npm ci\nnpm test\n');
  });

  it('… those for EC2, and the one that brings the files back', async () => {
    const [
      ,
      ,
      doctor = '',
      tagAndMigrate = '',
      otherWays = '',
      prove = '',
      many = '',
      look = '',
      getBack = '',
      estimate = '',
      ...rest
    ] = await blocks('README.md');
    expect(rest).toEqual([]);
    await bash(doctor);
    await bash(tagAndMigrate);
    const { objects } = await manifestOf(snapshots[0] ?? '');
    const cwd = await bash(getBack, { KEY: objects[0]?.key ?? '' });
    expect((await execute('find', [cwd])).stdout.split('\n').length).toBeGreaterThan(100);
    // --one has the second snapshot left to take.
    await bash(`aws ec2 create-tags --resources ${snapshots[1] ?? ''} --tags Key=snap-to-s3,Value=migrate`);
    await bash(otherWays);
    expect((await manifestOf(snapshots[1] ?? '')).objects).toHaveLength(1);
    await bash(prove);
    await bash(many);
    await bash(look);
    await bash(estimate);
  });
});

describe('the commands of the guides', () => {
  it.each([
    ['ec2', 2, false],
    ['iam', 1, false],
    ['kms', 0, false],
    ['trouble', 5, false],
    ['validating', 5, true],
    ['restoring', 11, true],
    ['looking', 5, true],
  ])('%s all work as they stand', async (name, count, readsArchives) => {
    const commands = await blocks(`docs/guides/${name}.md`);
    expect(commands).toHaveLength(count);
    // Those by hand take archives of their own: see below.
    if (name === 'restoring') commands.splice(9);
    // Those before have left archives of other kinds.
    if (readsArchives) await bash('snap-to-s3 migrate --snapshots "$SNAPSHOT" "$OTHER" --bucket "$BUCKET" --jobs 2');
    await using disk = await loopDisk(1024);
    const places: string[] = [];
    for (const command of commands) places.push(await bash(command, { DEVICE: disk.path }));
    if (name === 'restoring') await expectBroughtBack(places, disk.path);
  });
});

/** What the guide to restoring has brought back, in any of these directories, is what was archived. */
async function expectBroughtBack(places: readonly string[], device: string): Promise<void> {
  const image = join(folder, 'state/ec2/snapshots', `${snapshots[0] ?? ''}.img`);
  const original = await mkdtemp(join(folder, 'mnt-'));
  const found = (name: string): string | undefined =>
    places.map((place) => join(place, name)).find((path) => existsSync(path));
  await execute('mount', ['-o', 'loop,ro,noload', image, original]);
  try {
    await execute('diff', ['--recursive', '--no-dereference', original, found('restored') ?? '']);
    await execute('diff', ['--recursive', '--no-dereference', join(original, 'small'), found('some/small') ?? '']);
  } finally {
    await execute('umount', [original]);
  }
  for (const path of [found('disk.img') ?? '', found('thawed.img') ?? '', device]) await execute('cmp', [image, path]);
}

describe('the commands of docs/guides/restoring.md without this tool', () => {
  it('bring a tar in zstd and an encrypted image back', async () => {
    const [tar = '', image = ''] = (await blocks('docs/guides/restoring.md')).slice(9);
    const archived = async (options: string) => {
      await bash(`snap-to-s3 migrate --snapshots "$SNAPSHOT" --bucket "$BUCKET" ${options}`);
      const { disk: made, objects } = await manifestOf(snapshots[0] ?? '');
      return { KEY: objects[0]?.key ?? '', sizeBytes: made.sizeBytes };
    };
    const zstd = await archived('--compression zstd');
    expect(zstd.KEY).toMatch(/\.tar\.zstd$/);
    const files = await bash(`set -o pipefail; ${tar}`, { KEY: zstd.KEY });
    const encrypted = await archived('--dd --gpg-recipient backup@example.com');
    expect(encrypted.KEY).toMatch(/\.img\.lz4\.gpg$/);
    const DISK = join(folder, 'by-hand.img');
    await writeFile(DISK, '');
    await truncate(DISK, encrypted.sizeBytes);
    await bash(`set -o pipefail; ${image}`, { KEY: encrypted.KEY, DISK });
    const original = join(folder, 'state/ec2/snapshots', `${snapshots[0] ?? ''}.img`);
    await execute('cmp', [original, DISK]);
    const mounted = await mkdtemp(join(folder, 'mnt-'));
    await execute('mount', ['-o', 'loop,ro,noload', original, mounted]);
    try {
      await execute('diff', ['--recursive', '--no-dereference', mounted, files]);
    } finally {
      await execute('umount', [mounted]);
    }
  });
});

describe('the commands of docs/guides/costs.md', () => {
  it('make an export that the AWS CLI takes, and whose columns are those that are read', async () => {
    const guide = await readFile(join(root, 'docs/guides/costs.md'), 'utf8');
    const [, definition = ''] =
      [...guide.matchAll(/^```json\n([^]*?)^```$/gm)].find(([, json]) => json?.includes('DataQuery') === true) ?? [];
    const query = /"SELECT (.*) FROM COST_AND_USAGE_REPORT"/.exec(definition)?.[1] ?? '';
    const format = recogniseReport(query.split(', '), { cost: 'unblended', where: 'the export' });
    expect(format).toMatchObject({ name: 'CUR 2.0', resource: 'line_item_resource_id', region: 'product_region_code' });
    const [command = ''] = /aws bcm-data-exports create-export [^`]*/.exec(guide) ?? [];
    const cwd = await mkdtemp(join(folder, 'cwd-'));
    // The CLI checks its parameters before it asks anybody, and there is nobody.
    const said = async (json: string): Promise<unknown> => {
      await writeFile(join(cwd, 'export.json'), json);
      const env = { ...environment, AWS_MAX_ATTEMPTS: '1' };
      const asked = execute('bash', ['-c', `${command} --endpoint-url http://127.0.0.1:1`], { cwd, env });
      return asked.catch((error: unknown) => (error as { readonly stderr: string }).stderr);
    };
    expect(await said(definition)).toContain('Could not connect to the endpoint URL');
    expect(await said(definition.replace('"S3Prefix"', '"Prefix"'))).toContain('Parameter validation failed');
  });

  it('lead from a report in S3 to the first saving', async () => {
    const ec2 = new EC2Client({ credentials: administrator });
    const [made] = await seed({ ec2, clock: systemClock, disks: [disk] });
    const SNAPSHOT = made?.snapshotId ?? '';
    // The others are the other guides'.
    const others = { Resources: [...snapshots, SNAPSHOT], Tags: [{ Key: 'snap-to-s3' }] };
    await ec2.send(new DeleteTagsCommand(others));
    const [start, end] = ['2026-11-20T00:00:00', '2026-11-21T00:00:00'];
    const line = { snapshot: SNAPSHOT, region: 'us-east-1', account: '123456789012', start, end };
    const text = csv(records('cur-2', [{ ...line, amount: '1', cost: '0.05' }]));
    const REPORTS = 'reports.example.com';
    const REPORT = 'exports/all/data/BILLING_PERIOD=2026-11/all-00001.csv.gz';
    const manifest = JSON.stringify({ dataFiles: [`s3://${REPORTS}/${REPORT}`] });
    await s3.send(new CreateBucketCommand({ Bucket: REPORTS }));
    for (const [Key, Body] of [
      [REPORT, gzipSync(text)],
      ['exports/all/metadata/BILLING_PERIOD=2026-11/all-Manifest.json', manifest],
    ] as const) {
      await s3.send(new PutObjectCommand({ Bucket: REPORTS, Key, Body }));
    }
    const reading = ['s3:ListBucket', 's3:GetObject', 'pricing:GetProducts', 'ec2:DeleteSnapshot'];
    const Statement = [{ Effect: 'Allow', Action: reading, Resource: '*' }];
    sandbox.setRolePolicies([shippedPolicy({ bucket: Bucket }), JSON.stringify({ Version: '2012-10-17', Statement })]);

    const said: string[] = [];
    for (const command of await blocks('docs/guides/costs.md')) {
      const env = { ...environment, SNAPSHOT, REPORTS, REPORT };
      const { stdout, stderr } = await execute('bash', ['--norc', '-eu', '-c', command], { cwd: folder, env });
      said.push(stdout + stderr);
    }
    sandbox.setRolePolicies([shippedPolicy({ bucket: Bucket })]);
    expect(said).toHaveLength(9);
    expect(said[0]).toMatch(/S3 IA +\$7\.50 +97%/);
    expect(said[2]).toContain('Prices of 2 regions');
    expect(said[3]).toMatch(/^Advice: move 1 snapshot of 1 volume to Deep Archive\./m);
    expect(said[6]).toMatch(/1 snapshot would be tagged[^]*1 snapshot is tagged snap-to-s3=migrate\./);
    expect(said[7]).toMatch(/1 snapshot archived[^]*1 snapshot validated/);
    const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'] }));
    expect(Snapshots?.map(({ SnapshotId }) => SnapshotId).sort()).toEqual([...snapshots].sort());
    expect(await readFile(join(folder, 'snapshots.html'), 'utf8')).toContain('<canvas');
    const images = [...(await readFile(join(root, 'docs/guides/costs.md'), 'utf8')).matchAll(/\]\((images\/[^)]+)\)/g)];
    for (const [, image = ''] of images) await stat(join(root, 'docs/guides', image));
    ec2.destroy();
  });
});

describe('the commands of docs/guides/gpg.md', () => {
  // gpg's sockets lie in the homes: their paths must be short.
  const homes: string[] = [];
  const person = async (): Promise<string> => {
    const home = await mkdtemp(join(tmpdir(), 'gpg-'));
    homes.push(home);
    await mkdir(join(home, '.gnupg'), { mode: 0o700 });
    // What a person would type.
    await writeFile(join(home, '.gnupg/gpg.conf'), 'batch\nno-tty\npinentry-mode loopback\npassphrase secret\n');
    return home;
  };
  afterAll(async () => {
    for (const home of homes) {
      await execute('gpgconf', ['--kill', 'all'], { env: { ...process.env, GNUPGHOME: join(home, '.gnupg') } });
      await rm(home, { recursive: true, force: true });
    }
  });

  it('make a key, archive for it, and validate with it in both ways', async () => {
    const [make = '', archive = '', unlock = '', validate = '', sessionKey = '', withIt = '', open = '', ...rest] =
      await blocks('docs/guides/gpg.md');
    expect(rest).toEqual([]);
    const [owner, instance] = [await person(), await person()];
    const at = (HOME: string, more: Record<string, string> = {}) => ({ HOME, GNUPGHOME: '', ...more });
    const made = await bash(make, at(owner));
    expect(await readFile(join(made, 'archives.secret.asc'), 'utf8')).toContain('PRIVATE KEY');
    await bash(`cp '${made}/archives.asc' .\n${archive}`, at(instance));
    const { objects } = await manifestOf(snapshots[0] ?? '');
    const KEY = objects[0]?.key ?? '';
    expect(KEY).toMatch(/\.gpg$/);

    await bash('gpg-connect-agent reloadagent /bye', at(owner));
    await expect(bash(validate, at(owner))).rejects.toThrow(/locked by a passphrase/);
    await bash(`{ ${unlock} } <<< secret`, at(owner));
    await bash(validate, at(owner));

    const told = await bash(`{ ${sessionKey} } > told`, at(owner, { KEY }));
    const SESSION_KEY = /^session key: '(\d+:[0-9A-F]+)'$/m.exec(await readFile(join(told, 'told'), 'utf8'))?.[1] ?? '';
    await expect(bash(validate, at(instance))).rejects.toThrow(/has no private key/);
    await bash(withIt, at(instance, { SESSION_KEY }));

    const opened = await bash(open, at(owner, { KEY }));
    expect(await readFile(join(opened, 'files.txt'), 'utf8')).toContain('usr-share/');
  });
});

describe('the commands of docs/FORMAT.md', () => {
  it('bring tars, images and single files back, and prove an object', async () => {
    const [tar = '', image = '', gpg = '', prove = '', single = '', ...rest] = await blocks('docs/FORMAT.md');
    expect(rest).toEqual([]);
    const SNAPSHOT = snapshots[0] ?? '';
    await bash('snap-to-s3 migrate --snapshots "$SNAPSHOT" --bucket "$BUCKET"', { SNAPSHOT });
    const [object] = (await manifestOf(SNAPSHOT)).objects;
    const KEY = object?.key ?? '';
    const extracted = await bash(tar, { KEY });
    const sums = await bash(`(${prove.trim()}) > sum`, { KEY });
    expect(await readFile(join(sums, 'sum'), 'utf8')).toBe(`${object?.sha256 ?? ''}  -\n`);

    const FILE =
      (await execute('find', ['usr-share', '-type', 'f', '-size', '+20k'], { cwd: extracted })).stdout.split('\n')[0] ??
      '';
    const place = { FILE, FRAMES: String(object?.frames), FRAME_BYTES: String(object?.frameBytes) };
    const one = await bash(single, { KEY, ...place });
    expect((await readFile(join(one, FILE))).equals(await readFile(join(extracted, FILE)))).toBe(true);

    await bash('snap-to-s3 migrate --snapshots "$SNAPSHOT" --bucket "$BUCKET" --gpg-recipient backup@example.com', {
      SNAPSHOT,
    });
    const encrypted = (await manifestOf(SNAPSHOT)).objects[0];
    const again = await bash(`set -o pipefail; { ${gpg} } > names`, { KEY: encrypted?.key ?? '' });
    expect((await readFile(join(again, 'names'), 'utf8')).split('\n')).toContain(FILE);
    expect((await readFile(join(again, FILE))).equals(await readFile(join(extracted, FILE)))).toBe(true);

    await bash('snap-to-s3 migrate --snapshots "$SNAPSHOT" --bucket "$BUCKET" --dd --compression zstd', { SNAPSHOT });
    const manifest = await manifestOf(SNAPSHOT);
    const DISK = join(folder, 'disk');
    await writeFile(DISK, '');
    await truncate(DISK, manifest.disk.sizeBytes);
    await bash(image, { KEY: manifest.objects[0]?.key ?? '', DISK });
    expect((await execute('blkid', ['-p', '-s', 'LABEL', '-o', 'value', DISK])).stdout).toBe('docs\n');
    await execute('fsck.ext4', ['-n', '-f', DISK]);
  });
});
