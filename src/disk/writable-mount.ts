import { mkdir, realpath } from 'node:fs/promises';
import { abandon, AppError, messageOf, type Clock } from '../core/index.js';
import { isProgramFailure, run } from '../process/index.js';
import { mountDevice } from './mount-device.js';
import { unmount } from './mount.js';
import { deviceNumberOf, isMountOf, ownMounts } from './mountinfo.js';

/** A filesystem of ours, mounted to be filled. Disposing unmounts it and removes the mount point. */
export interface WritableMount extends AsyncDisposable {
  readonly path: string;
  /** Everything written is on the disk. Throws `restore-failed` where it could not be written. */
  flush(): Promise<void>;
}

/** What is mounted, and where. */
export interface WritableMountOptions {
  /** A filesystem that was made just now. */
  readonly devicePath: string;
  readonly type: string;
  /** Created if it is not there, parents included. */
  readonly mountPoint: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

const unmountTimeoutMs = 60_000;
/** All of a machine's memory may be waiting for a slow volume. */
const flushMs = 6 * 60 * 60_000;

/** Mounts a filesystem that is to be filled; nothing on it is in force. Throws `restore-failed`. */
export async function mountForWriting(options: WritableMountOptions): Promise<WritableMount> {
  const { devicePath, type, mountPoint, clock, signal } = options;
  await mkdir(mountPoint, { recursive: true });
  const mount: WritableMount = {
    path: mountPoint,
    flush: async () => {
      await run(['sync', '--file-system', mountPoint], { signal, limitMs: flushMs }).catch((error: unknown) => {
        throw new AppError('restore-failed', `Writing to ${devicePath} failed: ${messageOf(error)}`, {
          cause: error,
          hint: 'See what the kernel says of the disk: dmesg',
        });
      });
    },
    [Symbol.asyncDispose]: () => unmount(mountPoint, { clock, timeoutMs: unmountTimeoutMs }),
  };
  // A copy of the disk that it was may be on this machine, with the same UUID.
  const flags = ['rw', 'noatime', 'nosuid', 'nodev', 'noexec', ...(type === 'xfs' ? ['nouuid'] : [])];
  try {
    await mountDevice({ devicePath, type, flags, mountPoint, clock, signal });
    await requireOurs(devicePath, mountPoint);
    return mount;
  } catch (error) {
    return await abandon(mount, isProgramFailure(error) ? refusal(options, error) : error);
  }
}

/** btrfs takes two filesystems of one UUID for one. Were it another, that one would be filled. */
async function requireOurs(devicePath: string, mountPoint: string): Promise<void> {
  const place = await realpath(mountPoint);
  const topmost = (await ownMounts()).findLast((mount) => mount.mountPoint === place);
  const deviceNumber = await deviceNumberOf(devicePath);
  if (topmost !== undefined && deviceNumber !== undefined && (await isMountOf(topmost, deviceNumber))) return;
  throw new AppError('restore-failed', `What is mounted at ${mountPoint} is not ${devicePath}.`, {
    hint: 'If the disk that was archived is attached to this machine, detach it, and run it again.',
  });
}

function refusal({ devicePath, type }: WritableMountOptions, cause: AppError): AppError {
  return new AppError(
    'restore-failed',
    `The new ${type} filesystem on ${devicePath} does not mount. ${cause.message}`,
    {
      cause,
      hint: 'Restore the files with --to-directory, or use a machine whose kernel has this filesystem.',
    },
  );
}
