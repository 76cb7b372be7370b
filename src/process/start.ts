import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Socket } from 'node:net';
import { PassThrough, pipeline, Writable, type Readable } from 'node:stream';
import { programError, type ProgramFailure } from './failure.js';

/** How a program is started. */
export interface StartOptions {
  /** Ends the program (SIGTERM, and SIGKILL two seconds later) when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Added to a minimal environment (`PATH`, `LC_ALL=C`, `HOME`). */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Open file descriptors that the program gets as 3, 4 and so on. */
  readonly inherits?: readonly number[];
  /** Where its output goes instead of `stdout`, which is then empty. */
  readonly output?: Socket | 'nowhere';
  /** Texts that the program can read, each on a descriptor of its own after those: what must not stand in `argv`. */
  readonly gives?: readonly string[];
  /** Takes each line of standard error as it comes; without it only the last 8 KiB are kept, for the error message. */
  readonly onStderrLine?: (line: string) => void;
}

/** A program that runs. */
export interface RunningProgram {
  readonly pid: number | undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /**
   * Settles when the program has ended and all its output was read: resolves on exit status 0, rejects with
   * `program-missing` or `program-failed`. Must be awaited: standard output that merely ended proves nothing.
   */
  readonly ended: Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

const keptStderrBytes = 8 * 1024;
const killAfterMs = 2_000;

/**
 * Starts a program from an argument array; there is never a shell. The caller reads `stdout` to its end (or destroys it)
 * and awaits `ended`.
 */
export function start(argv: readonly string[], options: StartOptions = {}): RunningProgram {
  const [program = '', ...args] = argv;
  const { inherits = [], gives = [] } = options;
  const output = options.output === 'nowhere' ? 'ignore' : (options.output ?? 'pipe');
  const child = spawn(program, args, {
    stdio: ['pipe', output, 'pipe', ...inherits, ...gives.map(() => 'pipe' as const)],
    env: { PATH: defaultPath(), HOME: process.env.HOME ?? '/root', LC_ALL: 'C', ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    // The types know of three pipes only when there is nothing else; of the second there is none where `output` is given.
  }) as ChildProcessWithoutNullStreams;
  for (const [index, text] of gives.entries()) {
    const pipe = (child.stdio as readonly unknown[])[3 + inherits.length + index];
    if (!(pipe instanceof Writable)) continue;
    // A program that does not want it closes it.
    pipe.on('error', () => undefined);
    pipe.end(text);
  }
  let stderr = '';
  let partialLine = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    stderr = (stderr + text).slice(-keptStderrBytes);
    if (options.onStderrLine === undefined) return;
    const lines = (partialLine + text).split('\n');
    partialLine = (lines.pop() ?? '').slice(-keptStderrBytes);
    for (const line of lines) options.onStderrLine(line);
  });
  // When a program ends, Node throws away what nobody has begun to read of its output; from a pipe it cannot.
  const stdout = new PassThrough();
  if (options.output === undefined) pipeline(child.stdout, stdout, () => undefined);
  else stdout.end();
  // A program that ends before it has read everything closes the pipe; its exit status tells what happened.
  child.stdin.on('error', () => undefined);

  let killTimer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    child.kill('SIGTERM');
    killTimer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    killTimer.unref();
  };
  if (options.signal?.aborted === true) onAbort();
  else options.signal?.addEventListener('abort', onAbort, { once: true });

  const ended = new Promise<void>((resolve, reject) => {
    const fail = (failure: ProgramFailure): void => reject(programError(argv, failure, stderr));
    child.once('error', (error: NodeJS.ErrnoException) => {
      fail({ kind: 'spawn-failed', reason: error.code ?? error.message });
    });
    child.once('close', (status, signal) => {
      clearTimeout(killTimer);
      options.signal?.removeEventListener('abort', onAbort);
      if (partialLine !== '') options.onStderrLine?.(partialLine);
      if (options.signal?.aborted === true) reject(options.signal.reason as Error);
      else if (signal !== null) fail({ kind: 'killed', signal });
      else if (status !== 0) fail({ kind: 'exited', status: status ?? -1 });
      else resolve();
    });
  });
  // The caller awaits it in his own time; until then a rejection is not "unhandled".
  ended.catch(() => undefined);
  return { pid: child.pid, stdin: child.stdin, stdout, ended, kill: (signal) => void child.kill(signal) };
}

/** System programs live in sbin directories that a user's or a service's PATH may lack. */
export function defaultPath(): string {
  const path = process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin';
  const missing = ['/usr/local/sbin', '/usr/sbin', '/sbin'].filter((folder) => !path.split(':').includes(folder));
  return [path, ...missing].join(':');
}
