import { constants } from 'node:fs';
import { link, open, rm, stat, unlink, type FileHandle } from 'node:fs/promises';
import { AppError, directUnit, formatBytes, isZero, messageOf, openDirect, type DirectFile } from '../core/index.js';
import { runText } from '../process/index.js';

/** Where an image is written to, from its first byte to its last. Disposed before its `end`, nothing counts. */
export interface ImageTarget extends AsyncDisposable {
  /** Resolves when more may come; the buffer must not change before `onWritten` was called with it. */
  write(bytes: Buffer, onWritten: (bytes: Buffer) => void): Promise<void>;
  /** When everything was written: it is on the disk, and under its name. */
  end(): Promise<void>;
}

/** Writes that wait their turn. The kernel does those to one file one after the other, and lets the others spin meanwhile. */
const mostWrites = 4;
/** Zeros in pieces of this size become holes. */
const holeBytes = 64 * 1024;

/** How an image file is written. */
export interface ImageFileOptions {
  readonly path: string;
  /** What an earlier run has left is kept up to here, and writing goes on there. */
  readonly startBytes: number;
  /** What is written stays when it is broken off: a later run can prove it and go on there. */
  readonly isKept: boolean;
}

/** The name of an image file until it is complete. */
export function partialImage(path: string): string {
  return `${path}.snap-to-s3-restoring`;
}

/**
 * Writes an image to a new sparse file, which gets its name when it is complete. Throws `usage` where a file of the name is
 * there.
 */
export async function imageFile({ path, startBytes, isKept }: ImageFileOptions): Promise<ImageTarget> {
  if (await isThere(path)) throw exists(path);
  const partial = partialImage(path);
  const file = await open(partial, startBytes > 0 ? 'r+' : 'w', 0o600).catch((error: unknown) => {
    throw new AppError('usage', `${JSON.stringify(path)} cannot be written: ${messageOf(error)}.`, {
      hint: 'Name a file in a directory that is there with --to-file.',
      cause: error,
    });
  });
  await file.truncate(startBytes);
  const direct = await openDirect(partial, constants.O_WRONLY);
  const writes = writing({ file, direct }, { path, areZerosWritten: false, startBytes });
  let isEnded = false;
  return {
    write: (bytes, onWritten) => writes.write(bytes, onWritten),
    end: async () => {
      const bytes = await writes.end();
      await file.truncate(bytes);
      await file.sync();
      // As a name of its own, which fails where one has appeared meanwhile; renaming would replace it.
      await link(partial, path).catch((error: unknown) => {
        throw error instanceof Error && 'code' in error && error.code === 'EEXIST' ? exists(path) : error;
      });
      await unlink(partial);
      isEnded = true;
    },
    [Symbol.asyncDispose]: async () => {
      await writes.settle();
      await direct[Symbol.asyncDispose]();
      await file.close();
      if (!isEnded && (!isKept || writes.position() === 0)) await rm(partial, { force: true });
    },
  };
}

/** What is asked of a device before anything is written. */
export interface DeviceRequest {
  readonly path: string;
  /** Of the image. */
  readonly sizeBytes: number;
  /** Whatever is on it. */
  readonly force: boolean;
  /** It is all zeros, and they need not be written. */
  readonly isBlank: boolean;
}

/**
 * Writes an image onto a disk, every byte, zeros too unless it is blank. Throws `usage` for what is no block device, for one that is too
 * small or in use, and, unless forced, for one that is not empty at its beginning and end.
 */
export async function imageDevice({ path, sizeBytes, force, isBlank }: DeviceRequest): Promise<ImageTarget> {
  const facts = await stat(path).catch((error: unknown) => {
    throw new AppError('usage', `${JSON.stringify(path)} cannot be opened: ${messageOf(error)}.`, {
      hint: 'See which disks there are: lsblk',
      cause: error,
    });
  });
  if (!facts.isBlockDevice()) {
    throw new AppError('usage', `${path} is not a disk.`, { hint: 'To write a file say --to-file. Disks: lsblk' });
  }
  const deviceBytes = Number(await runText(['blockdev', '--getsize64', path]));
  if (deviceBytes < sizeBytes) {
    throw new AppError(
      'usage',
      `${path} has ${formatBytes(deviceBytes)}, but the image has ${formatBytes(sizeBytes)}.`,
      {
        hint: `Take a disk of at least ${sizeBytes} bytes.`,
      },
    );
  }
  await requireUnused(path);
  const file = await openExclusively(path);
  try {
    if (!force && !(await isEmpty(file, deviceBytes))) {
      throw new AppError('usage', `${path} is not empty, and everything on it would be lost.`, {
        hint: `Look at it: lsblk --fs ${path}. If it may go, or is what a restore that was broken off has left, say --force: the disk is written from its beginning.`,
      });
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  const direct = await openDirect(path, constants.O_WRONLY);
  const writes = writing({ file, direct }, { path, areZerosWritten: !isBlank, startBytes: 0 });
  return {
    write: (bytes, onWritten) => writes.write(bytes, onWritten),
    end: async () => {
      await writes.end();
      await file.sync();
    },
    [Symbol.asyncDispose]: async () => {
      await writes.settle();
      await direct[Symbol.asyncDispose]();
      await file.close();
    },
  };
}

/** Smaller pieces go by the page cache, which puts them together: a network disk takes a millisecond for each. */
const leastDirectBytes = 256 * 1024;
/** Of what goes by the page cache, the disk begins to write after so much; the kernel would wait for gigabytes, and all for it at the end. */
const flushBytes = 16 * 1024 * 1024;

function writing(
  { file, direct }: { readonly file: FileHandle; readonly direct: DirectFile },
  { path, areZerosWritten, startBytes }: { path: string; areZerosWritten: boolean; startBytes: number },
) {
  const pending: Promise<void>[] = [];
  let turn = Promise.resolve();
  let position = startBytes;
  let unflushed = 0;
  let flushing: Promise<void> | undefined;
  /** The kernel tells it once: whoever flushes again is told nothing. */
  let flushFailure: AppError | undefined;
  const flushSome = (bytes: number): void => {
    unflushed += bytes;
    if (unflushed < flushBytes || flushing !== undefined) return;
    unflushed = 0;
    flushing = file
      .datasync()
      .catch((error: unknown) => {
        flushFailure ??= failedAt(path, error);
      })
      .finally(() => (flushing = undefined));
  };
  const writeSome = async (bytes: Buffer, position: number): Promise<number> => {
    const whole = bytes.subarray(0, bytes.length - (bytes.length % directUnit));
    const past = whole.length < leastDirectBytes ? 0 : await direct.write(whole, position);
    if (past > 0) return past;
    const { bytesWritten } = await file.write(bytes, 0, bytes.length, position);
    flushSome(bytesWritten);
    return bytesWritten;
  };
  const writeAll = async (bytes: Buffer, at: number): Promise<void> => {
    for (const { from, to } of areZerosWritten ? [{ from: 0, to: bytes.length }] : withoutHoles(bytes)) {
      for (let done = from; done < to;) done += await writeSome(bytes.subarray(done, to), at + done);
    }
  };
  return {
    write: async (bytes: Buffer, onWritten: (bytes: Buffer) => void): Promise<void> => {
      const at = position;
      turn = turn.then(() => writeAll(bytes, at));
      const written = turn.then(
        () => onWritten(bytes),
        (error: unknown) => {
          throw failedAt(path, error);
        },
      );
      written.catch(() => undefined);
      position += bytes.length;
      pending.push(written);
      if (pending.length >= mostWrites) await pending.shift();
    },
    end: async (): Promise<number> => {
      await Promise.all(pending.splice(0));
      await flushing;
      if (flushFailure !== undefined) throw flushFailure;
      return position;
    },
    position: () => position,
    settle: () => Promise.allSettled([...pending, flushing]),
  };
}

/** The ranges of a piece that are not all zeros. */
function* withoutHoles(bytes: Buffer): Generator<{ from: number; to: number }, void> {
  let from: number | undefined;
  for (let at = 0; at < bytes.length; at += holeBytes) {
    if (!isZero(bytes.subarray(at, at + holeBytes))) from ??= at;
    else if (from !== undefined) {
      yield { from, to: at };
      from = undefined;
    }
  }
  if (from !== undefined) yield { from, to: bytes.length };
}

/** The kernel refuses a disk of its own; of a disk whose partitions are in use it does not. */
async function requireUnused(path: string): Promise<void> {
  const used = (await runText(['lsblk', '--noheadings', '--raw', '--output', 'NAME,MOUNTPOINT', path]))
    .split('\n')
    .map((line) => line.trim().split(' '))
    .find(([, mountPoint]) => mountPoint !== undefined && mountPoint !== '');
  if (used === undefined) return;
  const [name = '', mountPoint = ''] = used;
  const isSwap = mountPoint === '[SWAP]';
  const how = isSwap ? 'is used as swap' : `is mounted at ${mountPoint}`;
  throw new AppError('usage', `${path} is in use: ${name} ${how}.`, {
    hint: `${isSwap ? 'Switch it off first (swapoff)' : 'Unmount it first'}, if it is the right one at all.`,
  });
}

async function openExclusively(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDWR | constants.O_EXCL);
  } catch (error) {
    throw new AppError('usage', `${path} cannot be written to: ${messageOf(error)}.`, {
      hint: 'EBUSY means that it is in use (mounted, swap, RAID, LVM); EACCES that it takes root.',
      cause: error,
    });
  }
}

const lookedAtBytes = 1024 * 1024;

/** Partition tables and filesystems have something in the first or last MiB. */
async function isEmpty(file: FileHandle, sizeBytes: number): Promise<boolean> {
  const buffer = Buffer.alloc(lookedAtBytes);
  for (const position of [0, Math.max(0, sizeBytes - lookedAtBytes)]) {
    const { bytesRead } = await file.read(buffer, 0, lookedAtBytes, position);
    if (!isZero(buffer.subarray(0, bytesRead))) return false;
  }
  return true;
}

function failedAt(path: string, error: unknown): AppError {
  const isFull = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
  return new AppError('restore-failed', `Writing to ${path} failed: ${messageOf(error)}.`, {
    cause: error,
    hint: isFull ? 'Take a place with more room.' : 'See what the kernel says of the disk: dmesg',
  });
}

function exists(path: string): AppError {
  return new AppError('usage', `${path} is there already.`, {
    hint: 'Nothing is written over what is there. Name another file, or remove that one.',
  });
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
