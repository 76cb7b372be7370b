import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addMigrateOptions, readMigrateOptions } from '../../src/cli/migrate-options.js';

function read(...argv: string[]) {
  const command = addMigrateOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return readMigrateOptions(command.parse(argv, { from: 'user' }).opts());
}
const base = ['--all', '--bucket', 'b'];

describe('the options of migrate', () => {
  it('have the defaults of the existing tool', () => {
    expect(read(...base)).toEqual({
      bucket: 'b',
      json: false,
      selection: { kind: 'all' },
      settings: {
        tag: 'snap-to-s3',
        content: 'tar',
        codec: 'lz4',
        level: 1,
        uploadStreams: 1,
        mountPoint: '/mnt',
        volumeType: undefined,
        keepVolumes: false,
        jobs: 1,
        leaseMs: 120_000,
        encryption: undefined,
        recipients: [],
      },
    });
  });

  it('are all read', () => {
    const { settings, selection, json } = read(
      ...['--snapshots', 'snap-0123456789abcdef0', 'snap-01234567', 'snap-01234567', '--bucket', 's3://b/'],
      ...['--compression', 'zstd', '--compression-level', '19', '--dd', '--upload-streams', '4', '--tag', 'my tag'],
      ...['--sse', 'aws:kms', '--sse-kms-key-id', 'k', '--mount-point', '/m', '--keep-temp-volumes'],
      ...['--volume-type', 'gp3', '--json', '--gpg-recipient', 'alice', 'b@example.com', '--gpg-recipient', '0x1'],
    );
    expect(selection).toEqual({ kind: 'list', snapshotIds: ['snap-0123456789abcdef0', 'snap-01234567'] });
    expect(json).toBe(true);
    expect(settings).toEqual({
      tag: 'my tag',
      content: 'image',
      codec: 'zstd',
      level: 19,
      uploadStreams: 4,
      mountPoint: '/m',
      volumeType: 'gp3',
      keepVolumes: true,
      jobs: 1,
      leaseMs: 120_000,
      encryption: { mode: 'aws:kms', keyId: 'k' },
      recipients: ['alice', 'b@example.com', '0x1'],
    });
  });

  it.each([
    [['--all'], '--bucket is missing.'],
    [['--bucket', 'b'], 'No snapshots are named.'],
    [['--all', '--one', '--bucket', 'b'], '--all, --one and --snapshots exclude each other.'],
    [['--snapshots', 'vol-1', '--bucket', 'b'], '"vol-1" is not a snapshot id.'],
    [[...base, '--compression-level', '10'], '--compression-level "10" is not a whole number from 1 to 9.'],
    [
      [...base, '--compression', 'zstd', '--compression-level', '20'],
      '--compression-level "20" is not a whole number from 1 to 19.',
    ],
    [[...base, '--compression-level', '1.5'], '--compression-level "1.5" is not a whole number from 1 to 9.'],
    [[...base, '--upload-streams', '0'], '--upload-streams "0" is not a whole number from 1 to 64.'],
    [[...base, '--sse-kms-key-id', 'k'], '--sse-kms-key-id needs --sse aws:kms.'],
    [[...base, '--gpg-recipient', ''], '--gpg-recipient "" names nobody.'],
    [[...base, '--tag', ''], '--tag "" cannot be a tag.'],
  ])('%j -> %s', (argv, message) => {
    expect(() => read(...argv)).toThrow(expect.objectContaining({ code: 'usage', message }));
  });

  it.each([[['--compression', 'gzip']], [['--sse', 'none']], [['--volume-type', 'fast']], [['--nonsense']]])(
    '%j is refused by name',
    (argv) => {
      expect(() => read(...base, ...argv)).toThrow(argv[0]);
    },
  );
});
