import { z } from 'zod';

// The shapes of the state on disk. Records are never changed in place: an operation puts a new one.

const tag = z.object({ key: z.string(), value: z.string() }).readonly();

const attachment = z
  .object({
    instanceId: z.string(),
    /** The name given to AttachVolume (`/dev/sdf`), not the one the kernel gives. */
    device: z.string(),
    attachedAtMs: z.number(),
    deleteOnTermination: z.boolean(),
    /** `busy`: detaching, and the machine still uses the device. */
    phase: z.enum(['attaching', 'attached', 'detaching', 'busy']),
    /** The machine's own disk is in the list as on EC2, and has no device behind it. */
    backing: z.enum(['loop', 'root']),
  })
  .readonly();

const volumeStatus = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('creating') }).readonly(),
  z.object({ kind: z.literal('available') }).readonly(),
  z.object({ kind: z.literal('in-use'), attachment }).readonly(),
  z.object({ kind: z.literal('deleting') }).readonly(),
  z.object({ kind: z.literal('error'), reason: z.string() }).readonly(),
]);

export const volume = z
  .object({
    id: z.string(),
    /** Counts up over all resources; listings and page tokens follow it. */
    sequence: z.number(),
    zone: z.string(),
    sizeGiB: z.number(),
    /** Empty for a volume made from nothing, as EC2 shows it. */
    snapshotId: z.string(),
    volumeType: z.string(),
    iops: z.number().nullable(),
    throughput: z.number().nullable(),
    encrypted: z.boolean(),
    kmsKeyId: z.string().nullable(),
    createdAtMs: z.number(),
    /** The client's idempotency token and a fingerprint of the request that came with it. */
    idempotency: z.object({ token: z.string(), fingerprint: z.string() }).readonly().nullable(),
    tags: z.array(tag).readonly(),
    status: volumeStatus,
  })
  .readonly();

const snapshotStatus = z.discriminatedUnion('kind', [
  /** EC2 lets a pending snapshot be deleted; the deletion happens once it has completed. */
  z.object({ kind: z.literal('pending'), afterwards: z.enum(['keep', 'delete']) }).readonly(),
  /** The size of all blocks; not known of snapshots of older states. */
  z
    .object({ kind: z.literal('completed'), completedAtMs: z.number(), fullSizeBytes: z.number().optional() })
    .readonly(),
  z.object({ kind: z.literal('error'), reason: z.string() }).readonly(),
]);

/** Where the bytes of a snapshot are kept, and since when: the life of the archive tier. */
const snapshotTier = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('standard') }).readonly(),
  /** Still usable. */
  z.object({ kind: z.literal('archiving'), startedAtMs: z.number() }).readonly(),
  z.object({ kind: z.literal('archived'), startedAtMs: z.number(), archivedAtMs: z.number() }).readonly(),
  /** Not usable yet; for how many days, or for good. */
  z
    .object({
      kind: z.literal('restoring'),
      startedAtMs: z.number(),
      archivedAtMs: z.number(),
      days: z.number().nullable(),
    })
    .readonly(),
  /** Archived again, as it were, when the time is over: nothing changes in the state then. */
  z
    .object({
      kind: z.literal('temporarily-restored'),
      startedAtMs: z.number(),
      archivedAtMs: z.number(),
      expiresAtMs: z.number(),
    })
    .readonly(),
  z.object({ kind: z.literal('permanently-restored'), startedAtMs: z.number(), archivedAtMs: z.number() }).readonly(),
]);

export const snapshot = z
  .object({
    id: z.string(),
    sequence: z.number(),
    /** `alias` is `amazon` for Amazon's own snapshots. */
    owner: z.object({ accountId: z.string(), alias: z.string().nullable() }).readonly(),
    /** What made it: CreateSnapshot, CopySnapshot, or the EBS direct APIs. */
    origin: z.enum(['volume', 'copy', 'direct']),
    /** `vol-ffffffff` for one that was not made of a volume. */
    volumeId: z.string(),
    sizeGiB: z.number(),
    description: z.string(),
    encrypted: z.boolean(),
    kmsKeyId: z.string().nullable(),
    startedAtMs: z.number(),
    /** Those that this account sees: tags on the snapshot of another account are for this account alone. */
    tags: z.array(tag).readonly(),
    /** Who, besides its owner, may make volumes of it. */
    sharing: z.object({ everyone: z.boolean(), accountIds: z.array(z.string()).readonly() }).readonly(),
    tier: snapshotTier,
    status: snapshotStatus,
  })
  .readonly();

/** The one machine of the sandbox: the one it runs on. */
export const instance = z
  .object({
    id: z.string(),
    region: z.string(),
    zone: z.string(),
    accountId: z.string(),
    instanceType: z.string(),
    imageId: z.string(),
    privateIp: z.string(),
    launchedAtMs: z.number(),
    tags: z.array(tag).readonly(),
  })
  .readonly();

/** What an account has set for one region. */
const settings = z.object({ encryptionByDefault: z.boolean() }).readonly();

/** One line of state.jsonl: what was put, or what went. The last word about a record counts. */
export const stateChange = z.discriminatedUnion('kind', [
  /** The first line. Volumes, snapshots and pages are in the order of sequences, which must never be used twice. */
  z.object({ kind: z.literal('format'), version: z.literal(2), lastSequence: z.number() }).readonly(),
  z.object({ kind: z.literal('instance'), instance }).readonly(),
  z.object({ kind: z.literal('settings'), region: z.string(), settings }).readonly(),
  z.object({ kind: z.literal('volume'), region: z.string(), volume }).readonly(),
  z.object({ kind: z.literal('volume-removed'), region: z.string(), id: z.string() }).readonly(),
  z.object({ kind: z.literal('snapshot'), region: z.string(), snapshot }).readonly(),
  z.object({ kind: z.literal('snapshot-removed'), region: z.string(), id: z.string() }).readonly(),
]);

export type Tag = z.infer<typeof tag>;
export type Attachment = z.infer<typeof attachment>;
export type VolumeStatus = z.infer<typeof volumeStatus>;
export type Volume = z.infer<typeof volume>;
export type SnapshotStatus = z.infer<typeof snapshotStatus>;
export type Snapshot = z.infer<typeof snapshot>;
export type Instance = z.infer<typeof instance>;
export type SnapshotTier = z.infer<typeof snapshotTier>;
export type RegionSettings = z.infer<typeof settings>;
export type StateChange = z.infer<typeof stateChange>;
