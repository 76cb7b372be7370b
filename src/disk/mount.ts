import { access, constants, mkdir, realpath, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { abandon, AppError, count, messageOf, poll, type Clock } from '../core/index.js';
import { isProgramFailure, run } from '../process/index.js';
import { mountBesideCopies } from './btrfs-copies.js';
import { countedErrors } from './filesystem-errors.js';
import { mountDevice } from './mount-device.js';
import { deviceNumberOf, isMountOf, ownMounts } from './mountinfo.js';
import type { FilesystemArea } from './selection.js';

/** A filesystem mounted read-only. Disposing unmounts it and removes the mount point. */
export interface Mount extends AsyncDisposable {
  readonly path: string;
  /** Bytes in use as statfs tells, at most the size of the partition: an estimate of what tar will read. */
  readonly usedBytes: number;
  /** Inodes in use as statfs tells; 0 for btrfs, which does not count them. */
  readonly usedInodes: number;
  /**
   * Makes sure, when everything was read, that it was read from this filesystem and in full: still mounted here, still
   * read-only under every mount, and no errors counted by the kernel meanwhile. Throws `source-unreadable`,
   * `disk-in-use`.
   */
  requireIntact(): Promise<void>;
}

/** How a filesystem is mounted. */
export interface MountOptions {
  /** Created if it is not there, parents included. */
  readonly mountPoint: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Told sentences for the user: why it waits, what is wrong with the filesystem already. */
  readonly onNotice?: (text: string) => void;
}

const safeOptions = ['ro', 'nosuid', 'nodev', 'noexec'];
/** What single filesystems need besides. */
const optionsByType: Readonly<Record<string, readonly string[]>> = {
  // Two snapshots of one volume bear the same UUID.
  xfs: ['nouuid'],
  // The top level, so that all subvolumes are seen, whichever is the default one.
  btrfs: ['subvolid=5'],
};
/**
 * What the kernel reads ahead within a file, in sectors of 512 bytes: 4 MiB. With its usual 128 KiB a volume that is still
 * being loaded from its snapshot fetches one or two blocks at a time.
 */
const readAheadSectors = 8_192;
const unmountTimeoutMs = 60_000;
/** A journal of gigabytes is replayed from blocks that are still being loaded, and dirty pages are written out. */
const kernelWorkMs = 60 * 60_000;

/**
 * Mounts a filesystem read-only, without device nodes, programs or set-uid bits in force. A journal left unclean by the
 * snapshot is replayed by the kernel: that changes only the temporary volume. What is mounted then is checked to be this
 * very device. Throws `mount-failed`, naming `--dd`.
 */
export async function mountReadOnly(area: FilesystemArea, options: MountOptions): Promise<Mount> {
  const { mountPoint, signal } = options;
  const { type } = area.contents;
  await mkdir(mountPoint, { recursive: true }).catch((error: unknown) => {
    throw noPlace(dirname(mountPoint), error);
  });
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
  const flags = [...safeOptions, ...(optionsByType[type] ?? [])];
  const { path: devicePath } = area;
  const mountIt = () =>
    mountDevice({ devicePath, type, flags, mountPoint, clock: options.clock, signal, limitMs: kernelWorkMs });
  const onNotice = options.onNotice ?? (() => undefined);
  try {
    // A help, no more.
    await run(['blockdev', '--setra', String(readAheadSectors), area.path], { signal }).catch(() => undefined);
    if (type === 'btrfs') await mountBesideCopies(area, mountIt, { ...options, onNotice });
    else await mountIt();
  } catch (error) {
    return await abandon(mount, isProgramFailure(error) ? refusal(area, error) : error);
  }
  try {
    await requireOurs(area, mountPoint);
    const errorsBefore = await countedErrors(area.path);
    if (errorsBefore !== undefined && errorsBefore > 0) {
      onNotice(
        `The kernel has noted ${count(errorsBefore, 'error')} in the ${type} filesystem on ${area.path} before; ` +
          'what is damaged may be missing. An image of the disk (--dd) can be given to fsck later.',
      );
    }
    const facts = await statfs(mountPoint);
    return {
      ...mount,
      usedBytes: Math.min(area.sizeBytes, Math.max(0, (facts.blocks - facts.bfree) * facts.bsize)),
      usedInodes: Math.max(0, facts.files - facts.ffree),
      requireIntact: async () => {
        await requireOurs(area, mountPoint);
        const errors = ((await countedErrors(area.path)) ?? 0) - (errorsBefore ?? 0);
        if (errors > 0) throw damaged(area, errors);
      },
    };
  } catch (error) {
    return await abandon(mount, error);
  }
}

/** Were it another device, somebody else's data would be archived in this snapshot's name. */
async function requireOurs(area: FilesystemArea, mountPoint: string): Promise<void> {
  const place = await realpath(mountPoint);
  const [mounts, deviceNumber] = await Promise.all([ownMounts(), deviceNumberOf(area.path)]);
  const topmost = mounts.findLast((mount) => mount.mountPoint === place);
  if (topmost === undefined || deviceNumber === undefined || !(await isMountOf(topmost, deviceNumber))) {
    throw new AppError(
      'source-unreadable',
      `What is mounted at ${mountPoint} is not ${area.path} but ${topmost === undefined ? 'nothing' : topmost.source}.`,
      { hint: 'See who else mounts and unmounts there: findmnt; or choose another place with --mount-point.' },
    );
  }
  if (!topmost.superOptions.includes('rw') && topmost.options.includes('ro')) return;
  throw new AppError('disk-in-use', `The filesystem on ${area.path} was mounted for writing while it was read.`, {
    hint: `See who has mounted it: findmnt --source ${area.path}; switch that off and run again.`,
  });
}

function damaged(area: FilesystemArea, errors: number): AppError {
  return new AppError(
    'source-unreadable',
    `The kernel found ${count(errors, 'error')} in the ${area.contents.type} filesystem on ${area.path} while its files ` +
      'were read, so some of them may be missing from the archive.',
    { hint: 'See dmesg for what is damaged, and archive the whole disk with --dd.' },
  );
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

/**
 * Makes sure, before anything is begun, that mount points can be made in a directory, which is created if it is not there.
 * Throws `mount-failed`.
 */
export async function requireMountPlace(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw noPlace(directory, cause);
  }
}

function noPlace(path: string, cause: unknown): AppError {
  return new AppError('mount-failed', `Volumes cannot be mounted below ${path}: ${messageOf(cause)}`, {
    cause,
    hint: 'Name a directory that is there or can be made, on a filesystem that can be written to, with --mount-point.',
  });
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
        if (await isMountPoint(mountPoint)) await run(['umount', mountPoint], { limitMs: kernelWorkMs });
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
