import { z } from 'zod';
import { messageOf, type SnapshotId } from '../core/index.js';
import { hasEnded, ownIdentity } from '../process/index.js';
import { abortEmptyUploads, abortMultipart, takeLease, type Lease, type UploadGuard } from '../store/index.js';
import type { MigrateDependencies } from './migrate-settings.js';

/** The exclusive right to work on one snapshot, from all hosts, for as long as it is not disposed or lost. */
export interface SnapshotLease extends AsyncDisposable {
  /** Aborts when another run has it. */
  readonly lost: AbortSignal;
  /** Writes down what uploads make, and lets none finish that is not ours any more. */
  readonly guard: UploadGuard;
}

/** What a lease is taken with. */
export interface SnapshotLeaseOptions extends Pick<
  MigrateDependencies,
  'store' | 'instance' | 'clock' | 'events' | 'runId' | 'signal'
> {
  readonly lifetimeMs: number;
}

const journalSchema = z.object({
  uploads: z.array(z.object({ key: z.string(), uploadId: z.string().nullable() }).readonly()).readonly(),
});
/**
 * What would be left behind by a run that died here. Temporary volumes need no entry: they bear their mark from birth,
 * and the next run finds them by it.
 */
type Journal = Readonly<z.infer<typeof journalSchema>>;

const identitySchema = z.object({
  bootId: z.string(),
  pidNamespace: z.string(),
  pid: z.number(),
  startTicks: z.string(),
});

/** `.snap-to-s3/leases/snap-….json` */
export function leaseKey(snapshotId: SnapshotId): string {
  return `.snap-to-s3/leases/${snapshotId}.json`;
}

/**
 * Takes the lease of a snapshot and aborts the uploads that a dead run before has left. Throws `claimed-elsewhere` while
 * another run has it.
 */
export async function leaseSnapshot(snapshotId: SnapshotId, options: SnapshotLeaseOptions): Promise<SnapshotLease> {
  const { store, instance, clock, events, runId, signal } = options;
  const identity = ownIdentity();
  const lease = await takeLease<Journal>(store, {
    key: leaseKey(snapshotId),
    runId,
    owner: `${instance.instanceId} (process ${identity.pid})`,
    identity,
    isDead: (other) => {
      const { data } = identitySchema.safeParse(other);
      return data !== undefined && hasEnded(data);
    },
    lifetimeMs: options.lifetimeMs,
    emptyJournal: { uploads: [] },
    parseJournal: (value) => journalSchema.parse(value),
    clock,
    signal,
  });
  if (lease.inherited !== undefined) {
    const text = 'A run before this one ended without cleaning up. What it left is removed.';
    events({ kind: 'notice', snapshotId, text });
    await cleanUp(lease.inherited, options, (text) => events({ kind: 'warning', snapshotId, text }));
    await lease.record(() => ({ uploads: [] }));
  }
  return { lost: lease.lost, guard: guardOf(lease), [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose]() };
}

function guardOf(lease: Lease<Journal>): UploadGuard {
  return {
    beginning: (key) => lease.record(({ uploads }) => ({ uploads: [...uploads, { key, uploadId: null }] })),
    begun: (key, uploadId) =>
      lease.record(({ uploads }) => ({
        uploads: [...uploads.filter((one) => one.key !== key || one.uploadId !== null), { key, uploadId }],
      })),
    finishing: () => lease.confirm(),
  };
}

/** What cannot be removed now is said, and does not keep anybody from the work. */
async function cleanUp(
  { uploads }: Journal,
  { store }: SnapshotLeaseOptions,
  warn: (text: string) => void,
): Promise<void> {
  for (const { key, uploadId } of uploads) {
    const aborting = uploadId === null ? abortEmptyUploads(store, key) : abortMultipart(store, key, uploadId);
    await aborting.catch((error: unknown) => warn(messageOf(error)));
  }
}
