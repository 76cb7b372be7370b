import { chmod, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GiB } from '../../../src/core/index.js';
import { run } from '../../../src/process/index.js';
import { coldMapOf, createColdMap, removeColdMap } from '../lazy-loading/index.js';

/** The bytes of volumes and snapshots: one sparse file each, which costs only what was written. */
export interface DiskFiles {
  volumePath(volumeId: string): string;
  snapshotPath(snapshotId: string): string;
  /** Makes a volume that reads as zeros. */
  createEmpty(volumeId: string, sizeGiB: number): Promise<void>;
  /** Makes a volume with the content of a snapshot, grown to `sizeGiB`. */
  createFromSnapshot(volumeId: string, from: { readonly snapshotId: string; readonly sizeGiB: number }): Promise<void>;
  /** Copies what the volume holds after `flush`. The file appears under its name only when it is whole. */
  takeSnapshot(
    snapshotId: string,
    from: { readonly volumeId: string; readonly flush: () => Promise<void> },
  ): Promise<void>;
  /** Copies what another snapshot holds, of whatever region. */
  copySnapshot(snapshotId: string, from: { readonly sourceId: string }): Promise<void>;
  /** Makes a snapshot of a file with the bytes of a disk, or of nothing but zeros. */
  importSnapshot(
    snapshotId: string,
    from: { readonly sizeGiB: number; readonly file: string | undefined },
  ): Promise<void>;
  hasSnapshot(snapshotId: string): Promise<boolean>;
  /** The bytes that were ever written to the volume, in whole blocks of 512 KiB, as far as the file knows. */
  fullSizeBytes(snapshotId: string): Promise<number>;
  /** Removes the file, after the copies that are being made of it. May be repeated. */
  removeVolume(volumeId: string): Promise<void>;
  /** {@link removeVolume} for a snapshot. */
  removeSnapshot(snapshotId: string): Promise<void>;
}

/**
 * Keeps disks under `<directory>/volumes` and `<directory>/snapshots`. With lazy loading, it is noted of volumes that are
 * made of snapshots which blocks are still to be fetched.
 */
export async function openDiskFiles(
  directory: string,
  { lazyLoading = false }: { readonly lazyLoading?: boolean } = {},
): Promise<DiskFiles> {
  const volumePath = (id: string): string => join(directory, 'volumes', `${id}.img`);
  const snapshotPath = (id: string): string => join(directory, 'snapshots', `${id}.img`);
  await mkdir(join(directory, 'volumes'), { recursive: true });
  await mkdir(join(directory, 'snapshots'), { recursive: true });

  const copies = new Map<string, Set<Promise<void>>>();
  // Registers at once: whoever removes the source from now on waits for the copy.
  const copying = async (from: string, copy: () => Promise<void>): Promise<void> => {
    const running = copies.get(from) ?? new Set();
    copies.set(from, running);
    const work = copy();
    running.add(work);
    try {
      await work;
    } finally {
      running.delete(work);
      if (running.size === 0) copies.delete(from);
    }
  };
  const remove = async (path: string): Promise<void> => {
    await Promise.allSettled([...(copies.get(path) ?? [])]);
    await rm(path, { force: true });
    await rm(`${path}.partial`, { force: true });
  };

  return {
    volumePath,
    snapshotPath,
    createEmpty: (id, sizeGiB) => resize(volumePath(id), sizeGiB * GiB),
    createFromSnapshot: async (id, { snapshotId, sizeGiB }) => {
      const partial = `${volumePath(id)}.partial`;
      await copying(snapshotPath(snapshotId), () => sparseCopy(snapshotPath(snapshotId), partial));
      await chmod(partial, 0o600);
      await resize(partial, sizeGiB * GiB);
      if (lazyLoading) await createColdMap(coldMapOf(volumePath(id)), { file: partial, sizeBytes: sizeGiB * GiB });
      await rename(partial, volumePath(id));
    },
    takeSnapshot: async (id, { volumeId, flush }) => {
      const partial = `${snapshotPath(id)}.partial`;
      await copying(volumePath(volumeId), async () => {
        await flush();
        await sparseCopy(volumePath(volumeId), partial);
      });
      await chmod(partial, 0o444);
      await rename(partial, snapshotPath(id));
    },
    copySnapshot: async (id, { sourceId }) => {
      const partial = `${snapshotPath(id)}.partial`;
      await copying(snapshotPath(sourceId), () => sparseCopy(snapshotPath(sourceId), partial));
      await chmod(partial, 0o444);
      await rename(partial, snapshotPath(id));
    },
    importSnapshot: async (id, { sizeGiB, file }) => {
      const partial = `${snapshotPath(id)}.partial`;
      await rm(partial, { force: true });
      if (file !== undefined) {
        await sparseCopy(file, partial);
        await chmod(partial, 0o600);
      }
      await resize(partial, sizeGiB * GiB);
      await chmod(partial, 0o444);
      await rename(partial, snapshotPath(id));
    },
    fullSizeBytes: async (id) => {
      const { blocks } = await stat(snapshotPath(id));
      return Math.ceil((blocks * 512) / snapshotBlockBytes) * snapshotBlockBytes;
    },
    hasSnapshot: async (id) =>
      stat(snapshotPath(id)).then(
        () => true,
        () => false,
      ),
    removeVolume: async (id) => {
      await remove(volumePath(id));
      await removeColdMap(volumePath(id));
    },
    removeSnapshot: (id) => remove(snapshotPath(id)),
  };
}

/** What EBS keeps snapshots in (EBS user guide, "EBS direct APIs"). */
const snapshotBlockBytes = 512 * 1024;

/** Creates the file if need be; existing bytes stay. */
async function resize(path: string, sizeBytes: number): Promise<void> {
  const file = await open(path, 'a+', 0o600);
  try {
    await file.truncate(sizeBytes);
  } finally {
    await file.close();
  }
}

/** Copies data and keeps holes, by reference where the filesystem can. */
async function sparseCopy(from: string, to: string): Promise<void> {
  const { blocks, size } = await stat(from);
  await rm(to, { force: true });
  // A file without a single block needs no program to copy it.
  if (blocks === 0) await resize(to, size);
  else await run(['cp', '--sparse=auto', '--reflink=auto', '--', from, to]);
}
