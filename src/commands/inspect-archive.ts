import type { Manifest } from '../archive/index.js';
import type { SnapshotId } from '../core/index.js';
import { headObject, type ObjectFacts } from '../store/index.js';
import type { LookDependencies } from './archive-indexes.js';
import { findArchive, type FoundObject } from './find-archive.js';

/** What is known of an archive without reading it. */
export interface InspectedArchive {
  readonly snapshotId: SnapshotId;
  readonly manifest: { readonly key: string; readonly content: Manifest } | undefined;
  /** Each with what S3 says of it now. */
  readonly objects: readonly (FoundObject & { readonly facts: ObjectFacts })[];
  /** Keys that the manifest names and that are not there. */
  readonly missing: readonly string[];
  /** Keys of archives of the same snapshot that the manifest does not name. */
  readonly others: readonly string[];
}

/** Tells what a bucket has of a snapshot, frozen or not. Throws what `findArchive` throws. */
export async function inspectArchive(
  snapshotId: SnapshotId,
  { store, signal }: Omit<LookDependencies, 'decryption'>,
): Promise<InspectedArchive> {
  const { manifest, objects, missing, others } = await findArchive(store, snapshotId, { signal });
  const inspected: InspectedArchive['objects'][number][] = [];
  for (const object of objects) {
    inspected.push({ ...object, facts: await headObject(store, object.stored.key, { signal }) });
  }
  return { snapshotId, manifest, objects: inspected, missing, others: others.map(({ stored }) => stored.key) };
}
