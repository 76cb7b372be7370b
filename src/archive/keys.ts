import { AppError, snapshotId, volumeId, type SnapshotId, type VolumeId } from '../core/index.js';

/** How the bytes of an archive are compressed. */
export type Codec = 'lz4' | 'zstd';
/** What an archive holds: the files of one filesystem, or every byte of the disk. */
export type Content = 'tar' | 'image';

/** The snapshot that all keys of one archive are derived from. */
export interface ArchivedSnapshot {
  readonly snapshotId: SnapshotId;
  readonly volumeId: VolumeId;
  readonly startTime: Date;
}

/** What the name of an archive object says. */
export interface ArchiveName extends ArchivedSnapshot {
  /** The partition number as text; undefined for a disk without partition table and for images. */
  readonly partition: string | undefined;
  readonly content: Content;
  readonly codec: Codec;
  readonly encrypted: boolean;
}

const extensions: Readonly<Record<Content, string>> = { tar: 'tar', image: 'img' };

/** `2017-01-01T00:00:00+00:00`: UTC, whole seconds, as the existing tool writes it. */
function keyTime(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, '+00:00');
}

function stem(snapshot: ArchivedSnapshot): string {
  return `${snapshot.volumeId}/${keyTime(snapshot.startTime)} ${snapshot.snapshotId}`;
}

/** The key of an archive object: `vol-xxx/<start time> snap-xxx[.<partition>].tar.lz4`. */
export function archiveKey(name: ArchiveName): string {
  const partition = name.partition === undefined ? '' : `.${name.partition}`;
  return `${stem(name)}${partition}.${extensions[name.content]}.${name.codec}${name.encrypted ? '.gpg' : ''}`;
}

/** The key of the index of an archive object. */
export function indexKey(key: string): string {
  return key.endsWith('.gpg') ? `${key.slice(0, -'.gpg'.length)}.index.jsonl.gz.gpg` : `${key}.index.jsonl.gz`;
}

/** The archive object that an index with this key would be of; undefined for any other key. */
export function archiveKeyOfIndex(key: string): string | undefined {
  const found = /^(?<archive>.*)\.index\.jsonl\.gz(?<gpg>\.gpg)?$/su.exec(key)?.groups;
  return found === undefined ? undefined : `${found.archive ?? ''}${found.gpg ?? ''}`;
}

/** The key of the manifest of a snapshot. */
export function manifestKey(snapshot: ArchivedSnapshot): string {
  return `${stem(snapshot)}.manifest.json`;
}

/** The key of the record that the archive of a snapshot was validated. */
export function validationKey(snapshot: ArchivedSnapshot): string {
  return `${stem(snapshot)}.validated.json`;
}

const pattern =
  /^(?<volume>vol-[0-9a-f]+)\/(?<time>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:[+-]\d{2}:\d{2}|Z)) (?<snapshot>snap-[0-9a-f]+)(?: - .*?)?(?:\.(?<partition>\d+))?\.(?<content>tar|img)\.(?<codec>lz4|zstd)(?<gpg>\.gpg)?$/su;

const besidePattern =
  /^vol-(?:[0-9a-f]{8}|[0-9a-f]{17})\/[^/]+ (?<snapshot>snap-(?:[0-9a-f]{8}|[0-9a-f]{17}))\.(?<what>manifest|validated)\.json$/u;

/** The snapshot that a manifest with this key would be of; undefined for any other key. */
export function parseManifestKey(key: string): SnapshotId | undefined {
  return snapshotBeside(key, 'manifest');
}

/** The snapshot of whose validation a record with this key would be; undefined for any other key. */
export function parseValidationKey(key: string): SnapshotId | undefined {
  return snapshotBeside(key, 'validated');
}

function snapshotBeside(key: string, what: 'manifest' | 'validated'): SnapshotId | undefined {
  const found = besidePattern.exec(key)?.groups;
  return found?.snapshot === undefined || found.what !== what ? undefined : snapshotId(found.snapshot);
}

/**
 * Reads the key of an archive object, ours or the existing tool's (which could put ` - <description>` before the
 * partition). Undefined for any other key: indexes, manifests, strangers' objects.
 */
export function parseArchiveKey(key: string): ArchiveName | undefined {
  const found = pattern.exec(key)?.groups;
  const startTime = new Date(found?.time ?? '');
  if (found === undefined || Number.isNaN(startTime.getTime())) return undefined;
  try {
    return {
      volumeId: volumeId(found.volume ?? ''),
      snapshotId: snapshotId(found.snapshot ?? ''),
      startTime,
      partition: found.partition,
      content: found.content === 'img' ? 'image' : 'tar',
      codec: found.codec === 'zstd' ? 'zstd' : 'lz4',
      encrypted: found.gpg !== undefined,
    };
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}
