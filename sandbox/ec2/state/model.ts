import { z } from 'zod';

// The shapes of state.json. Records are never changed in place: an operation puts a new one.

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

const volume = z
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
  z.object({ kind: z.literal('completed'), completedAtMs: z.number() }).readonly(),
  z.object({ kind: z.literal('error'), reason: z.string() }).readonly(),
]);

const snapshot = z
  .object({
    id: z.string(),
    sequence: z.number(),
    /** Begun with StartSnapshot of EBS direct, which completes or fails it. */
    writtenDirectly: z.boolean().optional(),
    volumeId: z.string(),
    sizeGiB: z.number(),
    description: z.string(),
    encrypted: z.boolean(),
    kmsKeyId: z.string().nullable(),
    startedAtMs: z.number(),
    tags: z.array(tag).readonly(),
    status: snapshotStatus,
  })
  .readonly();

/** The one machine of the sandbox: the one it runs on. */
const instance = z
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

const region = z.object({ volumes: z.array(volume), snapshots: z.array(snapshot) });

/** state.json. */
export const stateFile = z.object({
  version: z.literal(1),
  lastSequence: z.number(),
  instance,
  regions: z.record(z.string(), region),
});

export type Tag = z.infer<typeof tag>;
export type Attachment = z.infer<typeof attachment>;
export type VolumeStatus = z.infer<typeof volumeStatus>;
export type Volume = z.infer<typeof volume>;
export type SnapshotStatus = z.infer<typeof snapshotStatus>;
export type Snapshot = z.infer<typeof snapshot>;
export type Instance = z.infer<typeof instance>;
export type StateFile = z.infer<typeof stateFile>;
