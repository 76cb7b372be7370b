import { Option, type Command } from 'commander';
import { z } from 'zod';
import { AppError, snapshotId } from '../core/index.js';
import type { MigrateSettings, Selection } from '../commands/index.js';

/** Everything that `migrate` takes from its command line, checked. */
export interface MigrateRequest {
  readonly bucket: string;
  readonly selection: Selection;
  readonly settings: MigrateSettings;
  /** Events as NDJSON instead of text for people. */
  readonly json: boolean;
}

const groups = {
  which: 'Which snapshots (one of):',
  how: 'How they are archived:',
  common: 'Common options:',
};

/** Adds the options of `migrate`, grouped as a user looks for them. */
export function addMigrateOptions(command: Command): Command {
  const add = (
    group: string,
    flags: string,
    description: string,
    change = (option: Option): Option => option,
  ): void => {
    command.addOption(change(new Option(flags, description)).helpGroup(group));
  };
  add(groups.which, '--all', 'all snapshots whose tag is "migrate"');
  add(groups.which, '--one', 'any one snapshot whose tag is "migrate"');
  add(groups.which, '--snapshots <SnapshotId...>', 'exactly these; their tags are ignored');

  add(groups.how, '--compression <name>', 'lz4 or zstd', (o) => o.choices(['lz4', 'zstd']).default('lz4'));
  add(groups.how, '--compression-level <level>', '1-9 for lz4, 1-19 for zstd', (o) => o.default('1'));
  add(groups.how, '--dd', 'a raw image of the whole volume instead of a tar of the files of each partition');
  add(groups.how, '--upload-streams <num>', 'parts sent to S3 at once; each takes memory', (o) => o.default('1'));
  add(groups.how, '--sse <mode>', 'server-side encryption: AES256 or aws:kms', (o) => o.choices(['AES256', 'aws:kms']));
  add(groups.how, '--sse-kms-key-id <id>', 'the KMS key for aws:kms, if not the default key of S3');
  add(
    groups.how,
    '--gpg-recipient <keyname...>',
    'encrypt archives and indexes for this key of the gpg keyring (give several, and any of them decrypts)',
  );

  add(groups.common, '--bucket <name>', 'the S3 bucket to upload to (required)');
  add(groups.common, '--tag <name>', 'the tag that marks snapshots for migration, and our temporary volumes', (o) =>
    o.default('snap-to-s3'),
  );
  add(groups.common, '--mount-point <path>', 'where temporary volumes are mounted; created if missing', (o) =>
    o.default('/mnt'),
  );
  add(groups.common, '--keep-temp-volumes', 'do not delete the temporary volumes afterwards');
  add(
    groups.common,
    '--volume-type <type>',
    'the type of the temporary volumes (default: standard up to 1 TiB, gp2 above)',
    (o) => o.choices(['standard', 'gp2', 'gp3', 'io1', 'io2', 'st1', 'sc1']),
  );
  add(
    groups.common,
    '--lease-seconds <num>',
    'after so long without a sign of life from its run, others may take a snapshot over',
    (o) => o.default('120'),
  );
  add(groups.common, '--jobs <num>', 'snapshots worked on at once', (o) => o.default('1'));
  add(groups.common, '--json', 'events as NDJSON on standard output, one object a line');
  return command;
}

const rawOptions = z.object({
  all: z.boolean().optional(),
  one: z.boolean().optional(),
  snapshots: z.array(z.string()).optional(),
  compression: z.enum(['lz4', 'zstd']),
  compressionLevel: z.string(),
  dd: z.boolean().optional(),
  uploadStreams: z.string(),
  sse: z.enum(['AES256', 'aws:kms']).optional(),
  sseKmsKeyId: z.string().optional(),
  gpgRecipient: z.array(z.string()).optional(),
  bucket: z.string().optional(),
  tag: z.string(),
  mountPoint: z.string(),
  keepTempVolumes: z.boolean().optional(),
  volumeType: z.string().optional(),
  leaseSeconds: z.string(),
  jobs: z.string(),
  json: z.boolean().optional(),
});
type RawOptions = z.infer<typeof rawOptions>;

const highestLevel = { lz4: 9, zstd: 19 } as const;
/** More parallel parts than this gain nothing and only take memory. */
const mostUploadStreams = 64;

/** One volume each, and EC2 has eleven device names that are valid on every instance. */
const mostJobs = 11;

/** Checks what commander has read. Throws `usage` with one sentence and the next step. */
export function readMigrateOptions(commanderOptions: unknown): MigrateRequest {
  const options = rawOptions.parse(commanderOptions);
  if (options.bucket === undefined || options.bucket === '') {
    throw usage('--bucket is missing.', 'Name the S3 bucket to upload to: --bucket backups.example.com');
  }
  if (options.sseKmsKeyId !== undefined && options.sse !== 'aws:kms') {
    throw usage('--sse-kms-key-id needs --sse aws:kms.', 'Add --sse aws:kms, or leave the key id out.');
  }
  if (options.tag === '' || options.tag.length > 125 || options.tag.startsWith('aws:')) {
    throw usage(
      `--tag ${JSON.stringify(options.tag)} cannot be a tag.`,
      'Give 1 to 125 characters, not beginning with aws:.',
    );
  }
  if (options.gpgRecipient?.some((name) => name.trim() === '') === true) {
    throw usage('--gpg-recipient "" names nobody.', 'Give a fingerprint, a key id or an address: gpg --list-keys');
  }
  return {
    bucket: options.bucket.replace(/^s3:\/\//, '').replace(/\/$/, ''),
    selection: readSelection(options),
    json: options.json ?? false,
    settings: {
      tag: options.tag,
      content: options.dd === true ? 'image' : 'tar',
      codec: options.compression,
      level: integer('--compression-level', options.compressionLevel, [1, highestLevel[options.compression]]),
      uploadStreams: integer('--upload-streams', options.uploadStreams, [1, mostUploadStreams]),
      mountPoint: options.mountPoint,
      volumeType: options.volumeType,
      keepVolumes: options.keepTempVolumes ?? false,
      jobs: integer('--jobs', options.jobs, [1, mostJobs]),
      leaseMs: 1000 * integer('--lease-seconds', options.leaseSeconds, [3, 86_400]),
      recipients: options.gpgRecipient ?? [],
      encryption:
        options.sse === undefined
          ? undefined
          : options.sse === 'AES256'
            ? { mode: 'AES256' }
            : { mode: 'aws:kms', keyId: options.sseKmsKeyId },
    },
  };
}

function readSelection(options: RawOptions): Selection {
  const given = [options.all === true, options.one === true, options.snapshots !== undefined].filter(Boolean).length;
  if (given !== 1) {
    throw usage(
      given === 0 ? 'No snapshots are named.' : '--all, --one and --snapshots exclude each other.',
      'Say which snapshots to migrate with one of: --all, --one, --snapshots snap-0123456789abcdef0',
    );
  }
  if (options.snapshots !== undefined) {
    return { kind: 'list', snapshotIds: [...new Set(options.snapshots.map(snapshotId))] };
  }
  return { kind: options.all === true ? 'all' : 'one' };
}

function integer(flag: string, text: string, [lowest, highest]: readonly [number, number]): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= lowest && value <= highest) return value;
  throw usage(
    `${flag} ${JSON.stringify(text)} is not a whole number from ${lowest} to ${highest}.`,
    `For example: ${flag} ${lowest}`,
  );
}

function usage(message: string, hint: string): AppError {
  return new AppError('usage', message, { hint });
}
