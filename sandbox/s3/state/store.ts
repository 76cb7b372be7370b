import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openBodies, type Bodies } from './bodies.js';
import type { Bucket, StoredObject, Upload, UploadedPart } from './model.js';
import { newKeyIndex } from './key-index.js';
import { newTurns, type Turns } from './turns.js';

/**
 * All buckets, in memory and on disk: what a method has returned from survives a restart. Memory and disk agree only when
 * whoever changes an object or an upload has the turn of its key (`bucket.turns`).
 */
export interface Store {
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly bodies: Bodies;
  /** By name: whoever makes or deletes a bucket does so in its turn. */
  readonly turns: Turns;
  createBucket(name: string, region: string, nowMs: number): Promise<Bucket>;
  deleteBucket(bucket: Bucket): Promise<void>;
  /** Replaces the object of that key, and frees the bytes of the one before that it does not share. */
  putObject(bucket: Bucket, object: StoredObject): Promise<void>;
  deleteObject(bucket: Bucket, key: string): Promise<void>;
  putUpload(bucket: Bucket, upload: Upload): Promise<void>;
  /** Adds or replaces a part. */
  putPart(bucket: Bucket, upload: Upload, part: UploadedPart): Promise<void>;
  /** Forgets the upload, and frees its parts but for those that became part of the object. */
  endUpload(bucket: Bucket, upload: Upload): Promise<void>;
}

/**
 * Opens the state directory:
 * `buckets/<name>/bucket.json`, `…/objects/<sha256 of key>.json`, `…/uploads/<id>/{upload,<part>}.json`, `bodies/<uuid>`.
 * Every JSON file is written beside and renamed, so a crash leaves the old one or the new one.
 */
export async function openStore(directory: string): Promise<Store> {
  const root = join(directory, 'buckets');
  const bodies = await openBodies(join(directory, 'bodies'));
  const buckets = await loadBuckets(root);
  await bodies.removeAllBut(filesInUse(buckets.values()));

  const folder = (bucket: Bucket): string => join(root, bucket.name);
  const objectFile = (bucket: Bucket, key: string): string => {
    return join(folder(bucket), 'objects', `${createHash('sha256').update(key).digest('hex')}.json`);
  };
  const uploadFolder = (bucket: Bucket, upload: Upload): string => join(folder(bucket), 'uploads', upload.uploadId);

  return {
    buckets,
    bodies,
    turns: newTurns(),
    createBucket: async (name, region, nowMs) => {
      const bucket = emptyBucket({ name, region, createdMs: nowMs });
      await mkdir(join(folder(bucket), 'objects'), { recursive: true });
      await mkdir(join(folder(bucket), 'uploads'), { recursive: true });
      await writeJson(join(folder(bucket), 'bucket.json'), { name, region, createdMs: nowMs });
      buckets.set(name, bucket);
      return bucket;
    },
    deleteBucket: async (bucket) => {
      buckets.delete(bucket.name);
      await rm(folder(bucket), { recursive: true });
    },
    putObject: async (bucket, object) => {
      await writeJson(objectFile(bucket, object.key), object);
      const before = bucket.objects.get(object.key);
      bucket.objects.set(object);
      const kept = new Set(object.segments.map((segment) => segment.file));
      await bodies.remove((before?.segments ?? []).filter((segment) => !kept.has(segment.file)));
    },
    deleteObject: async (bucket, key) => {
      const object = bucket.objects.get(key);
      if (object === undefined) return;
      bucket.objects.delete(key);
      await rm(objectFile(bucket, key), { force: true });
      await bodies.remove(object.segments);
    },
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
      const object = bucket.objects.get(upload.key);
      const kept = new Set(object?.segments.map((segment) => segment.file));
      const segments = Array.from(upload.parts.values(), (part) => part.segment);
      await bodies.remove(segments.filter((segment) => !kept.has(segment.file)));
    },
  };
}

/** How many small files are read together at the start: 100,000 objects must not take long. */
const filesAtOnce = 256;

function emptyBucket(facts: { readonly name: string; readonly region: string; readonly createdMs: number }): Bucket {
  return { ...facts, objects: newKeyIndex(), uploads: new Map(), conditionalWrites: new Set(), turns: newTurns() };
}

async function loadBuckets(root: string): Promise<Map<string, Bucket>> {
  const buckets = new Map<string, Bucket>();
  for (const name of await list(root)) {
    const folder = join(root, name);
    // A folder without it was being made or deleted when the sandbox ended.
    const facts = await readJson<Bucket>(join(folder, 'bucket.json')).catch(() => undefined);
    if (facts === undefined) continue;
    const bucket = emptyBucket(facts);
    const files = (await list(join(folder, 'objects'))).filter((file) => file.endsWith('.json'));
    for (let at = 0; at < files.length; at += filesAtOnce) {
      const some = files.slice(at, at + filesAtOnce);
      const read = some.map((file) => readJson<StoredObject>(join(folder, 'objects', file)));
      for (const object of await Promise.all(read)) bucket.objects.set(object);
    }
    for (const id of await list(join(folder, 'uploads'))) {
      const upload = await loadUpload(join(folder, 'uploads', id));
      if (upload !== undefined) bucket.uploads.set(id, upload);
    }
    buckets.set(name, bucket);
  }
  return buckets;
}

async function loadUpload(folder: string): Promise<Upload | undefined> {
  const facts = await readJson<Omit<Upload, 'parts'>>(join(folder, 'upload.json')).catch(() => undefined);
  if (facts === undefined) return undefined;
  const parts = new Map<number, UploadedPart>();
  for (const file of await list(folder)) {
    if (!/^\d+\.json$/.test(file)) continue;
    const part = await readJson<UploadedPart>(join(folder, file));
    parts.set(part.partNumber, part);
  }
  return { ...facts, parts };
}

function filesInUse(buckets: Iterable<Bucket>): Set<string> {
  const files = new Set<string>();
  for (const bucket of buckets) {
    for (const object of bucket.objects.values()) for (const { file } of object.segments) files.add(file);
    for (const upload of bucket.uploads.values())
      for (const { segment } of upload.parts.values()) files.add(segment.file);
  }
  return files;
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** Our own files: written by `writeJson` of this version, so their shape is not checked again. */
async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}

async function writeJson(path: string, value: unknown): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  await writeFile(temporary, JSON.stringify(value));
  await rename(temporary, path);
}
