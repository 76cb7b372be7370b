import { open } from 'node:fs/promises';
import { AppError } from '../core/index.js';

/** How a device is read. */
export interface ReadDeviceOptions {
  /** The size that the kernel gave for the device; exactly so many bytes are read. */
  readonly sizeBytes: number;
  readonly signal?: AbortSignal | undefined;
}

const chunkBytes = 1024 * 1024;
/** Reads under way at once: enough to keep a network disk busy. */
const readsAhead = 4;

/**
 * Reads a block device from its first byte to its last. Throws `source-unreadable` with the position of a read error, or
 * when the device ends early.
 */
export async function* readDevice(path: string, options: ReadDeviceOptions): AsyncGenerator<Buffer> {
  const file = await open(path, 'r');
  const pending: Promise<Buffer>[] = [];
  let next = 0;
  const startRead = (): void => {
    const position = next;
    const length = Math.min(chunkBytes, options.sizeBytes - position);
    next += length;
    const reading = readFully(file, { path, position, length });
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
    }
  } finally {
    await Promise.allSettled(pending);
    await file.close();
  }
}

async function readFully(
  file: Awaited<ReturnType<typeof open>>,
  { path, position, length }: { path: string; position: number; length: number },
): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    let bytesRead: number;
    try {
      ({ bytesRead } = await file.read(buffer, filled, length - filled, position + filled));
    } catch (error) {
      throw new AppError('source-unreadable', `Reading ${path} failed at byte ${position + filled}.`, { cause: error });
    }
    if (bytesRead === 0) {
      throw new AppError('source-unreadable', `${path} ended at byte ${position + filled}, before its size.`);
    }
    filled += bytesRead;
  }
  return buffer;
}
