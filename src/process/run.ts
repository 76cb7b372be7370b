import { AppError, formatDuration } from '../core/index.js';
import { start, type RunningProgram, type StartOptions } from './start.js';

/** How a program is run to its end. */
export interface RunOptions extends StartOptions {
  /** Written to standard input. */
  readonly input?: string | Uint8Array;
  /** Bound of what is kept of standard output; more is a `program-failed`. Default 64 MiB. */
  readonly maxOutputBytes?: number;
  /** How long it may take; {@link defaultLimitMs} if it is not given. */
  readonly limitMs?: number;
}

/** What programs that only look, or set something up, take at most: with much to spare. */
export const defaultLimitMs = 5 * 60_000;
/** What is waited for the end of a program after SIGKILL: one that hangs in the kernel does not end. */
const killedMs = 5_000;

/**
 * Runs a program and returns its standard output. For small outputs; streams go through `start`.
 * Throws `program-missing`, `program-failed` with what the program said, and `timed-out` for one that does not end.
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Buffer> {
  const limitMs = options.limitMs ?? defaultLimitMs;
  const program = start(argv, options);
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      program.kill('SIGKILL');
      const fail = (): void => reject(tookTooLong(argv, limitMs));
      timer = setTimeout(fail, killedMs);
      program.ended.then(fail, fail);
    }, limitMs);
  });
  try {
    return await Promise.race([outputOf(program, options), overdue]);
  } finally {
    clearTimeout(timer);
  }
}

async function outputOf(program: RunningProgram, options: RunOptions): Promise<Buffer> {
  program.stdin.end(options.input);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const limit = options.maxOutputBytes ?? 64 * 1024 * 1024;
  try {
    for await (const chunk of program.stdout as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limit) program.kill('SIGKILL');
      else chunks.push(chunk);
    }
  } catch (error) {
    // The pipe broke with the program; its own end explains more.
    await program.ended;
    throw error;
  }
  await program.ended;
  return Buffer.concat(chunks);
}

function tookTooLong(argv: readonly string[], limitMs: number): AppError {
  const [program = ''] = argv;
  return new AppError('timed-out', `${program} did not end within ${formatDuration(limitMs)}, and was killed.`, {
    details: { argv },
    hint: `See what it waited for in the messages of the kernel (dmesg), and try it by hand: ${argv.join(' ')}`,
  });
}

/** {@link run}, with the output as text. */
export async function runText(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  return (await run(argv, options)).toString('utf8');
}
