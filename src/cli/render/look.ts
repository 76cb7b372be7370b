import { encodeTarEntry, type TarEntry } from '../../archive/index.js';
import type { ArchiveDifference, InspectedArchive, ListedArchive, ShownEntry } from '../../commands/index.js';
import { count, formatBytes, printable } from '../../core/index.js';

// How what was found in archives is shown: as lines for people, and as records for machines.

const listWidths = [21, 22, 10, 9, 10, 12, 9, 10, 9] as const;

function listColumns(...texts: readonly string[]): string {
  // Numbers to the right, names to the left.
  const padded = texts.map((text, at) =>
    at === 3 || at === 4 ? text.padStart(listWidths[at]) : text.padEnd(listWidths[at] ?? 0),
  );
  return padded.join('  ').trimEnd();
}

const noSnapshot = { description: '', tags: {} as Readonly<Record<string, string>>, volumeGiB: undefined };

/** The line above {@link listedLine}. */
export const listHeading = listColumns(
  'volume',
  'snapshot',
  'started',
  'disk',
  'stored',
  'class',
  'tag',
  'validated',
  'in EBS',
  'name',
);

/** One line for an archive. */
export function listedLine(archive: ListedArchive): string {
  const { snapshotId, volumeId, startTime, manifest, storedBytes, storageClasses, state, snapshot, encrypted } =
    archive;
  const { description, tags, volumeGiB } = manifest?.snapshot ?? noSnapshot;
  const name = [tags.Name ?? '', description].filter((text) => text !== '').join(', ');
  const notes = [
    ...(encrypted ? ['gpg'] : []),
    ...(manifest === undefined ? [archive.trouble ?? 'no manifest'] : []),
    ...(archive.objects === 0 ? ['no archive objects'] : []),
    ...(archive.validation.kind === 'changed-since' ? ['changed since it was validated'] : []),
    ...(archive.validation.kind === 'unreadable' ? [archive.validation.trouble] : []),
  ];
  return listColumns(
    volumeId,
    snapshotId,
    startTime.toISOString().slice(0, 10),
    volumeGiB === undefined ? '' : `${volumeGiB.toLocaleString('en-US')} GiB`,
    formatBytes(storedBytes),
    storageClasses.join(','),
    state ?? '-',
    validatedText(archive),
    snapshot,
    printable([name, ...notes.map((note) => `(${note})`)].filter((text) => text !== '').join(' ')),
  );
}

/** The date; `yes` where only the tag knows of it, as with those that were validated before there were records. */
function validatedText({ validation, state }: ListedArchive): string {
  if (validation.kind === 'validated') return validation.at.toISOString().slice(0, 10);
  return validation.kind === 'no-record' && state === 'validated' ? 'yes' : '-';
}

/** Null where that is not known, or something has changed since. */
function validatedAt({ validation }: Pick<ListedArchive, 'validation'>): string | null {
  return validation.kind === 'validated' ? validation.at.toISOString() : null;
}

/** The same for machines. */
export function listedRecord({ manifest, validation, ...archive }: ListedArchive): object {
  const { description, tags, volumeGiB } = manifest?.snapshot ?? noSnapshot;
  return {
    kind: 'archive',
    ...archive,
    validatedAt: validatedAt({ validation }),
    hasManifest: manifest !== undefined,
    description,
    name: tags.Name,
    volumeGiB,
  };
}

/** `drwxr-xr-x     0:0            4,096  2026-11-23 20:55  etc/ssh -> target`. */
export function entryLine({ path, entry }: ShownEntry): string {
  const owner = `${entry.uid}:${entry.gid}`.padStart(11);
  const size = (
    entry.type.endsWith('device') && 'major' in entry
      ? `${entry.major}, ${entry.minor}`
      : entry.sizeBytes.toLocaleString('en-US')
  ).padStart(17);
  return `${modeText(entry)} ${owner} ${size}  ${timeText(entry.mtime)}  ${nameText(path, entry)}`;
}

/** An entry as a line of the index has it, with the path that was shown. */
export function entryRecord({ path, entry }: ShownEntry): object {
  return { kind: 'entry', ...(JSON.parse(encodeTarEntry(entry)) as object), path };
}

function nameText(path: string, entry: TarEntry): string {
  if (entry.type === 'symlink') return `${printable(path)} -> ${printable(entry.linkTarget.toString('utf8'))}`;
  if (entry.type === 'hardlink') return `${printable(path)} = ${printable(entry.linkTarget.toString('utf8'))}`;
  return printable(path);
}

const letters: Readonly<Record<TarEntry['type'], string>> = {
  file: '-',
  hardlink: '-',
  directory: 'd',
  symlink: 'l',
  'character-device': 'c',
  'block-device': 'b',
  fifo: 'p',
  other: '?',
};

function modeText({ type, mode }: TarEntry): string {
  const bit = (mask: number, letter: string): string => ((mode & mask) === 0 ? '-' : letter);
  const execute = (mask: number, special: number, letter: string): string => {
    if ((mode & special) === 0) return bit(mask, 'x');
    return (mode & mask) === 0 ? letter.toUpperCase() : letter;
  };
  return (
    letters[type] +
    bit(0o400, 'r') +
    bit(0o200, 'w') +
    execute(0o100, 0o4000, 's') +
    bit(0o040, 'r') +
    bit(0o020, 'w') +
    execute(0o010, 0o2000, 's') +
    bit(0o004, 'r') +
    bit(0o002, 'w') +
    execute(0o001, 0o1000, 't')
  );
}

/** UTC, to the minute; times beyond what dates can be are seconds. */
function timeText(mtime: string): string {
  const date = new Date(Math.floor(Number(mtime)) * 1000);
  const isDate = !Number.isNaN(date.getTime()) && date.getUTCFullYear() >= 0 && date.getUTCFullYear() <= 9999;
  return isDate ? date.toISOString().slice(0, 16).replace('T', ' ') : mtime.padStart(16);
}

const signs = { added: '+', removed: '-', changed: '~' } as const;

/** `+ path`, `- path`, `~ path (mode 0644 -> 0600)`. */
export function differenceLine(difference: ArchiveDifference): string {
  const { kind, path, entry } = difference;
  const name = `${signs[kind]} ${printable(path)}${entry.type === 'directory' ? '/' : ''}`;
  if (difference.kind !== 'changed') return name;
  const what = difference.differences.map(({ what: aspect, archive, source }) =>
    aspect === 'content' ? 'content' : `${aspect} ${printable(archive)} -> ${printable(source)}`,
  );
  return `${name} (${what.join('; ')})`;
}

/** The same for machines. */
export function differenceRecord(difference: ArchiveDifference): object {
  const { kind, path } = difference;
  if (difference.kind !== 'changed') return { kind, path, type: difference.entry.type };
  const changes = difference.differences.map(({ what, archive, source }) => ({ what, before: archive, after: source }));
  return { kind, path, type: difference.entry.type, changes };
}

/** Everything that is known of an archive, as lines. */
export function inspectedLines({
  snapshotId,
  manifest,
  objects,
  missing,
  others,
  validation,
}: InspectedArchive): readonly string[] {
  const lines: string[] = [];
  const fact = (name: string, value: string): void => void lines.push(`${`${name}:`.padEnd(16)}${printable(value)}`);
  fact('snapshot', snapshotId);
  if (manifest === undefined) {
    lines.push('It has no manifest: another tool made it, or it was not completed.');
  } else {
    const { snapshot, disk, tool, createdAt, region } = manifest.content;
    fact(
      'volume',
      `${snapshot.volumeId}, ${snapshot.volumeGiB} GiB, ${region}${snapshot.encrypted ? ', encrypted' : ''}`,
    );
    fact('taken', snapshot.startTime);
    if (snapshot.description !== '') fact('description', snapshot.description);
    for (const [key, value] of Object.entries(snapshot.tags)) fact('tag', `${key} = ${value}`);
    fact('archived', `${createdAt}, by ${tool.name} ${tool.version}`);
    fact('disk', `${formatBytes(disk.sizeBytes)}, ${disk.partitionTable ?? 'no'} partition table`);
    for (const area of disk.areas) {
      const names = [area.type ?? 'nothing', area.label ?? '', area.uuid ?? ''].filter((text) => text !== '');
      const used = area.usedBytes === null ? '' : `, ${formatBytes(area.usedBytes)} in use`;
      const kept = area.archived ? '' : ', not archived';
      fact(
        area.partition === null ? '  whole disk' : `  partition ${area.partition}`,
        `${formatBytes(area.sizeBytes)}, ${names.join(' ')}${used}${kept}`,
      );
    }
  }
  fact('validated', validationText(validation));
  for (const { stored, facts, expected, name, index } of objects) {
    const raw = expected === undefined ? '' : ` of ${formatBytes(expected.rawBytes)}`;
    const entries = expected === undefined ? '' : `, ${count(expected.entries, 'entry', 'entries')}`;
    fact('object', stored.key);
    fact(
      '  holds',
      `${name.content}, ${name.codec}${name.encrypted ? ', gpg' : ''}, ${formatBytes(stored.sizeBytes)}${raw}${entries}`,
    );
    fact('  class', `${facts.storageClass}, ${thawText(facts.thaw)}`);
    if (expected !== undefined) fact('  SHA-256', expected.sha256);
    fact('  index', index === undefined ? 'none' : `${index.key}, ${formatBytes(index.sizeBytes)}`);
  }
  for (const key of missing) lines.push(`MISSING: ${printable(key)}: the manifest names it, but it is not there.`);
  for (const key of others) lines.push(`NOT IN THE MANIFEST: ${printable(key)}`);
  return lines;
}

/** The same for machines. */
export function inspectedRecord(archive: InspectedArchive): object {
  const { snapshotId, manifest, objects, missing, others } = archive;
  const shown = objects.map(({ facts, index }) => ({ ...facts, index: index?.key }));
  return {
    kind: 'inspected',
    snapshotId,
    manifest: manifest?.content,
    validatedAt: validatedAt(archive),
    objects: shown,
    missing,
    others,
  };
}

function validationText(validation: InspectedArchive['validation']): string {
  switch (validation.kind) {
    case 'no-record':
      return 'there is no record of it';
    case 'validated':
      return `${validation.at.toISOString()}, against the snapshot`;
    case 'changed-since':
      return `not as it is: something has changed since ${validation.at.toISOString()}`;
    case 'unreadable':
      return `unknown: ${validation.trouble}`;
  }
}

function thawText(thaw: InspectedArchive['objects'][number]['facts']['thaw']): string {
  switch (thaw.kind) {
    case 'readable':
      return 'can be read at once';
    case 'frozen':
      return 'frozen: must be thawed before it can be read';
    case 'thawing':
      return 'being thawed: cannot be read yet';
    case 'thawed':
      return `thawed: can be read until ${thaw.until?.toISOString() ?? 'S3 freezes it again'}`;
  }
}
