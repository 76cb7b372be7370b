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

/** Opens a file or disk once more, so that the page cache is passed by; undefined where that cannot be done. */
export async function openDirect(path: string, flags: number): Promise<FileHandle | undefined> {
  // Only Linux has it by this name.
  const { O_DIRECT } = constants as { readonly O_DIRECT?: number };
  if (O_DIRECT === undefined) return undefined;
  return open(path, flags | O_DIRECT).catch(() => undefined);
}

/** Whether the kernel will not do it this way (and might do it the other). */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EINVAL' || error.code === 'EOPNOTSUPP');
}
