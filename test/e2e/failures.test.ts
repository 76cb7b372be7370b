import { chmod, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { run, runText } from '../../src/process/index.js';
import { filesystemOn, localAws, type Finished, type JsonEvent, type LocalAws } from '../support/local-aws.js';
import { s3Witness, type S3Witness } from '../support/s3-witness.js';

// Whatever goes wrong: a sentence, the right exit status, nothing temporary left, and the tag back at `migrate`.

let aws: LocalAws;
let bucket = '';
beforeAll(async () => {
  aws = await localAws();
  bucket = await aws.bucket();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  const left = await aws.leftovers();
  // The next test is not to suffer for it.
  await aws.removeVolumes();
  expect(left).toEqual([]);
});

const migrating = { 'snap-to-s3': 'migrate' };
const commandPath = join(import.meta.dirname, '../../dist/bin/snap-to-s3.cjs');

const fewFiles = (device: string): Promise<void> =>
  filesystemOn(device, 'ext4', (path) => writeFile(join(path, 'file'), 'content'));

const randomMiB =
  (count: number) =>
  (device: string): Promise<void> =>
    filesystemOn(device, 'ext4', async (path) => {
      await run(['dd', 'if=/dev/urandom', `of=${join(path, 'random')}`, 'bs=1M', `count=${count}`, 'status=none']);
    });

/** LUKS1 as cryptsetup writes it begins with this. */
async function luks(device: string): Promise<void> {
  const file = await open(device, 'r+');
  try {
    const header = Buffer.alloc(1024);
    header.write('LUKS\xba\xbe', 'latin1');
    header.writeUInt16BE(1, 6);
    await file.write(header, 0, header.length, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** An ext4 that blkid knows and the kernel refuses: its group descriptors are overwritten. */
async function damaged(device: string): Promise<void> {
  await fewFiles(device);
  const file = await open(device, 'r+');
  try {
    await file.write(Buffer.alloc(4096, 0xff), 0, 4096, 4096);
    await file.sync();
  } finally {
    await file.close();
  }
}

const migrateArgv = (...snapshotIds: string[]): string[] => [
  'migrate',
  '--snapshots',
  ...snapshotIds,
  '--bucket',
  bucket,
];

/** All that is said is sentences: no stack, no defect. */
function expectSentences({ stdout, stderr }: Finished): void {
  expect(stdout + stderr).not.toMatch(/\n\s+at |defect/);
}

function expectUploadAborted(witness: S3Witness): void {
  const begun = witness.answered.filter(({ method, query }) => method === 'POST' && query.has('uploads'));
  const aborted = witness.answered.filter(({ method, query }) => method === 'DELETE' && query.has('uploadId'));
  expect(begun.length).toBeGreaterThan(0);
  expect(aborted.map(({ path, status }) => [path, status])).toEqual(begun.map(({ path }) => [path, 204]));
}

describe('who is not root', () => {
  it('-> told in one sentence with the next step, before anything is asked of AWS', async () => {
    const snapshotId = await aws.snapshot(fewFiles);
    await using witness = await s3Witness(aws.url);
    // The checkout may lie where nobody else may look.
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=+dac_override'];
    const command = ['setpriv', ...nobody, '--ambient-caps=+dac_override', process.execPath, commandPath];
    const env = { ...aws.environment, AWS_ENDPOINT_URL_S3: witness.url };
    for (const argv of [migrateArgv(snapshotId), ['validate', ...migrateArgv(snapshotId).slice(1)]]) {
      const refused = run([...command, ...argv], { env });
      await expect(refused).rejects.toThrow(/exit status 1.*takes root\..*sudo snap-to-s3/s);
    }
    expect(witness.answered).toEqual([]);
    expect(await aws.tags(snapshotId)).toEqual(migrating);
  });
});

describe('a disk that cannot be archived as files', () => {
  it('of which two partitions overlap -> refused, naming --dd; nothing is sent', async () => {
    const snapshotId = await aws.snapshot(async (device) => {
      const disk = (await runText(['realpath', device])).trim();
      await run(['sfdisk', '--quiet', '--no-reread', disk], { input: 'label: dos\nsize=100M\nsize=100M\n' });
      await run(['partx', '--update', disk]);
      await fewFiles(`${disk}p1`);
      await fewFiles(`${disk}p2`);
      // sfdisk writes no such table: the second entry begins 1 MiB after the first.
      const file = await open(disk, 'r+');
      const start = Buffer.alloc(4);
      start.writeUInt32LE(2 * 2048);
      await file.write(start, 0, 4, 446 + 16 + 8);
      await file.sync();
      await file.close();
    });
    const refused = await aws.command(migrateArgv(snapshotId));
    expect(refused.status).toBe(1);
    expect(refused.stdout + refused.stderr).toMatch(
      /overlap on the disk|has 2 partitions in its table, but the kernel shows 1 of them/,
    );
    expect(refused.stdout + refused.stderr).toContain('--dd');
    expectSentences(refused);
    expect(await aws.tags(snapshotId)).toEqual(migrating);
    expect((await aws.keys(bucket)).filter((key) => key.includes(snapshotId))).toEqual([]);
  });

  it.each([
    ['LUKS', luks, /is encrypted with LUKS/, 'disk-unsupported'],
    ['nothing on it', () => Promise.resolve(), /There is no filesystem on \/dev\//, 'disk-unsupported'],
    ['a damaged filesystem', damaged, /The ext4 filesystem on \/dev\/\S+ does not mount\./, 'mount-failed'],
  ] as const)('with %s -> refused, naming --dd; nothing is sent', async (_, build, sentence, code) => {
    const snapshotId = await aws.snapshot(build);
    const empty = await aws.bucket();
    const argv = ['migrate', '--snapshots', snapshotId, '--bucket', empty];
    const plain = await aws.command(argv);
    expect(plain.status).toBe(1);
    expect(plain.stdout + plain.stderr).toMatch(sentence);
    expect(plain.stdout + plain.stderr).toContain('--dd');
    expectSentences(plain);
    expect(await aws.tags(snapshotId)).toEqual(migrating);
    expect(await aws.keys(empty)).toEqual([]);
    expect(await aws.leftovers()).toEqual([]);
    const json = await aws.command([...argv, '--json']);
    expect(json.events.at(-2)).toMatchObject({ kind: 'snapshot-failed', snapshotId, error: { code } });
    expect(json.events.at(-1)).toMatchObject({ kind: 'run-finished', archived: 0, failed: [{ snapshotId }] });
  });

  it('where a later partition is the damaged one -> what was sent before bears no manifest', async () => {
    const snapshotId = await aws.snapshot(async (device) => {
      const disk = (await run(['realpath', device])).toString().trim();
      const input = 'label: gpt\nsize=204800\nsize=204800\n';
      await run(['sfdisk', '--quiet', '--no-reread', disk], { input });
      await run(['partx', '--update', disk]);
      await fewFiles(`${disk}p1`);
      await fewFiles(`${disk}p2`);
      const file = await open(`${disk}p2`, 'r+');
      await file.write(Buffer.alloc(4096, 0xff), 0, 4096, 2048);
      await file.sync();
      await file.close();
    });
    const other = await aws.bucket();
    const finished = await aws.command(['migrate', '--snapshots', snapshotId, '--bucket', other]);
    expect(finished.status).toBe(1);
    expect((await aws.keys(other)).filter((key) => key.endsWith('.manifest.json'))).toEqual([]);
    expect(await aws.tags(snapshotId)).toEqual(migrating);
  });
});

describe('something that does not exist', () => {
  it('a snapshot -> one sentence naming it, exit status 1', async () => {
    const snapshotId = 'snap-0123456789abcdef0';
    const finished = await aws.command(migrateArgv(snapshotId));
    expect(finished.status).toBe(1);
    expect(finished.stdout + finished.stderr).toMatch(new RegExp(`${snapshotId}.* does not exist`));
    expectSentences(finished);
  });

  it('the bucket -> the command that makes it; the snapshot is not touched', async () => {
    const snapshotId = await aws.snapshot(fewFiles);
    const argv = ['migrate', '--snapshots', snapshotId, '--bucket', 'missing.example.com'];
    let volumes = 0;
    const finished = await aws.command([...argv, '--json'], {
      onEvent: ({ stage }) => void (volumes += stage === 'creating-volume' ? 1 : 0),
    });
    expect(finished).toMatchObject({ status: 1, events: [] });
    expect(volumes).toBe(0);
    expect(finished.stderr).toContain('snap-to-s3: The bucket missing.example.com does not exist.\n');
    expect(finished.stderr).toContain('aws s3 mb s3://missing.example.com');
    expect(await aws.tags(snapshotId)).toEqual(migrating);
    expectSentences(finished);
  });

  it.each([
    [
      'the directory for mounts',
      ['--mount-point', '/dev/null/below'],
      {},
      1,
      /Volumes cannot be mounted below \/dev\/null\/below: .*--mount-point/s,
    ],
    [
      'the directory for temporary files',
      [],
      { TMPDIR: '/nowhere/at/all' },
      2,
      /No temporary files can be made in \/nowhere\/at\/all: .*TMPDIR/s,
    ],
  ] as const)(
    '%s -> is named with its flag or variable, before anything is begun',
    async (_, argv, env, status, sentence) => {
      const finished = await aws.command([...migrateArgv('snap-0123456789abcdef0'), '--json', ...argv], { env });
      expect(finished).toMatchObject({ status, events: [], stderr: expect.stringMatching(sentence) as string });
      expectSentences(finished);
    },
  );

  it('the instance metadata service -> a clear sentence within ten seconds, whether it refuses or is silent', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    try {
      for (const endpoint of [`http://127.0.0.1:${port}`, 'http://127.0.0.1:9']) {
        const begun = performance.now();
        const finished = await aws.command(migrateArgv('snap-0123456789abcdef0'), {
          env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint },
        });
        expect(finished.status).toBe(1);
        expect(finished.stderr).toContain(`The EC2 instance metadata service at ${endpoint} does not answer.`);
        expect(finished.stderr).toContain('snap-to-s3 sandbox start');
        expect(performance.now() - begun).toBeLessThan(10_000);
        expectSentences(finished);
      }
    } finally {
      silent.close();
    }
  });
});

describe('a command line that is wrong', () => {
  it.each([
    [[]],
    [['migrate', '--bucket', 'bucket']],
    [['migrate', '--all', '--one', '--bucket', 'bucket']],
    [['migrate', '--all']],
    [['migrate', '--all', '--bucket', 'bucket', '--compression', 'gzip']],
    [['migrate', '--all', '--bucket', 'bucket', '--compression-level', '10']],
    [['migrate', '--all', '--bucket', 'bucket', '--upload-streams', '0']],
    [['migrate', '--all', '--bucket', 'bucket', '--nonsense']],
    [['migrate', '--snapshots', 'vol-0123456789abcdef0', '--bucket', 'bucket']],
  ])('%j -> exit status 2, and nothing on standard output', async (argv) => {
    const finished = await aws.command(argv);
    expect(finished).toMatchObject({ status: 2, stdout: '' });
    expect(finished.stderr).toContain('snap-to-s3');
    expectSentences(finished);
  });
});

describe('--volume-type', () => {
  it('io2 -> is asked for with IOPS; a type that has no volumes of this size -> is refused before the claim', async () => {
    const snapshotId = await aws.snapshot(fewFiles, { sizeGiB: 4 });
    const st1 = [...migrateArgv(snapshotId), '--volume-type', 'st1'];
    for (const dry of [[], ['--dry-run']]) {
      const refused = await aws.command([...st1, ...dry, '--json']);
      expect(refused.status).toBe(1);
      expect(refused.stdout).toContain('has 4 GiB, and st1 volumes have 125 to 16384 GiB.');
      expect(refused.events.some(({ stage }) => stage === 'claiming')).toBe(false);
    }
    expect(await aws.tags(snapshotId)).toEqual(migrating);
    const kept = await aws.command([...migrateArgv(snapshotId), '--volume-type', 'io2', '--keep-temp-volumes']);
    expect(kept.status, kept.stderr).toBe(0);
    expect(await aws.volumes()).toMatchObject([{ VolumeType: 'io2', Iops: 2_000, State: 'available' }]);
    await aws.removeVolumes();
  });
});

describe('several snapshots', () => {
  it('of which one fails -> exit status 3, the others are archived', async () => {
    const good = [await aws.snapshot(fewFiles), await aws.snapshot(fewFiles)];
    const bad = await aws.snapshot(luks);
    const [first = '', last = ''] = good;
    const finished = await aws.command(migrateArgv(first, bad, last));
    expect(finished.status).toBe(3);
    expect(finished.stdout + finished.stderr).toMatch(/2 snapshots archived, .* -> .*; 1 failed:/);
    for (const snapshotId of good) {
      expect(await aws.tags(snapshotId)).toEqual({ 'snap-to-s3': 'migrated' });
      expect((await aws.keys(bucket)).some((key) => key.endsWith(`${snapshotId}.manifest.json`))).toBe(true);
    }
    expect(await aws.tags(bad)).toEqual(migrating);
  });
});

describe('an interruption', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s in the middle of an upload -> 130, and all is undone', async (signal) => {
    const snapshotId = await aws.snapshot(randomMiB(120));
    await using witness = await s3Witness(aws.url, { partDelayMs: 1_000 });
    let sent = 0;
    const finished = await aws.command([...migrateArgv(snapshotId), '--json'], {
      env: { AWS_ENDPOINT_URL_S3: witness.url },
      onEvent: ({ kind }, kill) => {
        const begun = witness.answered.some(({ query, path }) => query.has('partNumber') && path.includes(snapshotId));
        if (kind === 'progress' && begun && sent === 0) {
          sent += 1;
          kill(signal);
        }
      },
    });
    expect(sent).toBe(1);
    expect(finished.status).toBe(130);
    expect(finished.stderr).toContain(`${signal}: cleaning up.`);
    expect(finished.stderr).toContain('Interrupted.');
    expectSentences(finished);
    expectUploadAborted(witness);
    expect(await aws.tags(snapshotId)).toEqual(migrating);
    expect((await aws.keys(bucket)).filter((key) => key.includes(snapshotId))).toEqual([]);
    expect(await aws.leftovers()).toEqual([]);
  });

  it('SIGINT during the claim -> 130, and the tag is back', async () => {
    const snapshotId = await aws.snapshot(fewFiles);
    const finished = await aws.command([...migrateArgv(snapshotId), '--json'], {
      onEvent: ({ stage }, kill) => {
        if (stage === 'claiming') kill('SIGINT');
      },
    });
    expect(finished.status).toBe(130);
    expect(finished.events.some(({ stage }) => stage === 'creating-volume')).toBe(false);
    expect(await aws.tags(snapshotId)).toEqual(migrating);
  });

  it.each([
    ['SIGINT', 'creating-volume', []],
    ['SIGTERM', 'attaching-volume', ['--dd']],
    // As when a terminal goes away.
    ['SIGHUP', 'waiting-for-device', []],
    ['SIGINT', 'reading-disk', ['--compression', 'zstd']],
    ['SIGTERM', 'archiving', ['--dd']],
    ['SIGHUP', 'cleaning-up', []],
    ['SIGINT', 'writing-manifest', []],
  ] as const)(
    '%s at the stage %s (%j) -> nothing is left, whether it still counts or not',
    async (signal, stage, how) => {
      const snapshotId = await aws.snapshot(fewFiles);
      let signals = 0;
      const finished = await aws.command([...migrateArgv(snapshotId), ...how, '--json'], {
        onEvent: (event, kill) => {
          if (event.stage !== stage) return;
          signals += 1;
          kill(signal);
        },
      });
      expect(signals).toBe(1);
      const isDone = finished.events.some(({ kind }) => kind === 'snapshot-archived');
      expect([finished.status, await aws.tags(snapshotId)]).toEqual(
        isDone ? [expect.any(Number), { 'snap-to-s3': 'migrated' }] : [130, migrating],
      );
      expect(finished.stderr).toContain(`${signal}: cleaning up.`);
      const hasManifest = (await aws.keys(bucket)).some((key) => key.endsWith(`${snapshotId}.manifest.json`));
      if (isDone) expect(hasManifest).toBe(true);
    },
  );
});

describe('an interruption of several jobs', () => {
  it('-> all are undone, also while a kept volume is used and while what a dead run has left is removed', async () => {
    const ids = [await aws.snapshot(randomMiB(20)), await aws.snapshot(fewFiles), await aws.snapshot(fewFiles)];
    const argv = [...migrateArgv(...ids), '--jobs', '3', '--json'];
    const at = async (
      isMoment: (event: JsonEvent) => boolean,
      signal: NodeJS.Signals,
      flags: readonly string[] = [],
    ) => {
      let signals = 0;
      const finished = await aws.command([...argv, ...flags], {
        onEvent: (event, kill) => {
          if (signals > 0 || !isMoment(event)) return;
          signals += 1;
          kill(signal);
        },
      });
      expect([signals, finished.status]).toEqual([1, signal === 'SIGKILL' ? null : 130]);
    };
    const expectUndone = async (): Promise<void> => {
      for (const id of ids) expect(await aws.tags(id)).toEqual(migrating);
    };
    await at(({ stage }) => stage === 'archiving', 'SIGINT', ['--keep-temp-volumes']);
    await expectUndone();
    expect(await aws.volumes()).not.toEqual([]);
    await at(({ stage }) => stage === 'reusing-volume', 'SIGTERM');
    await expectUndone();
    await at(({ stage }) => stage === 'archiving', 'SIGKILL');
    await at(({ text }) => text?.includes('ended without cleaning up') === true, 'SIGHUP');
    // What was not removed before the signal, and volumes that were kept and not used, which no journal names.
    expect((await aws.command(['cleanup', '--bucket', bucket])).status).toBe(0);
    await aws.removeVolumes();
    await expectUndone();
  });
});

describe('tar', () => {
  it.each([
    [
      'says no',
      'echo "tar: ./file: Cannot open: Input/output error" >&2; exit 2',
      /exit status 2.*Input\/output error/,
    ],
    ['is killed', 'kill -9 $$', /SIGKILL/],
    ['ends well, but early, with a broken archive', 'exit 0', /tar/],
  ])('%s after some output -> nothing is left, and tar is named', async (_, end, sentence) => {
    const snapshotId = await aws.snapshot(randomMiB(60));
    const bin = join(aws.folder, `bin-${snapshotId}`);
    const proof = join(bin, 'ran');
    await mkdir(bin);
    const script = `#!/bin/bash\necho "$$" > '${proof}'\n/usr/bin/env -u IGNORED PATH="\${PATH#*:}" tar "$@" | head -c 30000001\n${end}\n`;
    await writeFile(join(bin, 'tar'), script);
    await chmod(join(bin, 'tar'), 0o755);
    await using witness = await s3Witness(aws.url);
    const finished = await aws.command(migrateArgv(snapshotId), {
      env: { PATH: `${bin}:${process.env.PATH ?? ''}`, AWS_ENDPOINT_URL_S3: witness.url },
    });
    expect(await readFile(proof, 'utf8')).toMatch(/^\d+\n$/);
    expect(finished.status).toBe(1);
    expect(finished.stdout + finished.stderr).toMatch(/tar/);
    expect(finished.stdout + finished.stderr).toMatch(sentence);
    expectSentences(finished);
    expectUploadAborted(witness);
    expect((await aws.keys(bucket)).filter((key) => key.includes(snapshotId))).toEqual([]);
    expect(await aws.tags(snapshotId)).toEqual(migrating);
  });
});
