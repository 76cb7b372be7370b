import type { CommandName, OptionEntry } from './option.js';

const which = 'Which snapshots (one of):';
const how = 'How they are archived:';
const proven = 'How they are validated:';
const where = 'Where to (one of):';
const what = 'What of it:';
const reading = 'How it is read:';
const volumes = 'Volumes:';
const series = 'The snapshots:';
const advice = 'The advice:';
const prices = 'Prices:';
const told = 'What is told:';
const common = 'Common options:';

const migrate = ['migrate'] as const;
const both = ['migrate', 'validate'] as const;
const restore = ['restore'] as const;
const streaming = ['migrate', 'validate', 'restore'] as const;
const decrypting = ['migrate', 'validate', 'restore', 'ls', 'find', 'diff'] as const;
const changing = ['migrate', 'analyze', 'cleanup'] as const;
const working = ['migrate', 'validate', 'restore', 'cleanup'] as const;
const looking = ['migrate', 'doctor'] as const;
const mounting = ['migrate', 'validate', 'restore', 'doctor'] as const;
const tagged = ['migrate', 'validate', 'restore', 'list', 'analyze', 'doctor', 'cleanup'] as const;
const analyzing = ['analyze'] as const;
const estimating = ['estimate'] as const;
const pricing = ['migrate', 'analyze', 'estimate', 'prices'] as const;
const inBuckets = [
  'migrate',
  'validate',
  'restore',
  'list',
  'inspect',
  'ls',
  'find',
  'diff',
  'doctor',
  'cleanup',
] as const;
const every = [...inBuckets, 'analyze', 'estimate', 'prices'] as const;

/**
 * Of the classes that S3 knows, those that a bucket of the ordinary kind takes. REDUCED_REDUNDANCY is dearer than STANDARD
 * and loses objects; the others are those of other services (Outposts, Snow, FSx, directory buckets).
 */
const archiveClasses = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
] as const;

/**
 * Every option there is, in the order of the help. Flags, variables, keys of the configuration file, help and completion
 * are made of this and nothing else.
 */
const table = {
  all: {
    commands: both,
    group: which,
    value: { kind: 'switch' },
    description: 'all snapshots whose tag is "migrate" (to validate: "migrated")',
    source: 'command-line',
  },
  one: {
    commands: both,
    group: which,
    value: { kind: 'switch' },
    description: 'any one of those',
    source: 'command-line',
  },
  snapshots: {
    commands: ['migrate', 'validate', 'estimate'],
    group: which,
    value: { kind: 'list', placeholder: 'SnapshotId', variadic: true },
    description: 'exactly these; their tags are ignored',
    source: 'command-line',
    shownAs: {
      estimate: {
        group: series,
        value: { kind: 'text', placeholder: 'num' },
        description: 'how many there are of one volume (default: 12)',
      },
    },
  },

  compression: {
    commands: migrate,
    group: how,
    value: { kind: 'choice', placeholder: 'name', choices: ['lz4', 'zstd'] },
    description: 'lz4 is the faster, zstd the smaller',
    fallback: 'lz4',
  },
  'compression-level': {
    commands: migrate,
    group: how,
    value: { kind: 'integer', placeholder: 'level', lowest: 1, highest: 19 },
    description: '1-9 for lz4, 1-19 for zstd',
    fallback: '1',
  },
  dd: {
    commands: migrate,
    group: how,
    value: { kind: 'switch' },
    description: 'a raw image of the whole volume instead of a tar of the files of each partition',
  },
  'gpg-recipient': {
    commands: looking,
    group: how,
    value: { kind: 'list', placeholder: 'keyname', variadic: true },
    description: 'encrypt for this gpg key; give it several times for several recipients',
  },
  'storage-class': {
    commands: ['migrate', 'analyze'],
    group: how,
    value: {
      kind: 'choice',
      placeholder: 'class',
      choices: archiveClasses,
    },
    description: 'the storage class of the archives; indexes and manifests are always in STANDARD',
    fallback: 'STANDARD',
    shownAs: {
      analyze: {
        group: advice,
        value: { kind: 'choice', placeholder: 'class', choices: archiveClasses },
        description: 'the storage class that snapshots would be moved to',
        fallback: 'DEEP_ARCHIVE',
      },
    },
  },
  sse: {
    commands: migrate,
    group: how,
    value: { kind: 'choice', placeholder: 'mode', choices: ['AES256', 'aws:kms'] },
    description: 'server-side encryption; without it, what the bucket says',
  },
  'sse-kms-key-id': {
    commands: migrate,
    group: how,
    value: { kind: 'text', placeholder: 'id' },
    description: 'the KMS key for aws:kms, if not the default key of S3',
  },
  'upload-streams': {
    commands: migrate,
    group: how,
    value: { kind: 'integer', placeholder: 'num', lowest: 1, highest: 64 },
    description: 'parts of an archive sent to S3 at once; each takes memory',
    fallback: '1',
  },

  validate: {
    commands: migrate,
    group: proven,
    value: { kind: 'switch' },
    description: 'validate each archive against its snapshot as soon as it is there',
  },
  against: {
    commands: both,
    group: proven,
    value: { kind: 'choice', placeholder: 'what', choices: ['snapshot', 'index'] },
    description:
      'index: read only S3, and hold the archive against its own index; takes no snapshot, no EC2 and no root',
    fallback: 'snapshot',
  },
  report: {
    commands: both,
    group: proven,
    value: { kind: 'text', placeholder: 'path', completes: 'files' },
    description: 'write everything that is found wrong to this file, as JSON lines',
  },

  'to-directory': {
    commands: restore,
    group: where,
    value: { kind: 'text', placeholder: 'path', completes: 'directories' },
    description:
      'the files of tar archives into this directory, which is new or empty; several partitions to subfolders',
    source: 'command-line',
  },
  'to-file': {
    commands: restore,
    group: where,
    value: { kind: 'text', placeholder: 'path', completes: 'files' },
    description: 'an image into a new sparse file',
    source: 'command-line',
  },
  'to-device': {
    commands: restore,
    group: where,
    value: { kind: 'text', placeholder: 'path', completes: 'files' },
    description: 'an image onto this disk, which must be empty and not in use',
    source: 'command-line',
  },
  'to-new-volume': {
    commands: restore,
    group: where,
    value: { kind: 'switch' },
    description: 'a new EBS volume with the same partitions, filesystems, labels and UUIDs; on EC2',
    source: 'command-line',
  },
  'to-stdout': {
    commands: restore,
    group: where,
    value: { kind: 'switch' },
    description: 'the tar or image of one partition, for a program that reads it',
    source: 'command-line',
  },

  path: {
    commands: restore,
    group: what,
    value: { kind: 'list', placeholder: 'path', variadic: false },
    description:
      'only this file or folder, or what matches this glob (etc/*.conf, **/*.jpg); may be given several times',
    source: 'command-line',
  },
  recursive: {
    commands: ['ls'],
    group: what,
    value: { kind: 'switch' },
    description: 'everything below the folder too',
    source: 'command-line',
  },
  type: {
    commands: ['find'],
    group: what,
    value: { kind: 'choice', placeholder: 'type', choices: ['f', 'd', 'l'] },
    description: 'only files, directories or symbolic links',
    source: 'command-line',
  },
  partition: {
    commands: restore,
    group: what,
    value: { kind: 'integer', placeholder: 'num', lowest: 1, highest: 9_999 },
    description: 'only this partition',
    source: 'command-line',
  },
  devices: {
    commands: restore,
    group: what,
    value: { kind: 'switch' },
    description: 'device nodes too; they are left out otherwise',
    source: 'command-line',
  },
  force: {
    commands: restore,
    group: what,
    value: { kind: 'switch' },
    description: 'write onto a disk that is not empty; all that is on it is lost',
    source: 'command-line',
  },

  thaw: {
    commands: restore,
    group: reading,
    value: { kind: 'choice', placeholder: 'tier', choices: ['standard', 'bulk', 'expedited'], whenBare: 'standard' },
    description: 'ask for objects that are frozen; without a tier, standard; without a place, no more than that',
    source: 'command-line',
  },
  'thaw-days': {
    commands: restore,
    group: reading,
    value: { kind: 'integer', placeholder: 'num', lowest: 1, highest: 365 },
    description: 'how long they stay readable then',
    fallback: '7',
  },
  wait: {
    commands: restore,
    group: reading,
    value: { kind: 'switch' },
    description: 'wait until they are thawed, and go on',
    source: 'command-line',
  },
  'gpg-session-key': {
    commands: decrypting,
    group: reading,
    value: { kind: 'list', placeholder: 'key', variadic: false },
    description: 'decrypt with this session key instead of a private key; see the guide "gpg"',
    source: 'not-the-file',
  },
  'download-streams': {
    commands: streaming,
    group: reading,
    value: { kind: 'integer', placeholder: 'num', lowest: 1, highest: 64 },
    description: 'parts of an archive read from S3 at once; each takes 8 MiB of memory',
    fallback: '4',
  },

  'mount-point': {
    commands: mounting,
    group: volumes,
    value: { kind: 'text', placeholder: 'path', completes: 'directories' },
    description: 'where volumes are mounted; created if missing',
    fallback: '/mnt',
  },
  'volume-type': {
    commands: streaming,
    group: volumes,
    value: {
      kind: 'choice',
      placeholder: 'type',
      choices: ['standard', 'gp2', 'gp3', 'io1', 'io2', 'st1', 'sc1'],
    },
    description:
      'their type; without it, standard up to 1 TiB, gp2 up to 16 TiB and gp3 above, and gp3 for one that is restored',
  },
  'keep-temp-volumes': {
    commands: both,
    group: volumes,
    value: { kind: 'switch' },
    description: 'do not delete temporary volumes afterwards',
  },
  'stay-attached': {
    commands: restore,
    group: volumes,
    value: { kind: 'switch' },
    description: 'the new volume stays attached to this instance',
    source: 'command-line',
  },

  'volume-size': {
    commands: estimating,
    group: series,
    value: { kind: 'number', placeholder: 'GiB', lowest: 0.001, highest: 65_536 },
    description: 'what is in use on the volume',
    fallback: '100',
    source: 'command-line',
  },
  change: {
    commands: estimating,
    group: series,
    value: { kind: 'number', placeholder: 'percent', lowest: 0, highest: 100 },
    description: 'what of it is another in the next snapshot; without it, a table of many',
    source: 'command-line',
  },
  'compression-ratio': {
    commands: ['analyze', 'estimate'],
    group: series,
    value: { kind: 'number', placeholder: 'ratio', lowest: 0.1, highest: 1000 },
    description: 'bytes before compression over bytes after it',
    fallback: '1',
    source: 'command-line',
    shownAs: {
      analyze: {
        group: advice,
        value: { kind: 'number', placeholder: 'ratio', lowest: 0.1, highest: 1000 },
        description: 'of archives: bytes before compression over bytes after it',
      },
    },
  },
  'memory-table': {
    commands: estimating,
    group: series,
    value: { kind: 'switch' },
    description: 'instead, the memory that uploads of volumes of many sizes take',
    source: 'command-line',
  },

  cost: {
    commands: analyzing,
    group: reading,
    value: { kind: 'choice', placeholder: 'kind', choices: ['unblended', 'net', 'effective'] },
    description: 'which costs of the report count',
    fallback: 'unblended',
  },
  offline: {
    commands: analyzing,
    group: reading,
    value: { kind: 'switch' },
    description: 'from the report alone: EC2 is not asked about volumes and dates',
    source: 'command-line',
  },
  memory: {
    commands: analyzing,
    group: reading,
    value: { kind: 'text', placeholder: 'size' },
    description: 'what reading may hold; beyond it, temporary files are written',
    fallback: '1GB',
  },
  months: {
    commands: analyzing,
    group: reading,
    value: { kind: 'integer', placeholder: 'num', lowest: 1, highest: 120 },
    description: 'of what s3://bucket/prefix has, the newest so many billing periods',
    fallback: '1',
    source: 'command-line',
  },
  'compression-of': {
    commands: analyzing,
    group: advice,
    value: { kind: 'text', placeholder: 'bucket' },
    description: 'measure the compression ratio by the archives of this bucket',
    source: 'command-line',
  },
  'keep-newest': {
    commands: analyzing,
    group: advice,
    value: { kind: 'integer', placeholder: 'num', lowest: 0, highest: 100_000 },
    description: 'so many of each volume stay in EBS (default: 1, and of deleted volumes 0)',
  },
  'payback-months': {
    commands: analyzing,
    group: advice,
    value: { kind: 'number', placeholder: 'num', lowest: 0, highest: 1_200 },
    description: 'a move that pays off later is not advised',
    fallback: '12',
  },
  'tag-recommended': {
    commands: analyzing,
    group: advice,
    value: { kind: 'switch' },
    description: 'tag the snapshots that should be moved, so that migrate --all takes them',
    source: 'command-line',
  },
  region: {
    commands: estimating,
    group: prices,
    value: { kind: 'text', placeholder: 'name' },
    description: 'the region whose prices count',
    fallback: 'us-east-1',
  },
  prices: {
    commands: pricing,
    group: prices,
    value: { kind: 'text', placeholder: 'path', completes: 'files' },
    description:
      'a file of prices that count over those of our list (default: what prices refresh has written); see the guide on costs',
    shownAs: {
      migrate: {
        group: common,
        value: { kind: 'text', placeholder: 'path', completes: 'files' },
        description: 'with --dry-run: a file of prices (default: what prices refresh has written)',
      },
    },
  },

  quiet: {
    commands: working,
    group: told,
    value: { kind: 'switch' },
    description: 'only warnings, errors and the summary at the end',
  },
  verbose: {
    commands: working,
    group: told,
    value: { kind: 'switch' },
    description: 'also what is tried again, slow calls of AWS, and the programs that are run',
  },
  json: {
    commands: every,
    group: told,
    value: { kind: 'switch' },
    description: 'NDJSON on standard output, one object a line, instead of text',
  },
  csv: {
    commands: analyzing,
    group: told,
    value: { kind: 'switch' },
    description: 'CSV on standard output, a line for each volume, instead of text',
    source: 'command-line',
  },
  html: {
    commands: analyzing,
    group: told,
    value: { kind: 'text', placeholder: 'path', completes: 'files' },
    description: 'also write a page for the browser: one file, which needs no network',
    source: 'command-line',
  },
  'log-file': {
    commands: working,
    group: told,
    value: { kind: 'text', placeholder: 'path', completes: 'files' },
    description: 'also append everything, --quiet or not, to this file as NDJSON with a time on each line',
  },

  bucket: {
    commands: inBuckets,
    group: common,
    value: { kind: 'text', placeholder: 'name' },
    description: 'the S3 bucket of the archives (required, but for doctor)',
  },
  tag: {
    commands: tagged,
    group: common,
    value: { kind: 'text', placeholder: 'name' },
    description: 'the tag that marks snapshots for migration, and our temporary volumes',
    fallback: 'snap-to-s3',
  },
  jobs: {
    commands: both,
    group: common,
    // One volume each, and EC2 has eleven device names that are valid on every instance.
    value: { kind: 'integer', placeholder: 'num', lowest: 1, highest: 11 },
    description: 'snapshots worked on at once',
    fallback: '1',
  },
  'dry-run': {
    commands: changing,
    group: common,
    value: { kind: 'switch' },
    description: 'only tell what would be done',
    shownAs: {
      analyze: {
        group: advice,
        value: { kind: 'switch' },
        description: 'with --tag-recommended: only tell how many would be tagged',
      },
    },
  },
  'lease-seconds': {
    commands: streaming,
    group: common,
    value: { kind: 'integer', placeholder: 'num', lowest: 3, highest: 86_400 },
    description: 'after so long without a sign of life from its run, others may take a snapshot over',
    fallback: '120',
  },
  config: {
    commands: every,
    group: common,
    value: { kind: 'text', placeholder: 'path', completes: 'files' },
    description: 'the configuration file to read instead of the usual ones',
    source: 'not-the-file',
  },
} as const satisfies Readonly<Record<string, OptionEntry>>;

/** The long name of an option, without dashes. */
export type OptionName = keyof typeof table;

/** Every option with its name, in the order of the help. */
export const allOptions = Object.entries(table) as readonly (readonly [OptionName, OptionEntry])[];

/** The options of one command. */
export function optionsOf(command: CommandName): typeof allOptions {
  return allOptions.filter(([, { commands }]) => commands.includes(command));
}

/** The entry of an option. */
export function optionNamed(name: OptionName): OptionEntry {
  return table[name];
}

/** The entry of what may be an option. */
export function findOption(name: string): readonly [OptionName, OptionEntry] | undefined {
  return allOptions.find(([known]) => known === name);
}
