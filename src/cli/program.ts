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

const examples = `
Examples:
  sudo snap-to-s3 doctor --bucket backups.example.com
  sudo snap-to-s3 migrate --all --bucket backups.example.com
  sudo snap-to-s3 migrate --snapshots snap-0123456789abcdef0 \\
      --dd --compression zstd --bucket backups.example.com
  sudo snap-to-s3 migrate --one --storage-class DEEP_ARCHIVE \\
      --bucket backups.example.com
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
    .action((options: { migrate?: boolean }, command: Command) =>
      options.migrate === true ? commands.run('migrate', command) : commands.nothing(),
    );
  for (const command of [program, ...program.commands]) command.allowExcessArguments();
  program.hook('preAction', (_, command) => {
    const words = command.args.slice(command.registeredArguments.length);
    if (words.length > 0) commands.excess(command === program ? '' : command.name(), words);
  });
  return program;
}

/** Lines of more than 120 characters are hard to read; less than 60 leave no room for what options mean. */
function helpWidth({ stdout }: Output): number {
  return Math.max(60, Math.min(stdout.isTTY ? stdout.columns : 80, 120));
}
