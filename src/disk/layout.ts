import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../core/index.js';
import { run, runText } from '../process/index.js';

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

const node = z.object({
  name: z.string(),
  size: z.coerce.number(),
  fstype: z.string().nullish(),
  label: z.string().nullish(),
  uuid: z.string().nullish(),
  pttype: z.string().nullish(),
  parttype: z.string().nullish(),
  'log-sec': z.coerce.number(),
});
const listing = z.object({
  blockdevices: z.array(node.extend({ children: z.array(node).optional() })).length(1),
});
type Node = z.infer<typeof node>;

/**
 * Reads what is on a disk: its partition table and what each partition holds, without mounting anything. Throws
 * `disk-unsupported` where the kernel does not show the partitions of a table that is there, `program-missing`, and
 * `program-failed`.
 */
export async function readLayout(devicePath: string, signal?: AbortSignal): Promise<DiskLayout> {
  const columns = 'NAME,SIZE,FSTYPE,LABEL,UUID,PTTYPE,PARTTYPE,LOG-SEC';
  const text = await runText(['lsblk', '--json', '--bytes', '--paths', '--output', columns, devicePath], { signal });
  const disk = listing.parse(JSON.parse(text)).blockdevices[0];
  if (disk === undefined) throw new AppError('device-missing', `lsblk does not show ${devicePath}.`);
  const whole = await probe(disk, signal);
  const base = { path: devicePath, sizeBytes: disk.size, sectorBytes: disk['log-sec'] };
  const tableType = disk.pttype ?? whole.tableType;
  const children = disk.children ?? [];
  if (whole.contents.kind !== 'empty' || (tableType === undefined && children.length === 0)) {
    const area = {
      path: devicePath,
      partition: undefined,
      startBytes: 0,
      sizeBytes: disk.size,
      contents: whole.contents,
    };
    return { ...base, partitionTable: undefined, areas: [area] };
  }
  const areas = await Promise.all(children.map((child) => readPartition(child, signal)));
  areas.sort((a, b) => (a.partition ?? 0) - (b.partition ?? 0));
  const dump = await runText(['sfdisk', '--dump', devicePath], { signal });
  requireEveryPartition(devicePath, dump, areas);
  return { ...base, partitionTable: { type: tableType ?? 'unknown', dump }, areas };
}

/** A partition that the kernel does not show would be left out of the archive in silence. */
function requireEveryPartition(devicePath: string, dump: string, areas: readonly Area[]): void {
  const inTable = dump.split('\n').filter((line) => /^\S+ : start=/.test(line)).length;
  if (inTable <= areas.length) return;
  throw new AppError(
    'disk-unsupported',
    `${devicePath} has ${inTable} partitions in its table, but the kernel shows ${areas.length} of them.`,
    { hint: `Run: partx --update ${devicePath}; or archive the whole disk with --dd.` },
  );
}

async function readPartition(child: Node, signal: AbortSignal | undefined): Promise<Area> {
  const folder = join('/sys/class/block', basename(child.name));
  const [partition, startSectors, found] = await Promise.all([
    readNumber(join(folder, 'partition')),
    readNumber(join(folder, 'start')),
    probe(child, signal),
  ]);
  const isExtended = /^0x(?:5|f|85)$/i.test(child.parttype ?? '');
  return {
    path: child.name,
    partition,
    // The kernel counts sectors of 512 bytes here, whatever the disk's own are.
    startBytes: startSectors * 512,
    sizeBytes: child.size,
    contents: isExtended ? { kind: 'extended' } : found.contents,
  };
}

async function readNumber(path: string): Promise<number> {
  return Number((await readFile(path, 'utf8')).trim());
}

/**
 * What blkid finds by reading the device itself. lsblk takes its word from udev's database, which can lag behind a fresh
 * attachment; believing it, a filesystem could pass for an empty partition.
 */
async function probe(
  device: Node,
  signal: AbortSignal | undefined,
): Promise<{ contents: Contents; tableType: string | undefined }> {
  const argv = [
    'blkid',
    '--probe',
    '--output',
    'export',
    '--match-tag',
    'TYPE',
    '--match-tag',
    'USAGE',
    '--match-tag',
    'PTTYPE',
    device.name,
  ];
  let output: Buffer;
  try {
    output = await run(argv, { signal });
  } catch (error) {
    const failure = error instanceof AppError ? (error.details.failure as { status?: number } | undefined) : undefined;
    // blkid(8): 2 when nothing is found, 8 when it is ambiguous.
    if (failure?.status === 2) return { contents: { kind: 'empty' }, tableType: undefined };
    if (failure?.status === 8) {
      throw new AppError('disk-unsupported', `${device.name} bears the marks of several filesystems at once.`, {
        cause: error,
        hint: 'Archive the whole disk with --dd.',
      });
    }
    throw error;
  }
  const values = new Map(
    output
      .toString('utf8')
      .split('\n')
      .map((line): [string, string] => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
  );
  return { contents: contentsOf(values, device), tableType: values.get('PTTYPE') };
}

function contentsOf(found: ReadonlyMap<string, string>, device: Node): Contents {
  const type = found.get('TYPE');
  if (type === undefined) return { kind: 'empty' };
  const label = device.label ?? null;
  const uuid = device.uuid ?? null;
  if (type === 'swap' || type === 'swsuspend') return { kind: 'swap', label, uuid };
  if (found.get('USAGE') === 'filesystem' && type !== 'zfs_member') return { kind: 'filesystem', type, label, uuid };
  return { kind: 'member', type };
}
