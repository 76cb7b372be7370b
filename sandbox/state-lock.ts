import { once } from 'node:events';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../src/core/index.js';
import { start, type RunningProgram } from '../src/process/index.js';

const holder = z
  .object({
    pid: z.number(),
    /** When the process began, in kernel ticks since boot: tells it from a later one with the same pid. */
    startTicks: z.string(),
    url: z.string(),
    imdsUrl: z.string(),
  })
  .readonly();

/** The sandbox that runs on a state directory, and where it listens. */
export type RunningSandbox = z.infer<typeof holder>;

/** A state directory that is ours; disposing gives it back. */
export interface StateLock extends AsyncDisposable {
  /** Tells others where this sandbox listens. */
  publish(endpoints: { readonly url: string; readonly imdsUrl: string }): Promise<void>;
}

const holderName = 'running.json';

/**
 * Takes a state directory for this process. The kernel keeps the lock and frees it however the process ends, so there are
 * no stale ones. Throws `usage` when another sandbox has it.
 */
export async function lockState(directory: string): Promise<StateLock> {
  await mkdir(directory, { recursive: true });
  const guard = await startGuard(directory);
  const path = join(directory, holderName);
  return {
    publish: async (endpoints) => {
      const content: RunningSandbox = { pid: process.pid, startTicks: await startTicks(process.pid), ...endpoints };
      await writeFile(`${path}.new`, JSON.stringify(content));
      await rename(`${path}.new`, path);
    },
    [Symbol.asyncDispose]: async () => {
      await rm(path, { force: true });
      guard.stdin.end();
      await guard.ended;
    },
  };
}

/** The sandbox that runs on a state directory now; undefined if there is none, or none that listens yet. */
export async function runningSandbox(directory: string): Promise<RunningSandbox | undefined> {
  let found: RunningSandbox;
  try {
    found = holder.parse(JSON.parse(await readFile(join(directory, holderName), 'utf8')));
  } catch {
    // Gone, or not of our making.
    return undefined;
  }
  return (await startTicks(found.pid)) === found.startTicks ? found : undefined;
}

/**
 * A child that holds the lock (Node has no flock) for as long as our end of its pipe is open. `tee` becomes the holder
 * itself, survives Ctrl+C, which reaches it as well, and shows by its echo that it has the lock.
 */
async function startGuard(directory: string): Promise<RunningProgram> {
  const lock = ['flock', '--nonblock', '--no-fork', join(directory, 'sandbox.lock')];
  const guard = start([...lock, 'tee', '--ignore-interrupts']);
  guard.stdin.write('held\n');
  const echo = once(guard.stdout, 'data').then(() => 'held' as const);
  const outcome = await Promise.race([
    echo,
    guard.ended.then(
      () => 'lost' as const,
      (error: unknown) => error,
    ),
  ]);
  if (outcome === 'held') return guard;
  if (!(outcome instanceof AppError) || outcome.code !== 'program-failed') throw outcome;
  const other = await runningSandbox(directory);
  const who = other === undefined ? 'Another sandbox' : `The sandbox with process id ${other.pid}`;
  throw new AppError('usage', `${who} is using ${directory}.`, {
    hint: `${other === undefined ? 'Stop it' : `Stop it with: kill ${other.pid}`}, or give another directory with --state.`,
  });
}

/** Field 22 of /proc/<pid>/stat; empty for no such process. */
async function startTicks(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name of the program, in parentheses, may contain anything.
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
