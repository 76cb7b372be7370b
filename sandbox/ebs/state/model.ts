import { z } from 'zod';

// The shapes of state.json. Records are never changed in place: an operation puts a new one.

const layer = z
  .object({
    kind: z.enum(['put', 'volume']),
    /** The snapshot in which the blocks appeared first. */
    snapshotId: z.string(),
  })
  .readonly();

const progress = z.discriminatedUnion('kind', [
  /** Blocks may be put. */
  z.object({ kind: z.literal('open') }).readonly(),
  /** CompleteSnapshot came; the bytes are being put together and checked. */
  z
    .object({
      kind: z.literal('sealed'),
      changedBlocksCount: z.number(),
      /** LINEAR, SHA-256, base64. */
      checksum: z.string().nullable(),
    })
    .readonly(),
  /** Completed or in error, as EC2 says. */
  z.object({ kind: z.literal('over') }).readonly(),
]);

/** A snapshot that was begun with StartSnapshot. */
const record = z
  .object({
    id: z.string(),
    region: z.string(),
    sizeGiB: z.number(),
    encrypted: z.boolean(),
    parentId: z.string().nullable(),
    /** The parent, and the ancestors that it had. */
    ancestors: z.array(z.string()).readonly(),
    /** Of the parent, the upper ones first; the snapshot's own blocks come before them. */
    inherited: z.array(layer).readonly(),
    timeoutMinutes: z.number(),
    visibleAtMs: z.number(),
    /** Of the last request that did something; noted once a minute, and exactly at close. */
    activeAtMs: z.number(),
    /** The client's token, a fingerprint of the request that came with it, and the answer. */
    idempotency: z.object({ token: z.string(), fingerprint: z.string(), answer: z.string() }).readonly().nullable(),
    progress,
  })
  .readonly();

/** state.json. */
export const stateFile = z.object({
  version: z.literal(1),
  /** Signs tokens; base64. */
  secret: z.string(),
  records: z.array(record),
});

export type LayerRecord = z.infer<typeof layer>;
export type SnapshotRecord = z.infer<typeof record>;
export type StateFile = z.infer<typeof stateFile>;
