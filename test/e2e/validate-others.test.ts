import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DescribeSnapshotsCommand } from '@aws-sdk/client-ec2';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fillFilesystem } from '../../sandbox/seed/index.js';
import { run } from '../../src/process/index.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';
import { filesystemOn, localAws, type Finished, type LocalAws } from '../support/local-aws.js';
import { makeMoreAwkwardFiles } from '../support/more-awkward-files.js';

// Archives that are encrypted, and those of the existing tool.

let aws: LocalAws;
let ring: GpgKeyring;
beforeAll(async () => {
  [aws, ring] = await Promise.all([localAws(), gpgKeyring()]);
  await ring.key('Open <open@example.com>');
  await ring.key('Locked <locked@example.com>', { passphrase: 'secret' });
});
afterAll(async () => {
  await ring[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
});
afterEach(async () => {
  aws.faults.clear();
  const left = await aws.leftovers();
  await aws.removeVolumes();
  expect(left).toEqual([]);
});

const content = { realMiB: 6, realFrom: 0.3, awkward: true, sparseGiB: 0, smallFiles: 20 };
const said = ({ stdout, stderr }: Finished): string => stdout + stderr;
const findings = ({ events }: Finished) => events.filter(({ kind }) => kind === 'finding');

/** A snapshot, and with `keep` a copy of the files on it. */
async function awkwardSnapshot(keep?: string): Promise<string> {
  return aws.snapshot(async (device) => {
    await filesystemOn(device, 'ext4', async (path) => {
      await fillFilesystem(path, content);
      await makeMoreAwkwardFiles(path);
      await mkdir(join(path, 'known'));
      for (const name of ['changed', 'gone']) await writeFile(join(path, 'known', name), `The file ${name}.\n`);
      if (keep !== undefined) await run(['cp', '--archive', `${path}/.`, keep]);
    });
  });
}

const validate = (bucket: string, ...argv: readonly string[]): Promise<Finished> =>
  aws.command(['validate', '--bucket', bucket, '--json', ...argv], { env: { GNUPGHOME: ring.home } });

describe('an encrypted archive', () => {
  const archived = async (recipient: string) => {
    const bucket = await aws.bucket();
    const id = await awkwardSnapshot();
    const argv = ['migrate', '--bucket', bucket, '--snapshots', id, '--gpg-recipient', recipient];
    const migrated = await aws.command(argv, { env: { GNUPGHOME: ring.home } });
    expect(migrated.status, said(migrated)).toBe(0);
    return { bucket, id };
  };
  const bytesOf = async (bucket: string, end: string): Promise<Buffer> => {
    const key = (await aws.keys(bucket)).find((one) => one.endsWith(end)) ?? '';
    return readFile(await aws.download(bucket, key));
  };

  it('is validated with the private key, against snapshot and index', async () => {
    const { bucket, id } = await archived('open@example.com');
    for (const against of ['snapshot', 'index']) {
      const validated = await validate(bucket, '--snapshots', id, '--against', against);
      expect(validated.status, said(validated)).toBe(0);
    }
  });

  it('without the private key -> a sentence that names both ways', async () => {
    const { bucket, id } = await archived('open@example.com');
    await using stranger = await gpgKeyring();
    const argv = ['validate', '--bucket', bucket, '--snapshots', id, '--json'];
    const validated = await aws.command(argv, { env: { GNUPGHOME: stranger.home } });
    expect(validated.status).toBe(1);
    const failed = validated.events.find(({ kind }) => kind === 'snapshot-failed');
    expect(failed?.error).toMatchObject({ code: 'no-secret-key', hint: expect.stringContaining('--gpg-session-key') });
    expect(await aws.tags(id)).toEqual({ 'snap-to-s3': 'migrated' });
  });

  it('with its session key -> validated, of which only the index is not read', async () => {
    const { bucket, id } = await archived('open@example.com');
    const sessionKey = await ring.sessionKey(await bytesOf(bucket, '.tar.lz4.gpg'));
    await using stranger = await gpgKeyring();
    const argv = ['validate', '--bucket', bucket, '--snapshots', id, '--gpg-session-key', sessionKey, '--json'];
    const validated = await aws.command(argv, { env: { GNUPGHOME: stranger.home } });
    expect(validated.status, said(validated)).toBe(0);
    expect(said(validated)).not.toContain(sessionKey.split(':')[1]);
    expect(validated.events.find(({ kind }) => kind === 'object-validated')).toMatchObject({
      object: { compared: expect.stringMatching(/checksums of S3, manifest$/) },
    });
  });

  it('with the session keys of archive and index -> validated against the index too, with one of them not', async () => {
    const { bucket, id } = await archived('open@example.com');
    const archive = await ring.sessionKey(await bytesOf(bucket, '.tar.lz4.gpg'));
    const index = await ring.sessionKey(await bytesOf(bucket, '.index.jsonl.gz.gpg'));
    await using stranger = await gpgKeyring();
    const withKeys = (against: string, ...keys: readonly string[]) => {
      const given = keys.flatMap((key) => ['--gpg-session-key', key]);
      const argv = ['validate', '--bucket', bucket, '--snapshots', id, '--against', against, ...given, '--json'];
      return aws.command(argv, { env: { GNUPGHOME: stranger.home } });
    };
    for (const against of ['snapshot', 'index']) {
      const validated = await withKeys(against, index, archive);
      expect(validated.status, said(validated)).toBe(0);
      expect(validated.events.find(({ kind }) => kind === 'object-validated')).toMatchObject({
        object: { compared: expect.stringMatching(/checksums of S3, manifest, index$/) },
      });
    }
    for (const [key, what] of [
      [archive, 'The index '],
      [index, 'The session key that was given is not the one of this archive'],
    ] as const) {
      const refused = await withKeys('index', key);
      expect(refused.status).toBe(1);
      const failed = refused.events.find(({ kind }) => kind === 'snapshot-failed');
      expect(failed?.error).toMatchObject({
        code: 'wrong-session-key',
        message: expect.stringMatching(`^${what}`),
        hint: expect.stringContaining('session-key'),
      });
    }
  });

  it('with a locked key -> a sentence that says how to unlock it', async () => {
    const { bucket, id } = await archived('locked@example.com');
    await ring.gpg(['--version']);
    await run(['gpgconf', '--kill', 'gpg-agent'], { env: { GNUPGHOME: ring.home } });
    const validated = await validate(bucket, '--snapshots', id);
    expect(validated.status).toBe(1);
    const failed = validated.events.find(({ kind }) => kind === 'snapshot-failed');
    expect(failed?.error).toMatchObject({
      code: 'passphrase-needed',
      hint: expect.stringContaining('gpg-preset-passphrase'),
    });
  });
});

describe('an archive of the existing tool', () => {
  const facts = async (id: string): Promise<{ readonly folder: string; readonly time: string }> => {
    const { Snapshots } = await aws.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }));
    const [snapshot] = Snapshots ?? [];
    return {
      folder: snapshot?.VolumeId ?? '',
      time: `${snapshot?.StartTime?.toISOString().slice(0, 19) ?? ''}+00:00`,
    };
  };
  /** As its readme describes: tar with its defaults, one frame, a description in the key. */
  const archivedByHand = async (id: string, tree: string, pipeline: string, suffix: string) => {
    const bucket = await aws.bucket();
    const { folder, time } = await facts(id);
    const file = join(await mkdtemp(join(aws.folder, 'old-')), 'archive');
    await run(['bash', '-o', 'pipefail', '-ec', `tar -c . | ${pipeline} > "$1"`, 'bash', file], {
      cwd: tree,
      env: { GNUPGHOME: ring.home },
    });
    const Key = `${folder}/${time} ${id} - the description.${suffix}`;
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: await readFile(file) }));
    return bucket;
  };

  it.each([
    ['lz4 -1', 'tar.lz4'],
    ['zstd -3 -q', 'tar.zstd'],
    ['lz4 -1 | gpg --batch --quiet --encrypt --recipient open@example.com', 'tar.lz4.gpg'],
  ])('%s is validated', async (pipeline, suffix) => {
    const tree = await mkdtemp(join(aws.folder, 'tree-'));
    const id = await awkwardSnapshot(tree);
    const bucket = await archivedByHand(id, tree, pipeline, suffix);
    const validated = await validate(bucket, '--snapshots', id);
    expect(validated.status, said(validated)).toBe(0);
    expect(await aws.tags(id)).toEqual({ 'snap-to-s3': 'validated' });
  });

  it('of other files -> what is missing, extra and different is named', async () => {
    const tree = await mkdtemp(join(aws.folder, 'tree-'));
    const id = await awkwardSnapshot(tree);
    const changes = 'rm known/gone; echo x > known/new; printf X | dd of=known/changed conv=notrunc status=none';
    const unnoticed = `before=$(stat -c %y known); ${changes}; touch --date="$before" known`;
    await run(['sh', '-ec', unnoticed], { cwd: tree });
    const bucket = await archivedByHand(id, tree, 'lz4 -1', 'tar.lz4');
    const validated = await validate(bucket, '--snapshots', id);
    expect(validated.status).toBe(1);
    expect(findings(validated).map(({ problem, path }) => [problem, path])).toEqual([
      ['different', 'known/changed'],
      ['missing', 'known/gone'],
      ['extra', 'known/new'],
    ]);
  });

  it('an image is validated', async () => {
    const bucket = await aws.bucket();
    const id = await awkwardSnapshot();
    const { folder, time } = await facts(id);
    const file = join(aws.folder, 'old-image.lz4');
    const migrated = await aws.command([
      'migrate',
      '--dd',
      '--keep-temp-volumes',
      '--snapshots',
      id,
      '--bucket',
      bucket,
    ]);
    expect(migrated.status, said(migrated)).toBe(0);
    const ours = (await aws.keys(bucket)).find((key) => key.endsWith('.img.lz4')) ?? '';
    await run(['sh', '-ec', 'lz4 -d -q -c "$1" | lz4 -1 -q > "$2"', 'sh', await aws.download(bucket, ours), file]);
    const other = await aws.bucket();
    const Key = `${folder}/${time} ${id}.img.lz4`;
    await aws.s3.send(new PutObjectCommand({ Bucket: other, Key, Body: await readFile(file) }));
    const validated = await validate(other, '--snapshots', id);
    expect(validated.status, said(validated)).toBe(0);
  });
});
