import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DescribeSnapshotsCommand } from '@aws-sdk/client-ec2';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fillFilesystem } from '../../sandbox/seed/index.js';
import { run, runText } from '../../src/process/index.js';
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

async function awkwardSnapshot(): Promise<string> {
  return aws.snapshot((device) =>
    filesystemOn(device, 'ext4', async (path) => {
      await fillFilesystem(path, content);
      await makeMoreAwkwardFiles(path);
    }),
  );
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

/** An archive as the existing tool makes it. */
interface OldArchive {
  readonly filesystem: 'ext4' | 'xfs' | 'btrfs';
  /** None: a filesystem on the whole disk. */
  readonly partitions?: number;
  readonly content: 'tar' | 'img';
  readonly codec: 'lz4' | 'zstd';
  readonly encrypted?: boolean;
  readonly description?: string;
  /** Its archive is not there. */
  readonly without?: number;
  readonly isDamaged?: boolean;
  /** What is done to its files before they are archived. */
  readonly change?: string;
  /** What is found wrong. */
  readonly wrong?: readonly (readonly [string, string | undefined, string])[];
}

describe('archives of the existing tool', () => {
  const compress = { lz4: 'lz4 -1 -q', zstd: 'zstd -3 -q' } as const;
  const encrypt = ' | gpg --batch --quiet --encrypt --recipient open@example.com';
  const pipe = async (from: string, to: string, { codec, encrypted = false }: OldArchive, cwd = '/') => {
    const line = `${from} | ${compress[codec]}${encrypted ? encrypt : ''} > "$1"`;
    await run(['bash', '-o', 'pipefail', '-ec', line, 'bash', to], { cwd, env: { GNUPGHOME: ring.home } });
  };
  const fill = async (path: string, partition: number): Promise<void> => {
    if (partition < 2) {
      await fillFilesystem(path, content);
      await makeMoreAwkwardFiles(path);
    }
    await writeFile(join(path, 'changed'), `Of partition ${partition}.\n`);
    await writeFile(join(path, 'gone'), 'It will be gone.\n');
  };

  /** Makes the disk and, as the readme of the tool describes, with plain programs the archives, and puts them into a bucket. */
  const archivedByHand = async (bucket: string, old: OldArchive): Promise<string> => {
    const { filesystem, partitions = 0 } = old;
    const files = await mkdtemp(join(aws.folder, 'old-'));
    const id = await aws.snapshot(async (device) => {
      const disk = (await runText(['realpath', device])).trim();
      const numbers = Array.from({ length: partitions }, (_, at) => at + 1);
      if (partitions > 0) {
        const input = ['label: gpt', ...numbers.map(() => 'size=120MiB'), ''].join('\n');
        await run(['sfdisk', '--quiet', '--no-reread', disk], { input });
        await run(['partx', '--update', disk]);
      }
      for (const number of partitions > 0 ? numbers : [0]) {
        await filesystemOn(number === 0 ? disk : `${disk}p${number}`, filesystem, async (path) => {
          await fill(path, number);
          if (old.content === 'img') return;
          const tree = await mkdtemp(join(aws.folder, 'tree-'));
          if (old.change !== undefined) {
            await run(['cp', '--archive', `${path}/.`, tree]);
            await run(['bash', '-ec', old.change], { cwd: tree });
          }
          await pipe(
            'tar -c .',
            join(files, number === 0 ? 'whole' : String(number)),
            old,
            old.change === undefined ? path : tree,
          );
        });
      }
      if (old.content === 'img') await pipe(`cat ${disk}`, join(files, 'img'), old);
    });
    const { Snapshots } = await aws.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }));
    const [snapshot] = Snapshots ?? [];
    const time = `${snapshot?.StartTime?.toISOString().slice(0, 19) ?? ''}+00:00`;
    const description = old.description === undefined ? '' : ` - ${old.description}`;
    const extension = `${old.content}.${old.codec}${old.encrypted === true ? '.gpg' : ''}`;
    for (const file of await readdir(files)) {
      const partition = /^\d+/.exec(file)?.[0];
      if (partition === String(old.without)) continue;
      const Body = await readFile(join(files, file));
      if (old.isDamaged === true) Body[Body.length >> 1] = (Body[Body.length >> 1] ?? 0) ^ 1;
      const place = partition === undefined ? '' : `.${partition}`;
      const Key = `${snapshot?.VolumeId ?? ''}/${time} ${id}${description}${place}.${extension}`;
      await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    }
    return id;
  };

  it('of all layouts, codecs and keys are validated; what is wrong with one is named', async () => {
    const all: readonly OldArchive[] = [
      { filesystem: 'ext4', content: 'tar', codec: 'lz4', description: 'the description' },
      { filesystem: 'xfs', content: 'tar', codec: 'zstd', encrypted: true },
      { filesystem: 'ext4', partitions: 3, content: 'tar', codec: 'lz4', encrypted: true, description: 'v1.2' },
      { filesystem: 'ext4', content: 'img', codec: 'zstd', description: 'an image' },
      { filesystem: 'ext4', content: 'img', codec: 'lz4', encrypted: true },
      {
        filesystem: 'ext4',
        partitions: 2,
        content: 'tar',
        codec: 'zstd',
        without: 2,
        wrong: [['missing', undefined, 'partition 2, a filesystem of the type ext4, is in no archive']],
      },
      {
        filesystem: 'btrfs',
        content: 'tar',
        codec: 'lz4',
        isDamaged: true,
        wrong: [['damaged', undefined, 'damaged']],
      },
      {
        filesystem: 'btrfs',
        content: 'tar',
        codec: 'zstd',
        change:
          'touch --reference=. ../kept; rm gone; echo x > new; printf X | dd of=changed conv=notrunc status=none; touch --reference=../kept .',
        wrong: [
          ['different', 'changed', 'content is '],
          ['missing', 'gone', 'is on the volume, and not in the archive'],
          ['extra', 'new', 'is in the archive, and not on the volume'],
        ],
      },
    ];
    const bucket = await aws.bucket();
    const ids: string[] = [];
    for (const one of all) ids.push(await archivedByHand(bucket, one));
    const validated = await validate(bucket, '--snapshots', ...ids, '--jobs', '2');
    for (const [at, { wrong = [] }] of all.entries()) {
      const id = ids[at] ?? '';
      const found = findings(validated).filter(({ snapshotId }) => snapshotId === id);
      const text = `${JSON.stringify(all[at])}: ${said(validated)}`;
      expect(
        found.map(({ problem, path }) => [problem, path]),
        text,
      ).toEqual(wrong.map(([problem, path]) => [problem, path]));
      for (const [n, [, , sentence]] of wrong.entries()) expect(found[n]?.text).toContain(sentence);
      expect(await aws.tags(id)).toEqual({ 'snap-to-s3': wrong.length === 0 ? 'validated' : 'migrated' });
    }
    expect(validated.status).toBe(3);

    // One by its session key alone; none against an index, which they do not have.
    const encrypted = ids[1] ?? '';
    const key = (await aws.keys(bucket)).find((one) => one.includes(encrypted)) ?? '';
    const sessionKey = await ring.sessionKey(await readFile(await aws.download(bucket, key)));
    await using stranger = await gpgKeyring();
    const argv = ['validate', '--bucket', bucket, '--snapshots', encrypted, '--gpg-session-key', sessionKey];
    const alone = await aws.command(argv, { env: { GNUPGHOME: stranger.home } });
    expect(alone.status, said(alone)).toBe(0);
    const refused = await validate(bucket, '--snapshots', ids[0] ?? '', '--against', 'index');
    expect(refused.status).toBe(1);
    expect(refused.events.find(({ kind }) => kind === 'snapshot-failed')?.error).toMatchObject({
      code: 'usage',
      message: expect.stringContaining('has no index'),
    });
  });
});
