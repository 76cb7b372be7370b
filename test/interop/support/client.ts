import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { AppError } from '../../../src/core/index.js';
import { start, type ProgramFailure } from '../../../src/process/index.js';

/** So much of standard output is told of a client that failed, in bytes; it may be an object. */
const largestReport = 16_384;

/** How a client is run. */
export interface ClientOptions {
  /** All there is in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Its standard input; empty unless told otherwise. */
  readonly input?: Readable | string;
  readonly cwd?: string;
  /** The client is killed after this, and the test fails. Default 60,000. */
  readonly timeoutMs?: number;
}

/** How a client ended, and what it said. */
export interface Outcome {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a client to its end, whatever its exit status. Throws for one that is missing, is killed or takes too long. */
export async function runClient(argv: readonly string[], options: ClientOptions): Promise<Outcome> {
  const { environment, input = '', cwd, timeoutMs = 60_000 } = options;
  const stderr: string[] = [];
  const program = start(argv, {
    env: environment,
    signal: AbortSignal.timeout(timeoutMs),
    onStderrLine: (line) => stderr.push(line),
    ...(cwd === undefined ? {} : { cwd }),
  });
  // A client that ends before it has read everything closes the pipe; its exit status tells what happened.
  const fed = pipeline(typeof input === 'string' ? Readable.from([input]) : input, program.stdin).catch(
    () => undefined,
  );
  const stdout = await buffer(program.stdout);
  const status = await program.ended.then(
    () => 0,
    (error: unknown) => {
      const failure = error instanceof AppError ? (error.details.failure as ProgramFailure | undefined) : undefined;
      if (failure?.kind === 'exited') return failure.status;
      throw new Error(report(argv, 'did not come to an end', { stdout, stderr: stderr.join('\n') }), { cause: error });
    },
  );
  await fed;
  return { status, stdout, stderr: stderr.join('\n') };
}

/** Runs a client that is to succeed and returns its standard output. Throws with all that it said. */
export async function runClientWell(argv: readonly string[], options: ClientOptions): Promise<Buffer> {
  const outcome = await runClient(argv, options);
  if (outcome.status === 0) return outcome.stdout;
  throw new Error(report(argv, `failed with exit status ${outcome.status}`, outcome));
}

function report(argv: readonly string[], what: string, said: Pick<Outcome, 'stdout' | 'stderr'>): string {
  const stdout = said.stdout.subarray(-largestReport).toString();
  return `${argv.join(' ')}\n${what}.\nstandard output: ${stdout}\nstandard error: ${said.stderr}`;
}
