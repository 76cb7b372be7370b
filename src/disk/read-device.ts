import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { alignedMemory, AppError, MiB, openDirect } from '../core/index.js';

/** How a device is read. */
export interface ReadDeviceOptions {
  /** The size that the kernel gave for the device; exactly so many bytes are read. */
  readonly sizeBytes: number;
  readonly signal?: AbortSignal | undefined;
}

const chunkBytes = 2 * MiB;
/**
 * Reads under way at once: enough to keep a network disk busy without the kernel reading ahead (it cuts each into several
 * requests), and fewer than libuv has threads, which others need too.
 */
const readsAhead = 4;

/**
 * Reads a block device from its first byte to its last; meanwhile the kernel lets nobody mount it, unless somebody has
 * already. What is yielded is good until the next is asked for. Throws `source-unreadable` with the position of a read error, or when the device ends early.
 */
export async function* readDevice(path: string, options: ReadDeviceOptions): AsyncGenerator<Buffer> {
  await using device = await openDevice(path);
  const pending: Promise<Buffer>[] = [];
  // Used again: as garbage, so much memory would make V8 look through its whole heap all the time.
  const free: Buffer[] = [];
  let next = 0;
  const startRead = (): void => {
    const position = next;
    const length = Math.min(chunkBytes, options.sizeBytes - position);
    next += length;
    const buffer = (free.pop() ?? Buffer.from(alignedMemory(chunkBytes))).subarray(0, length);
    const reading = readFully(device, { path, position, buffer });
    reading.catch(() => undefined);
    pending.push(reading);
  };
  try {
    while (next < options.sizeBytes && pending.length < readsAhead) startRead();
    for (let reading = pending.shift(); reading !== undefined; reading = pending.shift()) {
      options.signal?.throwIfAborted();
      const chunk = await reading;
      if (next < options.sizeBytes) startRead();
      yield chunk;
      free.push(chunk);
    }
  } finally {
    await Promise.allSettled(pending);
  }
}

/** Makes sure that the beginning of a device, as far as it goes, can be read. Throws `source-unreadable`. */
export async function requireReadable(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(bytes);
    for (let position = 0; position < bytes;) {
      const { bytesRead } = await file.read(buffer, 0, bytes - position, position).catch((error: unknown) => {
        throw failedAt(path, position, error);
      });
      if (bytesRead === 0) return;
      position += bytesRead;
    }
  } finally {
    await file.close();
  }
}

interface Device extends AsyncDisposable {
  /** Past the page cache where that can be done; what cannot be read so is read with it, which knows where the error is. */
  read(buffer: Buffer, from: number, position: number): Promise<number>;
}

async function openDevice(path: string): Promise<Device> {
  const cached = await openExclusively(path);
  const direct = await openDirect(path, constants.O_RDONLY);
  return {
    read: async (buffer, from, position) => {
      const bytesRead = await direct.read(buffer.subarray(from), position).catch(() => 0);
      if (bytesRead > 0) return bytesRead;
      return (await cached.read(buffer, from, buffer.length - from, position)).bytesRead;
    },
    [Symbol.asyncDispose]: async () => {
      await direct[Symbol.asyncDispose]();
      await cached.close();
    },
  };
}

/** Opens as mount(2) does, which excludes both from each other; what is mounted already is opened all the same. */
async function openExclusively(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_EXCL);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EBUSY') return open(path, 'r');
    throw error;
  }
}

function failedAt(path: string, position: number, cause: unknown): AppError {
  return new AppError('source-unreadable', `Reading ${path} failed at byte ${position}.`, {
    cause,
    hint: 'Run again: a new temporary volume is made of the snapshot. If that fails at the same place, ask AWS support.',
  });
}

async function readFully(
  device: Device,
  { path, position, buffer }: { path: string; position: number; buffer: Buffer },
): Promise<Buffer> {
  const { length } = buffer;
  let filled = 0;
  while (filled < length) {
    let bytesRead: number;
    try {
      bytesRead = await device.read(buffer, filled, position + filled);
    } catch (error) {
      throw failedAt(path, position + filled, error);
    }
    if (bytesRead === 0) {
      throw new AppError('source-unreadable', `${path} ended at byte ${position + filled}, before its size.`);
    }
    filled += bytesRead;
  }
  return buffer;
}
