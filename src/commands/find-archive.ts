import {
  archiveKeyOfIndex,
  indexKey,
  parseArchiveKey,
  parseManifest,
  parseManifestKey,
  type ArchiveName,
  type Manifest,
  type ManifestObject,
} from '../archive/index.js';
import { AppError, createBufferPool, MiB, type SnapshotId, type VolumeId } from '../core/index.js';
import {
  createObjectSum,
  downloadObject,
  headObject,
  listObjects,
  requireReadable,
  s3Url,
  type ListedObject,
  type ObjectStore,
} from '../store/index.js';
import { requireStoredSums } from './read-object.js';

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
  readonly manifest: { readonly key: string; readonly content: Manifest } | undefined;
  /** By partition. With a manifest: those that it names; without (the existing tool's): all. */
  readonly objects: readonly FoundObject[];
  /** Keys that the manifest names and that are not there. */
  readonly missing: readonly string[];
  /** Archives of the snapshot that its manifest does not name: another tool's, or of a run that was broken off. */
  readonly others: readonly FoundObject[];
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
  const { manifestKeys, archives, indexes } = await listed(store, snapshotId, { volumeId, signal });
  const [key, ...more] = manifestKeys;
  if (key === undefined && archives.length === 0) throw nothing(store, snapshotId, volumeId);
  if (more.length > 0) {
    throw new AppError(
      'corrupt-archive',
      `${snapshotId} has ${manifestKeys.length} manifests in ${store.bucket}: ${manifestKeys.join(', ')}.`,
      { hint: 'A snapshot has one volume and one time, and so one manifest. See which of them was copied or renamed.' },
    );
  }
  const found = archives
    .map(({ stored, name }) => ({ stored, name, index: indexes.get(indexKey(stored.key)), expected: undefined }))
    .sort((a, b) => order(a) - order(b) || (a.stored.key < b.stored.key ? -1 : 1));
  if (key === undefined) return { snapshotId, manifest: undefined, objects: found, missing: [], others: [] };
  const content = await readManifest(store, { key, snapshotId, signal });
  const told = new Map(content.objects.map((object) => [object.key, object]));
  const isTold = ({ stored }: FoundObject): boolean => told.has(stored.key);
  const keys = new Set([...found.map(({ stored }) => stored.key), ...indexes.keys()]);
  return {
    snapshotId,
    manifest: { key, content },
    objects: found.filter(isTold).map((object) => ({ ...object, expected: told.get(object.stored.key) })),
    missing: content.objects.flatMap((object) => [object.key, object.index.key]).filter((one) => !keys.has(one)),
    others: found.filter((object) => !isTold(object)),
  };
}

interface Listed {
  readonly manifestKeys: readonly string[];
  readonly archives: readonly { readonly stored: ListedObject; readonly name: ArchiveName }[];
  /** By key. */
  readonly indexes: ReadonlyMap<string, ListedObject>;
}

async function listed(store: ObjectStore, snapshotId: SnapshotId, { volumeId, signal }: FindOptions): Promise<Listed> {
  const manifestKeys: string[] = [];
  const archives: { stored: ListedObject; name: ArchiveName }[] = [];
  const indexes = new Map<string, ListedObject>();
  const prefix = volumeId === undefined ? 'vol-' : `${volumeId}/`;
  for await (const stored of listObjects(store, prefix, signal)) {
    if (!stored.key.includes(snapshotId)) continue;
    const name = parseArchiveKey(stored.key);
    if (name?.snapshotId === snapshotId) archives.push({ stored, name });
    else if (parseManifestKey(stored.key) === snapshotId) manifestKeys.push(stored.key);
    else if (archiveKeyOfIndex(stored.key) !== undefined) indexes.set(stored.key, stored);
  }
  return { manifestKeys, archives, indexes };
}

/** The whole disk first, then partitions by number. */
function order({ name }: FoundObject): number {
  return name.partition === undefined ? 0 : Number(name.partition);
}

/** A manifest is some KiB; the partition table and tags of a snapshot do not make more of it. */
const largestManifestBytes = 16 * MiB;

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
export async function readManifest(store: ObjectStore, place: ManifestPlace): Promise<Manifest> {
  try {
    return await readManifestOnce(store, place);
  } catch (error) {
    place.signal?.throwIfAborted();
    if (!(error instanceof AppError) || error.code !== 'corrupt-archive') throw error;
    return readManifestOnce(store, place);
  }
}

async function readManifestOnce(store: ObjectStore, { key, snapshotId, signal }: ManifestPlace): Promise<Manifest> {
  const where = s3Url(store, key);
  const facts = await headObject(store, key, { signal });
  requireReadable(store, facts);
  if (facts.sizeBytes > largestManifestBytes) {
    throw new AppError('corrupt-archive', `${where} has ${facts.sizeBytes} bytes: that is no manifest.`);
  }
  const pieces: Buffer[] = [];
  const sum = createObjectSum();
  const options = { streams: 1, rangeBytes: largestManifestBytes, pool: createBufferPool(), signal };
  for await (const bytes of downloadObject(store, facts, options)) {
    sum.add(bytes);
    pieces.push(bytes);
  }
  requireStoredSums(where, sum.result(), facts);
  const manifest = parseManifest(Buffer.concat(pieces).toString('utf8'), where);
  if (manifest.snapshot.snapshotId === snapshotId) return manifest;
  throw new AppError('corrupt-archive', `The manifest ${where} is that of ${manifest.snapshot.snapshotId}.`, {
    hint: 'It was copied or renamed. Put it back under the name of its own snapshot.',
  });
}

function nothing(store: ObjectStore, snapshotId: SnapshotId, volumeId: VolumeId | undefined): AppError {
  const where = volumeId === undefined ? `s3://${store.bucket}` : `s3://${store.bucket}/${volumeId}/`;
  return new AppError('not-found', `There is no archive of ${snapshotId} in ${where}.`, {
    hint: `See what is there: aws s3 ls --recursive s3://${store.bucket}/${volumeId === undefined ? 'vol-' : `${volumeId}/`}`,
  });
}
