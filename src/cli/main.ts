import { Command, CommanderError } from 'commander';
import { AppError, messageOf, printable, toAppError } from '../core/index.js';
import { exitStatus, exitStatusOf } from './exit-status.js';
import { addMigrateOptions, readMigrateOptions } from './migrate-options.js';
import type { Output } from './render/index.js';
import { addCleanupOptions, runCleanup } from './run-cleanup.js';
import { addDoctorOptions } from './doctor-options.js';
import { runDoctor } from './run-doctor.js';
import { runMigrate } from './run-migrate.js';
import { toolVersion } from './version.js';

const intro =
  'Takes EBS snapshots to S3 as ordinary archives: a tar of every partition (or a raw image with --dd), compressed with ' +
  'lz4 or zstd. Run it as root on an EC2 instance in the region of the snapshots.';

const examples = `
Examples:
  sudo snap-to-s3 doctor --bucket backups.example.com
  sudo snap-to-s3 migrate --all --bucket backups.example.com
  sudo snap-to-s3 migrate --snapshots snap-0123456789abcdef0 --dd --compression zstd --bucket backups.example.com
  sudo snap-to-s3 cleanup --bucket backups.example.com
  snap-to-s3 sandbox start          a local AWS to try it on; see snap-to-s3 sandbox --help
`;

/** Runs one command line (without node and script) and returns the exit status; prints every error itself. */
export async function main(argv: readonly string[], output: Output = process): Promise<number> {
  // A reader that goes away (`| head`, a closed terminal) must not end the work with a volume half archived.
  for (const stream of [output.stdout, output.stderr]) stream.on('error', () => undefined);
  let status: number = exitStatus.done;
  const run: Commands = {
    doctor: async (options) => {
      status = await runDoctor(options, output);
    },
    migrate: async (options) => {
      status = await runMigrate(readMigrateOptions(options), output);
    },
    cleanup: async (options) => {
      status = await runCleanup(options, output);
    },
  };
  try {
    const program = createProgram(run);
    requireKnownCommand(program, argv);
    if (argv.length === 0) program.help({ error: true });
    await program.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    // Commander has printed its own message already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.done : exitStatus.usage;
    const appError = toAppError(error);
    output.stderr.write(`snap-to-s3: ${printable(appError.message)}\n`);
    if (appError.hint !== undefined) output.stderr.write(`${printable(appError.hint)}\n`);
    if (appError.code === 'internal') {
      output.stderr.write(
        `This is a defect of snap-to-s3; please report it. ${printable(messageOf(appError.cause))}\n`,
      );
      if (process.env.SNAP_TO_S3_DEBUG !== undefined) output.stderr.write(`${String(appError.stack)}\n`);
    }
    return exitStatusOf(appError);
  }
}

/** Commander would count a mistyped command as an argument too many. */
function requireKnownCommand(program: Command, argv: readonly string[]): void {
  const [first] = argv;
  if (first === undefined || first.startsWith('-')) return;
  const known = [...program.commands.map((command) => command.name()), 'help'];
  if (known.includes(first)) return;
  throw new AppError('usage', `${JSON.stringify(first)} is not a command of snap-to-s3.`, {
    hint: `The commands are: ${known.join(', ')}. Run snap-to-s3 --help to see all options.`,
  });
}

/** What is run for each command, with the options that commander has read. */
interface Commands {
  readonly doctor: (options: unknown) => Promise<void>;
  readonly migrate: (options: unknown) => Promise<void>;
  readonly cleanup: (options: unknown) => Promise<void>;
}

function createProgram(run: Commands): Command {
  const program = new Command('snap-to-s3')
    .usage('migrate [options]\n       snap-to-s3 --migrate [options]')
    .description(intro)
    .enablePositionalOptions()
    .version(toolVersion, '--version', 'show the version')
    .helpOption('--help', 'show this page')
    .addHelpText('after', examples)
    .exitOverride()
    .showHelpAfterError('Run snap-to-s3 --help to see all options.');
  program
    .command('migrate')
    .summary('archive snapshots in S3')
    .description('Archives snapshots in S3.')
    .helpOption('--help', 'show this page')
    .exitOverride()
    .showHelpAfterError('Run snap-to-s3 migrate --help to see all options.')
    .action(async (options: unknown) => run.migrate(options));
  addDoctorOptions(
    program
      .command('doctor')
      .summary('look whether everything is there that migrate needs')
      .description('Looks at everything that migrate needs: programs, credentials, permissions, the bucket, the clock.')
      .helpOption('--help', 'show this page')
      .exitOverride()
      .showHelpAfterError('Run snap-to-s3 doctor --help to see all options.')
      .action(async (options: unknown) => run.doctor(options)),
  );
  addCleanupOptions(
    program
      .command('cleanup')
      .summary('remove what runs that died have left')
      .description(
        'Removes what runs that died have left: volumes, mounts, uploads, tags; only what their journals name.',
      )
      .helpOption('--help', 'show this page')
      .exitOverride()
      .showHelpAfterError('Run snap-to-s3 cleanup --help to see all options.')
      .action(async (options: unknown) => run.cleanup(options)),
  );
  program
    .command('sandbox')
    .summary('a local AWS to try everything on')
    .description('A local AWS: see snap-to-s3 sandbox --help.')
    .allowUnknownOption();
  // The existing tool's way to say it: options without a command.
  program.option('--migrate', 'the same as the command migrate').action(async (options: { migrate?: boolean }) => {
    if (options.migrate === true) return run.migrate(options);
    throw new AppError('usage', 'The options do not say what is to be done with the snapshots.', {
      hint: 'Name the command: snap-to-s3 migrate … See snap-to-s3 --help for all options.',
    });
  });
  for (const command of [program, ...program.commands.filter((one) => one.name() === 'migrate')]) {
    addMigrateOptions(command);
  }
  return program;
}
