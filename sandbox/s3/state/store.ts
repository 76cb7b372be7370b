import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openBodies, type Bodies } from './bodies.js';
import { writeJson } from './json-file.js';
import { emptyBucket, filesInUse, loadBuckets } from './load.js';
import type {
  Bucket,
  BucketSettings,
  DeleteMarker,
  KeyVersions,
  StoredObject,
  Upload,
  UploadedPart,
  Version,
} from './model.js';
import { newTurns, type Turns } from './turns.js';
import { newVersionIds, nullVersion } from './version-ids.js';
import { segmentsOf, withChanged, withNewest, without } from './versions.js';

/** An object that is not stored yet; the store gives it its version. */
export type NewObject = Omit<StoredObject, 'kind' | 'versionId' | 'restore'>;

/**
 * All buckets, in memory and on disk: what a method has returned from survives a restart. Memory and disk agree only when
 * whoever changes an object or an upload has the turn of its key (`bucket.turns`).
 */
export interface Store {
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly bodies: Bodies;
  /** By name: whoever makes, changes or deletes a bucket does so in its turn. */
  readonly turns: Turns;
  createBucket(facts: Pick<Bucket, 'name' | 'region' | 'createdMs' | 'settings'>): Promise<Bucket>;
  putSettings(bucket: Bucket, settings: BucketSettings): Promise<void>;
  deleteBucket(bucket: Bucket): Promise<void>;
  /** Makes it the current version of its key. What it replaces, where the bucket keeps no versions, is freed. */
  putObject(bucket: Bucket, object: NewObject): Promise<StoredObject>;
  /** Replaces a version by itself with other tags, another lock, or a restored copy. */
  changeObject(bucket: Bucket, object: StoredObject): Promise<void>;
  /** Deletes without a version id: puts a marker on top where the bucket has or had versioning. */
  deleteObject(bucket: Bucket, key: string, nowMs: number): Promise<DeleteMarker | undefined>;
  deleteVersion(bucket: Bucket, version: Version): Promise<void>;
  putUpload(bucket: Bucket, upload: Upload): Promise<void>;
  /** Adds or replaces a part. */
  putPart(bucket: Bucket, upload: Upload, part: UploadedPart): Promise<void>;
  /** Forgets the upload, and frees its parts but for those that became part of the object. */
  endUpload(bucket: Bucket, upload: Upload): Promise<void>;
}

/**
 * Opens the state directory:
 * `buckets/<name>/bucket.json`, `…/objects/<sha256 of key>.json` (all versions of a key),
 * `…/uploads/<id>/{upload,<part>}.json`, `bodies/<uuid>`.
 * Every JSON file is written beside and renamed, so a crash leaves the old one or the new one.
 */
export async function openStore(directory: string): Promise<Store> {
  const root = join(directory, 'buckets');
  const bodies = await openBodies(join(directory, 'bodies'));
  const buckets = await loadBuckets(root);
  await bodies.removeAllBut(filesInUse(buckets.values()));
  const newVersionId = newVersionIds();

  const folder = (bucket: Bucket): string => join(root, bucket.name);
  const keyFile = (bucket: Bucket, key: string): string => {
    return join(folder(bucket), 'objects', `${createHash('sha256').update(key).digest('hex')}.json`);
  };
  const uploadFolder = (bucket: Bucket, upload: Upload): string => join(folder(bucket), 'uploads', upload.uploadId);
  const writeBucket = (bucket: Bucket): Promise<void> => {
    const { name, region, createdMs, settings } = bucket;
    return writeJson(join(folder(bucket), 'bucket.json'), { name, region, createdMs, settings });
  };

  const changeKey = async (
    bucket: Bucket,
    key: string,
    change: (versions: readonly Version[]) => readonly Version[],
  ): Promise<void> => {
    const before = bucket.versions.get(key)?.versions ?? [];
    const after: KeyVersions = { key, versions: change(before) };
    if (after.versions.length === 0) await rm(keyFile(bucket, key), { force: true });
    else await writeJson(keyFile(bucket, key), after);
    bucket.setVersions(after);
    const kept = new Set(segmentsOf(after.versions).map((segment) => segment.file));
    await bodies.remove(segmentsOf(before).filter((segment) => !kept.has(segment.file)));
  };
  const idOfNext = ({ settings }: Bucket, nowMs: number): string =>
    settings.versioning === 'Enabled' ? newVersionId(nowMs) : nullVersion;

  return {
    buckets,
    bodies,
    turns: newTurns(),
    createBucket: async (facts) => {
      const bucket = emptyBucket(facts);
      await mkdir(join(folder(bucket), 'objects'), { recursive: true });
      await mkdir(join(folder(bucket), 'uploads'), { recursive: true });
      await writeBucket(bucket);
      buckets.set(bucket.name, bucket);
      return bucket;
    },
    putSettings: async (bucket, settings) => {
      await writeBucket({ ...bucket, settings });
      bucket.settings = settings;
    },
    deleteBucket: async (bucket) => {
      buckets.delete(bucket.name);
      await rm(folder(bucket), { recursive: true });
    },
    putObject: async (bucket, object) => {
      const versionId = idOfNext(bucket, object.lastModifiedMs);
      const stored: StoredObject = { ...object, kind: 'object', versionId };
      await changeKey(bucket, object.key, (versions) => withNewest(versions, stored));
      return stored;
    },
    changeObject: (bucket, object) => changeKey(bucket, object.key, (versions) => withChanged(versions, object)),
    deleteObject: async (bucket, key, nowMs) => {
      if (bucket.settings.versioning === undefined) {
        await changeKey(bucket, key, () => []);
        return undefined;
      }
      const versionId = idOfNext(bucket, nowMs);
      const marker: DeleteMarker = { kind: 'delete-marker', key, versionId, lastModifiedMs: nowMs };
      await changeKey(bucket, key, (versions) => withNewest(versions, marker));
      return marker;
    },
    deleteVersion: (bucket, { key, versionId }) => changeKey(bucket, key, (versions) => without(versions, versionId)),
    putUpload: async (bucket, upload) => {
      await mkdir(uploadFolder(bucket, upload), { recursive: true });
      const { parts: _parts, ...facts } = upload;
      await writeJson(join(uploadFolder(bucket, upload), 'upload.json'), facts);
      bucket.uploads.set(upload.uploadId, upload);
    },
    putPart: async (bucket, upload, part) => {
      await writeJson(join(uploadFolder(bucket, upload), `${part.partNumber}.json`), part);
      const before = upload.parts.get(part.partNumber);
      upload.parts.set(part.partNumber, part);
      if (before !== undefined) await bodies.remove([before.segment]);
    },
    endUpload: async (bucket, upload) => {
      bucket.uploads.delete(upload.uploadId);
      await rm(uploadFolder(bucket, upload), { recursive: true, force: true });
      const { versions } = bucket.versions.get(upload.key) ?? { versions: [] };
      const kept = new Set(segmentsOf(versions).map((segment) => segment.file));
      const segments = Array.from(upload.parts.values(), (part) => part.segment);
      await bodies.remove(segments.filter((segment) => !kept.has(segment.file)));
    },
  };
}
