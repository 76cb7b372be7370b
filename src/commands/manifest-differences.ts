import type { Manifest, ManifestArea } from '../archive/index.js';
import { printable } from '../core/index.js';
import type { Area, DiskLayout } from '../disk/index.js';
import type { Snapshot } from '../source/index.js';
import { describeContents } from './build-manifest.js';
import type { FoundObject } from './find-archive.js';

type Value = string | number | boolean | null;
type Compare = (what: string, told: Value, real: Value) => void;

/** What a manifest tells of its snapshot and could be otherwise. */
type SnapshotFacts = Pick<Snapshot, 'volumeId' | 'startTime' | 'volumeGiB' | 'description' | 'ownerId' | 'encrypted'>;

/** Collects sentences about what a manifest says otherwise than it is. */
function differences(): { readonly found: string[]; readonly compare: Compare } {
  const found: string[] = [];
  const text = (value: Value): string => {
    if (value === null) return 'nothing';
    return typeof value === 'string' ? printable(JSON.stringify(value)) : value.toLocaleString('en-US');
  };
  const compare: Compare = (what, told, real) => {
    if (told !== real) found.push(`${what} is ${text(real)}, but the manifest says ${text(told)}`);
  };
  return { found, compare };
}

/**
 * Sentences about what a manifest says otherwise of the snapshot and its disk than they are: everything that a new volume
 * would be made from. Tags are not compared, they change; nor is what was in use.
 */
export function manifestDifferences(
  { disk, snapshot: told }: Manifest,
  { snapshot, layout }: { readonly snapshot: SnapshotFacts; readonly layout: DiskLayout },
): readonly string[] {
  const { found, compare } = differences();
  compare('the volume of the snapshot', told.volumeId, snapshot.volumeId);
  compare('the time of the snapshot', new Date(told.startTime).toISOString(), snapshot.startTime.toISOString());
  compare('the size of the snapshot in GiB', told.volumeGiB, snapshot.volumeGiB);
  compare('the description of the snapshot', told.description, snapshot.description);
  compare('the owner of the snapshot', told.ownerId, snapshot.ownerId);
  compare('whether the snapshot is encrypted', told.encrypted, snapshot.encrypted);
  compare('the number of bytes of the volume', disk.sizeBytes, layout.sizeBytes);
  compare('the number of bytes in a sector', disk.sectorBytes, layout.sectorBytes);
  compare('the kind of the partition table', disk.partitionTable, layout.partitionTable?.type ?? null);
  compareTables(disk.sfdiskDump, layout.partitionTable?.dump ?? null, compare);
  for (const area of layout.areas) {
    const other = disk.areas.find(({ partition }) => partition === (area.partition ?? null));
    if (other === undefined) found.push(`${nameOf(area.partition ?? null)} is not in the manifest`);
    else compareAreas(other, area, compare);
  }
  for (const { partition } of disk.areas) {
    if (layout.areas.some((area) => (area.partition ?? null) === partition)) continue;
    found.push(`${nameOf(partition)} is in the manifest, and not on the volume`);
  }
  return found;
}

function compareAreas(told: ManifestArea, area: Area, compare: Compare): void {
  const name = nameOf(told.partition);
  const { type, label, uuid } = describeContents(area.contents);
  compare(`the first byte of ${name}`, told.startBytes, area.startBytes);
  compare(`the number of bytes of ${name}`, told.sizeBytes, area.sizeBytes);
  compare(`what ${name} holds`, told.type, type);
  compare(`the label of ${name}`, told.label, label);
  compare(`the UUID of ${name}`, told.uuid, uuid);
}

function nameOf(partition: number | null): string {
  return partition === null ? 'the whole disk' : `partition ${partition}`;
}

/** By the names of header lines and the numbers of partitions; versions of sfdisk differ in which headers they write. */
function compareTables(told: string | null, real: string | null, compare: Compare): void {
  if (told === null || real === null) {
    compare('the partition table', told, real);
    return;
  }
  const [before, now] = [tableLines(told), tableLines(real)];
  for (const [name, value] of before) {
    if (/^\d+$/.test(name) || now.has(name)) compare(lineName(name), value, now.get(name) ?? null);
  }
  for (const [name, value] of now) {
    if (/^\d+$/.test(name) && !before.has(name)) compare(lineName(name), null, value);
  }
}

function lineName(name: string): string {
  return /^\d+$/.test(name) ? `the entry of partition ${name} in the table` : `the ${name} of the partition table`;
}

/** The lines of an sfdisk dump without the name of the device, which is another one each time. */
function tableLines(dump: string): ReadonlyMap<string, string> {
  const lines = new Map<string, string>();
  for (const line of dump.split('\n')) {
    const { partition, entry } = /^\S*?(?<partition>\d+) : (?<entry>.*)$/.exec(line)?.groups ?? {};
    const { name, value } = /^(?<name>[\w-]+): (?<value>.*)$/.exec(line)?.groups ?? {};
    if (partition !== undefined) lines.set(partition, (entry ?? '').replace(/ +/g, ' ').trim());
    else if (name !== undefined && name !== 'device') lines.set(name, value ?? '');
  }
  return lines;
}

/** Sentences about what a manifest says otherwise of an object than its name. */
export function rowDifferences({ name, expected }: FoundObject): readonly string[] {
  if (expected === undefined) return [];
  const { found, compare } = differences();
  const partition = name.partition === undefined ? null : Number(name.partition);
  compare('its content, by its name,', expected.content, name.content);
  compare('its partition, by its name,', expected.partition, partition);
  compare('its compression, by its name,', expected.codec, name.codec);
  compare('whether it is encrypted, by its name,', expected.encrypted, name.encrypted);
  return found;
}
