import { encodeManifest, manifestKey, planParts, type Manifest } from '../archive/index.js';
import { AppError, isAbort, printable } from '../core/index.js';
import { readLayout } from '../disk/index.js';
import {
  attachVolume,
  claimSnapshot,
  createTemporaryVolume,
  findDevice,
  findTemporaryVolume,
  requireUsable,
  reuseTemporaryVolume,
  type Claim,
  type Snapshot,
  type TemporaryVolume,
} from '../source/index.js';
import { objectAgeMs, s3Url, uploadObject } from '../store/index.js';
import { archiveDisk } from './archive-disk.js';
import { buildManifest } from './build-manifest.js';
import type { MigrateDependencies, MigrateSettings } from './migrate-settings.js';
import { cleanUp } from './recover.js';
import { leaseSnapshot, withoutLease, type SnapshotDependencies } from './snapshot-lease.js';

/** How one snapshot is migrated. */
export interface MigrateSnapshotOptions extends Pick<SnapshotDependencies, 'encrypt'> {
  /** The state in which its tag must still be; undefined: whatever its tags say. */
  readonly from?: 'migrate' | undefined;
  /** When the run began, by its own clock: what another run has archived since is not archived once more. */
  readonly runStartedMs: number;
  /** False where the store knows no conditional writes: then only the tags keep other runs away. */
  readonly hasLeases: boolean;
}

/**
 * Takes one snapshot to S3: leases and claims it, makes a volume of it, attaches that, archives what is on it, and writes
 * the manifest when all objects are confirmed. Whatever happens, everything temporary is removed again, and on failure
 * the tag goes back to `migrate`; what cannot be removed stays in the lease's journal for the next run. Throws
 * `claimed-elsewhere`, `archived-meanwhile`, `snapshot-unusable`, and whatever the rooms throw.
 */
export async function migrateSnapshot(
  snapshot: Snapshot,
  settings: MigrateSettings,
  dependencies: MigrateDependencies & MigrateSnapshotOptions,
): Promise<Manifest> {
  const { events, signal } = dependencies;
  const { snapshotId } = snapshot;
  events({ kind: 'snapshot-started', snapshotId, description: describe(snapshot) });
  requireUsable(snapshot);
  events({ kind: 'stage', snapshotId, stage: 'claiming', subject: snapshotId });
  await using lease = dependencies.hasLeases
    ? await leaseSnapshot(snapshotId, { ...dependencies, lifetimeMs: settings.leaseMs })
    : withoutLease();
  try {
    const bound = { ...dependencies, lease, signal: AbortSignal.any([signal, lease.lost]) };
    await cleanUp(snapshotId, lease, bound);
    await requireNotArchivedMeanwhile(snapshot, bound);
    return await migrateLeased(snapshot, settings, bound);
  } catch (error) {
    // What was cancelled because of the loss says so.
    if (lease.lost.aborted && !signal.aborted && isAbort(error)) throw lease.lost.reason;
    throw error;
  }
}

/** S3 tells ages in whole seconds. */
const ageErrorMs = 1_000;

async function requireNotArchivedMeanwhile(
  snapshot: Snapshot,
  { store, clock, signal, runStartedMs }: MigrateDependencies & MigrateSnapshotOptions,
): Promise<void> {
  const key = manifestKey(snapshot);
  const ageMs = await objectAgeMs(store, key, signal);
  if (ageMs === undefined || ageMs + ageErrorMs >= clock.now() - runStartedMs) return;
  throw new AppError(
    'archived-meanwhile',
    `Another run has archived ${snapshot.snapshotId} since this one began: ${s3Url(store, key)}`,
  );
}

async function migrateLeased(
  snapshot: Snapshot,
  settings: MigrateSettings,
  dependencies: SnapshotDependencies & MigrateSnapshotOptions,
): Promise<Manifest> {
  const { clock, events, store, lease, runId, signal } = dependencies;
  const { snapshotId } = snapshot;
  const startedMs = clock.now();
  const states = { tag: settings.tag, runId, otherwise: 'migrate' } as const;
  await using claim = await lease.entered({ kind: 'tag', ...states }, () =>
    claimSnapshot(snapshot, { ...dependencies, ...states, during: 'migrating', isOurs: () => lease.isOurs() }),
  );
  const manifest = await archiveVolume(snapshot, settings, { ...dependencies, claim });

  const key = manifestKey(snapshot);
  events({ kind: 'stage', snapshotId, stage: 'writing-manifest', subject: key });
  await uploadObject(
    store,
    single(encodeManifest(manifest)),
    { key, contentType: 'application/json', encryption: settings.encryption },
    { ...planParts({ expectedBytes: 0, boundBytes: 0 }), streams: 1, signal, guard: lease.guard },
  );
  if (!(await lease.isOurs())) throw lease.lost.reason;
  await claim.finish('migrated');
  events({
    kind: 'snapshot-archived',
    snapshotId,
    manifestKey: key,
    objects: manifest.objects,
    elapsedMs: clock.now() - startedMs,
  });
  return manifest;
}

/** Everything between the making of the temporary volume and its deletion. */
async function archiveVolume(
  snapshot: Snapshot,
  settings: MigrateSettings,
  dependencies: SnapshotDependencies & { readonly claim: Claim },
): Promise<Manifest> {
  const { clock, events, instance, claim, signal } = dependencies;
  const { snapshotId } = snapshot;
  await using volume = await temporaryVolume(snapshot, settings, dependencies);
  await using attachment = await attachVolume(volume.volumeId, { ...dependencies, snapshotId });
  events({ kind: 'stage', snapshotId, stage: 'waiting-for-device', subject: volume.volumeId });
  const device = await findDevice(volume.volumeId, { clock, deviceName: attachment.deviceName, signal });
  events({ kind: 'stage', snapshotId, stage: 'reading-disk', subject: device });
  const layout = await readLayout(device, { clock, signal });
  await claim.stands();
  const archived = await archiveDisk(snapshot, layout, settings, dependencies);
  events({ kind: 'stage', snapshotId, stage: 'cleaning-up', subject: volume.volumeId });
  return buildManifest({ snapshot, layout, archived, region: instance.region, ...dependencies });
}

async function temporaryVolume(
  snapshot: Snapshot,
  settings: MigrateSettings,
  dependencies: SnapshotDependencies,
): Promise<TemporaryVolume> {
  const { lease, runId } = dependencies;
  const { tag, volumeType, keepVolumes: keep } = settings;
  const options = { ...dependencies, tag, volumeType, keep };
  // A volume that did not come off is of no use, and was told already.
  const stuck = lease.journal.flatMap((entry) => (entry.kind === 'volume' ? (entry.volumeId ?? []) : []));
  const found = await findTemporaryVolume(snapshot, options, stuck);
  const entry = { kind: 'volume', tag, runId, volumeId: found ?? null, keep } as const;
  return lease.entered(entry, async (revise) => {
    if (found !== undefined) return reuseTemporaryVolume(snapshot, found, options);
    return createTemporaryVolume(snapshot, { ...options, onCreated: (volumeId) => revise({ ...entry, volumeId }) });
  });
}

function describe(snapshot: Snapshot): string {
  const description = snapshot.description === '' ? '' : `, "${printable(snapshot.description)}"`;
  return `${snapshot.volumeGiB} GiB of ${snapshot.volumeId} at ${snapshot.startTime.toISOString()}${description}`;
}

async function* single(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
}
