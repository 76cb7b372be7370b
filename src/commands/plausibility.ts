import { AppError, count, formatBytes, GiB, MiB } from '../core/index.js';
import { measureTree, type DiskLayout, type FilesystemArea, type Mount, type TreeSize } from '../disk/index.js';
import type { Snapshot } from '../source/index.js';

/** What a tar is judged by. */
export interface TarFacts {
  readonly area: FilesystemArea;
  readonly mount: Pick<Mount, 'path' | 'usedBytes' | 'usedInodes'>;
  readonly signal?: AbortSignal | undefined;
}

/*
 * There is no lower bound of a tar that statfs could give: used bytes may be preallocated beyond the ends of files, be
 * held by files deleted while open or by deleted subvolumes, or be the parts of btrfs extents that nothing refers to any
 * more. So statfs only raises a suspicion. What clears it is a second count that does not rely on tar: what the files and
 * directories that can be reached take, preallocated space included; it costs little, as the tar was small. Only where
 * that leaves more than nine tenths of the used bytes (or inodes) unexplained is the result refused. That can still hit
 * a btrfs or XFS that consists of deleted things only; nobody but its owner can tell that from lost directories, and
 * --dd archives it with everything on it.
 */
const unexplainedFactor = 10;
/**
 * What filesystems use for themselves: measured on new ones of 1 GiB to 1000 GiB, 28 KiB (ext4), 256 KiB (XFS) and 6 MiB
 * (btrfs); XFS with other options and kernels up to 1 % of the partition.
 */
const ownBytes = (partitionBytes: number): number => 128 * MiB + partitionBytes / 50;
/** Inodes that no name leads to: those of the filesystem itself, and of files deleted while open. */
const namelessInodes = 10_000;
/** An entry of a tar takes at least one header. */
const smallestEntryBytes = 512;

/**
 * Passes a tar through, and ends only if it can be all that the filesystem holds; must be read while that is mounted.
 * Throws `implausible-result` for a few KB from a filesystem with GBs in use.
 */
export async function* plausibleTar(source: AsyncIterable<Buffer>, facts: TarFacts): AsyncGenerator<Buffer> {
  let tarBytes = 0;
  for await (const bytes of source) {
    tarBytes += bytes.length;
    yield bytes;
  }
  const inTar = { allocatedBytes: tarBytes, inodes: Math.floor(tarBytes / smallestEntryBytes) };
  if (explains(inTar, facts)) return;
  const reachable = await measureTree(facts.mount.path, {
    enough: (soFar) => explains(soFar, facts),
    signal: facts.signal,
  });
  if (!explains(reachable, facts)) throw implausible(tarBytes, reachable, facts);
}

/** Makes sure that an attached disk has the size of its snapshot's volume. Throws `implausible-result`. */
export function requireWholeDisk(snapshot: Pick<Snapshot, 'snapshotId' | 'volumeGiB'>, layout: DiskLayout): void {
  if (layout.sizeBytes >= snapshot.volumeGiB * GiB) return;
  throw new AppError(
    'implausible-result',
    `${layout.path} has ${formatBytes(layout.sizeBytes)}, but snapshot ${snapshot.snapshotId} is of a volume of ${snapshot.volumeGiB} GiB.`,
    { hint: 'Run again. If it stays so, look with lsblk and in the EC2 console at which volume that device is.' },
  );
}

function explains(found: TreeSize, { area, mount }: TarFacts): boolean {
  return (
    mount.usedBytes <= ownBytes(area.sizeBytes) + unexplainedFactor * found.allocatedBytes &&
    mount.usedInodes <= namelessInodes + unexplainedFactor * found.inodes
  );
}

function implausible(tarBytes: number, reachable: TreeSize, { area, mount }: TarFacts): AppError {
  return new AppError(
    'implausible-result',
    `The tar of ${area.path} has ${formatBytes(tarBytes)}, and all files that can be reached take ` +
      `${formatBytes(reachable.allocatedBytes)} in ${count(reachable.inodes, 'inode')}, but the filesystem says that ` +
      `${formatBytes(mount.usedBytes)} and ${count(mount.usedInodes, 'inode')} are in use. Either directories are lost, ` +
      'or almost all of it belongs to files or subvolumes that were deleted and not yet freed.',
    {
      details: { tarBytes, reachableBytes: reachable.allocatedBytes, usedBytes: mount.usedBytes },
      hint: 'Archive the whole disk with --dd, which leaves nothing out; fsck of a copy tells which of the two it is.',
    },
  );
}
