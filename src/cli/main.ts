import { CommanderError, type Command } from 'commander';
import { AppError, messageOf, printable, toAppError } from '../core/index.js';
import { completionScript } from './completion/index.js';
import { exitStatus, exitStatusOf } from './exit-status.js';
import { readMigrateOptions } from './migrate-options.js';
import {
  flagOf,
  inOurWords,
  nearest,
  optionsOf,
  readOptions,
  requireSound,
  typedOptions,
  usage,
  type CommandName,
  type Environment,
  type OptionValues,
} from './options/index.js';
import { createProgram } from './program.js';
import type { Output } from './render/index.js';
import { readValidateOptions } from './validate-options.js';

type Run = (values: OptionValues, output: Output, words: readonly string[]) => Promise<number>;

/** What runs for each command, with its options and the words that are none. Each is loaded with what it needs, when it runs. */
const runs: Readonly<Record<CommandName, Run>> = {
  migrate: async (values, output) => (await import('./run-migrate.js')).runMigrate(readMigrateOptions(values), output),
  validate: async (values, output) =>
    (await import('./run-validate.js')).runValidate(readValidateOptions(values), output),
  restore: async (values, output, words) => {
    const { readRestoreOptions } = await import('./restore-options.js');
    return (await import('./run-restore.js')).runRestore(readRestoreOptions(values, words), output);
  },
  list: look('list'),
  inspect: look('inspect'),
  ls: look('ls'),
  find: look('find'),
  diff: look('diff'),
  analyze: async (...given) => (await import('./run-analyze.js')).runAnalyze(...given),
  estimate: async (values, output) => (await import('./run-estimate.js')).runEstimate(values, output),
  prices: async (...given) => (await import('./run-prices.js')).runPrices(...given),
  doctor: async (values, output) => (await import('./run-doctor.js')).runDoctor(values, output),
  cleanup: async (values, output) => (await import('./run-cleanup.js')).runCleanup(values, output),
};

function look(name: 'list' | 'inspect' | 'ls' | 'find' | 'diff'): Run {
  return async (values, output, words) => (await import('./run-look.js')).runLook(name, { values, words }, output);
}

/** Runs one command line (without node and script) and returns the exit status; prints every error itself. */
export async function main(
  argv: readonly string[],
  output: Output = process,
  environment: Environment = process.env,
): Promise<number> {
  // A reader that goes away (`| head`, a closed terminal) must not end the work with a volume half archived.
  for (const stream of [output.stdout, output.stderr]) stream.on('error', () => undefined);
  try {
    return await run(argv, output, environment);
  } catch (error) {
    const appError = toAppError(error);
    output.stderr.write(`snap-to-s3: ${printable(appError.message)}\n`);
    if (appError.hint !== undefined) output.stderr.write(`${printable(appError.hint)}\n`);
    if (appError.code === 'internal') {
      output.stderr.write(
        `This is a defect of snap-to-s3; please report it. ${printable(messageOf(appError.cause))}\n`,
      );
      if (environment.SNAP_TO_S3_DEBUG !== undefined) output.stderr.write(`${String(appError.stack)}\n`);
    }
    return exitStatusOf(appError);
  }
}

async function run(argv: readonly string[], output: Output, environment: Environment): Promise<number> {
  let status: number = exitStatus.done;
  const program = createProgram(
    {
      run: async (name, typed) => {
        const values = readOptions(
          new Map([...typedBefore(name, program), ...typedOptions(typed.opts())]),
          environment,
        );
        status = await runs[name](values, output, typed.args);
      },
      completion: (shell) => void output.stdout.write(completionScript(shell, program.commands)),
      nothing: () => {
        throw usage(
          'The options do not say what is to be done with the snapshots.',
          'Name the command: snap-to-s3 migrate … See snap-to-s3 --help for all options.',
        );
      },
      excess: (name, words) => {
        const what = ['snap-to-s3', name].filter((word) => word !== '').join(' ');
        throw usage(
          `${words.map((word) => JSON.stringify(word)).join(', ')}: ${what} takes options only, and this is none.`,
          `Run ${what} --help to see all options.`,
        );
      },
    },
    output,
  );
  requireKnownCommand(program, argv);
  requireSound(argv);
  const words = asCommand(argv);
  try {
    if (argv.length === 0) program.help({ error: true });
    await program.parseAsync([...words], { from: 'user' });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return exitStatus.done;
    // The help was shown because nothing was asked for.
    if (error.code === 'commander.help') return exitStatus.usage;
    const command = program.commands.find((one) => one.name() === words[0]);
    const known = (command ?? program).options.map((option) => option.long?.slice(2) ?? '');
    throw inOurWords(error, command?.name() ?? '', known);
  }
}

/** `--analyze [file]`, as the existing tool has it, takes the options of `analyze`: it is that command. */
function asCommand(argv: readonly string[]): readonly string[] {
  const [flag] = argv.flatMap((word) => /^--analyze(?:=(.*))?$/s.exec(word) ?? []);
  if (flag === undefined || argv[0]?.startsWith('-') !== true) return argv;
  const file = flag.slice('--analyze='.length);
  return ['analyze', ...argv.flatMap((word) => (word !== flag ? [word] : file === '' ? [] : [file]))];
}

/** What stands before the command. Throws `usage` for what the command does not know. */
function typedBefore(name: CommandName, program: Command) {
  const before = new Map(typedOptions(program.opts()));
  // As the existing tool says it, the name of the command itself.
  if (name === 'validate') before.delete('validate');
  for (const option of before.keys()) {
    if (optionsOf(name).some(([known]) => known === option)) continue;
    throw usage(
      `${flagOf(option)} is not an option of snap-to-s3 ${name}.`,
      `Run snap-to-s3 ${name} --help to see all options.`,
    );
  }
  return before;
}

/** Commander would count a mistyped command as an argument too many. */
function requireKnownCommand(program: Command, argv: readonly string[]): void {
  const [first] = argv;
  if (first === undefined || (first.startsWith('-') && first !== '-')) return;
  const known = [...program.commands.map((command) => command.name()), 'help'];
  if (known.includes(first)) return;
  const similar = nearest(first, known);
  throw new AppError('usage', `${JSON.stringify(first)} is not a command of snap-to-s3.`, {
    hint:
      `${similar === undefined ? '' : `Did you mean ${similar}? `}The commands are: ${known.join(', ')}. ` +
      'Run snap-to-s3 --help to see all options.',
  });
}
