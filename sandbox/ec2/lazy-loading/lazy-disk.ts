import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '../../../src/core/index.js';
import { blockBytes } from '../../ebs/settings.js';
import type { ColdBlocks } from './cold-blocks.js';
import type { LazyLoading } from './lazy-files.js';

/** The bytes of a volume of which some are still to be fetched. */
export interface LazyDisk {
  readonly sizeBytes: number;
  /** Fills `into` from `offset` on, after the blocks that it touches have been fetched; zeros beyond the end. */
  read(into: Buffer, offset: number): Promise<void>;
  /** Writes, after the blocks that are touched have been fetched. */
  write(bytes: Buffer, offset: number): Promise<void>;
  /** Resolves when all that was written is on the machine's disk. */
  sync(): Promise<void>;
}

/** What a {@link LazyDisk} is made of. */
export interface LazyDiskParts {
  readonly file: FileHandle;
  readonly sizeBytes: number;
  readonly cold: ColdBlocks;
  readonly loading: LazyLoading;
  readonly clock: Clock;
}

/** Fetches each block once, and whole; what has been fetched does not wait for what has not. */
export function lazyDisk({ file, sizeBytes, cold, loading, clock }: LazyDiskParts): LazyDisk {
  const fetchMs = (blockBytes * 1000) / loading.bytesPerSecond;
  const fetching = new Map<number, Promise<void>>();
  let freeAtMs = 0;

  const fetch = async (block: number): Promise<void> => {
    freeAtMs = Math.max(freeAtMs, clock.now()) + fetchMs;
    await clock.sleep(freeAtMs + loading.latencyMs - clock.now());
    await cold.warm(block);
    fetching.delete(block);
  };
  const fetched = async (offset: number, bytes: number): Promise<void> => {
    const under = cold.within(offset, bytes).map((block) => {
      const one = fetching.get(block) ?? fetch(block);
      fetching.set(block, one);
      return one;
    });
    await Promise.all(under);
  };

  return {
    sizeBytes,
    read: async (into, offset) => {
      await fetched(offset, into.length);
      for (let filled = 0; filled < into.length;) {
        const { bytesRead } = await file.read(into, filled, into.length - filled, offset + filled);
        if (bytesRead === 0) {
          into.fill(0, filled);
          return;
        }
        filled += bytesRead;
      }
    },
    write: async (bytes, offset) => {
      await fetched(offset, bytes.length);
      for (let written = 0; written < bytes.length;) {
        written += (await file.write(bytes, written, bytes.length - written, offset + written)).bytesWritten;
      }
    },
    sync: () => file.datasync(),
  };
}
