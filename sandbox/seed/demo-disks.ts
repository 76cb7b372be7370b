import type { DiskSpec } from './build-disk.js';
import type { ContentSpec } from './fill.js';

/** A disk of the demo, and the snapshot that is made of it. */
export interface DemoDisk {
  /** The tag `Name` of the snapshot. */
  readonly name: string;
  readonly description: string;
  readonly sizeGiB: number;
  readonly disk: DiskSpec;
}

const plain: ContentSpec = { realMiB: 40, realFrom: 0, awkward: false, sparseGiB: 0, smallFiles: 0 };

/** What `snap-to-s3 sandbox seed` makes: every kind of disk that the tool is for, about 250 MiB of files in all. */
export const demoDisks: readonly DemoDisk[] = [
  {
    name: 'web server',
    description: 'GPT: ext4, xfs, btrfs, swap and an empty partition',
    sizeGiB: 2,
    disk: {
      kind: 'partitioned',
      partitions: [
        {
          size: 640,
          filling: {
            kind: 'filesystem',
            type: 'ext4',
            label: 'system',
            content: { ...plain, awkward: true, sparseGiB: 2, smallFiles: 2_000 },
          },
        },
        {
          size: 400,
          filling: {
            kind: 'filesystem',
            type: 'xfs',
            label: 'data',
            content: { ...plain, realFrom: 0.3, awkward: true },
          },
        },
        {
          size: 400,
          filling: {
            kind: 'filesystem',
            type: 'btrfs',
            label: 'home',
            content: { ...plain, realFrom: 0.6, awkward: true },
          },
        },
        { size: 64, filling: { kind: 'swap', label: 'swap' } },
        { size: 32, filling: { kind: 'nothing' } },
      ],
    },
  },
  {
    name: 'mail archive',
    description: 'ext4 without a partition table',
    sizeGiB: 1,
    disk: {
      kind: 'whole',
      filling: {
        kind: 'filesystem',
        type: 'ext4',
        label: 'mail',
        content: { ...plain, realMiB: 100, realFrom: 0.5, awkward: true },
      },
    },
  },
  {
    name: 'database',
    description: 'xfs, to be stored as an image (--dd)',
    sizeGiB: 1,
    disk: {
      kind: 'whole',
      filling: {
        kind: 'filesystem',
        type: 'xfs',
        label: 'database',
        content: { ...plain, realMiB: 30, realFrom: 0.8, smallFiles: 200 },
      },
    },
  },
];
