import { AppError } from '../core/index.js';
import type { Area, Contents, DiskLayout } from './layout.js';

/** A partition (or whole disk) with a filesystem on it. */
export type FilesystemArea = Area & { readonly contents: Extract<Contents, { kind: 'filesystem' }> };

/** What of a disk becomes tar archives, and what is left out and why. */
export interface TarSelection {
  readonly filesystems: readonly FilesystemArea[];
  /** Sentences for the user. */
  readonly notices: readonly string[];
}

/** What blkid's names for members of something larger mean to a person. */
const memberNames: Readonly<Record<string, string>> = {
  LVM2_member: 'an LVM physical volume',
  LVM1_member: 'an LVM physical volume',
  linux_raid_member: 'a member of a Linux RAID',
  crypto_LUKS: 'encrypted with LUKS',
  BitLocker: 'encrypted with BitLocker',
  zfs_member: 'a member of a ZFS pool',
};

/**
 * Decides what of a disk tar can archive: every filesystem; swap, extended and empty partitions are left out with a
 * notice. Throws `disk-unsupported`, naming `--dd`, for LVM, RAID, LUKS and the like, for a layout that
 * contradicts itself, and for a disk with nothing on it.
 */
export function selectFilesystems(layout: DiskLayout): TarSelection {
  if (layout.contradiction !== undefined) throw layout.contradiction;
  refuseOverlap(layout.areas);
  const filesystems: FilesystemArea[] = [];
  const notices: string[] = [];
  for (const area of layout.areas) {
    const { contents } = area;
    switch (contents.kind) {
      case 'filesystem':
        filesystems.push({ ...area, contents });
        break;
      case 'swap':
        notices.push(`${nameOf(area)} is swap space and is left out.`);
        break;
      case 'empty':
        notices.push(`${nameOf(area)} holds no filesystem and is left out.`);
        break;
      case 'extended':
        break;
      case 'member': {
        const what = memberNames[contents.type] ?? `of the type ${contents.type}`;
        throw new AppError('disk-unsupported', `${nameOf(area)} is ${what}, which cannot be archived as files.`, {
          hint: 'Archive the whole disk instead: add --dd.',
        });
      }
    }
  }
  if (filesystems.length === 0) {
    throw new AppError(
      'disk-unsupported',
      `There is no filesystem on ${layout.path}, so there are no files to archive.`,
      {
        hint: 'To archive the whole disk as an image, add --dd.',
      },
    );
  }
  return { filesystems, notices };
}

function nameOf(area: Area): string {
  return area.partition === undefined ? `The disk ${area.path}` : `Partition ${area.partition} (${area.path})`;
}

/** Of two partitions in one place at most one is real, and mounting one may change the other. */
function refuseOverlap(areas: readonly Area[]): void {
  const inPlace = areas.filter(({ contents }) => contents.kind !== 'extended');
  inPlace.sort((a, b) => a.startBytes - b.startBytes);
  for (const [index, area] of inPlace.entries()) {
    const before = inPlace[index - 1];
    if (before === undefined || before.startBytes + before.sizeBytes <= area.startBytes) continue;
    throw new AppError('disk-unsupported', `${before.path} and ${area.path} overlap on the disk.`, {
      hint: 'Archive the whole disk with --dd.',
    });
  }
}
