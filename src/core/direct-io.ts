import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

// Reading and writing past the kernel's page cache (O_DIRECT, open(2)). Disks are larger than memory and are read or written
// once: to copy each byte through pages that nobody looks at again costs more processor time than anything else that is
// done with it, and pushes out of memory what others need.

/** Places, lengths and memory must be multiples of this: of the disk's blocks, which have 512 or 4096 bytes. */
export const directUnit = 4096;

/** Shared memory that begins at a page: V8 takes what could grow from the system itself, in whole pages. */
export function alignedMemory(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(bytes, { maxByteLength: bytes });
}

/**
 * A file or disk past the page cache. Both return how many bytes were done, 0 where it is for the page cache to do them; once the
 * kernel has refused one, all are. They throw what else goes wrong.
 */
export interface DirectFile extends AsyncDisposable {
  read(buffer: Buffer, position: number): Promise<number>;
  write(buffer: Buffer, position: number): Promise<number>;
}

/** Opens a file or disk once more, so that the page cache is passed by where that can be done. */
export async function openDirect(path: string, flags: number): Promise<DirectFile> {
  // Only Linux has it by this name.
  const { O_DIRECT } = constants as { readonly O_DIRECT?: number };
  let file = O_DIRECT === undefined ? undefined : await open(path, flags | O_DIRECT).catch(() => undefined);
  const opened = file;
  const attempt = async (position: number, work: (direct: FileHandle) => Promise<number>): Promise<number> => {
    if (file === undefined || position % directUnit !== 0) return 0;
    try {
      return await work(file);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      file = undefined;
      return 0;
    }
  };
  return {
    read: (buffer, position) =>
      attempt(position, async (direct) => (await direct.read(buffer, 0, buffer.length, position)).bytesRead),
    write: (buffer, position) =>
      attempt(position, async (direct) => (await direct.write(buffer, 0, buffer.length, position)).bytesWritten),
    [Symbol.asyncDispose]: async () => {
      await opened?.close();
    },
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EINVAL' || error.code === 'EOPNOTSUPP');
}
