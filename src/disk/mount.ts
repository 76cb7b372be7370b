import { mkdir, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { abandon, AppError, poll, type Clock } from '../core/index.js';
import { run } from '../process/index.js';
import type { FilesystemArea } from './selection.js';

/** A filesystem mounted read-only. Disposing unmounts it and removes the mount point. */
export interface Mount extends AsyncDisposable {
  readonly path: string;
  /** Bytes in use as statfs tells: an estimate of what tar will read. */
  readonly usedBytes: number;
}

/** How a filesystem is mounted. */
export interface MountOptions {
  /** Created if it is not there, parents included. */
  readonly mountPoint: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

const safeOptions = ['ro', 'nosuid', 'nodev', 'noexec'];
/** What single filesystems need besides. */
const optionsByType: Readonly<Record<string, readonly string[]>> = {
  // Two snapshots of one volume bear the same UUID.
  xfs: ['nouuid'],
  // The top level, so that all subvolumes are seen, whichever is the default one.
  btrfs: ['subvolid=5'],
};
const unmountTimeoutMs = 60_000;

/**
 * Mounts a filesystem read-only, without device nodes, programs or set-uid bits in force. A journal left unclean by the
 * snapshot is replayed by the kernel: that changes only the temporary volume. Throws `mount-failed`, naming `--dd`.
 */
export async function mountReadOnly(area: FilesystemArea, options: MountOptions): Promise<Mount> {
  const { mountPoint, signal } = options;
  const { type } = area.contents;
  await mkdir(mountPoint, { recursive: true });
  await requireUnused(mountPoint);
  let present = true;
  const mount = {
    path: mountPoint,
    [Symbol.asyncDispose]: async () => {
      if (!present) return;
      await unmount(mountPoint, { clock: options.clock, timeoutMs: unmountTimeoutMs });
      present = false;
    },
  };
  const flags = [...safeOptions, ...(optionsByType[type] ?? [])].join(',');
  try {
    await run(['mount', '-t', type, '-o', flags, area.path, mountPoint], { signal });
  } catch (error) {
    const isRefusal = error instanceof AppError && error.code === 'program-failed';
    return await abandon(mount, isRefusal ? refusal(area, error) : error);
  }
  try {
    const facts = await statfs(mountPoint);
    return { ...mount, usedBytes: (facts.blocks - facts.bfree) * facts.bsize };
  } catch (error) {
    return await abandon(mount, error);
  }
}

function refusal(area: FilesystemArea, cause: AppError): AppError {
  const { message } = cause;
  return new AppError(
    'mount-failed',
    `The ${area.contents.type} filesystem on ${area.path} does not mount. ${message}`,
    {
      cause,
      hint: 'If it is damaged or this kernel does not know it, archive the whole disk with --dd.',
    },
  );
}

async function isMountPoint(path: string): Promise<boolean> {
  const [here, above] = await Promise.all([stat(path), stat(dirname(path))]);
  return here.dev !== above.dev;
}

async function requireUnused(mountPoint: string): Promise<void> {
  if (!(await isMountPoint(mountPoint))) return;
  throw new AppError('mount-failed', `Something is mounted at ${mountPoint} already.`, {
    hint: `If an earlier run left it behind: umount ${mountPoint}; or choose another place with --mount-point.`,
  });
}

/**
 * Unmounts, patiently where something still has a file open, and removes the mount point. May be repeated. Throws
 * `cleanup-failed`.
 */
export async function unmount(
  mountPoint: string,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<void> {
  let lastError: unknown;
  const done = await poll(
    async () => {
      try {
        if (await isMountPoint(mountPoint)) await run(['umount', mountPoint]);
        await rmdir(mountPoint);
        return true;
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return true;
        lastError = error;
        return undefined;
      }
    },
    { clock, intervalMs: 100, timeoutMs },
  );
  if (done === undefined) {
    throw new AppError('cleanup-failed', `${mountPoint} could not be unmounted and removed.`, {
      cause: lastError,
      hint: `See who uses it with "fuser -vm ${mountPoint}", then run: umount ${mountPoint}`,
    });
  }
}
