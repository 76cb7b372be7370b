import {
  archiveKeyOfIndex,
  parseArchiveKey,
  parseManifestKey,
  parseValidationKey,
  type Manifest,
} from '../archive/index.js';
import { AppError, isAbort, mapAhead, type EventSink, type SnapshotId, type VolumeId } from '../core/index.js';
import type { Ec2 } from '../source/index.js';
import { listObjects, requireBucket, type ListedObject } from '../store/index.js';
import type { LookDependencies } from './archive-indexes.js';
import { readManifest } from './find-archive.js';
import { validationState, type RecordedArchive, type ValidationState } from './validation-record.js';

/** What a bucket has of one snapshot. */
export interface ListedArchive {
  readonly snapshotId: SnapshotId;
  readonly volumeId: VolumeId;
  readonly startTime: Date;
  /** Undefined for the existing tool's, for one that was broken off, and for one that cannot be read. */
  readonly manifest: Manifest | undefined;
  /** Why there is none, where that is not just so. */
  readonly trouble: string | undefined;
  /** All archive objects. */
  readonly objects: number;
  readonly storedBytes: number;
  readonly storageClasses: readonly string[];
  readonly encrypted: boolean;
  /** `unknown` where EC2 could not be asked. */
  readonly snapshot: 'exists' | 'gone' | 'unknown';
  /** What our tag on it says: `migrated`, `validated`, …; undefined where there is none. */
  readonly state: string | undefined;
  readonly validation: ValidationState;
}

/** What listing needs. */
export interface ListDependencies extends Omit<LookDependencies, 'decryption'> {
  /** Undefined: EC2 is not asked. */
  readonly ec2: Pick<Ec2, 'ownSnapshots'> | undefined;
  readonly events: EventSink;
  readonly tag: string;
}

/** Manifests read at once. */
const manifestsAhead = 16;

/**
 * Everything that a bucket has, by volume and time; only names, manifests and records of validations are read. What is kept in memory is a line for
 * each snapshot of the account, and the names of one volume. Throws the failures of S3; those of EC2 are a warning.
 */
export async function* listArchives(dependencies: ListDependencies): AsyncGenerator<ListedArchive, void> {
  const { store, signal } = dependencies;
  await requireBucket(store, signal);
  const snapshots = await ownSnapshots(dependencies);
  const complete = async (found: Gathered): Promise<ListedArchive> => {
    const { snapshotId } = found;
    const snapshot = snapshots?.get(snapshotId);
    const exists = snapshot === undefined ? 'gone' : 'exists';
    return {
      ...found.facts(),
      ...(await manifestOf(found, dependencies)),
      validation: await validationState(found, dependencies),
      snapshot: snapshots === undefined ? 'unknown' : exists,
      state: snapshot?.state,
    };
  };
  yield* mapAhead(gathered(listObjects(store, 'vol-', signal)), manifestsAhead, complete);
}

async function ownSnapshots({
  ec2,
  events,
  tag,
  signal,
}: ListDependencies): Promise<ReadonlyMap<SnapshotId, { readonly state: string | undefined }> | undefined> {
  if (ec2 === undefined) return undefined;
  const known = new Map<SnapshotId, { readonly state: string | undefined }>();
  try {
    for await (const { snapshotId, tags } of ec2.ownSnapshots(signal)) known.set(snapshotId, { state: tags[tag] });
    return known;
  } catch (error) {
    if (isAbort(error) || !(error instanceof AppError)) throw error;
    events({ kind: 'warning', text: `Which snapshots still exist is unknown: ${error.message} ${error.hint ?? ''}` });
    return undefined;
  }
}

interface Gathered extends RecordedArchive {
  readonly manifestKey: string | undefined;
  facts(): Omit<ListedArchive, 'manifest' | 'trouble' | 'snapshot' | 'state' | 'validation'>;
}

/** The objects of a listing by snapshot, a volume at a time: a listing has all of one volume side by side. */
async function* gathered(listing: AsyncIterable<ListedObject>): AsyncGenerator<Gathered, void> {
  let folder = '';
  let archives = new Map<SnapshotId, Archive>();
  for await (const stored of listing) {
    const own = stored.key.slice(0, stored.key.indexOf('/'));
    if (own !== folder) {
      yield* shown(archives);
      archives = new Map();
      folder = own;
    }
    const id = snapshotOf(stored.key);
    if (id === undefined) continue;
    const archive = archives.get(id) ?? createArchive(id);
    archives.set(id, archive);
    archive.add(stored);
  }
  yield* shown(archives);
}

function snapshotOf(key: string): SnapshotId | undefined {
  const name = parseArchiveKey(archiveKeyOfIndex(key) ?? key);
  return name?.snapshotId ?? parseManifestKey(key) ?? parseValidationKey(key);
}

/** An index or a record alone is no archive. */
function shown(archives: ReadonlyMap<SnapshotId, Archive>): readonly Archive[] {
  return [...archives.values()].filter((archive) => archive.isArchive);
}

type Archive = ReturnType<typeof createArchive>;

function createArchive(snapshotId: SnapshotId) {
  const classes = new Set<string>();
  const listed: ListedObject[] = [];
  let [key, record]: [string | undefined, ListedObject | undefined] = [undefined, undefined];
  let [objects, storedBytes, encrypted] = [0, 0, false];
  let name: { readonly volumeId: VolumeId; readonly startTime: Date } | undefined;
  return {
    snapshotId,
    listed,
    get manifestKey() {
      return key;
    },
    get record() {
      return record;
    },
    get isArchive() {
      return objects > 0 || key !== undefined;
    },
    add: (stored: ListedObject): void => {
      if (parseValidationKey(stored.key) !== undefined) {
        record = stored;
        return;
      }
      listed.push(stored);
      if (parseManifestKey(stored.key) !== undefined) key = stored.key;
      const archive = parseArchiveKey(stored.key);
      if (archive === undefined) return;
      name = archive;
      objects += 1;
      storedBytes += stored.sizeBytes;
      encrypted ||= archive.encrypted;
      classes.add(stored.storageClass);
    },
    facts: () => ({
      snapshotId,
      volumeId: name?.volumeId ?? ((key ?? '').slice(0, (key ?? '').indexOf('/')) as VolumeId),
      startTime: name?.startTime ?? new Date(/\/(\S+) /.exec(key ?? '')?.[1] ?? 0),
      objects,
      storedBytes,
      storageClasses: [...classes].sort(),
      encrypted,
    }),
  };
}

async function manifestOf(
  { snapshotId, manifestKey: key }: Gathered,
  { store, signal }: ListDependencies,
): Promise<Pick<ListedArchive, 'manifest' | 'trouble'>> {
  if (key === undefined) return { manifest: undefined, trouble: undefined };
  try {
    return { manifest: await readManifest(store, { key, snapshotId, signal }), trouble: undefined };
  } catch (error) {
    if (isAbort(error) || !(error instanceof AppError)) throw error;
    if (!['corrupt-archive', 'object-frozen', 'not-found'].includes(error.code)) throw error;
    return { manifest: undefined, trouble: error.message };
  }
}
