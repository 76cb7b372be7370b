import { execFileSync } from 'node:child_process';
import { mkdir, open, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { HeadObjectCommand, GetObjectTaggingCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { noDelays } from '../../sandbox/index.js';
import { poll, systemClock } from '../../src/core/index.js';
import { run, runText } from '../../src/process/index.js';
import {
  filesystemOn,
  localAws,
  mountedAt,
  type Finished,
  type JsonEvent,
  type LocalAws,
} from '../support/local-aws.js';
import { decompressed, extracted, indexLines } from '../support/read-archive.js';

const MiB = 1024 ** 2;
const waiting = { 'snap-to-s3': 'migrate' };
/** What steers a terminal: C0 and C1 controls but the line end, and direction overrides. */
const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

let aws: LocalAws;
let bucket = '';
beforeAll(async () => {
  aws = await localAws();
  bucket = await aws.bucket();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  expect(await aws.leftovers()).toEqual([]);
});

const argv = (...snapshotIds: string[]): string[] => [
  'migrate',
  '--snapshots',
  ...snapshotIds,
  '--bucket',
  bucket,
  '--json',
];

/** The stages' subject, the device, as it is told before anything is read from it. */
function deviceIn(event: JsonEvent): string | undefined {
  return event.stage === 'reading-disk' ? event.subject : undefined;
}

async function keysOf(snapshotId: string): Promise<readonly string[]> {
  return (await aws.keys(bucket)).filter((key) => key.includes(snapshotId));
}

async function expectFailure(finished: Finished, snapshotId: string, code: string): Promise<JsonEvent['error']> {
  const failure = finished.events.find(({ kind }) => kind === 'snapshot-failed')?.error;
  expect([finished.status, failure?.code]).toEqual([1, code]);
  expect(await keysOf(snapshotId)).toEqual([]);
  expect(await aws.tags(snapshotId)).toEqual(waiting);
  return failure;
}

/** A filesystem with one file of random bytes. */
const randomMiB = (size: number) => (device: string) =>
  filesystemOn(device, 'ext4', async (at) => {
    await run(['dd', 'if=/dev/urandom', `of=${join(at, 'random')}`, 'bs=1M', `count=${size}`, 'status=none']);
  });

/** The tar of a snapshot's whole disk, decompressed. */
async function tarOf(snapshotId: string): Promise<string> {
  const key = (await keysOf(snapshotId)).find((one) => one.endsWith('.tar.lz4')) ?? '';
  return decompressed(await aws.download(bucket, key), 'lz4');
}

describe('a disk that cannot be read', () => {
  it.each<['tar' | '--dd', string, number]>([
    ['--dd', 'its first byte', 0],
    ['--dd', 'its middle', 512 * MiB],
    ['--dd', 'its last sector', 1024 * MiB - 512],
    ['tar', 'its first byte', 0],
    ['tar', 'the middle of a file', 200 * MiB],
  ])('%s, from %s on -> source-unreadable, and nothing is left', async (mode, _, position) => {
    const snapshotId = await aws.snapshot(randomMiB(300));
    let device = '';
    let spoilt = false;
    const finished = await aws.command([...argv(snapshotId), ...(mode === '--dd' ? ['--dd'] : [])], {
      onEvent: (event) => {
        device = deviceIn(event) ?? device;
        if (event.stage !== 'archiving') return;
        const file = execFileSync('losetup', ['--noheadings', '--output', 'BACK-FILE', device]).toString().trim();
        truncateSync(file, position);
        execFileSync('blockdev', ['--flushbufs', device]);
        spoilt = true;
      },
    });
    expect(spoilt).toBe(true);
    const failure = await expectFailure(finished, snapshotId, 'source-unreadable');
    expect(failure?.message).toMatch(
      mode === '--dd' ? /^Reading \/dev\/.* at byte \d+|before its size/ : /^tar failed/,
    );
  });

  it('that is smaller than the snapshot says -> implausible-result', async () => {
    const snapshotId = await aws.snapshot(randomMiB(1));
    let shortened = '';
    const finished = await aws.command([...argv(snapshotId), '--dd'], {
      onEvent: (event) => {
        if (event.stage !== 'attaching-volume') return;
        const volumeId = /vol-[0-9a-f]+/.exec(event.subject ?? '')?.[0] ?? '';
        shortened = execFileSync('find', [aws.stateDirectory, '-path', `*volumes/${volumeId}*.img`])
          .toString()
          .trim();
        truncateSync(shortened, 100 * MiB);
      },
    });
    expect(shortened).toMatch(/\.img$/);
    const failure = await expectFailure(finished, snapshotId, 'implausible-result');
    expect(failure?.message).toMatch(/has 100 MiB, but snapshot snap-\w+ is of a volume of 1 GiB\.$/);
  });

  it('as almost everything on it has no name any more -> implausible-result, nothing is stored', async () => {
    const snapshotId = await aws.snapshot(async (device) => {
      await filesystemOn(device, 'ext4', async (at) => {
        await run(['fallocate', '--length=700M', join(at, 'lost')]);
      });
      await run(['debugfs', '-w', '-R', 'unlink lost', device]);
    });
    const failure = await expectFailure(await aws.command(argv(snapshotId)), snapshotId, 'implausible-result');
    expect(failure).toMatchObject({
      message: expect.stringContaining('700 MiB'),
      hint: expect.stringContaining('--dd'),
    });
  });

  it('in one directory, which ext4 without checksums passes over in silence -> source-unreadable', async () => {
    const snapshotId = await aws.snapshot(async (device) => {
      await run(['mkfs.ext4', '-q', '-F', '-b', '4096', '-O', '^metadata_csum', device]);
      await mountedAt(device, { type: 'ext4', options: 'rw' }, async (at) => {
        await mkdir(join(at, 'dir'));
        for (let n = 0; n < 200; n += 1) await writeFile(join(at, 'dir', `${n} ${'x'.repeat(100)}`), '');
      });
      const [, damaged = ''] = (await runText(['debugfs', '-R', 'blocks /dir', device])).trim().split(/\s+/);
      await run([
        'dd',
        'if=/dev/urandom',
        `of=${device}`,
        'bs=4096',
        'count=1',
        `seek=${damaged}`,
        'conv=notrunc,fsync',
      ]);
    });
    const failure = await expectFailure(await aws.command(argv(snapshotId)), snapshotId, 'source-unreadable');
    expect(failure?.message).toMatch(/^The kernel found \d+ errors? in the ext4 filesystem/);
  });

  it('as files, since its partition table is lost -> refused, and the image that is advised can be made', async () => {
    const snapshotId = await aws.snapshot(async (device) => {
      await run(['sfdisk', '--quiet', device], { input: 'label: gpt\nsize=20M\n' });
      for (const sector of [1, 2 * 1024 ** 2 - 1]) {
        await run(['dd', 'if=/dev/zero', `of=${device}`, 'bs=512', 'count=1', `seek=${sector}`, 'conv=notrunc,fsync']);
      }
    });
    const failure = await expectFailure(await aws.command(argv(snapshotId)), snapshotId, 'disk-unsupported');
    expect(failure?.hint).toContain('--dd');
    expect((await aws.command([...argv(snapshotId), '--dd'])).status).toBe(0);
    expect((await keysOf(snapshotId)).filter((key) => key.endsWith('.img.lz4'))).toHaveLength(1);
  });

  it('and a disk of ours that is full, where large parts wait -> a failure that names it', async () => {
    // 600 GiB in use make parts of more than 64 MiB, which wait in a file; the space is only allocated.
    const snapshotId = await aws.snapshot(
      async (device) => {
        await run([
          'mkfs.ext4',
          '-q',
          '-F',
          '-O',
          '^has_journal',
          '-E',
          'lazy_itable_init=1',
          '-i',
          '67108864',
          device,
        ]);
        await mountedAt(device, { type: 'ext4', options: 'rw' }, async (at) => {
          await run(['dd', 'if=/dev/urandom', `of=${join(at, 'a')}`, 'bs=1M', 'count=40', 'status=none']);
          await writeFile(join(at, 'b'), '');
          await run(['fallocate', '--keep-size', '--length=600G', join(at, 'b')]);
        });
      },
      { sizeGiB: 620 },
    );
    const small = join(aws.folder, 'small');
    await mkdir(small);
    await run(['mount', '-t', 'tmpfs', '-o', 'size=16M', 'small', small]);
    try {
      const full = await aws.command(argv(snapshotId), { env: { TMPDIR: small } });
      const failure = full.events.find(({ kind }) => kind === 'snapshot-failed')?.error;
      expect([full.status, failure]).toEqual([
        1,
        expect.objectContaining({
          code: 'disk-full',
          message: expect.stringMatching(
            `^${small} is full: a part of [0-9.]+ MiB of the upload had to wait there[.]$`,
          ),
          hint: expect.stringContaining('TMPDIR'),
        }),
      ]);
      expect(await keysOf(snapshotId)).toEqual([]);
    } finally {
      await run(['umount', small]);
      await rm(small, { recursive: true });
    }
    expect((await aws.command(argv(snapshotId))).status).toBe(0);
    expect(await keysOf(snapshotId)).toHaveLength(3);
  });
});

describe('hostile names', () => {
  // EC2's answers are XML, which cannot carry C0 controls; C1 controls do the same to many terminals.
  const evil = '\u009d0;owned\u009c\u009b2J../../etc/passwd\u202e\n$(reboot) 💩 =?UTF-8?B?';
  it.each(['plain', '--json'])(
    'reach nobody’s terminal (%s), leave no place, and stay what they are',
    async (output) => {
      const label = Buffer.from('\u001b[31m\n../💩', 'utf8');
      const snapshotId = await aws.snapshot(
        async (device) => {
          await run(['sfdisk', '--quiet', device], {
            input: 'label: gpt\nsize=100M, name="..\\x2f..\\x2f$(reboot)💩"\n',
          });
          await run(['partx', '--add', device]).catch(() => undefined);
          const partition = `${(await runText(['readlink', '--canonicalize', device])).trim()}p1`;
          // Without checksums, so that anything can be written into the superblock.
          await run(['mkfs.ext4', '-q', '-F', '-O', '^metadata_csum', partition]);
          await mountedAt(partition, { type: 'ext4', options: 'rw' }, async (at) => {
            for (const name of ['\u001b[31mred', 'two\nlines', '💩', 'x'.repeat(255), '-rf', '..;', '\u009b31m']) {
              await writeFile(join(at, name), name);
            }
            await writeFile(Buffer.concat([Buffer.from(`${at}/`), Buffer.from([0xff, 0x1b, 0x9b])]), 'not UTF-8');
            await run(['ln', '-s', '../../../../../../etc/passwd', join(at, 'out')]);
          });
          // s_volume_name of the superblock (ext4's disk layout): tools refuse such labels, disks do not.
          const superblock = await open(partition, 'r+');
          await superblock.write(Buffer.concat([label, Buffer.alloc(16)]), 0, 16, 1024 + 120);
          await superblock.close();
        },
        { description: evil, tags: { ...waiting, [evil.slice(0, 60)]: evil, '../up': '..' } },
      );
      const words = argv(snapshotId).filter((word) => word !== '--json' || output === '--json');
      const finished = await aws.command(words);
      expect(finished.status, finished.stdout + finished.stderr).toBe(0);
      expect(finished.stdout).not.toMatch(controls);
      expect(finished.stderr).not.toMatch(controls);

      const keys = await keysOf(snapshotId);
      for (const key of keys)
        expect(key).toMatch(
          /^vol-[0-9a-f]+\/[-0-9T:+]+ snap-[0-9a-f]+(\.1)?\.(tar\.lz4(\.index\.jsonl\.gz)?|manifest\.json)$/,
        );
      expect(keys).toHaveLength(3);
      const [archive = '', index = '', manifestKey = ''] = [/\.lz4$/, /index/, /manifest/].map(
        (pattern) => keys.find((key) => pattern.test(key)) ?? '',
      );
      const head = await aws.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: archive }));
      const encoded = /^=\?UTF-8\?B\?(.*)\?=$/.exec(head.Metadata?.['snapshot-description'] ?? '')?.[1] ?? '';
      expect(Buffer.from(encoded, 'base64').toString('utf8')).toBe(evil);
      const { TagSet = [] } = await aws.s3.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: archive }));
      expect(TagSet).toHaveLength(2);
      for (const { Key = '', Value = '' } of TagSet) expect(Key + Value).toMatch(/^[\p{L}\p{N} +\-=._:/@]*$/u);
      const manifest = JSON.parse(await readFile(await aws.download(bucket, manifestKey), 'utf8')) as {
        readonly snapshot: { readonly description: string; readonly tags: Readonly<Record<string, string>> };
        readonly disk: { readonly areas: readonly { readonly label: string }[] };
      };
      expect(manifest.snapshot).toMatchObject({ description: evil, tags: { [evil.slice(0, 60)]: evil } });
      expect(manifest.disk.areas[0]?.label).toBe(label.toString('utf8'));
      const paths = (await indexLines(await aws.download(bucket, index))).map(({ path }) => path);
      for (const name of ['\u001b[31mred', 'two\nlines', '💩', 'x'.repeat(255), '-rf', '\u009b31m'])
        expect(paths).toContain(name);
      const root = await extracted(await decompressed(await aws.download(bucket, archive), 'lz4'));
      expect(await readFile(join(root, 'two\nlines'), 'utf8')).toBe('two\nlines');
      // A link out of the filesystem is archived as what it is, not as what it leads to.
      expect(await readlink(join(root, 'out'))).toBe('../../../../../../etc/passwd');
    },
  );
});

describe('two snapshots of one volume', () => {
  it.each(['ext4', 'xfs', 'btrfs'] as const)(
    'of %s, archived by two processes at once: each its own contents',
    async (type) => {
      const made: string[] = [];
      await aws.snapshot(async (device) => {
        await filesystemOn(device, type);
        for (const name of ['first', 'second']) {
          await mountedAt(device, { type, options: 'rw' }, async (at) => {
            await run(['dd', 'if=/dev/urandom', `of=${join(at, 'random')}`, 'bs=1M', 'count=60', 'status=none']);
            await writeFile(join(at, 'who'), name);
          });
          made.push(await copyOf(device));
        }
      });
      // The first to archive is halted until the other does, so that both are mounted at once.
      let proceed: (() => void) | undefined;
      let together = false;
      const both = await Promise.all(
        made.map((snapshotId) =>
          aws.command(argv(snapshotId), {
            onEvent: ({ stage }, kill) => {
              if (stage !== 'archiving') return;
              if (proceed === undefined) {
                kill('SIGSTOP');
                proceed = () => kill('SIGCONT');
                return;
              }
              const mounts = execFileSync('findmnt', ['--list', '--noheadings', '--output', 'TARGET']).toString();
              together = made.every((one) => mounts.includes(join(aws.mountPoint, one)));
              proceed();
            },
          }),
        ),
      );
      expect(together).toBe(true);
      expect(both.map(({ status }) => status)).toEqual([0, 0]);
      for (const [index, name] of ['first', 'second'].entries()) {
        const root = await extracted(await tarOf(made[index] ?? ''));
        expect(await readFile(join(root, 'who'), 'utf8')).toBe(name);
      }
    },
  );

  /** A snapshot of a disk with the same contents. */
  async function copyOf(device: string): Promise<string> {
    return aws.snapshot(async (other) => {
      await run(['dd', `if=${device}`, `of=${other}`, 'bs=1M', 'conv=sparse,fsync', 'status=none']);
    });
  }
});

describe('an automounter that takes the temporary volume for the original', () => {
  let late: LocalAws;
  let lateBucket = '';
  beforeAll(async () => {
    late = await localAws({ delays: { ...noDelays, deviceLateMs: 1_500 } });
    lateBucket = await late.bucket();
  });
  afterAll(() => late[Symbol.asyncDispose]());
  afterEach(async () => {
    expect(await late.leftovers()).toEqual([]);
  });

  /**
   * Runs the command with an automounter beside it, which mounts the device before the command has seen it, and unmounts
   * it when the command has given up everything else and waits for the volume to be let go.
   */
  async function withAutomounter(options: 'ro' | 'rw', more: readonly string[]) {
    const snapshotId = await late.snapshot(randomMiB(1));
    const place = join(late.folder, `auto-${options}`);
    await mkdir(place, { recursive: true });
    const mounting: Promise<unknown>[] = [];
    const running = late.command(['migrate', '--snapshots', snapshotId, '--bucket', lateBucket, '--json', ...more], {
      onEvent: ({ stage, subject = '' }, kill) => {
        if (stage !== 'waiting-for-device') return;
        kill('SIGSTOP');
        mounting.push(mountWhenThere(subject, options, place).finally(() => kill('SIGCONT')));
      },
    });
    const letGo = await poll(
      async () =>
        (await late.volumes()).some(({ Attachments: [one] = [] }) => /busy|detaching/.test(one?.State ?? ''))
          ? true
          : undefined,
      { clock: systemClock, intervalMs: 50, timeoutMs: 90_000 },
    );
    await Promise.all(mounting);
    const untouched = await runText(['findmnt', '--noheadings', '--output', 'TARGET', place]);
    await run(['umount', place]);
    const finished = await running;
    expect([mounting.length, letGo, untouched]).toEqual([1, true, `${place}\n`]);
    return { finished, snapshotId, place };
  }

  async function mountWhenThere(volumeId: string, options: string, place: string): Promise<void> {
    const device = await poll(
      async () => {
        const loops = await runText(['losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE']);
        return loops
          .split('\n')
          .find((line) => line.includes(volumeId))
          ?.split(' ')[0];
      },
      { clock: systemClock, intervalMs: 20, timeoutMs: 60_000 },
    );
    await run(['mount', '-o', options, device ?? '', place]);
  }

  const modes: [string, string[]][] = [
    ['tar', []],
    ['--dd', ['--dd']],
  ];
  it.each(modes)('for writing (%s) -> disk-in-use, naming fstab, and its mount is not touched', async (_, more) => {
    const { finished, snapshotId, place } = await withAutomounter('rw', more);
    const failure = finished.events.find(({ kind }) => kind === 'snapshot-failed')?.error;
    expect([finished.status, failure]).toEqual([
      1,
      expect.objectContaining({
        code: 'disk-in-use',
        message: expect.stringContaining(`is mounted at ${place} by something else`),
        hint: expect.stringMatching(/\/etc\/fstab.*noauto/),
      }),
    ]);
    expect((await late.keys(lateBucket)).filter((key) => key.includes(snapshotId))).toEqual([]);
    expect(await late.tags(snapshotId)).toEqual(waiting);
  });

  it.each(modes)('read-only (%s) -> archived, with a sentence; its mount is not touched', async (_, more) => {
    const { finished, snapshotId, place } = await withAutomounter('ro', more);
    expect(finished.status).toBe(0);
    const notices = finished.events.filter(({ kind }) => kind === 'notice').map(({ text }) => text);
    expect(notices).toContainEqual(expect.stringContaining(`was mounted at ${place} by something else, read-only`));
    expect(await late.tags(snapshotId)).toMatchObject({ 'snap-to-s3': 'migrated' });
  });
});
