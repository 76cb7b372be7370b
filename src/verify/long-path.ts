import { closeSync, constants, openSync } from 'node:fs';

/** Linux's PATH_MAX is 4,096 bytes with the NUL (limits.h); what can be nested in a filesystem is longer. */
const longestPathBytes = 4_000;
const slash = 0x2f;

/** A path that the kernel takes, while it is open. */
export interface ReachablePath extends Disposable {
  readonly path: Buffer;
}

/** Whether the kernel does not take the path of something below `root` as it is. */
export function isTooLong(root: Buffer, path: Buffer): boolean {
  return root.length + 1 + path.length > longestPathBytes;
}

/**
 * A path by which `path` below `root` can be named, however long it is: of a longer one the directories on the way are
 * opened one after the other, and symbolic links among them are not followed. Throws what `open` throws.
 */
export function reach(root: Buffer, path: Buffer): ReachablePath {
  const whole = path.equals(dot) ? root : Buffer.concat([root, Buffer.from([slash]), path]);
  let rest = whole;
  let directory: number | undefined;
  const close = (): void => {
    if (directory !== undefined) closeSync(directory);
    directory = undefined;
  };
  try {
    while (rest.length > longestPathBytes) {
      const cut = rest.lastIndexOf(slash, longestPathBytes);
      const next = openSync(rest.subarray(0, cut), directoryFlags);
      close();
      directory = next;
      rest = Buffer.concat([Buffer.from(`/proc/${process.pid}/fd/${directory}`), rest.subarray(cut)]);
    }
  } catch (error) {
    close();
    throw error;
  }
  return { path: rest, [Symbol.dispose]: close };
}

/** Gives `use` a path of {@link reach}, and only while it runs. */
export function reached<T>(root: Buffer, path: Buffer, use: (path: Buffer) => T): T {
  const reachable = reach(root, path);
  try {
    return use(reachable.path);
  } finally {
    reachable[Symbol.dispose]();
  }
}

const dot = Buffer.from('.');
const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
