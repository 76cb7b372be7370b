import type { CommandName, OptionEntry } from './option.js';

const which = 'Which snapshots (one of):';
const how = 'How they are archived:';
const volumes = 'Temporary volumes:';
const told = 'What is told:';
const common = 'Common options:';

const migrate = ['migrate'] as const;
const working = ['migrate', 'cleanup'] as const;
const looking = ['migrate', 'doctor'] as const;
const every = ['migrate', 'doctor', 'cleanup'] as const;

/**
 * Every option there is, in the order of the help. Flags, variables, keys of the configuration file, help and completion
 * are made of this and nothing else.
 */
const table = {
  all: {
    commands: migrate,
    group: which,
    value: { kind: 'switch' },
    description: 'all snapshots whose tag is "migrate"',
    source: 'command-line',
  },
  one: {
    commands: migrate,
    group: which,
    value: { kind: 'switch' },
    description: 'any one snapshot whose tag is "migrate"',
    source: 'command-line',
  },
  snapshots: {
    commands: migrate,
    group: which,
    value: { kind: 'list', placeholder: 'SnapshotId', variadic: true },
    description: 'exactly these; their tags are ignored',
    source: 'command-line',
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
    commands: migrate,
    group: how,
    value: {
      kind: 'choice',
      placeholder: 'class',
      // Of the classes that S3 knows, those that a bucket of the ordinary kind takes. REDUCED_REDUNDANCY is dearer than
      // STANDARD and loses objects; the others are those of other services (Outposts, Snow, FSx, directory buckets).
      choices: [
        'STANDARD',
        'STANDARD_IA',
        'ONEZONE_IA',
        'INTELLIGENT_TIERING',
        'GLACIER_IR',
        'GLACIER',
        'DEEP_ARCHIVE',
      ],
    },
    description: 'the storage class of the archives; indexes and manifests are always in STANDARD',
    fallback: 'STANDARD',
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
  jobs: {
    commands: migrate,
    group: how,
    // One volume each, and EC2 has eleven device names that are valid on every instance.
    value: { kind: 'integer', placeholder: 'num', lowest: 1, highest: 11 },
    description: 'snapshots worked on at once',
    fallback: '1',
  },

  'mount-point': {
    commands: looking,
    group: volumes,
    value: { kind: 'text', placeholder: 'path', completes: 'directories' },
    description: 'where temporary volumes are mounted; created if missing',
    fallback: '/mnt',
  },
  'volume-type': {
    commands: migrate,
    group: volumes,
    value: {
      kind: 'choice',
      placeholder: 'type',
      choices: ['standard', 'gp2', 'gp3', 'io1', 'io2', 'st1', 'sc1'],
    },
    description: 'their type; without it, standard up to 1 TiB and gp2 above',
  },
  'keep-temp-volumes': {
    commands: migrate,
    group: volumes,
    value: { kind: 'switch' },
    description: 'do not delete them afterwards',
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
  'log-file': {
    commands: working,
    group: told,
    value: { kind: 'text', placeholder: 'path', completes: 'files' },
    description: 'also append everything, --quiet or not, to this file as NDJSON with a time on each line',
  },

  bucket: {
    commands: every,
    group: common,
    value: { kind: 'text', placeholder: 'name' },
    description: 'the S3 bucket of the archives (required, but for doctor)',
  },
  tag: {
    commands: every,
    group: common,
    value: { kind: 'text', placeholder: 'name' },
    description: 'the tag that marks snapshots for migration, and our temporary volumes',
    fallback: 'snap-to-s3',
  },
  'dry-run': {
    commands: working,
    group: common,
    value: { kind: 'switch' },
    description: 'only tell what would be done',
  },
  'lease-seconds': {
    commands: migrate,
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
