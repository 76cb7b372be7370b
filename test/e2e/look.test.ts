import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteSnapshotCommand } from '@aws-sdk/client-ec2';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, runText } from '../../src/process/index.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';
import { filesystemOn, localAws, type Finished, type LocalAws } from '../support/local-aws.js';

// `snap-to-s3 list`, `inspect`, `ls`, `find` and `diff` on archives that `migrate` has made.

let aws: LocalAws;
let bucket = '';
let ring: GpgKeyring;
let [before, after, image, disk, secret] = ['', '', '', '', ''];

async function fill(path: string): Promise<void> {
  await mkdir(join(path, 'etc/ssh'), { recursive: true });
  for (const name of ['etc/hosts', 'etc/ssh/sshd_config', 'etc/ssh/ssh_config', 'etc/zz', 'gone', 'same', 'mode']) {
    await writeFile(join(path, name), `The file ${name}.\n`);
  }
  await run(
    [
      'bash',
      '-ec',
      'ln -s etc/hosts link; ln same other; printf "" > "with \\"quotes\\" and \\\\"; printf "" > $\'bad\\xff\'',
    ],
    {
      cwd: path,
    },
  );
  await run(['find', path, '-exec', 'touch', '-h', '-d', '@1700000000.25', '{}', '+']);
}

beforeAll(async () => {
  [aws, ring] = await Promise.all([localAws(), gpgKeyring()]);
  await ring.key('Open <open@example.com>');
  bucket = await aws.bucket();
  const tags = { 'snap-to-s3': 'migrate', Name: 'The first' };
  before = await aws.snapshot((device) => filesystemOn(device, 'ext4', fill), { tags, description: 'before' });
  after = await aws.snapshot((device) =>
    filesystemOn(device, 'ext4', async (path) => {
      await fill(path);
      const script =
        'rm gone; chmod 600 mode; echo other > etc/hosts; touch -d @1700000000.25 etc/hosts; echo new > etc/new; ' +
        'touch -h -d @1700000000.25 etc etc/new .; ln -sfn etc/zz link; touch -h -d @1700000000.25 link .';
      await run(['bash', '-ec', script], { cwd: path });
    }),
  );
  [image = '', secret = ''] = await aws.snapshots((device) => filesystemOn(device, 'ext4', fill), 2);
  disk = await aws.snapshot(async (device) => {
    const real = (await runText(['realpath', device])).trim();
    await run(['sfdisk', '--quiet', '--no-reread', real], { input: 'label: gpt\nsize=100M\nsize=100M\n' });
    await run(['partx', '--update', real]);
    for (const number of [1, 2]) {
      await filesystemOn(`${real}p${number}`, 'ext4', (path) => writeFile(join(path, `on-${number}`), ''));
    }
  });
  const migrated = await aws.command(['migrate', '--bucket', bucket, '--snapshots', before, after, disk]);
  expect(migrated.status, migrated.stderr).toBe(0);
  const asImage = await aws.command([
    'migrate',
    '--bucket',
    bucket,
    '--snapshots',
    image,
    '--dd',
    '--storage-class',
    'GLACIER',
  ]);
  expect(asImage.status, asImage.stderr).toBe(0);
  const options = ['--storage-class', 'GLACIER', '--gpg-recipient', 'open@example.com'];
  const encrypted = await aws.command(['migrate', '--bucket', bucket, '--snapshots', secret, ...options], {
    env: { GNUPGHOME: ring.home },
  });
  expect(encrypted.status, encrypted.stderr).toBe(0);
  await aws.removeVolumes();
});
afterAll(async () => {
  await ring[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
});

const look = (...argv: readonly string[]): Promise<Finished> => aws.command([...argv, '--bucket', bucket]);
/** The names at the ends of lines. */
const names = ({ stdout }: Finished): string[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(60));

describe('ls', () => {
  it('shows what is in a folder, like ls -l', async () => {
    const root = await look('ls', before);
    expect(root.status, root.stderr).toBe(0);
    expect(names(root)).toEqual([
      'bad\ufffd',
      'etc',
      'gone',
      'link -> etc/hosts',
      'lost+found',
      'mode',
      'other',
      'same = other',
      'with "quotes" and \\',
    ]);
    const etc = await look('ls', before, '/etc/');
    expect(etc.stdout).toBe(
      '-rw-r--r--         0:0                20  2023-11-14 22:13  etc/hosts\n' +
        'drwxr-xr-x         0:0                 0  2023-11-14 22:13  etc/ssh\n' +
        '-rw-r--r--         0:0                17  2023-11-14 22:13  etc/zz\n',
    );
  });

  it('shows a file itself, all that is below a folder, and records for machines', async () => {
    expect(names(await look('ls', before, 'etc/hosts'))).toEqual(['etc/hosts']);
    expect(names(await look('ls', before, 'etc', '--recursive'))).toEqual([
      'etc/hosts',
      'etc/ssh',
      'etc/ssh/ssh_config',
      'etc/ssh/sshd_config',
      'etc/zz',
    ]);
    const json = await look('ls', before, 'etc/ssh', '--json');
    expect(
      json.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      expect.objectContaining({ kind: 'entry', path: 'etc/ssh/ssh_config', type: 'file', mode: '0644', size: 29 }),
      expect.objectContaining({ kind: 'entry', path: 'etc/ssh/sshd_config', mtime: '1700000000.25' }),
    ]);
    const lines = await look('ls', before, 'lost+found');
    expect(names(lines)).toEqual(['lost+found']);
  });

  it('begins with the partition where there are several', async () => {
    expect(names(await look('ls', disk))).toEqual(['1/lost+found', '1/on-1', '2/lost+found', '2/on-2']);
    expect(names(await look('ls', disk, '2'))).toEqual(['2/lost+found', '2/on-2']);
    expect(names(await look('ls', disk, '2/on-2'))).toEqual(['2/on-2']);
  });

  it.each([
    ['what is not there', () => ['ls', before, 'no/such'], 'There is no "no/such" in the archive', 'snap-to-s3 find'],
    ['an image', () => ['ls', image], 'is the image of a disk', '--to-file disk.img'],
    ['nothing', () => ['ls'], 'No archive is named.', 'snap-to-s3 ls snap-'],
    ['too much', () => ['ls', before, 'a', 'b'], '"b": that is one word too many.', 'snap-to-s3 ls snap-'],
    ['no id', () => ['inspect', 'x'], '"x" is not a snapshot id.', '17 hexadecimal digits'],
    ['no pattern', () => ['find', before], 'What is to be found is not said.', 'snap-to-s3 find'],
    ['one of two', () => ['diff', before], 'Two archives are needed.', 'snap-to-s3 diff'],
    ['another archive', () => ['ls', 'snap-00000000000000000'], 'There is no archive of snap-0', 'aws s3 ls'],
  ])('of %s -> a sentence and the next step', async (_, argv, sentence, hint) => {
    const refused = await look(...argv());
    expect(refused.stderr).toContain(sentence);
    expect(refused.stderr).toContain(hint);
    expect([1, 2]).toContain(refused.status);
    expect(refused.stdout).toBe('');
  });
});

describe('find', () => {
  it('finds names, and paths where there is a slash', async () => {
    expect(names(await look('find', before, 'ssh*_config'))).toEqual(['etc/ssh/ssh_config', 'etc/ssh/sshd_config']);
    expect(names(await look('find', before, 'etc/*'))).toEqual(['etc/hosts', 'etc/ssh', 'etc/zz']);
    expect(names(await look('find', before, '*', '--type', 'l'))).toEqual(['link -> etc/hosts']);
    expect(names(await look('find', before, '**/ssh*', '--type', 'd'))).toEqual(['etc/ssh']);
    const json = await look('find', before, 'sshd*', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      kind: 'entry',
      path: 'etc/ssh/sshd_config',
      type: 'file',
      size: 30,
    });
    const nothing = await look('find', before, 'nowhere');
    expect(nothing).toMatchObject({ status: 0, stdout: `Nothing in the archive of ${before} is named "nowhere".\n` });
  });
});

describe('diff', () => {
  it('tells what was added, removed and changed', async () => {
    const differences = await look('diff', before, after);
    expect(differences.status, differences.stderr).toBe(0);
    expect(differences.stdout.split('\n')).toEqual([
      '~ etc/hosts (size 20 bytes -> 6 bytes)',
      '+ etc/new',
      '- gone',
      '~ link (target symlink to etc/hosts -> symlink to etc/zz)',
      '~ mode (mode 0644 -> 0600)',
      '1 added, 1 removed, 3 changed.',
      '',
    ]);
    expect((await look('diff', before, before)).stdout).toBe('Both archives have the same files.\n');
    const json = await look('diff', before, after, '--json');
    expect(JSON.parse(json.stdout.split('\n')[4] ?? '')).toEqual({
      kind: 'changed',
      path: 'mode',
      type: 'file',
      changes: [{ what: 'mode', before: '0644', after: '0600' }],
    });
  });
});

it('diff of disks with other partitions tells what is on each', async () => {
  const { stdout, status } = await look('diff', disk, before);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^[+] disk\/etc\/$/m);
  expect(stdout).toMatch(/^- 2\/on-2$/m);
});

describe('an archive of the existing tool', () => {
  const older = 'snap-0123456789abcdef0';
  beforeAll(async () => {
    const Key = `vol-0123456789abcdef0/2017-01-01T00:00:00+00:00 ${older} - From the older tool.tar.lz4`;
    const Body = await run(['bash', '-ec', 'set -o pipefail; tar -C /etc -c hostname | lz4 -1']);
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
  });
  afterAll(async () => {
    const Key = `vol-0123456789abcdef0/2017-01-01T00:00:00+00:00 ${older} - From the older tool.tar.lz4`;
    await aws.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
  });

  it('is inspected without manifest, and has no files to show, which is said', async () => {
    const shown = await look('inspect', older);
    expect(shown.status, shown.stderr).toBe(0);
    expect(shown.stdout).toMatch(/^ {2}index: +none$/m);
    for (const argv of [
      ['ls', older],
      ['find', older, '*'],
      ['diff', before, older],
    ]) {
      const refused = await look(...argv);
      expect(refused.status).toBe(2);
      expect(refused.stderr).toContain('has no index: it was made by another tool.');
    }
  });
});

describe('an archive that is encrypted and frozen', () => {
  const elsewhere = { env: { GNUPGHOME: '/nonexistent' } };
  const own = () => ({ env: { GNUPGHOME: ring.home } });
  const keyOf = async (end: string): Promise<string> => {
    const key = (await aws.keys(bucket)).find((one) => one.includes(secret) && one.endsWith(end)) ?? '';
    return ring.sessionKey(await readFile(await aws.download(bucket, key)));
  };

  it.each([
    ['the private key', own, () => []],
    ['the session key of its index alone', () => elsewhere, async () => ['--gpg-session-key', await keyOf('.gz.gpg')]],
  ])('is looked into with %s', async (_, env, more) => {
    const given = ['--bucket', bucket, ...(await more())];
    expect(names(await aws.command(['ls', secret, 'etc/ssh', ...given], env()))).toEqual([
      'etc/ssh/ssh_config',
      'etc/ssh/sshd_config',
    ]);
    expect(names(await aws.command(['find', secret, 'zz', ...given], env()))).toEqual(['etc/zz']);
    // The other side is not encrypted, and may differ.
    const difference = await aws.command(['diff', after, secret, ...given], env());
    expect(difference.stdout, difference.stderr).toContain('- etc/new\n+ gone\n');
  });

  it('with another session key, or none -> a sentence that says which one it takes', async () => {
    const wrong = await aws.command(
      ['ls', secret, '--bucket', bucket, '--gpg-session-key', `9:${'5A'.repeat(32)}`],
      elsewhere,
    );
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toMatch(/None of the session keys .* is that of the index vol-.*\.index\.jsonl\.gz\.gpg/);
    const none = await aws.command(['ls', secret, '--bucket', bucket], elsewhere);
    expect(none.status).toBe(1);
    expect(none.stderr).toContain('--gpg-session-key');
  });
});

describe('list and inspect', () => {
  it('show all archives, and whether their snapshots still exist', async () => {
    const known = await look('list', '--json');
    expect(known.status, known.stderr).toBe(0);
    const records = known.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records).toHaveLength(5);
    expect(records.find(({ snapshotId }) => snapshotId === before)).toMatchObject({
      kind: 'archive',
      objects: 1,
      storageClasses: ['STANDARD'],
      snapshot: 'exists',
      state: 'migrated',
      volumeGiB: 1,
      name: 'The first',
      description: 'before',
      encrypted: false,
      hasManifest: true,
    });
    expect(records.find(({ snapshotId }) => snapshotId === image)).toMatchObject({ storageClasses: ['GLACIER'] });
    expect(records.find(({ snapshotId }) => snapshotId === disk)).toMatchObject({ objects: 2 });
    await aws.ec2.send(new DeleteSnapshotCommand({ SnapshotId: before }));
    const text = await look('list');
    const lines = text.stdout.split('\n');
    expect(lines[0]).toMatch(/^volume +snapshot +started +disk +stored +class +tag +validated +in EBS +name$/);
    expect(lines.find((line) => line.includes(before))).toMatch(/ 1 GiB .* STANDARD +- +- +gone +The first, before$/);
    expect(lines.at(-2)).toBe('5 archives.');
  });

  it('show everything that is known of one, frozen or not', async () => {
    const shown = await look('inspect', image);
    expect(shown.status, shown.stderr).toBe(0);
    expect(shown.stdout).toMatch(/^snapshot: +snap-/);
    expect(shown.stdout).toMatch(/^ {2}whole disk: +1.00 GiB, ext4 [0-9a-f-]{36}$/m);
    expect(shown.stdout).toMatch(/^ {2}class: +GLACIER, frozen: must be thawed/m);
    const parts = await look('inspect', disk);
    expect(parts.stdout).toMatch(/^ {2}partition 2: +100 MiB, ext4 /m);
    const json = await look('inspect', before, '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ kind: 'inspected', manifest: { format: 'snap-to-s3-manifest' } });
  });
});
