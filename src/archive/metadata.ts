import type { ArchivedSnapshot } from './keys.js';

/** What the user metadata of an archive object tells. */
export interface ArchiveMetadata extends ArchivedSnapshot {
  readonly volumeGiB: number;
  readonly description: string;
  /** Exact for images; for tar archives what statfs said was in use, a hint for the size of a new volume. */
  readonly uncompressedBytes: number;
}

/**
 * The user metadata of an archive object, without the `x-amz-meta-` prefix; the names are the existing tool's. S3 takes
 * 2 KB in all: the description (at most 255 characters in EC2) is the only part of variable length and fits.
 */
export function archiveMetadata(facts: ArchiveMetadata): Record<string, string> {
  return {
    'snapshot-starttime': facts.startTime.toISOString().replace(/\.\d{3}Z$/, '+00:00'),
    'snapshot-snapshotid': facts.snapshotId,
    'snapshot-volumesize': String(facts.volumeGiB),
    'snapshot-volumeid': facts.volumeId,
    ...(facts.description === '' ? {} : { 'snapshot-description': headerText(facts.description) }),
    'uncompressed-size': String(facts.uncompressedBytes),
  };
}

/**
 * Text as an HTTP header can carry it: printable ASCII as it is, anything else as an RFC 2047 encoded word, the form in
 * which S3 itself hands out such metadata.
 */
function headerText(text: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith('=?')) return text;
  return `=?UTF-8?B?${Buffer.from(text, 'utf8').toString('base64')}?=`;
}
