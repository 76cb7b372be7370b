/** The size of a slab: small enough for the cache of a core, large enough that messages cost little. */
export const slabBytes = 256 * 1024;

/**
 * Memory that all threads see, cut into slabs of {@link slabBytes}; bytes travel to the threads in it. There is no other
 * way, so its size bounds what is under way in all bodies together.
 */
export interface Slabs {
  readonly memory: SharedArrayBuffer;
  /** The number of a free slab, as soon as there is one; who asks first gets one first. */
  take(): Promise<number>;
  give(slab: number): void;
}

/** Reserves the memory; the system provides it as slabs are first used. */
export function newSlabs(count: number): Slabs {
  const free = Array.from({ length: count }, (_, slab) => count - 1 - slab);
  const waiting: ((slab: number) => void)[] = [];
  return {
    memory: new SharedArrayBuffer(count * slabBytes),
    take: async () => {
      const slab = free.pop();
      return slab ?? new Promise((resolve) => waiting.push(resolve));
    },
    give: (slab) => {
      const next = waiting.shift();
      if (next === undefined) free.push(slab);
      else next(slab);
    },
  };
}

/** A slab, or its first bytes. */
export function viewOfSlab(memory: SharedArrayBuffer, slab: number, bytes = slabBytes): Uint8Array {
  return new Uint8Array(memory, slab * slabBytes, bytes);
}
