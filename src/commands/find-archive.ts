import {
  archiveKeyOfIndex,
  indexKey,
  parseArchiveKey,
  parseManifest,
  parseManifestKey,
  parseValidationKey,
  type ArchiveName,
  type Manifest,
  type ManifestObject,
} from '../archive/index.js';
import { AppError, type SnapshotId, type VolumeId } from '../core/index.js';
import { listObjects, type ListedObject, type ObjectStore } from '../store/index.js';
import { readSmallObject } from './small-object.js';

/** An archive object that is in the bucket. */
export interface FoundObject {
  readonly stored: ListedObject;
  readonly name: ArchiveName;
  /** What the manifest says of it. */
  readonly expected: ManifestObject | undefined;
  /** Its index, where there is one. */
  readonly index: ListedObject | undefined;
}

/** What the bucket holds of a snapshot. */
export interface FoundArchive {
  readonly snapshotId: SnapshotId;
  readonly manifest: { readonly key: string; readonly content: Manifest; readonly stored: ListedObject } | undefined;
  /** By partition. With a manifest: those that it names; without (the existing tool's): all. */
  readonly objects: readonly FoundObject[];
  /** Keys that the manifest names and that are not there. */
  readonly missing: readonly string[];
  /** Archives of the snapshot that its manifest does not name: another tool's, or of a run that was broken off. */
  readonly others: readonly FoundObject[];
  /** The record that it was validated, where there is one; it is not read. */
  readonly validation: ListedObject | undefined;
}

/** Where to look. */
export interface FindOptions {
  /** Where it is known only its folder is listed, else the whole bucket. */
  readonly volumeId?: VolumeId | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds what a bucket holds of a snapshot, archived by this tool or by the existing one. Nothing but the manifest is read.
 * Throws `not-found` where there is nothing, `corrupt-archive` for a manifest that cannot be read or is another
 * snapshot's, `object-frozen` for one in an archive storage class.
 */
export async function findArchive(
  store: ObjectStore,
  snapshotId: SnapshotId,
  { volumeId, signal }: FindOptions = {},
): Promise<FoundArchive> {
  const { manifests, archives, indexes, validation } = await listed(store, snapshotId, { volumeId, signal });
  const [manifest, ...more] = manifests;
  if (manifest === undefined && archives.length === 0) throw nothing(store, snapshotId, volumeId);
  if (more.length > 0) {
    throw new AppError(
      'corrupt-archive',
      `${snapshotId} has ${manifests.length} manifests in ${store.bucket}: ${manifests.map(({ key }) => key).join(', ')}.`,
      { hint: 'A snapshot has one volume and one time, and so one manifest. See which of them was copied or renamed.' },
    );
  }
  const found = archives
    .map(({ stored, name }) => ({ stored, name, index: indexes.get(indexKey(stored.key)), expected: undefined }))
    .sort((a, b) => order(a) - order(b) || (a.stored.key < b.stored.key ? -1 : 1));
  if (manifest === undefined) {
    return { snapshotId, manifest, objects: found, missing: [], others: [], validation };
  }
  const { key } = manifest;
  const content = await readManifest(store, { key, snapshotId, signal });
  const told = new Map(content.objects.map((object) => [object.key, object]));
  const isTold = ({ stored }: FoundObject): boolean => told.has(stored.key);
  const keys = new Set([...found.map(({ stored }) => stored.key), ...indexes.keys()]);
  return {
    snapshotId,
    manifest: { key, content, stored: manifest },
    objects: found.filter(isTold).map((object) => ({ ...object, expected: told.get(object.stored.key) })),
    missing: content.objects.flatMap((object) => [object.key, object.index.key]).filter((one) => !keys.has(one)),
    others: found.filter((object) => !isTold(object)),
    validation,
  };
}

interface Listed {
  readonly manifests: readonly ListedObject[];
  readonly archives: readonly { readonly stored: ListedObject; readonly name: ArchiveName }[];
  /** By key. */
  readonly indexes: ReadonlyMap<string, ListedObject>;
  readonly validation: ListedObject | undefined;
}

async function listed(store: ObjectStore, snapshotId: SnapshotId, { volumeId, signal }: FindOptions): Promise<Listed> {
  const manifests: ListedObject[] = [];
  let validation: ListedObject | undefined;
  const archives: { stored: ListedObject; name: ArchiveName }[] = [];
  const indexes = new Map<string, ListedObject>();
  const prefix = volumeId === undefined ? 'vol-' : `${volumeId}/`;
  for await (const stored of listObjects(store, prefix, signal)) {
    if (!stored.key.includes(snapshotId)) continue;
    const name = parseArchiveKey(stored.key);
    if (name?.snapshotId === snapshotId) archives.push({ stored, name });
    else if (parseManifestKey(stored.key) === snapshotId) manifests.push(stored);
    else if (parseValidationKey(stored.key) === snapshotId) validation = stored;
    else if (archiveKeyOfIndex(stored.key) !== undefined) indexes.set(stored.key, stored);
  }
  return { manifests, archives, indexes, validation };
}

/** The whole disk first, then partitions by number. */
function order({ name }: FoundObject): number {
  return name.partition === undefined ? 0 : Number(name.partition);
}

/** Which manifest is read. */
export interface ManifestPlace {
  readonly key: string;
  readonly snapshotId: SnapshotId;
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads a manifest, whose bytes must be those of which S3 keeps the checksum; once more where they came damaged. Throws
 * `corrupt-archive`, `object-frozen`, `not-found`.
 */
export async function readManifest(store: ObjectStore, { key, snapshotId, signal }: ManifestPlace): Promise<Manifest> {
  return readSmallObject(store, { key, what: 'manifest', signal }, (text, where) => {
    const manifest = parseManifest(text, where);
    if (manifest.snapshot.snapshotId === snapshotId) return manifest;
    throw new AppError('corrupt-archive', `The manifest ${where} is that of ${manifest.snapshot.snapshotId}.`, {
      hint: 'It was copied or renamed. Put it back under the name of its own snapshot.',
    });
  });
}

function nothing(store: ObjectStore, snapshotId: SnapshotId, volumeId: VolumeId | undefined): AppError {
  const where = volumeId === undefined ? `s3://${store.bucket}` : `s3://${store.bucket}/${volumeId}/`;
  return new AppError('not-found', `There is no archive of ${snapshotId} in ${where}.`, {
    hint: `See what is there: aws s3 ls --recursive s3://${store.bucket}/${volumeId === undefined ? 'vol-' : `${volumeId}/`}`,
  });
}
