import { lstat, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, messageOf } from '../core/index.js';

/** A directory for what a run needs only while it runs; disposing removes it. */
export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
}

const prefix = 'snap-to-s3-report-';
/** Of a run elsewhere that shares this directory nobody can tell whether it still runs; none takes so long. */
const goneAfterMs = 86_400_000;

/**
 * Makes a directory in `TMPDIR`, and removes those that runs which were killed have left there: at once where such a run was on this
 * machine, in the same container, and after a day where it was not. Throws `usage` where none can be made.
 */
export async function openTemporaryDirectory(): Promise<TemporaryDirectory> {
  const here = await thisSystem();
  try {
    await removeLeft(tmpdir(), here);
    const path = await mkdtemp(join(tmpdir(), `${prefix}${here}-${process.pid}-`));
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
  } catch (error) {
    throw new AppError('usage', `No temporary directory can be made in ${tmpdir()}: ${messageOf(error)}.`, {
      hint: 'Set TMPDIR to a directory that is there and can be written to.',
      cause: error,
    });
  }
}

/**
 * Where numbers of processes mean the same: this start of this kernel, and the namespace of processes (pid_namespaces(7)). Other
 * systems than Linux have neither, and no containers of their own.
 */
async function thisSystem(): Promise<string> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const namespace = await readlink('/proc/self/ns/pid');
    return `${boot.slice(0, 8)}-${namespace.replace(/\D/g, '')}`;
  } catch {
    return '00000000-0';
  }
}

async function removeLeft(folder: string, here: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, system, pid] = /^snap-to-s3-report-([0-9a-f]{8}-\d+)-(\d+)-/.exec(name) ?? [];
    if (system === undefined) continue;
    const path = join(folder, name);
    // It may go at any time.
    const found = await lstat(path).catch(() => undefined);
    if (found?.isDirectory() !== true || found.uid !== process.getuid?.()) continue;
    const isLeft = system === here ? !isRunning(Number(pid)) : found.mtimeMs < Date.now() - goneAfterMs;
    if (isLeft) await rm(path, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // There is one, of somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
