import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readMigrateOptions } from '../../src/cli/migrate-options.js';
import { readConfigFiles, usualConfigFiles } from '../../src/cli/options/config-file.js';
import { addOptions, readOptions, typedOptions, type Environment } from '../../src/cli/options/index.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-options-'));
});
afterAll(() => rm(folder, { recursive: true }));

function readWith(environment: Environment, ...argv: string[]) {
  const command = addOptions(new Command(), 'migrate')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return readMigrateOptions(readOptions(typedOptions(command.parse(argv, { from: 'user' }).opts()), environment));
}
/** A home without configuration, so that the machine's user does not count. */
function read(...argv: string[]) {
  return readWith({ HOME: folder }, ...argv);
}
const base = ['--all', '--bucket', 'bucket'];
const refused = (message: string, hint = ''): unknown =>
  expect.objectContaining({ code: 'usage', message, hint: expect.stringContaining(hint) });

const defaults = {
  tag: 'snap-to-s3',
  content: 'tar',
  codec: 'lz4',
  level: 1,
  uploadStreams: 1,
  mountPoint: '/mnt',
  volumeType: undefined,
  keepVolumes: false,
  encryption: undefined,
  storageClass: undefined,
  recipients: [],
  jobs: 1,
  leaseMs: 120_000,
};

describe('the options of migrate', () => {
  it('have the defaults of the existing tool', () => {
    expect(read(...base)).toEqual({
      bucket: 'bucket',
      selection: { kind: 'all' },
      dryRun: false,
      telling: { detail: 'normal', json: false, logFile: undefined, warnings: [] },
      settings: defaults,
    });
  });

  it('are all read', () => {
    const { settings, selection, telling, dryRun } = read(
      ...[
        '--snapshots',
        'snap-0123456789abcdef0',
        'snap-01234567',
        '--snapshots=snap-01234567',
        '--bucket=s3://bucket/',
      ],
      ...['--compression', 'zstd', '--compression-level', '19', '--dd', '--upload-streams', '4', '--tag', 'my tag'],
      ...['--sse', 'aws:kms', '--sse-kms-key-id', 'k', '--mount-point', '/m', '--keep-temp-volumes'],
      ...['--volume-type', 'gp3', '--json', '--verbose', '--log-file', 'log', '--storage-class', 'deep_archive'],
      ...['--jobs', '11', '--lease-seconds', '3', '--dry-run', '--gpg-recipient', 'a', '--gpg-recipient', 'b, c'],
    );
    expect(selection).toEqual({ kind: 'list', snapshotIds: ['snap-0123456789abcdef0', 'snap-01234567'] });
    expect(telling).toEqual({ detail: 'verbose', json: true, logFile: 'log', warnings: [] });
    expect(dryRun).toBe(true);
    expect(settings).toEqual({
      tag: 'my tag',
      content: 'image',
      codec: 'zstd',
      level: 19,
      uploadStreams: 4,
      mountPoint: '/m',
      volumeType: 'gp3',
      keepVolumes: true,
      encryption: { mode: 'aws:kms', keyId: 'k' },
      storageClass: 'DEEP_ARCHIVE',
      recipients: ['a', 'b, c'],
      jobs: 11,
      leaseMs: 3_000,
    });
  });

  it.each([
    [['--all'], '--bucket is missing.'],
    [['--bucket', 'bucket'], 'No snapshots are named.'],
    [['--all', '--one', '--bucket', 'bucket'], '--all, --one and --snapshots exclude each other.'],
    [['--snapshots', 'vol-1', '--bucket', 'bucket'], '"vol-1" is not a snapshot id.'],
    [[...base, '--compression-level', '10'], '--compression-level "10" is not a whole number from 1 to 9.'],
    [
      [...base, '--compression', 'zstd', '--compression-level', '20'],
      '--compression-level "20" is not a whole number from 1 to 19.',
    ],
    [[...base, '--compression-level', '1.5'], '--compression-level "1.5" is not a whole number from 1 to 9.'],
    [[...base, '--upload-streams', '0'], '--upload-streams "0" is not a whole number from 1 to 64.'],
    [[...base, '--jobs', '12'], '--jobs "12" is not a whole number from 1 to 11.'],
    [[...base, '--lease-seconds', '2'], '--lease-seconds "2" is not a whole number from 3 to 86400.'],
    [[...base, '--sse-kms-key-id', 'k'], '--sse-kms-key-id "k" needs --sse aws:kms.'],
    [[...base, '--tag', 'aws:x'], '--tag "aws:x" cannot be a tag.'],
    [[...base, '--compression', 'gzip'], '--compression "gzip" is not one of: lz4, zstd.'],
    [[...base, '--sse', 'none'], '--sse "none" is not one of: AES256, aws:kms.'],
    [
      [...base, '--storage-class', 'REDUCED_REDUNDANCY'],
      '--storage-class "REDUCED_REDUNDANCY" is not one of: ' +
        'STANDARD, STANDARD_IA, ONEZONE_IA, INTELLIGENT_TIERING, GLACIER_IR, GLACIER, DEEP_ARCHIVE.',
    ],
    [[...base, '--quiet', '--verbose'], '--quiet and --verbose exclude each other.'],
  ])('%j -> %s', (argv, message) => {
    expect(() => read(...argv)).toThrow(refused(message));
  });

  it.each([
    [
      's3://bucket/prefix',
      'names a place in a bucket, but archives have the same keys in every bucket',
      '--bucket bucket',
    ],
    ['arn:aws:s3:us-east-1:123456789012:accesspoint/a', 'is an ARN', 'the bucket itself'],
    ['my-point-abc-s3alias', 'is the alias of an access point', 'the bucket itself'],
    ['fast--use1-az4--x-s3', 'is a directory bucket', 'the bucket itself'],
    ['ab', 'cannot be a bucket.', '3 to 63'],
    ['192.168.5.4', 'cannot be a bucket.', 'IP address'],
    ['a..b', 'cannot be a bucket.', 'two dots'],
    ['-abc', 'cannot be a bucket.', 'begins and ends'],
    ['a b c', 'cannot be a bucket.', '3 to 63'],
    ['xn--abc', 'cannot be a bucket.', '3 to 63'],
  ])('the bucket %s is refused at once: it %s', (bucket, why, hint) => {
    expect(() => read('--all', `--bucket=${bucket}`)).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining(`--bucket ${JSON.stringify(bucket)} ${why}`),
        hint: expect.stringContaining(hint),
      }),
    );
  });

  it.each(['backups.example.com', 'Old_Bucket', 's3://bucket', 'a'.repeat(63)])('the bucket %s can exist', (bucket) => {
    expect(read('--all', '--bucket', bucket).bucket).toBe(bucket.replace('s3://', ''));
  });
});

describe('variables', () => {
  it('stand for every option that does not select snapshots, and give way to what is typed', () => {
    const environment = {
      HOME: folder,
      SNAP_TO_S3_BUCKET: 'from-variable',
      SNAP_TO_S3_COMPRESSION: 'zstd',
      SNAP_TO_S3_COMPRESSION_LEVEL: '12',
      SNAP_TO_S3_DD: 'true',
      SNAP_TO_S3_KEEP_TEMP_VOLUMES: '0',
      SNAP_TO_S3_GPG_RECIPIENT: 'one, two',
      SNAP_TO_S3_TAG: '',
      SNAP_TO_S3_DEBUG: '1',
    };
    const { bucket, settings, telling } = readWith(environment, '--all', '--compression-level', '3');
    expect(bucket).toBe('from-variable');
    expect(settings).toEqual({
      ...defaults,
      codec: 'zstd',
      level: 3,
      content: 'image',
      recipients: ['one', 'two'],
    });
    expect(telling.warnings).toEqual([]);
  });

  it.each([
    [{ SNAP_TO_S3_COMPRESSION_LEVEL: '12' }, 'SNAP_TO_S3_COMPRESSION_LEVEL "12" is not a whole number from 1 to 9.'],
    [{ SNAP_TO_S3_SSE: 'x' }, 'SNAP_TO_S3_SSE "x" is not one of: AES256, aws:kms.'],
    [{ SNAP_TO_S3_DD: 'yes' }, 'SNAP_TO_S3_DD "yes" is neither on nor off.'],
    [
      { SNAP_TO_S3_ALL: '1' },
      'The variable SNAP_TO_S3_ALL is set, but what is to be migrated must be typed each time.',
    ],
    [
      { SNAP_TO_S3_SNAPSHOTS: 'snap-01234567' },
      'The variable SNAP_TO_S3_SNAPSHOTS is set, but what is to be migrated must be typed each time.',
    ],
    [
      { SNAP_TO_S3_MIGRATE: '1' },
      'The variable SNAP_TO_S3_MIGRATE is set, but what is to be migrated must be typed each time.',
    ],
  ])('%j -> %s', (environment, message) => {
    expect(() => readWith({ HOME: folder, ...environment }, ...base)).toThrow(refused(message));
  });

  it('that nobody knows are warned of, with what was meant', () => {
    const { telling } = readWith({ HOME: folder, SNAP_TO_S3_BUKET: 'b', SNAP_TO_S3_FOO_BAR_BAZ: '1' }, ...base);
    expect(telling.warnings).toEqual([
      'The variable SNAP_TO_S3_BUKET is none that snap-to-s3 knows; it has no effect. Did you mean SNAP_TO_S3_BUCKET?',
      'The variable SNAP_TO_S3_FOO_BAR_BAZ is none that snap-to-s3 knows; it has no effect.',
    ]);
  });
});

describe('configuration files', () => {
  async function file(name: string, contents: unknown): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, typeof contents === 'string' ? contents : JSON.stringify(contents));
    return path;
  }

  it('count less than variables, and these less than what is typed', async () => {
    const path = await file('all.json', {
      bucket: 'from-file',
      compression: 'zstd',
      'compression-level': 7,
      dd: true,
      'gpg-recipient': ['a', 'b'],
      jobs: 2,
      quiet: true,
    });
    const { bucket, settings, telling } = readWith(
      { HOME: folder, SNAP_TO_S3_JOBS: '3', SNAP_TO_S3_DD: '0' },
      ...['--all', '--config', path, '--compression-level', '9', '--verbose'],
    );
    expect(bucket).toBe('from-file');
    expect(settings).toEqual({ ...defaults, codec: 'zstd', level: 9, recipients: ['a', 'b'], jobs: 3 });
    expect(telling.detail).toBe('verbose');
  });

  it('are found in the home directory and where XDG_CONFIG_HOME says, and named by SNAP_TO_S3_CONFIG', async () => {
    await mkdir(join(folder, 'home/.config/snap-to-s3'), { recursive: true });
    await mkdir(join(folder, 'xdg/snap-to-s3'), { recursive: true });
    await file('home/.config/snap-to-s3/config.json', { bucket: 'from-home' });
    await file('xdg/snap-to-s3/config.json', { bucket: 'from-xdg' });
    const named = await file('named.json', { bucket: 'from-named' });
    const HOME = join(folder, 'home');
    expect(readWith({ HOME }, '--all').bucket).toBe('from-home');
    expect(readWith({ HOME, XDG_CONFIG_HOME: join(folder, 'xdg') }, '--all').bucket).toBe('from-xdg');
    expect(readWith({ HOME, SNAP_TO_S3_CONFIG: named }, '--all').bucket).toBe('from-named');
  });

  it('for all users of the machine count less than those of one', async () => {
    await mkdir(join(folder, 'user/.config/snap-to-s3'), { recursive: true });
    await file('user/.config/snap-to-s3/config.json', { bucket: 'from-user' });
    const system = await file('system.json', { bucket: 'from-system', jobs: 4 });
    const usual = usualConfigFiles({ HOME: join(folder, 'user') }, system);
    const given = readConfigFiles({ usual });
    expect([given.get('bucket')?.value, given.get('jobs')?.value]).toEqual(['from-user', '4']);
    expect(usualConfigFiles({})).toEqual(['/etc/snap-to-s3.json']);
  });

  it.each([
    [{ buckets: 'b' }, '"buckets" in FILE is no option that can stand there.', 'Did you mean "bucket"?'],
    [{ config: 'b' }, '"config" in FILE is no option that can stand there.', 'The keys are: compression,'],
    [{ all: true }, '"all" in FILE is refused: what is to be migrated must be typed each time.', 'give --all on the'],
    [{ migrate: true }, '"migrate" in FILE is refused: what is to be migrated must be typed each time.', '--migrate'],
    [{ dd: 'yes' }, '"dd": "yes" in FILE is not true or false.', '"dd": true'],
    [{ jobs: '2' }, '"jobs": "2" in FILE is not a whole number from 1 to 11.', '"jobs": 1'],
    [{ jobs: 99 }, '"jobs": 99 in FILE is not a whole number from 1 to 11.', '"jobs": 1'],
    [{ 'compression-level': 12 }, '"compression-level": 12 in FILE is not a whole number from 1 to 9.', ''],
    [{ compression: 'gzip' }, '"compression": "gzip" in FILE is not one of: lz4, zstd.', '"compression": "lz4"'],
    [{ 'gpg-recipient': 'a' }, '"gpg-recipient": "a" in FILE is not a list of texts.', '["one", "another"]'],
    [{ tag: 5 }, '"tag": 5 in FILE is not a text.', ''],
    [{ tag: '' }, '"tag": "" in FILE is empty.', ''],
    [[1], 'The configuration file FILE does not hold a JSON object.', '{"bucket": "backups.example.com"}'],
  ])('%j -> %s', async (contents, message, hint) => {
    const path = await file('wrong.json', contents);
    expect(() => read(...base, '--config', path)).toThrow(refused(message.replace('FILE', path), hint));
  });

  it('that are not there, or no JSON, are named', async () => {
    const missing = join(folder, 'missing.json');
    const broken = await file('broken.json', '{"bucket": ');
    const about = (path: string, what: string): unknown =>
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining(`The configuration file ${path} ${what}`),
      });
    expect(() => read(...base, '--config', missing)).toThrow(about(missing, 'cannot be read: ENOENT'));
    expect(() => read(...base, '--config', broken)).toThrow(about(broken, 'is not JSON'));
    expect(() => read(...base, '--config', folder)).toThrow(about(folder, 'cannot be read: EISDIR'));
  });
});
