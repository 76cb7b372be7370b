import { Command, CommanderError } from 'commander';
import { GiB, isAbort, KiB, MiB, toAppError } from '../../src/core/index.js';
import { defaultPort, defaultStateDirectory } from './defaults.js';
import type { LazyLoading } from '../ec2/index.js';
import { parseFaultSpec, type FaultRequest } from '../faults/index.js';
import { faultHelp } from './fault-help.js';
import { orderFaults } from './faults.js';
import { seedRunning } from './seed.js';
import { startInForeground, type StartOptions } from './start.js';

/**
 * `snap-to-s3 sandbox …`: runs the local AWS, and fills it. Returns the exit status: 0 done, 1 failed, 2 usage, 130
 * interrupted. Results go to standard output, everything said to people to standard error.
 */
export async function sandboxMain(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    return statusOf(error);
  }
}

function program(): Command {
  const command = new Command('snap-to-s3 sandbox')
    .description(
      'A local AWS to try snap-to-s3 on: EC2 with real volumes, S3, STS and instance metadata. No account needed.',
    )
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: (\w)/, (_, first: string) => first.toUpperCase())),
    })
    .addHelpText('after', example);
  command
    .command('start')
    .description('run the local AWS until Ctrl+C; print the variables that lead to it')
    .option('--state <directory>', 'where everything is kept', defaultStateDirectory())
    .option('--port <number>', 'port of all services; the metadata service takes the next one', portNumber, defaultPort)
    .option('--bucket <name>', "a bucket that is made, and that the instance's role may write to", 'demo')
    .option('--fault <spec>', 'a fault on demand; may be repeated', faultSpec)
    .option('--archive-speed <factor>', 'how much faster than on AWS archived objects come back', speed, 1)
    .option(
      '--lazy-loading <rate>',
      'volumes of snapshots give each block so slowly until it was read: 20MiB/s, or 100MiB/s,20ms with the time until a block begins to come',
      lazyLoading,
    )
    .addHelpText('after', faultHelp('snap-to-s3 sandbox start --fault'))
    .action((options: StartOptions) => startInForeground(options));
  command
    .command('seed')
    .description('make demo snapshots in a running sandbox, tagged snap-to-s3=migrate (needs root, about a minute)')
    .option('--endpoint <url>', 'endpoint of the sandbox, instead of the one that runs on --state')
    .option('--state <directory>', 'state directory of the sandbox', defaultStateDirectory())
    .action((options: { readonly state: string; readonly endpoint?: string }) => seedRunning(options));
  addFaultCommands(command);
  return command;
}

function addFaultCommands(command: Command): void {
  type Options = { readonly state: string };
  const faults = command
    .command('faults')
    .description('show, add and clear the faults of a running sandbox')
    .helpCommand(false)
    .addHelpText('after', faultHelp('snap-to-s3 sandbox faults add'));
  const state = ['--state <directory>', 'state directory of the sandbox', defaultStateDirectory()] as const;
  faults
    .command('list', { isDefault: true })
    .description('say of each fault how often it fired')
    .option(...state)
    .action((options: Options) => orderFaults({ kind: 'list' }, options));
  faults
    .command('add')
    .argument('<spec...>', 's3:UploadPart=throttled,times=3')
    .description('add faults')
    .option(...state)
    .action((specs: readonly string[], options: Options) => orderFaults({ kind: 'add', specs }, options));
  faults
    .command('clear')
    .description('end all faults, and say how often they fired')
    .option(...state)
    .action((options: Options) => orderFaults({ kind: 'clear' }, options));
}

function faultSpec(text: string, before: readonly FaultRequest[] = []): readonly FaultRequest[] {
  return [...before, parseFaultSpec(text)];
}

const example = `
Try it (as root, for volumes become devices of this machine):
  snap-to-s3 sandbox start > sandbox.env &
  snap-to-s3 sandbox seed
  . ./sandbox.env; snap-to-s3 migrate --all --bucket demo

The variables lead to the role of an instance, which may do what docs/iam-policy.json allows, and nothing else. The key of
the administrator, who may do everything, stands beside them as a comment.`;

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_534) return port;
  throw new CommanderError(2, 'usage', `Error: "${text}" is not a port. Give a number from 0 (any) to 65534.`);
}

function speed(text: string): number {
  const factor = Number(text);
  if (/^\d{1,9}(?:\.\d+)?$/.test(text) && factor >= 1) return factor;
  throw new CommanderError(
    2,
    'usage',
    `Error: "${text}" is no speed. Give a number from 1; 3600 makes an hour a second.`,
  );
}

function lazyLoading(text: string): LazyLoading {
  const [, number = '', unit = '', latency = '0'] =
    /^(\d{1,6}(?:\.\d+)?)([KMG])iB\/s(?:,(\d{1,5})ms)?$/.exec(text) ?? [];
  const bytesPerSecond = Number(number) * ({ K: KiB, M: MiB, G: GiB }[unit] ?? 0);
  if (bytesPerSecond > 0) return { bytesPerSecond, latencyMs: Number(latency) };
  throw new CommanderError(
    2,
    'usage',
    `Error: "${text}" is no rate. Write it as 20MiB/s (or KiB/s, GiB/s), and with a latency as 100MiB/s,20ms.`,
  );
}

function statusOf(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed its own; what came from us it has not.
    if (error.code === 'usage') console.error(error.message);
    return error.exitCode === 0 ? 0 : 2;
  }
  if (isAbort(error)) return 130;
  const { code, message, hint } = toAppError(error);
  console.error(`Error: ${message}`);
  if (hint !== undefined) console.error(hint);
  return code === 'usage' ? 2 : 1;
}
