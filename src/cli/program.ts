import { Command } from 'commander';
import { addOptions } from './options/index.js';
import type { CommandName } from './options/index.js';
import { shells } from './completion/index.js';
import type { Output } from './render/index.js';
import { toolVersion } from './version.js';

const intro =
  'Takes EBS snapshots to S3 as ordinary archives: a tar of every partition (or a raw image with --dd), compressed with ' +
  'lz4 or zstd. Run it as root on an EC2 instance in the region of the snapshots.';

const standing = `
Do not type it each time:
  Every option but those that say which snapshots can be a variable or stand in
  a configuration file. What is typed counts most, then variables, then the
  file, then the default.
    SNAP_TO_S3_BUCKET=backups.example.com  SNAP_TO_S3_COMPRESSION_LEVEL=3
    SNAP_TO_S3_DD=1 (or 0)  SNAP_TO_S3_GPG_RECIPIENT=one,another
  Files: the one of --config or SNAP_TO_S3_CONFIG; else /etc/snap-to-s3.json and
  over it ~/.config/snap-to-s3/config.json, with the long names as keys:
    {"bucket": "backups.example.com", "compression": "zstd", "jobs": 4}
  Mind that sudo drops variables: sudo SNAP_TO_S3_DD=1 snap-to-s3 migrate …
`;

const restoring = `
Examples:
  sudo snap-to-s3 restore snap-0123456789abcdef0 --to-directory /srv/restored \\
      --bucket backups.example.com
  sudo snap-to-s3 restore snap-0123456789abcdef0 --path etc/fstab \\
      --path 'home/*/.ssh' --to-directory /tmp/some --bucket backups.example.com
  snap-to-s3 restore snap-0123456789abcdef0 --to-file disk.img \\
      --bucket backups.example.com
`;

const analyzing = `
Examples:
  snap-to-s3 analyze s3://reports.example.com/exports/ --html snapshots.html
  snap-to-s3 analyze costreport-1.csv.gz --compression-ratio 2
  snap-to-s3 analyze reports --tag-recommended --dry-run
`;

const examples = `
Examples:
  sudo snap-to-s3 doctor --bucket backups.example.com
  sudo snap-to-s3 migrate --all --bucket backups.example.com
  sudo snap-to-s3 migrate --snapshots snap-0123456789abcdef0 \\
      --dd --compression zstd --bucket backups.example.com
  sudo snap-to-s3 migrate --one --storage-class DEEP_ARCHIVE \\
      --bucket backups.example.com
  sudo snap-to-s3 validate --all --bucket backups.example.com
  snap-to-s3 validate --all --against index --bucket backups.example.com
  sudo snap-to-s3 restore snap-0123456789abcdef0 --to-directory /srv/restored \\
      --bucket backups.example.com
  snap-to-s3 analyze s3://reports.example.com/exports/ --html snapshots.html
  sudo snap-to-s3 cleanup --bucket backups.example.com
  source <(snap-to-s3 completion bash)
  snap-to-s3 sandbox start          a local AWS to try everything on

Exit status: 0 done, 1 failed, 2 wrong use, 3 some snapshots failed,
130 interrupted.
`;

/** What is done for each command, with the options that commander has read of it. */
export interface Commands {
  readonly run: (command: CommandName, typed: Command) => Promise<void>;
  readonly completion: (shell: string) => void;
  /** Options without any command. */
  readonly nothing: () => never;
  /** Words that are neither options nor their values. */
  readonly excess: (command: string, words: readonly string[]) => never;
}

/** The command line as commander reads it; made of the table of options. */
export function createProgram(commands: Commands, output: Output): Command {
  const program = new Command('snap-to-s3')
    .usage('migrate [options]\n       snap-to-s3 --migrate [options]')
    .description(intro)
    .enablePositionalOptions()
    .version(toolVersion, '--version', 'show the version')
    .helpOption('--help', 'show this page')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', standing + examples)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void output.stdout.write(text),
      // Help without a command is an error's help; errors themselves are thrown, and told in our own words.
      writeErr: (text) => void output.stderr.write(text),
      outputError: () => undefined,
      getOutHelpWidth: () => helpWidth(output),
      getErrHelpWidth: () => helpWidth(output),
    });
  const subcommand = (name: string, summary: string, description: string): Command =>
    program.command(name).summary(summary).description(description).helpOption('--help', 'show this page');
  addOptions(subcommand('migrate', 'archive snapshots in S3', 'Archives snapshots in S3.'), 'migrate')
    .addHelpText('after', standing)
    .action((_, command: Command) => commands.run('migrate', command));
  addOptions(
    subcommand(
      'validate',
      'prove that archives are what they were made of',
      'Reads archives back from S3 and compares everything in them with the snapshots that they were made of.',
    ),
    'validate',
  )
    .addHelpText('after', standing)
    .action((_, command: Command) => commands.run('validate', command));
  addOptions(
    subcommand(
      'restore',
      'bring archives back',
      'Brings archives back from S3: all of them or single files, to a directory, a file, a disk or a program.',
    )
      .argument('[archives...]', 'snapshot ids, or objects as s3://bucket/key')
      .usage('<snapshot-id | s3://bucket/key>... [options]'),
    'restore',
  )
    .addHelpText('after', restoring)
    .action((_, __, command: Command) => commands.run('restore', command));
  const looks: readonly (readonly [CommandName, string, string, string])[] = [
    [
      'list',
      '',
      'all archives of a bucket',
      'Lists all archives of a bucket, and whether their snapshots still exist.',
    ],
    [
      'inspect',
      '<snapshot-id>',
      'what is known of an archive',
      'Shows what is known of an archive: disk, partitions, objects.',
    ],
    ['ls', '<snapshot-id> [path]', 'the files of an archive', 'Lists a folder of an archive, from its index alone.'],
    [
      'find',
      '<snapshot-id> <pattern>',
      'files of an archive by name',
      'Finds files of an archive by name or glob, from its index alone.',
    ],
    [
      'diff',
      '<snapshot-id> <snapshot-id>',
      'what changed between two archives',
      'Shows which files were added, removed and changed between two archives, from their indexes alone.',
    ],
  ];
  for (const [name, words, summary, description] of looks) {
    addOptions(subcommand(name, summary, description), name)
      .argument('[words...]', words)
      .usage(`${words} [options]`.trimStart())
      .action((_, __, command: Command) => commands.run(name, command));
  }
  addOptions(
    subcommand(
      'analyze',
      'what snapshots cost, and which are worth moving',
      'Shows from cost reports of AWS (legacy, CUR 2.0 or FOCUS; CSV, gzip, zip or Parquet) what the snapshots of each volume cost, and advises which are worth moving.',
    )
      .argument('[sources...]', 'files, folders, manifests, s3://bucket/prefix; - or nothing is standard input')
      .usage('[files, folders, manifests or s3://bucket/prefix]... [options]'),
    'analyze',
  )
    .addHelpText('after', analyzing)
    .action((_, __, command: Command) => commands.run('analyze', command));
  addOptions(
    subcommand(
      'estimate',
      'what archives cost beside EBS snapshots',
      'Tells what snapshots of one volume cost as archives, in each class, beside what EBS takes for them. Asks nobody.',
    ),
    'estimate',
  ).action((_, command: Command) => commands.run('estimate', command));
  addOptions(
    subcommand(
      'prices',
      'the prices that estimates are made of',
      "Shows the prices that estimates are made of; with refresh it fetches them from AWS's Price List.",
    )
      .argument('[words...]', 'refresh, and the regions; all of them if none is named')
      .usage('[options]\n       snap-to-s3 prices refresh [regions...] [options]'),
    'prices',
  ).action((_, __, command: Command) => commands.run('prices', command));
  addOptions(
    subcommand(
      'doctor',
      'look whether everything is there that migrate needs',
      'Looks whether everything is there that migrate needs, and says of each thing what to do; changes nothing.',
    ),
    'doctor',
  ).action((_, command: Command) => commands.run('doctor', command));
  addOptions(
    subcommand(
      'cleanup',
      'remove what runs that died have left',
      'Removes what runs that died have left: volumes, mounts, uploads, tags; only what their journals name.',
    ),
    'cleanup',
  ).action((_, command: Command) => commands.run('cleanup', command));
  subcommand(
    'completion',
    'a script that lets the shell complete our options',
    `Prints a completion script for ${shells.join(', ')}: source <(snap-to-s3 completion bash)`,
  )
    .argument('[shell]', shells.join(', '))
    .action((shell?: string) => commands.completion(shell ?? ''));
  program
    .command('sandbox')
    .summary('a local AWS to try everything on')
    .description('A local AWS: see snap-to-s3 sandbox --help.')
    .allowUnknownOption();
  // The existing tool's way to say it: options without a command.
  addOptions(program, 'migrate')
    .option('--migrate', 'the same as the command migrate')
    // With it main runs that command, which has options of its own.
    .option('--analyze [file]', 'the same as the command analyze, with its options')
    .action((options: { migrate?: boolean; validate?: boolean }, command: Command) => {
      if (options.migrate === true) return commands.run('migrate', command);
      return options.validate === true ? commands.run('validate', command) : commands.nothing();
    });
  for (const command of [program, ...program.commands]) command.allowExcessArguments();
  program.hook('preAction', (_, command) => {
    const isVariadic = command.registeredArguments.some((argument) => argument.variadic);
    const words = isVariadic ? [] : command.args.slice(command.registeredArguments.length);
    if (words.length > 0) commands.excess(command === program ? '' : command.name(), words);
  });
  return program;
}

/** Lines of more than 120 characters are hard to read; less than 60 leave no room for what options mean. */
function helpWidth({ stdout }: Output): number {
  return Math.max(60, Math.min(stdout.isTTY ? stdout.columns : 80, 120));
}
