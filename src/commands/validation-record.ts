import {
  encodeValidation,
  parseArchiveKey,
  parseManifestKey,
  parseValidation,
  validationKey,
  type ArchivedSnapshot,
  type Validation,
} from '../archive/index.js';
import { AppError, isAbort, type SnapshotId } from '../core/index.js';
import type { ListedObject, ObjectStore, ServerSideEncryption } from '../store/index.js';
import type { FoundArchive } from './find-archive.js';
import type { MigrateDependencies } from './migrate-settings.js';
import { readSmallObject, writeSmallObject } from './small-object.js';
import type { SnapshotLease } from './snapshot-lease.js';

// That an archive was validated is written beside it, so that it is known also when the snapshot and its tag are gone.

/** Whether an archive that is there was validated against its snapshot, by the record beside it. */
export type ValidationState =
  | { readonly kind: 'no-record' }
  /** All of it is what it was then. */
  | { readonly kind: 'validated'; readonly at: Date }
  /** Something of it was written anew since, or is gone, or has been added. */
  | { readonly kind: 'changed-since'; readonly at: Date }
  | { readonly kind: 'unreadable'; readonly trouble: string };

/** What writing the record needs. */
export interface RecordDependencies extends Pick<MigrateDependencies, 'store' | 'clock' | 'tool' | 'signal'> {
  readonly lease: Pick<SnapshotLease, 'guard'>;
  /** Undefined: as the bucket has it. */
  readonly encryption?: ServerSideEncryption | undefined;
}

/**
 * Writes that an archive, as it was listed before it was read, is the same as its snapshot. An earlier record is overwritten.
 * Throws the failures of `uploadObject`.
 */
export async function recordValidation(
  snapshot: ArchivedSnapshot,
  found: FoundArchive,
  { store, clock, tool, lease, encryption, signal }: RecordDependencies,
): Promise<void> {
  const { snapshotId, objects, manifest } = found;
  const read = [...objects.flatMap(({ stored, index }) => [stored, index]), manifest?.stored];
  const record = encodeValidation({
    format: 'snap-to-s3-validation',
    version: 1,
    tool,
    validatedAt: new Date(clock.now()).toISOString(),
    snapshotId,
    objects: read.flatMap((one) =>
      one === undefined ? [] : [{ key: one.key, storedBytes: one.sizeBytes, etag: one.etag }],
    ),
  });
  const key = validationKey(objects[0]?.name ?? snapshot);
  await writeSmallObject(store, record, { key, encryption, guard: lease.guard, signal });
}

/** What is known of an archive. */
export interface RecordedArchive {
  readonly snapshotId: SnapshotId;
  /** The record, where a listing has one. */
  readonly record: ListedObject | undefined;
  /** Everything else that the listing has of the snapshot. */
  readonly listed: readonly ListedObject[];
}

/**
 * Holds the record of a validation against a listing. Only the record is read; that it cannot be is no failure. Throws the
 * failures of S3 that are not of this object alone.
 */
export async function validationState(
  { snapshotId, record, listed }: RecordedArchive,
  { store, signal }: { readonly store: ObjectStore; readonly signal?: AbortSignal | undefined },
): Promise<ValidationState> {
  if (record === undefined) return { kind: 'no-record' };
  try {
    const what = 'record of a validation';
    const validation = await readSmallObject(store, { key: record.key, what, signal }, parseValidation);
    if (validation.snapshotId !== snapshotId) {
      return { kind: 'unreadable', trouble: `The record of a validation ${record.key} is that of another snapshot.` };
    }
    return {
      kind: isUnchanged(validation, listed) ? 'validated' : 'changed-since',
      at: new Date(validation.validatedAt),
    };
  } catch (error) {
    if (isAbort(error) || !(error instanceof AppError) || !ofThisObject.includes(error.code)) throw error;
    return { kind: 'unreadable', trouble: error.message };
  }
}

const ofThisObject: readonly string[] = ['corrupt-archive', 'object-frozen', 'not-found', 'access-denied'];

/** Whether all that was validated is still there as it was, and no archive besides. */
function isUnchanged({ objects }: Validation, listed: readonly ListedObject[]): boolean {
  const validated = new Map(objects.map((object) => [object.key, object]));
  const present = new Map(listed.map((object) => [object.key, object]));
  const isAsItWas = ({ key, storedBytes, etag }: Validation['objects'][number]): boolean => {
    const now = present.get(key);
    return now !== undefined && now.sizeBytes === storedBytes && now.etag === etag && etag !== '';
  };
  const isOfArchive = ({ key }: ListedObject): boolean =>
    parseArchiveKey(key) !== undefined || parseManifestKey(key) !== undefined;
  return objects.every(isAsItWas) && listed.filter(isOfArchive).every(({ key }) => validated.has(key));
}
