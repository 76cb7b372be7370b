import { printable } from '../core/index.js';
import { isSameAcl } from './acl-text.js';
import type { TreeEntry } from './tree-entry.js';

/** In what two entries can differ. */
export type Aspect =
  | 'type'
  | 'content'
  | 'size'
  | 'mode'
  | 'owner'
  | 'mtime'
  | 'target'
  | 'hard-link'
  | 'device'
  | 'xattr'
  | 'acl'
  /** Where in the tar it lies. */
  | 'place';

/** One aspect in which two entries of a path differ, as either side has it. */
export interface Difference {
  readonly what: Aspect;
  readonly archive: string;
  readonly source: string;
}

/** How exactly entries can be compared. */
export interface Precision {
  /** False for archives of the existing tool, which have no extended attributes, ACLs and fractions of seconds. */
  readonly exact: boolean;
}

/** In what an entry of the archive differs from that of the source. */
export function differencesOf(archive: TreeEntry, source: TreeEntry, { exact }: Precision): readonly Difference[] {
  const found: Difference[] = [];
  const compare = (what: Aspect, inArchive: string, inSource: string): void => {
    if (inArchive !== inSource) found.push({ what, archive: inArchive, source: inSource });
  };
  if (archive.type !== source.type) {
    const isLink = archive.type === 'hardlink' || source.type === 'hardlink';
    return [{ what: isLink ? 'hard-link' : 'type', archive: named(archive), source: named(source) }];
  }
  compare('size', `${archive.sizeBytes} bytes`, `${source.sizeBytes} bytes`);
  compareKind(archive, source, compare);
  compare('mode', octal(archive.mode), octal(source.mode));
  compare('owner', `${archive.uid}:${archive.gid}`, `${source.uid}:${source.gid}`);
  const time = exact ? (mtime: string) => mtime : wholeSeconds;
  compare('mtime', time(archive.mtime), time(source.mtime));
  // A tar says these of the first name of a file only.
  if (!exact || archive.type === 'hardlink') return found;
  compareAttributes(archive, source, compare);
  compareAcl(archive, source, compare);
  return found;
}

type Compare = (what: Aspect, archive: string, source: string) => void;

function compareKind(archive: TreeEntry, source: TreeEntry, compare: Compare): void {
  switch (archive.type) {
    case 'file':
      if (source.type !== 'file' || archive.sizeBytes !== source.sizeBytes) return;
      compare('content', sha256Text(archive.sha256), sha256Text(source.sha256));
      return;
    case 'symlink':
    case 'hardlink':
      if (source.type !== archive.type || archive.linkTarget.equals(source.linkTarget)) return;
      compare(archive.type === 'symlink' ? 'target' : 'hard-link', named(archive), named(source));
      return;
    case 'character-device':
    case 'block-device':
      if (source.type !== archive.type) return;
      compare('device', `${archive.major}:${archive.minor}`, `${source.major}:${source.minor}`);
      return;
    case 'directory':
    case 'fifo':
    case 'other':
      return;
  }
}

/** Whether both entries are files whose content neither side has summed; see `TarFile.sha256`. */
export function isContentUnknown(archive: TreeEntry, source: TreeEntry): boolean {
  return (
    archive.type === 'file' && source.type === 'file' && archive.sha256 === undefined && source.sha256 === undefined
  );
}

function compareAttributes(archive: TreeEntry, source: TreeEntry, compare: Compare): void {
  const [inArchive, inSource] = [archive.xattrs, source.xattrs];
  if (inArchive === undefined && inSource === undefined) return;
  for (const name of new Set([...(inArchive?.keys() ?? []), ...(inSource?.keys() ?? [])])) {
    const [left, right] = [inArchive?.get(name), inSource?.get(name)];
    if (left !== undefined && right !== undefined && left.equals(right)) continue;
    compare('xattr', attributeText(name, left), attributeText(name, right));
  }
}

function attributeText(name: string, value: Buffer | undefined): string {
  const shown = printable(name);
  if (value === undefined) return `no ${shown}`;
  const hexadecimal = value.subarray(0, 64).toString('hex');
  return `${shown}=0x${hexadecimal}${value.length > 64 ? `… (${value.length} bytes)` : ''}`;
}

function compareAcl(archive: TreeEntry, source: TreeEntry, compare: Compare): void {
  const isSame = isSameAcl(archive.aclAccess, source.aclAccess) && isSameAcl(archive.aclDefault, source.aclDefault);
  if (!isSame) compare('acl', aclText(archive), aclText(source));
}

function aclText({ aclAccess, aclDefault }: TreeEntry): string {
  const parts = [
    ...(aclAccess === undefined ? [] : [`access ${aclAccess.trim().replaceAll('\n', ',')}`]),
    ...(aclDefault === undefined ? [] : [`default ${aclDefault.trim().replaceAll('\n', ',')}`]),
  ];
  return parts.length === 0 ? 'none' : printable(parts.join('; '));
}

function named(entry: TreeEntry): string {
  if (entry.type === 'hardlink') return `hard link to ${printable(entry.linkTarget.toString())}`;
  if (entry.type === 'symlink') return `symlink to ${printable(entry.linkTarget.toString())}`;
  return entry.type;
}

function sha256Text(sha256: string | undefined): string {
  return sha256 === undefined ? 'not summed' : `SHA-256 ${sha256}`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** The second that a time lies in: `-1.5` is in that of `-2`. */
function wholeSeconds(mtime: string): string {
  const [whole = '', fraction] = mtime.split('.');
  return mtime.startsWith('-') && fraction !== undefined ? String(BigInt(whole) - 1n) : whole === '-0' ? '0' : whole;
}
