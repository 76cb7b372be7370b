import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { systemClock } from '../../src/core/index.js';
import { familyOf, memoryMiB, programOf } from '../process-facts.js';

/** How long something took and what it used. */
export interface Timed {
  readonly seconds: number;
  /** User and system time of the program and all its children. */
  readonly cpuSeconds: number;
  /** The most memory that a process of each program had: `node` -> 210. */
  readonly peakMiB: ReadonlyMap<string, number>;
}

/** How it is run. */
export interface TimedOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly signal: AbortSignal;
  /** Told each line of standard output as it comes. */
  readonly onLine?: (line: string) => void;
}

/** How often memory is looked at; the kernel keeps the peak of each process, so only the last moments can be missed. */
const samplingMs = 50;

/**
 * Runs a line of Bash, pipelines included, and measures it as a user would with `time`. Throws with what was said on
 * standard error when it fails.
 */
export async function timed(line: string, { env, cwd, signal, onLine }: TimedOptions): Promise<Timed> {
  // The report of `time` goes to a pipe of its own.
  const script = `set -o pipefail; TIMEFORMAT='%R %U %S'; exec 4>&2 2>&3; time { ${line}\n} 2>&4`;
  signal.throwIfAborted();
  // In a group of its own, so that all of it can be ended, and a run of ours cleans up.
  const bash = spawn('bash', ['-c', script], { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const end = (): void => {
    if (bash.pid !== undefined && bash.exitCode === null && bash.signalCode === null)
      process.kill(-bash.pid, 'SIGTERM');
  };
  signal.addEventListener('abort', end, { once: true });
  let output = '';
  let errors = '';
  let report = '';
  bash.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (output + text).split('\n');
    output = lines.pop() ?? '';
    for (const complete of lines) onLine?.(complete);
  });
  bash.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  (bash.stdio[3] as Readable).setEncoding('utf8').on('data', (text: string) => (report += text));
  const peakMiB = new Map<string, number>();
  const over = new AbortController();
  const sampling = sample(bash.pid ?? 0, peakMiB, over.signal);
  try {
    const status = await new Promise<number | string | null>((resolve, reject) => {
      bash.once('error', reject);
      bash.once('close', (code, killer) => resolve(code ?? killer));
    });
    if (status !== 0) throw new Error(`${line} ended with ${String(status)}: ${output} ${errors}`);
  } finally {
    signal.removeEventListener('abort', end);
    over.abort();
    await sampling;
  }
  const [seconds = NaN, user = NaN, system = NaN] = report.trim().split(' ').map(Number);
  return { seconds, cpuSeconds: user + system, peakMiB };
}

async function sample(root: number, peaks: Map<string, number>, signal: AbortSignal): Promise<void> {
  for (;;) {
    for (const pid of familyOf(root)) {
      const program = programOf(pid);
      try {
        if (program !== undefined) peaks.set(program, Math.max(peaks.get(program) ?? 0, memoryMiB(pid, 'VmHWM')));
      } catch {
        // It has ended in the meantime.
      }
    }
    try {
      await systemClock.sleep(samplingMs, signal);
    } catch {
      return;
    }
  }
}
