import { z } from 'zod';
import { encodeDocument, parseDocument } from './document.js';

/** The version of everything this tool writes; see docs/FORMAT.md. */
export const formatVersion = 1;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.number().int().nonnegative();

const storedObject = z.object({
  key: z.string(),
  /** Size of the object in S3. */
  storedBytes: bytes,
  /** SHA-256 of the object's bytes, hexadecimal: what `sha256sum` says of the downloaded object. */
  sha256,
  /** S3's own full-object checksum, base64, confirmed by S3. */
  crc32: z.string(),
  etag: z.string(),
});

const archiveObject = storedObject.extend({
  content: z.enum(['tar', 'image']),
  /** The partition number; null for the whole disk. */
  partition: z.number().int().positive().nullable(),
  codec: z.enum(['lz4', 'zstd']),
  level: z.number().int(),
  encrypted: z.boolean(),
  /** Bytes before compression. */
  rawBytes: bytes,
  /** Frames are cut every so many raw bytes. */
  frameBytes: bytes,
  frames: bytes,
  /** Lines of the index without its first and last. */
  entries: bytes,
  index: storedObject,
});

const area = z.object({
  partition: z.number().int().positive().nullable(),
  startBytes: bytes,
  sizeBytes: bytes,
  /** What the area holds: the filesystem type as blkid names it, `swap`, or null for nothing. */
  type: z.string().nullable(),
  label: z.string().nullable(),
  uuid: z.string().nullable(),
  /** Bytes in use as statfs told; null for what was not mounted. */
  usedBytes: bytes.nullable(),
  archived: z.boolean(),
});

const manifestSchema = z.object({
  format: z.literal('snap-to-s3-manifest'),
  version: z.literal(formatVersion),
  tool: z.object({ name: z.string(), version: z.string() }),
  createdAt: z.iso.datetime(),
  region: z.string(),
  snapshot: z.object({
    snapshotId: z.string(),
    volumeId: z.string(),
    startTime: z.iso.datetime(),
    volumeGiB: z.number().positive(),
    description: z.string(),
    ownerId: z.string(),
    encrypted: z.boolean(),
    tags: z.record(z.string(), z.string()),
  }),
  disk: z.object({
    sizeBytes: bytes,
    sectorBytes: bytes,
    /** `gpt`, `dos`, …; null for a disk without partition table. */
    partitionTable: z.string().nullable(),
    /** What `sfdisk --dump` printed: `sfdisk` writes the same table from it. */
    sfdiskDump: z.string().nullable(),
    areas: z.array(area),
  }),
  objects: z.array(archiveObject),
});

/** What is known of a snapshot's archive; written last, so that its presence means "complete". See docs/FORMAT.md. */
export type Manifest = z.infer<typeof manifestSchema>;
/** One archive object of a manifest. */
export type ManifestObject = z.infer<typeof archiveObject>;
/** One partition, or the whole of a disk without partition table. */
export type ManifestArea = z.infer<typeof area>;

/** The manifest as it is stored: indented JSON and a line end. */
export function encodeManifest(manifest: Manifest): Buffer {
  return encodeDocument(manifestSchema, manifest);
}

/** Reads a manifest. Throws `corrupt-archive`, naming the field that is wrong. `where` is its key, for the message. */
export function parseManifest(text: string, where: string): Manifest {
  const hint = 'If a newer version of snap-to-s3 wrote it, use that version.';
  return parseDocument(manifestSchema, text, { what: 'manifest', where, hint });
}
