import { randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { AppError, formatBytes, messageOf } from '../core/index.js';

/** Parts up to this size wait in memory; larger ones (volumes of several TiB) in a file, so that memory stays flat. */
export const largestPartInMemoryBytes = 64 * 1024 * 1024;

/** One part of an upload while it is gathered and sent: its bytes can be read as often as S3 makes us send them. */
export interface PartBuffer extends AsyncDisposable {
  readonly sizeBytes: number;
  /** CRC-32 of all bytes so far, as S3 writes it: base64 of four bytes, big-endian. */
  readonly crc32: string;
  /** Throws `disk-full` where the bytes wait in a file and there is no room for them. */
  append(bytes: Buffer): Promise<void>;
  /** A new stream over all bytes. */
  read(): Readable;
}

/** Where large parts wait. */
export interface PartPlace {
  readonly temporaryDirectory: string;
}

/** How one waits. */
export interface PartBufferOptions extends PartPlace {
  readonly capacityBytes: number;
  /** Parts above this many bytes go to disk; {@link largestPartInMemoryBytes} but in tests. */
  readonly inMemoryBytes?: number;
  /** Where the memory of parts comes from and goes back to; new memory each time if not given. */
  readonly memory?: PartMemory;
}

/** Memory that parts have given back, for the next ones. Made once an upload. */
export interface PartMemory {
  take(bytes: number): Buffer;
  giveBack(memory: Buffer): void;
}

/**
 * Reuses the memory of parts. Without it, and with the pieces kept as they come, every part would be garbage that has
 * lived long: V8 would look through its whole heap for every few of them, and hold twice the memory.
 */
export function createPartMemory(): PartMemory {
  let free: Buffer[] = [];
  return {
    take: (bytes) => {
      // Sizes only grow: what is too small now is never needed again.
      free = free.filter(({ length }) => length === bytes);
      return free.pop() ?? Buffer.allocUnsafeSlow(bytes);
    },
    giveBack: (memory) => void free.push(memory),
  };
}

/** Makes room for one part. Dispose to give it back. */
export async function createPartBuffer(options: PartBufferOptions): Promise<PartBuffer> {
  return options.capacityBytes <= (options.inMemoryBytes ?? largestPartInMemoryBytes)
    ? memoryPart(options.capacityBytes, options.memory ?? createPartMemory())
    : filePart(await openFile(options), options);
}

function memoryPart(capacityBytes: number, memory: PartMemory): PartBuffer {
  let held: Buffer | undefined = memory.take(capacityBytes);
  let sizeBytes = 0;
  let crc = 0;
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    get crc32() {
      return encodeCrc32(crc);
    },
    append: (bytes) => {
      if (held === undefined || sizeBytes + bytes.length > capacityBytes) {
        throw new AppError('internal', `${bytes.length} bytes do not fit into a part of ${capacityBytes}.`);
      }
      held.set(bytes, sizeBytes);
      sizeBytes += bytes.length;
      crc = crc32(bytes, crc);
      return Promise.resolve();
    },
    read: () => Readable.from(piecesOf(held?.subarray(0, sizeBytes) ?? Buffer.alloc(0)), { objectMode: false }),
    [Symbol.asyncDispose]: () => {
      if (held !== undefined) memory.giveBack(held);
      held = undefined;
      return Promise.resolve();
    },
  };
}

const pieceBytes = 1024 * 1024;

function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

function filePart(file: FileHandle, options: PartBufferOptions): PartBuffer {
  let sizeBytes = 0;
  let crc = 0;
  let open = true;
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    get crc32() {
      return encodeCrc32(crc);
    },
    append: async (bytes) => {
      for (let written = 0; written < bytes.length;) {
        const { bytesWritten } = await file
          .write(bytes, written, bytes.length - written, sizeBytes + written)
          .catch((error: unknown) => {
            throw isFull(error) ? diskFull(options, error) : error;
          });
        written += bytesWritten;
      }
      sizeBytes += bytes.length;
      crc = crc32(bytes, crc);
    },
    read: () => Readable.from(readFile(file, sizeBytes), { objectMode: false }),
    [Symbol.asyncDispose]: async () => {
      if (open) await file.close();
      open = false;
    },
  };
}

async function* readFile(file: FileHandle, sizeBytes: number): AsyncGenerator<Buffer> {
  for (let position = 0; position < sizeBytes;) {
    const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, sizeBytes - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) throw new Error(`The temporary file of a part ended after ${position} of ${sizeBytes} bytes.`);
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

function diskFull(
  { temporaryDirectory, capacityBytes }: PartPlace & { readonly capacityBytes: number },
  cause: unknown,
): AppError {
  return new AppError(
    'disk-full',
    `${temporaryDirectory} is full: a part of ${formatBytes(capacityBytes)} of the upload had to wait there.`,
    { cause, hint: 'Set TMPDIR to a directory with room for that many bytes for each upload stream and one more.' },
  );
}

/**
 * Makes sure, before anything is begun, that parts can wait in a directory. Throws `usage` where no files can be made there, and
 * `disk-full`.
 */
export async function requireTemporaryDirectory({ temporaryDirectory }: PartPlace): Promise<void> {
  await (await openFile({ temporaryDirectory, capacityBytes: largestPartInMemoryBytes })).close();
}

async function openFile(options: PartPlace & { readonly capacityBytes: number }): Promise<FileHandle> {
  const { temporaryDirectory } = options;
  return unlinkedFile(temporaryDirectory).catch((cause: unknown) => {
    if (isFull(cause)) throw diskFull(options, cause);
    throw new AppError('usage', `No temporary files can be made in ${temporaryDirectory}: ${messageOf(cause)}`, {
      cause,
      hint: 'Set TMPDIR to a directory that is there and can be written to.',
    });
  });
}

/** A file that has no name any more: it goes with the process, however that ends. */
async function unlinkedFile(directory: string): Promise<FileHandle> {
  const path = join(directory, `snap-to-s3-part-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

/** A CRC-32 as S3 writes it. */
export function encodeCrc32(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc >>> 0);
  return bytes.toString('base64');
}
