import type { SnapshotId } from '../core/index.js';
import { headObject, type ObjectFacts } from '../store/index.js';
import type { LookDependencies } from './archive-indexes.js';
import { findArchive, type FoundArchive, type FoundObject } from './find-archive.js';
import { validationState, type ValidationState } from './validation-record.js';

/** What is known of an archive without reading it. */
export interface InspectedArchive {
  readonly snapshotId: SnapshotId;
  readonly manifest: FoundArchive['manifest'];
  /** Each with what S3 says of it now. */
  readonly objects: readonly (FoundObject & { readonly facts: ObjectFacts })[];
  /** Keys that the manifest names and that are not there. */
  readonly missing: readonly string[];
  /** Keys of archives of the same snapshot that the manifest does not name. */
  readonly others: readonly string[];
  readonly validation: ValidationState;
}

/** Tells what a bucket has of a snapshot, frozen or not. Throws what `findArchive` throws. */
export async function inspectArchive(
  snapshotId: SnapshotId,
  { store, signal }: Omit<LookDependencies, 'decryption'>,
): Promise<InspectedArchive> {
  const found = await findArchive(store, snapshotId, { signal });
  const { manifest, objects, missing, others, validation: record } = found;
  const inspected: InspectedArchive['objects'][number][] = [];
  for (const object of objects) {
    inspected.push({ ...object, facts: await headObject(store, object.stored.key, { signal }) });
  }
  const listed = [...objects, ...others].flatMap(({ stored, index }) =>
    index === undefined ? [stored] : [stored, index],
  );
  if (manifest !== undefined) listed.push(manifest.stored);
  const validation = await validationState({ snapshotId, record, listed }, { store, signal });
  const otherKeys = others.map(({ stored }) => stored.key);
  return { snapshotId, manifest, objects: inspected, missing, others: otherKeys, validation };
}
