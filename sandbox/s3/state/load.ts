import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readJson } from './json-file.js';
import type { Bucket, KeyVersions, StoredObject, Upload, UploadedPart } from './model.js';
import { newKeyIndex } from './key-index.js';
import { newTurns } from './turns.js';
import { nullVersion } from './version-ids.js';
import { segmentsOf } from './versions.js';

/** How many small files are read together at the start: 100,000 objects must not take long. */
const filesAtOnce = 256;

type BucketFacts = Pick<Bucket, 'name' | 'region' | 'createdMs' | 'settings'>;

/** State directories from before there were versions and locks have neither. */
type Written<T, Newer extends keyof T> = Omit<T, Newer> & Partial<Pick<T, Newer>>;
type UnversionedObject = Omit<StoredObject, 'kind' | 'versionId' | 'lock'>;

function versionsOf(found: KeyVersions | UnversionedObject): KeyVersions {
  if ('versions' in found) return found;
  return { key: found.key, versions: [{ ...found, kind: 'object', versionId: nullVersion, lock: {} }] };
}

/** A bucket with nothing in it. */
export function emptyBucket(facts: BucketFacts): Bucket {
  const objects: Bucket['objects'] = newKeyIndex();
  const versions: Bucket['versions'] = newKeyIndex();
  return {
    ...facts,
    objects,
    versions,
    setVersions: (all) => {
      const [current] = all.versions;
      if (current === undefined) versions.delete(all.key);
      else versions.set(all);
      if (current?.kind === 'object') objects.set(current);
      else objects.delete(all.key);
    },
    uploads: new Map(),
    conditionalWrites: new Map(),
    turns: newTurns(),
  };
}

/** Reads all buckets from their folders. */
export async function loadBuckets(root: string): Promise<Map<string, Bucket>> {
  const buckets = new Map<string, Bucket>();
  for (const name of await list(root)) {
    const folder = join(root, name);
    // A folder without it was being made or deleted when the sandbox ended.
    const facts = await readJson<Written<BucketFacts, 'settings'>>(join(folder, 'bucket.json')).catch(() => undefined);
    if (facts === undefined) continue;
    const bucket = emptyBucket({ ...facts, settings: facts.settings ?? {} });
    const files = (await list(join(folder, 'objects'))).filter((file) => file.endsWith('.json'));
    for (let at = 0; at < files.length; at += filesAtOnce) {
      const some = files.slice(at, at + filesAtOnce);
      const read = some.map((file) => readJson<KeyVersions | UnversionedObject>(join(folder, 'objects', file)));
      for (const found of await Promise.all(read)) bucket.setVersions(versionsOf(found));
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
  const facts = await readJson<Written<Omit<Upload, 'parts'>, 'lock'>>(join(folder, 'upload.json')).catch(
    () => undefined,
  );
  if (facts === undefined) return undefined;
  const parts = new Map<number, UploadedPart>();
  for (const file of await list(folder)) {
    if (!/^\d+\.json$/.test(file)) continue;
    const part = await readJson<UploadedPart>(join(folder, file));
    parts.set(part.partNumber, part);
  }
  return { ...facts, lock: facts.lock ?? {}, parts };
}

/** The files of all objects, versions and parts. */
export function filesInUse(buckets: Iterable<Bucket>): Set<string> {
  const files = new Set<string>();
  for (const bucket of buckets) {
    for (const { versions } of bucket.versions.values()) for (const { file } of segmentsOf(versions)) files.add(file);
    for (const upload of bucket.uploads.values())
      for (const { segment } of upload.parts.values()) files.add(segment.file);
  }
  return files;
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
