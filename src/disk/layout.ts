import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, count, poll, type Clock } from '../core/index.js';
import { isProgramFailure, runText } from '../process/index.js';
import { decodedValue, probeDevice, type Probe } from './blkid.js';
import { kernelName } from './mountinfo.js';

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
  /** `gpt`, `dos`, …, and what `sfdisk --dump` says of it; null where it makes nothing of it. */
  readonly partitionTable: { readonly type: string; readonly dump: string | null } | undefined;
  /** In the order of their numbers. */
  readonly areas: readonly Area[];
  /** Why the areas cannot be trusted, a `disk-unsupported`; an image of the disk can be made all the same. */
  readonly contradiction: AppError | undefined;
}

const node = z.object({ name: z.string(), size: z.coerce.number(), 'log-sec': z.coerce.number(), type: z.string() });
const listing = z.object({
  blockdevices: z.array(node.extend({ children: z.array(node).optional() })).length(1),
});

const imageHint = 'Archive the whole disk with --dd.';
/** Partitions may appear a moment after their disk. */
const partitionsTimeoutMs = 15_000;

/**
 * Reads what is on a disk: its partition table and what each partition holds, without mounting anything; waits a little
 * for partitions that are in the table but not in /dev yet. Where they do not come, or disk and partitions contradict
 * each other, that is the layout's `contradiction`. Throws `source-unreadable`, `program-missing`, `program-failed`.
 */
export async function readLayout(
  devicePath: string,
  options: { readonly clock: Clock; readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number },
): Promise<DiskLayout> {
  let latest: DiskLayout | undefined;
  let missing: AppError | undefined;
  const complete = await poll(
    async () => {
      latest = await readOnce(devicePath, options.signal);
      missing = missingPartitions(latest);
      return missing === undefined ? latest : undefined;
    },
    { timeoutMs: partitionsTimeoutMs, ...options, intervalMs: 100 },
  );
  if (complete !== undefined) return complete;
  if (latest === undefined) throw new AppError('device-missing', `${devicePath} cannot be read.`);
  return { ...latest, contradiction: latest.contradiction ?? missing };
}

async function readOnce(devicePath: string, signal: AbortSignal | undefined): Promise<DiskLayout> {
  const argv = ['lsblk', '--json', '--bytes', '--paths', '--output', 'NAME,SIZE,LOG-SEC,TYPE', devicePath];
  const text = await runText(argv, { signal });
  const disk = listing.parse(JSON.parse(text)).blockdevices[0];
  if (disk === undefined) throw new AppError('device-missing', `lsblk does not show ${devicePath}.`);
  const { found: whole, ambiguity } = await probe(devicePath, signal);
  const table = whole.get('ID_PART_TABLE_TYPE');
  const contents = contentsOf(whole);
  const base = { path: devicePath, sizeBytes: disk.size, sectorBytes: disk['log-sec'] };
  // Below a disk there may also be what the system has made of it: LVM volumes, RAIDs.
  const children = (disk.children ?? []).filter((child) => child.type === 'part');
  if (table === undefined && children.length === 0) {
    const area = { path: devicePath, partition: undefined, startBytes: 0, sizeBytes: disk.size, contents };
    return { ...base, partitionTable: undefined, areas: [area], contradiction: ambiguity };
  }
  const partitions = await Promise.all(children.map((child) => readPartition(child, signal)));
  const areas = partitions.map(({ area }) => area).sort((a, b) => (a.partition ?? 0) - (b.partition ?? 0));
  const acrossAll =
    contents.kind === 'empty'
      ? undefined
      : new AppError('disk-unsupported', `${devicePath} has partitions and a filesystem across them at once.`, {
          hint: imageHint,
        });
  return {
    ...base,
    partitionTable: { type: table ?? 'unknown', dump: await dumpTable(devicePath, signal) },
    areas,
    contradiction: ambiguity ?? acrossAll ?? partitions.find(({ problem }) => problem !== undefined)?.problem,
  };
}

/** What blkid finds; for contradictory marks nothing, and the error. */
async function probe(
  path: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly found: Probe; readonly ambiguity: AppError | undefined }> {
  try {
    return { found: await probeDevice(path, signal), ambiguity: undefined };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'disk-unsupported') throw error;
    return { found: new Map(), ambiguity: error };
  }
}

/** Null for tables that the kernel knows and sfdisk does not. */
async function dumpTable(devicePath: string, signal: AbortSignal | undefined): Promise<string | null> {
  try {
    return await runText(['sfdisk', '--dump', devicePath], { signal });
  } catch (error) {
    if (isProgramFailure(error)) return null;
    throw error;
  }
}

/** A partition that the kernel does not show would be left out of the archive in silence. */
function missingPartitions(layout: DiskLayout): AppError | undefined {
  const lines = layout.partitionTable?.dump?.split('\n') ?? [];
  // An entry of no length holds nothing, and the kernel leaves it out.
  const inTable = lines.filter((line) => /^\S+ : start=/.test(line) && !/, size= *0(?:,|$)/.test(line)).length;
  if (layout.partitionTable === undefined || inTable <= layout.areas.length) return undefined;
  return new AppError(
    'disk-unsupported',
    `${layout.path} has ${count(inTable, 'partition')} in its table, but the kernel shows ${layout.areas.length} of them.`,
    { hint: `Run: partx --add ${layout.path}; or archive the whole disk with --dd.` },
  );
}

async function readPartition(
  child: z.infer<typeof node>,
  signal: AbortSignal | undefined,
): Promise<{ readonly area: Area; readonly problem: AppError | undefined }> {
  const { found, ambiguity } = await probe(child.name, signal);
  const kernel = join('/sys/class/block', await kernelName(child.name));
  const [number, start] = await Promise.all(['partition', 'start'].map((name) => readFile(join(kernel, name), 'utf8')));
  const area = {
    path: child.name,
    partition: Number(number),
    // Counted in sectors of 512 bytes, whatever the disk's own are (block/partitions/core.c).
    startBytes: Number(start) * 512,
    sizeBytes: child.size,
    contents: /^0x(?:5|f|85)$/i.test(found.get('ID_PART_ENTRY_TYPE') ?? '')
      ? ({ kind: 'extended' } as const)
      : contentsOf(found),
  };
  return { area, problem: ambiguity };
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
