import { z } from 'zod';
import { snapshotId, volumeId, type SnapshotId, type VolumeId } from '../core/index.js';

const parsedVolumeId = z.string().transform((text): VolumeId => volumeId(text));

const entrySchema = z.discriminatedUnion('kind', [
  /** The state tag of the snapshot, and our id beside it. */
  z.object({
    kind: z.literal('tag'),
    tag: z.string(),
    runId: z.string(),
    /** The state to go back to. */
    otherwise: z.enum(['migrate', 'migrated']),
  }),
  z.object({
    kind: z.literal('volume'),
    tag: z.string(),
    /** The run that makes it, as the value of its tag. */
    runId: z.string(),
    /** Null for one that is about to be made. */
    volumeId: parsedVolumeId.nullable(),
    /** Detached, and not deleted. */
    keep: z.boolean(),
  }),
  /** A volume that is being filled from an archive. */
  z.object({
    kind: z.literal('new-volume'),
    tag: z.string(),
    runId: z.string(),
    /** Null for one that is about to be made. */
    volumeId: parsedVolumeId.nullable(),
  }),
  /** A mount of the machine with this boot id. */
  z.object({ kind: z.literal('mount'), path: z.string(), bootId: z.string() }),
  z.object({
    kind: z.literal('upload'),
    key: z.string(),
    /** Null for one that is about to be begun. */
    uploadId: z.string().nullable(),
    /** Uploads to the same key that were there before. */
    others: z.array(z.string()).readonly(),
    /** When it was about to be begun, by S3's clock; earlier versions did not say. */
    sinceMs: z.number().default(0),
  }),
]);

const journalSchema = z.array(entrySchema).readonly();

/** Something that would be left behind by a run that dies here. */
export type JournalEntry = Readonly<z.infer<typeof entrySchema>>;

/** What a run has made and not yet removed, in the order in which it was made. */
export type Journal = readonly JournalEntry[];

/** Reads a journal. Throws for what this version does not understand. */
export const parseJournal = (value: unknown): Journal => journalSchema.parse(value);

const leaseFolder = '.snap-to-s3/leases/';

/** Below this all leases lie. */
export const leasePrefix = leaseFolder;

/** `.snap-to-s3/leases/snap-….json` */
export function leaseKey(id: SnapshotId): string {
  return `${leaseFolder}${id}.json`;
}

/** The snapshot that a lease is about; undefined for a key that is none of a lease. */
export function leasedSnapshot(key: string): SnapshotId | undefined {
  const name = /^(snap-[0-9a-f]+)\.json$/.exec(key.slice(leaseFolder.length))?.[1];
  if (!key.startsWith(leaseFolder) || name === undefined) return undefined;
  try {
    return snapshotId(name);
  } catch {
    return undefined;
  }
}
