import { AppError, formatBytes, messageOf, type Clock } from '../core/index.js';
import { isInstalled, isProgramFailure, run } from '../process/index.js';
import { readLayout } from './layout.js';

/** What a part of a disk is to hold. */
export type PlannedContents =
  | {
      readonly kind: 'filesystem';
      /** As mount names it. */
      readonly type: string;
      readonly label: string | null;
      readonly uuid: string | null;
      /** Files, folders and so on that are to go into it, where that is known. */
      readonly entries: number | undefined;
    }
  | { readonly kind: 'swap'; readonly label: string | null; readonly uuid: string | null }
  | { readonly kind: 'nothing' };

/** A partition, or the whole of a disk without partition table. */
export interface PlannedArea {
  readonly partition: number | undefined;
  readonly startBytes: number;
  readonly sizeBytes: number;
  readonly contents: PlannedContents;
}

/** What a blank disk is to become. */
export interface DiskPlan {
  /** What `sfdisk --dump` has said of the disk that it was; undefined for one without partition table. */
  readonly table: string | undefined;
  readonly areas: readonly PlannedArea[];
}

/** An area that is there, and its device. */
export interface MadeArea extends PlannedArea {
  readonly path: string;
}

type Filesystem = Extract<PlannedContents, { kind: 'filesystem' }>;

/** Programs, the packages they come in, and how a filesystem gets its label and UUID. */
interface Maker {
  readonly program: string;
  readonly package: string;
  readonly arguments: (filesystem: Filesystem, sizeBytes: number) => readonly string[];
}

const ext: Omit<Maker, 'program'> = {
  package: 'e2fsprogs',
  arguments: ({ label, uuid, entries }, sizeBytes) => [
    '-q',
    '-F',
    ...given('-L', label),
    ...given('-U', uuid),
    ...inodes(entries ?? 0, sizeBytes),
  ],
};

/**
 * From here on there is room for the 65,525 clusters that a FAT32 must have. mkfs.vfat alone would make a FAT16 up to 512 MB, and
 * firmware need not start from that (UEFI specification, 13.3); a manifest does not tell which of them it was.
 */
const leastFat32Bytes = 36 * 1024 ** 2;

const makers: Readonly<Record<string, Maker>> = {
  ext2: { program: 'mkfs.ext2', ...ext },
  ext3: { program: 'mkfs.ext3', ...ext },
  ext4: { program: 'mkfs.ext4', ...ext },
  xfs: {
    program: 'mkfs.xfs',
    package: 'xfsprogs',
    arguments: ({ label, uuid }) => [
      '-q',
      '-f',
      ...given('-L', label),
      ...(uuid === null ? [] : ['-m', `uuid=${uuid}`]),
    ],
  },
  btrfs: {
    program: 'mkfs.btrfs',
    package: 'btrfs-progs',
    arguments: ({ label, uuid }) => ['-q', '-f', ...given('-L', label), ...given('-U', uuid)],
  },
  vfat: {
    program: 'mkfs.vfat',
    package: 'dosfstools',
    // Its UUID is a serial number: 1A2B-3C4D. -I: a whole disk may be one.
    arguments: ({ label, uuid }, sizeBytes) => [
      '-I',
      ...(sizeBytes >= leastFat32Bytes ? ['-F', '32'] : []),
      ...given('-n', label),
      ...given('-i', uuid?.replace('-', '') ?? null),
    ],
  },
};

const imageHint =
  'Restore the files with --to-directory; a disk comes back in full only from an archive made with --dd.';

/**
 * Makes sure, before anything is made, that a disk can be made after a plan. Throws `disk-unsupported` for filesystems that
 * are not made here, `program-missing`.
 */
export async function requireMakeable({ table, areas }: DiskPlan): Promise<void> {
  const needed = new Map<string, string>(
    table === undefined
      ? []
      : [
          ['sfdisk', 'fdisk'],
          ['partx', 'util-linux'],
        ],
  );
  for (const { contents, partition } of areas) {
    if (contents.kind === 'swap') needed.set('mkswap', 'util-linux');
    if (contents.kind !== 'filesystem') continue;
    const maker = makers[contents.type];
    if (maker === undefined) {
      const what = partition === undefined ? 'The disk' : `Partition ${partition}`;
      throw new AppError('disk-unsupported', `${what} was of the type ${contents.type}, which is not made anew here.`, {
        hint: imageHint,
      });
    }
    needed.set(maker.program, maker.package);
  }
  for (const [program, from] of needed) {
    if (await isInstalled(program)) continue;
    throw new AppError('program-missing', `${program} is not installed, and the volume needs it.`, {
      hint: `Install it: sudo apt-get install ${from} (or dnf install ${from}), and run it again.`,
    });
  }
}

/**
 * Makes partitions and filesystems on a blank disk, empty ones, with the labels and UUIDs that they had. Throws
 * `restore-failed`, and `disk-in-use` for a disk that is not blank.
 */
export async function makeDisk(
  devicePath: string,
  plan: DiskPlan,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
): Promise<readonly MadeArea[]> {
  const before = await readLayout(devicePath, { clock, signal });
  if (before.partitionTable !== undefined || before.areas.some(({ contents }) => contents.kind !== 'empty')) {
    throw new AppError('disk-in-use', `${devicePath} is not blank, and everything on it would be lost.`, {
      hint: `Look at it: lsblk --fs ${devicePath}`,
    });
  }
  if (plan.table !== undefined) await writeTable(devicePath, plan.table, signal);
  const { areas } = await readLayout(devicePath, { clock, signal });
  const made = plan.areas.map((area) => {
    const found = areas.find(({ partition }) => partition === area.partition);
    if (found?.startBytes === area.startBytes && found.sizeBytes === area.sizeBytes) {
      return { ...area, path: found.path };
    }
    const what =
      found === undefined ? 'is not there' : `begins at ${found.startBytes} and has ${found.sizeBytes} bytes`;
    throw new AppError(
      'restore-failed',
      `Partition ${area.partition ?? ''} of ${devicePath} ${what}, where ${area.startBytes} and ${area.sizeBytes} are asked for.`,
      { hint: imageHint },
    );
  });
  for (const area of made) await makeContents(area, signal);
  return made;
}

async function writeTable(devicePath: string, table: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    const argv = ['sfdisk', '--quiet', '--no-reread', '--no-tell-kernel', devicePath];
    await run(argv, { input: Buffer.from(table), signal });
  } catch (error) {
    throw failed(`The partition table could not be written to ${devicePath}`, error);
  }
  // udev may have told the kernel already, and then this fails; whether the partitions are there shows when they are read.
  await run(['partx', '--add', devicePath], { signal }).catch((error: unknown) => {
    if (!isProgramFailure(error)) throw error;
  });
}

/** Makers of filesystems write out what they have made, and some discard all blocks first. */
const makeLimitMs = 6 * 60 * 60_000;

async function makeContents({ path, contents, sizeBytes }: MadeArea, signal: AbortSignal | undefined): Promise<void> {
  if (contents.kind === 'nothing') return;
  const argv =
    contents.kind === 'swap'
      ? ['mkswap', ...given('--label', contents.label), ...given('--uuid', contents.uuid), path]
      : filesystemArguments(path, contents, sizeBytes);
  try {
    await run(argv, { signal, limitMs: makeLimitMs });
  } catch (error) {
    const what = contents.kind === 'swap' ? 'swap space' : `a ${contents.type} filesystem`;
    throw failed(`${path} (${formatBytes(sizeBytes)}) could not be made ${what}`, error);
  }
}

/** The command line that makes a filesystem, one of those of {@link requireMakeable}. */
export function filesystemArguments(path: string, filesystem: Filesystem, sizeBytes: number): readonly string[] {
  const maker = makers[filesystem.type];
  if (maker === undefined) throw new AppError('disk-unsupported', `${filesystem.type} is not made anew here.`);
  return [maker.program, ...maker.arguments(filesystem, sizeBytes), path];
}

function failed(what: string, error: unknown): unknown {
  if (!isProgramFailure(error)) return error;
  return new AppError('restore-failed', `${what}: ${messageOf(error)}`, { cause: error, hint: imageHint });
}

function given(option: string, value: string | null): readonly string[] {
  return value === null || value === '' ? [] : [option, value];
}

/**
 * ext filesystems have as many inodes as they are made with, in the least generous case one for each 64 KiB (mke2fs.conf,
 * `huge`, above 16 TiB). One that had more files than that was made so.
 */
function inodes(entries: number, sizeBytes: number): readonly string[] {
  const wanted = Math.ceil(entries * 1.1);
  const bytesEach = sizeBytes < 16 * 1024 ** 4 ? (sizeBytes < 4 * 1024 ** 4 ? 16_384 : 32_768) : 65_536;
  return wanted > sizeBytes / bytesEach ? ['-N', String(wanted)] : [];
}
