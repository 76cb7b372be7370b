import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fillFilesystem } from '../../sandbox/seed/index.js';
import { parseManifest, type Manifest } from '../../src/archive/index.js';
import { run, runText } from '../../src/process/index.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';
import { filesystemOn, localAws, mountedAt, type LocalAws } from '../support/local-aws.js';
import { extracted, sha256Of, textOf, type IndexLine } from '../support/read-archive.js';
import { s3Witness } from '../support/s3-witness.js';
import { readTree, type TreeEntry } from '../support/tree.js';

// Snapshots are archived for two recipients by the real command with the real gpg, and read back by gpg, lz4, zstd, tar,
// zcat and jq alone. `ring` is the keyring of the machine that archives: it has no private key.

let aws: LocalAws;
let owners: GpgKeyring[] = [];
let ring: GpgKeyring;
beforeAll(async () => {
  [aws, ring, ...owners] = await Promise.all([localAws(), gpgKeyring(), gpgKeyring(), gpgKeyring()]);
  for (const [index, owner] of owners.entries()) {
    const key = await owner.key(`Owner <owner${index}@example.com>`);
    await ring.takeFrom(owner, key);
    await ring.trust(key, 6);
  }
  await ring.key('Old <old@example.com>', { madeAt: '20200101T120000', expires: '2020-01-31' });
  const [stranger] = owners;
  if (stranger !== undefined) await ring.takeFrom(stranger, await stranger.key('Stranger <stranger@example.com>'));
});
afterAll(async () => {
  for (const keyring of [ring, ...owners]) await keyring[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
});
afterEach(async () => {
  const left = await aws.leftovers();
  // The next test is not to suffer for it.
  await aws.removeVolumes();
  expect(left).toEqual([]);
});

const migrating = { 'snap-to-s3': 'migrate' };
const recipients = ['--gpg-recipient', 'owner0@example.com', 'owner1@example.com'];

const randomMiB =
  (count: number) =>
  (device: string): Promise<void> =>
    filesystemOn(device, 'ext4', async (path) => {
      await run(['dd', 'if=/dev/urandom', `of=${join(path, 'random')}`, 'bs=1M', `count=${count}`, 'status=none']);
    });

/** Runs the command and returns the manifest that it wrote. */
async function migrated(bucket: string, snapshotId: string, more: readonly string[]): Promise<Manifest> {
  const argv = ['migrate', '--snapshots', snapshotId, '--bucket', bucket, ...recipients, ...more];
  const finished = await aws.command(argv, { env: { GNUPGHOME: ring.home } });
  expect(finished).toMatchObject({ status: 0 });
  const key = (await aws.keys(bucket)).find((one) => one.endsWith('.manifest.json')) ?? '';
  return parseManifest(await textOf(await aws.download(bucket, key)), key);
}

/** Runs a shell pipeline, as a reader without this project would, with the keys of one of the owners. */
const shell = (commands: string, owner: GpgKeyring | undefined): Promise<string> =>
  runText(['bash', '-o', 'pipefail', '-euc', commands], { env: { GNUPGHOME: owner?.home ?? '' } });

describe('an archive for two recipients', () => {
  const content = { realMiB: 6, realFrom: 0.3, awkward: true, sparseGiB: 0, smallFiles: 20 };
  let snapshotId = '';
  let tree: ReadonlyMap<string, TreeEntry> = new Map();
  beforeAll(async () => {
    snapshotId = await aws.snapshot(async (device) => {
      await filesystemOn(device, 'ext4', async (path) => {
        await fillFilesystem(path, content);
      });
      tree = await mountedAt(device, { type: 'ext4', options: 'ro' }, (path) => readTree(path));
    });
  });

  it.each([
    ['lz4', 'lz4 -d'],
    ['zstd', 'zstd -d'],
  ])('in %s comes back with the private key of either', async (codec, decompress) => {
    const bucket = await aws.bucket();
    const { objects } = await migrated(bucket, snapshotId, ['--compression', codec]);
    const [object] = objects;
    expect(objects).toHaveLength(1);
    expect(object).toMatchObject({
      encrypted: true,
      key: expect.stringMatching(`${snapshotId}\\.tar\\.${codec}\\.gpg$`),
    });
    expect(object?.index.key).toBe(object?.key.replace(/\.gpg$/, '.index.jsonl.gz.gpg'));
    expect(await aws.keys(bucket)).toHaveLength(3);
    const path = await aws.download(bucket, object?.key ?? '');
    const index = await aws.download(bucket, object?.index.key ?? '');
    expect([await sha256Of(path), await sha256Of(index)]).toEqual([object?.sha256, object?.index.sha256]);
    const head = await aws.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: object?.key }));
    expect(head).toMatchObject({ ContentType: 'application/octet-stream', ContentLength: object?.storedBytes });
    for (const [number, owner] of owners.entries()) {
      const raw = `${path}.${number}`;
      await shell(`gpg -q -d '${path}' | ${decompress} > '${raw}'`, owner);
      expect(await readTree(await extracted(raw))).toEqual(tree);
      const lines = await shell(`gpg -q -d '${index}' | zcat | jq -c .`, owner);
      const entries = lines
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as IndexLine);
      expect(entries).toHaveLength(tree.size + 2);
      expect(entries.at(-1)).toEqual({ end: true, entries: tree.size, bytes: object?.rawBytes });
    }
    await expect(shell(`gpg -q -d '${path}'`, ring)).rejects.toMatchObject({ code: 'program-failed' });
    expect(Buffer.from(await readFile(index)).includes('index')).toBe(false);
  });

  it('as an image comes back byte by byte', async () => {
    const bucket = await aws.bucket();
    const [object] = (await migrated(bucket, snapshotId, ['--dd'])).objects;
    expect(object).toMatchObject({ encrypted: true, key: expect.stringMatching(/\.img\.lz4\.gpg$/) });
    const path = await aws.download(bucket, object?.key ?? '');
    const source = join(aws.stateDirectory, 'ec2', 'snapshots', `${snapshotId}.img`);
    await shell(`gpg -q -d '${path}' | lz4 -d | cmp - '${source}'`, owners[1]);
  });

  it('of data that does not compress is sent in several parts, and is whole', async () => {
    const random = await aws.snapshot(randomMiB(40));
    const bucket = await aws.bucket();
    const [object] = (await migrated(bucket, random, [])).objects;
    expect(object?.etag).toMatch(/-\d+"?$/);
    const path = await aws.download(bucket, object?.key ?? '');
    expect(await sha256Of(path)).toBe(object?.sha256);
    await shell(`gpg -q -d '${path}' | lz4 -d | tar -t | grep -x ./random`, owners[0]);
  });
});

describe('a recipient that cannot be used', () => {
  it.each([
    ['unknown', ['--gpg-recipient', 'nobody@example.com'], /no key for the gpg recipient "nobody@example.com"/],
    ['among good ones', [...recipients, '--gpg-recipient', 'nobody@example.com'], /"nobody@example.com"/],
    ['ambiguous', ['--gpg-recipient', 'Owner'], /"Owner" could be any of 2 keys/],
    ['expired', ['--gpg-recipient', 'old@example.com'], /"old@example.com" \([0-9A-F]{40}\) has expired on 2020-01-31/],
    [
      'not trusted',
      ['--gpg-recipient', 'stranger@example.com'],
      /does not trust the key of the gpg recipient "stranger@example.com"/,
    ],
  ])('%s -> exit status 1 before anything is made, and the next step', async (_, more, sentence) => {
    const snapshotId = await aws.snapshot(randomMiB(1));
    const bucket = await aws.bucket();
    let volumes = 0;
    const finished = await aws.command(['migrate', '--all', '--bucket', bucket, '--json', ...more], {
      env: { GNUPGHOME: ring.home },
      onEvent: ({ stage }) => void (volumes += stage === 'creating-volume' ? 1 : 0),
    });
    expect(finished).toMatchObject({ status: 1, events: [] });
    expect(finished.stderr).toMatch(sentence);
    expect(finished.stderr).toMatch(/gpg --import key\.asc|--gpg-recipient [0-9A-F]{40}|gpg --[a-z-]+/);
    expect(volumes).toBe(0);
    expect(await aws.tags(snapshotId)).toEqual(migrating);
    expect(await aws.keys(bucket)).toEqual([]);
  });
});

describe('gpg', () => {
  it('that is there as gpg2 only is used', async () => {
    const snapshotId = await aws.snapshot(randomMiB(1));
    const bucket = await aws.bucket();
    const bin = join(aws.folder, 'bin-gpg2');
    await mkdir(bin);
    // Everything that this machine has, but gpg under its other name.
    for (const folder of ['/usr/sbin', '/usr/bin', '/sbin', '/bin'])
      await run(['bash', '-c', `ln -sf ${folder}/* ${bin}/`]);
    await run(['mv', join(bin, 'gpg'), join(bin, 'gpg2')]);
    const finished = await aws.command(['migrate', '--snapshots', snapshotId, '--bucket', bucket, ...recipients], {
      env: { PATH: bin, GNUPGHOME: ring.home },
    });
    expect(finished.status, finished.stderr).toBe(0);
    expect((await aws.keys(bucket)).filter((key) => key.endsWith('.tar.lz4.gpg'))).toHaveLength(1);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s while it encrypts -> nothing is left', async (signal) => {
    const snapshotId = await aws.snapshot(randomMiB(60));
    const bucket = await aws.bucket();
    await using witness = await s3Witness(aws.url, { partDelayMs: 500 });
    let signals = 0;
    const finished = await aws.command(
      ['migrate', '--snapshots', snapshotId, '--bucket', bucket, '--json', ...recipients],
      {
        env: { GNUPGHOME: ring.home, AWS_ENDPOINT_URL_S3: witness.url },
        onEvent: ({ kind }, kill) => {
          const isSending = witness.answered.some(({ query }) => query.has('partNumber'));
          if (kind !== 'progress' || !isSending || signals > 0) return;
          signals += 1;
          kill(signal);
        },
      },
    );
    expect([signals, finished.status]).toEqual([1, 130]);
    expect((await aws.keys(bucket)).filter((key) => key.startsWith('vol-'))).toEqual([]);
    expect(await aws.tags(snapshotId)).toEqual(migrating);
  });

  // A gpg that is real but for encryption of an archive, where it ends after 30 MB.
  it.each([
    ['is killed', 'kill -9 $$', /gpg was killed by SIGKILL/],
    [
      'fails',
      'echo "gpg: error writing: No space left on device" >&2; exit 2',
      /exit status 2.*No space left on device/,
    ],
    ['ends well, but early', 'exit 0', /gpg (?:ended before it had read all of its input|made \d+ bytes)/],
  ])('%s in the middle of an archive -> nothing is left, and gpg is named', async (_, end, sentence) => {
    const snapshotId = await aws.snapshot(randomMiB(60));
    const bucket = await aws.bucket();
    const bin = join(aws.folder, `bin-${snapshotId}`);
    const proof = join(bin, 'ran');
    await mkdir(bin);
    const script = [
      '#!/bin/bash',
      'PATH="${PATH#*:}"',
      'case " $* " in *" --trust-model=always "*) ;; *) exec gpg "$@" ;; esac',
      `gpg "$@" | { head -c 30000001; if [ "$(head -c 1 | wc -c)" = 1 ]; then echo $$ > '${proof}'; fi; }`,
      `if [ -e '${proof}' ]; then ${end}; fi`,
    ];
    await writeFile(join(bin, 'gpg'), `${script.join('\n')}\n`);
    await chmod(join(bin, 'gpg'), 0o755);
    await using witness = await s3Witness(aws.url);
    const finished = await aws.command(['migrate', '--snapshots', snapshotId, '--bucket', bucket, ...recipients], {
      env: {
        PATH: `${bin}:${process.env.PATH ?? ''}`,
        GNUPGHOME: ring.home,
        AWS_ENDPOINT_URL_S3: witness.url,
      },
    });
    expect(await readFile(proof, 'utf8')).toMatch(/^\d+\n$/);
    expect(finished.status).toBe(1);
    expect(finished.stdout + finished.stderr).toMatch(sentence);
    expect(finished.stdout + finished.stderr).not.toMatch(/\n\s+at |defect/);
    const begun = witness.answered.filter(({ method, query }) => method === 'POST' && query.has('uploads'));
    expect(begun.length).toBeGreaterThan(0);
    expect((await aws.keys(bucket)).filter((key) => key.startsWith('vol-'))).toEqual([]);
    expect(await aws.tags(snapshotId)).toEqual(migrating);
  });
});
