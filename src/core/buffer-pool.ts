import { alignedMemory } from './direct-io.js';

/**
 * Memory that is lent, given back and lent again. All of it is shared, so that threads read and write it where it is, and
 * begins at a page, so that disks do (see direct-io). What is never given back is garbage like any other memory.
 */
export interface BufferPool {
  /** So many bytes of memory, with whatever was in it before. They belong to the caller. */
  take(bytes: number): Buffer;
  /** Takes memory back that `take` gave, or any part of it. The giver must not look at it again. Others' is left alone. */
  giveBack(bytes: Buffer): void;
}

/** Sizes are rounded up, so that pieces of nearly the same size take turns in the same memory. */
const leastBytes = 64 * 1024;

/** Makes an empty one: as much as is lent at once stays held. */
export function createBufferPool(): BufferPool {
  const free = new Map<number, SharedArrayBuffer[]>();
  const lent = new WeakSet<SharedArrayBuffer>();
  return {
    take: (bytes) => {
      const size = roundedUp(bytes);
      const memory = free.get(size)?.pop() ?? alignedMemory(size);
      lent.add(memory);
      return Buffer.from(memory, 0, bytes);
    },
    giveBack: ({ buffer }) => {
      if (!(buffer instanceof SharedArrayBuffer) || !lent.delete(buffer)) return;
      const same = free.get(buffer.byteLength);
      if (same === undefined) free.set(buffer.byteLength, [buffer]);
      else same.push(buffer);
    },
  };
}

function roundedUp(bytes: number): number {
  let size = leastBytes;
  while (size < bytes) size *= 2;
  return size;
}
