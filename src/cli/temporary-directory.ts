import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, messageOf } from '../core/index.js';
import { hasEnded, ownIdentity, type ProcessIdentity } from '../process/index.js';

/** A directory for what a run needs only while it runs; disposing removes it. */
export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
}

const prefix = 'snap-to-s3-report-';
/** Of a run elsewhere that shares this directory nobody can tell whether it still runs; none takes so long. */
const goneAfterMs = 86_400_000;

/**
 * Makes a directory in `TMPDIR`, and removes those that runs which were killed have left there: at once where such a run was on this
 * machine, in the same container, and after a day where it was not. Other systems than Linux do not tell, and there nothing is
 * removed. Throws `usage` where none can be made.
 */
export async function openTemporaryDirectory(): Promise<TemporaryDirectory> {
  const own = identity();
  if (own !== undefined) await removeLeft(tmpdir(), own);
  try {
    const path = await mkdtemp(join(tmpdir(), own === undefined ? prefix : nameOf(own)));
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
  } catch (error) {
    throw new AppError('usage', `No temporary directory can be made in ${tmpdir()}: ${messageOf(error)}.`, {
      hint: 'Set TMPDIR to a directory that is there and can be written to.',
      cause: error,
    });
  }
}

function identity(): ProcessIdentity | undefined {
  try {
    return ownIdentity();
  } catch {
    return undefined;
  }
}

/** As the beginning of a name, which {@link ownerOf} reads. */
function nameOf({ bootId, pidNamespace, pid, startTicks }: ProcessIdentity): string {
  // DuckDB takes brackets for a pattern.
  return `${prefix}${bootId}-${pidNamespace.replace(/\D/g, '')}-${pid}-${startTicks}-`;
}

function ownerOf(name: string): ProcessIdentity | undefined {
  if (!name.startsWith(prefix)) return undefined;
  const fields = /^([0-9a-f-]{36})-(\d+)-(\d+)-(\d+)-/.exec(name.slice(prefix.length));
  if (fields === null) return undefined;
  const [, bootId = '', namespace = '', pid = '', startTicks = ''] = fields;
  return { bootId, pidNamespace: `pid:[${namespace}]`, pid: Number(pid), startTicks };
}

/** What cannot be seen or removed stays: it is no reason not to begin. */
async function removeLeft(folder: string, own: ProcessIdentity): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const owner = ownerOf(name);
    if (owner === undefined) continue;
    const path = join(folder, name);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isDirectory() !== true || found.uid !== process.getuid?.()) continue;
    const isFromHere = owner.bootId === own.bootId && owner.pidNamespace === own.pidNamespace;
    const isLeft = isFromHere ? hasEnded(owner) : found.mtimeMs < Date.now() - goneAfterMs;
    if (isLeft) await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}
