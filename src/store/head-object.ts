import { HeadObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { AppError } from '../core/index.js';
import { callS3, s3Url, type ObjectStore } from './object-store.js';

/** Whether the bytes of an object can be had now. */
export type ThawState =
  | { readonly kind: 'readable' }
  /** In an archive class, and nobody has asked for it. */
  | { readonly kind: 'frozen' }
  /** Asked for, and not there yet. */
  | { readonly kind: 'thawing' }
  /** Readable until S3 freezes it again. */
  | { readonly kind: 'thawed'; readonly until: Date | undefined };

/** A checksum that S3 keeps of an object, base64. */
export interface ObjectChecksum {
  readonly algorithm: 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';
  readonly value: string;
  /** Of all bytes, or of the checksums of its parts. */
  readonly isOfWhole: boolean;
}

/** What S3 tells of an object without giving it. */
export interface ObjectFacts {
  readonly key: string;
  readonly sizeBytes: number;
  /** With its quotation marks, as S3 wants it back. */
  readonly etag: string;
  /** In buckets that keep old versions. */
  readonly versionId: string | undefined;
  readonly lastModified: Date | undefined;
  /** `STANDARD`, `DEEP_ARCHIVE`, … */
  readonly storageClass: string;
  readonly thaw: ThawState;
  readonly checksums: readonly ObjectChecksum[];
  /** User metadata without the `x-amz-meta-` prefix. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Asks S3 for the facts of an object. Throws `not-found` and the other failures of `callAws`. */
export async function headObject(
  store: ObjectStore,
  key: string,
  { versionId, signal }: { readonly versionId?: string; readonly signal?: AbortSignal | undefined } = {},
): Promise<ObjectFacts> {
  const version = versionId === undefined ? {} : { VersionId: versionId };
  const resource = s3Url(store, key);
  const head = await callS3(
    store,
    { action: 's3:GetObject', resource },
    (options) =>
      store.client.send(
        new HeadObjectCommand({ Bucket: store.bucket, Key: key, ...version, ChecksumMode: 'ENABLED' }),
        options,
      ),
    signal,
  );
  if (head.ContentLength === undefined || head.ETag === undefined) {
    throw new AppError('rejected', `The store does not tell size and ETag of ${resource}.`);
  }
  return {
    key,
    sizeBytes: head.ContentLength,
    etag: head.ETag,
    versionId: head.VersionId,
    lastModified: head.LastModified,
    storageClass: head.StorageClass ?? 'STANDARD',
    thaw: thawState(head),
    checksums: checksumsOf(head),
    metadata: head.Metadata ?? {},
  };
}

/** Throws `object-frozen` for an object whose bytes cannot be had now. */
export function requireReadable(store: ObjectStore, { key, storageClass, thaw }: ObjectFacts): void {
  if (thaw.kind === 'frozen') throw frozen(s3Url(store, key), storageClass);
  if (thaw.kind !== 'thawing') return;
  throw new AppError(
    'object-frozen',
    `${s3Url(store, key)} is on its way out of the storage class ${storageClass}, and cannot be read yet.`,
    {
      hint: 'That takes minutes to two days, as it was asked for. Run it again later.',
      details: { storageClass, key },
    },
  );
}

/** The error of an object in an archive class: `object-frozen`. */
export function frozen(resource: string, storageClass: string | undefined, cause?: unknown): AppError {
  const where = storageClass === undefined ? 'an archive storage class' : `the storage class ${storageClass}`;
  return new AppError('object-frozen', `${resource} lies in ${where} and must be thawed before it can be read.`, {
    hint: `Ask for it with: ${thawCommand(resource)}`,
    details: { storageClass, resource },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What asks for everything of the archive that an object belongs to, without restoring it. */
function thawCommand(resource: string): string {
  const [, bucket = '<bucket>', id = '<snapshot id>'] = /^s3:\/\/([^/]+)\/.*?(snap-[0-9a-f]+)/s.exec(resource) ?? [];
  return `snap-to-s3 restore ${id} --bucket ${bucket} --thaw`;
}

/** S3 user guide, "Working with archived objects". */
const archiveClasses: readonly string[] = ['GLACIER', 'DEEP_ARCHIVE'];

function thawState({ StorageClass, ArchiveStatus, Restore }: HeadObjectCommandOutput): ThawState {
  if (Restore !== undefined) {
    if (Restore.includes('ongoing-request="true"')) return { kind: 'thawing' };
    const until = /expiry-date="([^"]+)"/.exec(Restore)?.[1];
    return { kind: 'thawed', until: until === undefined ? undefined : new Date(until) };
  }
  // ArchiveStatus: the archive tiers of INTELLIGENT_TIERING.
  const isArchived = archiveClasses.includes(StorageClass ?? '') || ArchiveStatus !== undefined;
  return { kind: isArchived ? 'frozen' : 'readable' };
}

const algorithms = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;

function checksumsOf(head: HeadObjectCommandOutput): readonly ObjectChecksum[] {
  return algorithms.flatMap((algorithm) => {
    const value = head[`Checksum${algorithm}`];
    // `…-3`: of the checksums of three parts. Where S3 says no type, that is the sign of it.
    if (value === undefined) return [];
    return [{ algorithm, value, isOfWhole: head.ChecksumType !== 'COMPOSITE' && !/-\d+$/.test(value) }];
  });
}
