import { z } from 'zod';
import { AppError, poll, type Clock } from '../core/index.js';
import { runText } from '../process/index.js';
import { decodedValue, probeDevice, type Probe } from './blkid.js';

/** What blkid finds at the start of a disk or partition. */
export type Contents =
  | { readonly kind: 'filesystem'; readonly type: string; readonly label: string | null; readonly uuid: string | null }
  | { readonly kind: 'swap'; readonly label: string | null; readonly uuid: string | null }
  /** A member of something larger that tar cannot see into: LVM, RAID, LUKS, ZFS. */
  | { readonly kind: 'member'; readonly type: string }
  /** The container of logical partitions in an MBR. */
  | { readonly kind: 'extended' }
  | { readonly kind: 'empty' };

/** A partition, or the whole of a disk without partition table. */
export interface Area {
  /** The device node. */
  readonly path: string;
  /** The partition's number; undefined for a whole disk. */
  readonly partition: number | undefined;
  readonly startBytes: number;
  readonly sizeBytes: number;
  readonly contents: Contents;
}

/** What is on a disk. */
export interface DiskLayout {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sectorBytes: number;
  /** `gpt`, `dos`, …, and what `sfdisk --dump` says of it. */
  readonly partitionTable: { readonly type: string; readonly dump: string } | undefined;
  /** In the order of their numbers. */
  readonly areas: readonly Area[];
}

const node = z.object({ name: z.string(), size: z.coerce.number(), 'log-sec': z.coerce.number() });
const listing = z.object({
  blockdevices: z.array(node.extend({ children: z.array(node).optional() })).length(1),
});

/** Partitions may appear a moment after their disk. */
const partitionsTimeoutMs = 15_000;

/**
 * Reads what is on a disk: its partition table and what each partition holds, without mounting anything; waits a little
 * for partitions that are in the table but not in /dev yet. Throws `disk-unsupported` where they do not come, or where
 * disk and partitions contradict each other; `program-missing`; `program-failed`.
 */
export async function readLayout(
  devicePath: string,
  options: { readonly clock: Clock; readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number },
): Promise<DiskLayout> {
  let missing: AppError | undefined;
  const layout = await poll(
    async () => {
      const found = await readOnce(devicePath, options.signal);
      missing = missingPartitions(found);
      return missing === undefined ? found : undefined;
    },
    { timeoutMs: partitionsTimeoutMs, ...options, intervalMs: 100 },
  );
  if (layout === undefined) throw missing ?? new AppError('device-missing', `${devicePath} cannot be read.`);
  return layout;
}

async function readOnce(devicePath: string, signal: AbortSignal | undefined): Promise<DiskLayout> {
  const argv = ['lsblk', '--json', '--bytes', '--paths', '--output', 'NAME,SIZE,LOG-SEC', devicePath];
  const text = await runText(argv, { signal });
  const disk = listing.parse(JSON.parse(text)).blockdevices[0];
  if (disk === undefined) throw new AppError('device-missing', `lsblk does not show ${devicePath}.`);
  const whole = await probeDevice(devicePath, signal);
  const table = whole.get('ID_PART_TABLE_TYPE');
  const contents = contentsOf(whole);
  const base = { path: devicePath, sizeBytes: disk.size, sectorBytes: disk['log-sec'] };
  const children = disk.children ?? [];
  if (table === undefined && children.length === 0) {
    const area = { path: devicePath, partition: undefined, startBytes: 0, sizeBytes: disk.size, contents };
    return { ...base, partitionTable: undefined, areas: [area] };
  }
  if (contents.kind !== 'empty') {
    throw new AppError('disk-unsupported', `${devicePath} has partitions and a filesystem across them at once.`, {
      hint: 'Archive the whole disk with --dd.',
    });
  }
  const areas = await Promise.all(children.map((child) => readPartition(child, signal)));
  areas.sort((a, b) => (a.partition ?? 0) - (b.partition ?? 0));
  const dump = await runText(['sfdisk', '--dump', devicePath], { signal });
  return { ...base, partitionTable: { type: table ?? 'unknown', dump }, areas };
}

/** A partition that the kernel does not show would be left out of the archive in silence. */
function missingPartitions(layout: DiskLayout): AppError | undefined {
  const lines = layout.partitionTable?.dump.split('\n') ?? [];
  const inTable = lines.filter((line) => /^\S+ : start=/.test(line)).length;
  if (layout.partitionTable === undefined || inTable <= layout.areas.length) return undefined;
  return new AppError(
    'disk-unsupported',
    `${layout.path} has ${inTable} partitions in its table, but the kernel shows ${layout.areas.length} of them.`,
    { hint: `Run: partx --update ${layout.path}; or archive the whole disk with --dd.` },
  );
}

async function readPartition(child: z.infer<typeof node>, signal: AbortSignal | undefined): Promise<Area> {
  const found = await probeDevice(child.name, signal);
  return {
    path: child.name,
    partition: Number(found.get('ID_PART_ENTRY_NUMBER')),
    // Counted in sectors of 512 bytes, whatever the disk's own are (libblkid's partition prober).
    startBytes: Number(found.get('ID_PART_ENTRY_OFFSET')) * 512,
    sizeBytes: child.size,
    contents: /^0x(?:5|f|85)$/i.test(found.get('ID_PART_ENTRY_TYPE') ?? '') ? { kind: 'extended' } : contentsOf(found),
  };
}

function contentsOf(found: Probe): Contents {
  const type = found.get('ID_FS_TYPE');
  if (type === undefined) return { kind: 'empty' };
  const label = decodedValue(found, 'ID_FS_LABEL_ENC');
  const uuid = decodedValue(found, 'ID_FS_UUID_ENC');
  if (type === 'swap' || type === 'swsuspend') return { kind: 'swap', label, uuid };
  const isMountable = found.get('ID_FS_USAGE') === 'filesystem' && type !== 'zfs_member';
  return isMountable ? { kind: 'filesystem', type, label, uuid } : { kind: 'member', type };
}
