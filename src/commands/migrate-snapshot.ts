import { encodeManifest, manifestKey, type Manifest } from '../archive/index.js';
import { AppError, printable } from '../core/index.js';
import type { DiskLayout } from '../disk/index.js';
import { claimSnapshot, requireUsable, requireVolumeSize, type Snapshot } from '../source/index.js';
import { objectAgeMs, s3Url } from '../store/index.js';
import { archiveDisk } from './archive-disk.js';
import { buildManifest } from './build-manifest.js';
import type { MigrateDependencies, MigrateSettings } from './migrate-settings.js';
import { withDisk } from './snapshot-disk.js';
import type { SnapshotDependencies } from './snapshot-lease.js';
import { writeSmallObject } from './small-object.js';
import { standing, whileSettling } from './while-settling.js';
import { withLease, type Leased } from './with-lease.js';

/** How one snapshot is migrated. */
export interface MigrateSnapshotOptions extends Pick<SnapshotDependencies, 'encrypt'> {
  /** The state in which its tag must still be; undefined: whatever its tags say. */
  readonly from?: 'migrate' | undefined;
  /** When the run began, by its own clock: what another run has archived since is not archived once more. */
  readonly runStartedMs: number;
  /** False where the store knows no conditional writes: then only the tags keep other runs away. */
  readonly hasLeases: boolean;
  /** What is done with the disk, under the same lease, when it is archived. */
  readonly afterwards?: ((snapshot: Snapshot, layout: DiskLayout, leased: Leased) => Promise<void>) | undefined;
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
  const { events } = dependencies;
  const { snapshotId } = snapshot;
  events({ kind: 'snapshot-started', snapshotId, description: describe(snapshot) });
  requireUsable(snapshot);
  requireVolumeSize(settings.volumeType, snapshot);
  return withLease(snapshotId, { ...dependencies, leaseMs: settings.leaseMs }, async (leased) => {
    const bound = { ...dependencies, ...leased };
    await requireNotArchivedMeanwhile(snapshot, bound);
    return migrateLeased(snapshot, settings, bound);
  });
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
  const { clock, events, instance, lease, runId, signal, afterwards } = dependencies;
  const { snapshotId } = snapshot;
  const startedMs = clock.now();
  const states = { tag: settings.tag, runId, otherwise: 'migrate' } as const;
  await using claim = await lease.entered({ kind: 'tag', ...states }, () =>
    claimSnapshot(snapshot, { ...dependencies, ...states, during: 'migrating', isOurs: () => lease.isOurs() }),
  );
  const conclude = async (manifest: Manifest): Promise<void> => {
    await writeManifest(manifest, settings, { ...dependencies, snapshot });
    if (!(await lease.isOurs())) throw lease.lost.reason;
    await claim.finish('migrated');
    const elapsedMs = clock.now() - startedMs;
    const { objects } = manifest;
    events({ kind: 'snapshot-archived', snapshotId, manifestKey: manifestKey(snapshot), objects, elapsedMs });
  };
  const manifest = await withDisk(snapshot, settings, {
    ...dependencies,
    use: async (layout) => {
      // What is sent while the claim settles can be finished only under a lease that is still ours.
      if (lease.guard === undefined) await claim.stands();
      const guard = lease.guard === undefined ? undefined : standing(claim, lease.guard);
      const archived = await whileSettling(claim, signal, (cancel) =>
        archiveDisk(snapshot, layout, settings, { ...dependencies, signal: cancel, guard }),
      );
      const made = buildManifest({ snapshot, layout, archived, region: instance.region, ...dependencies });
      if (afterwards !== undefined) {
        await conclude(made);
        await afterwards(snapshot, layout, dependencies);
      }
      return made;
    },
  });
  if (afterwards === undefined) await conclude(manifest);
  return manifest;
}

async function writeManifest(
  manifest: Manifest,
  { encryption }: MigrateSettings,
  { events, store, lease, signal, snapshot }: SnapshotDependencies & { readonly snapshot: Snapshot },
): Promise<void> {
  const key = manifestKey(snapshot);
  events({ kind: 'stage', snapshotId: snapshot.snapshotId, stage: 'writing-manifest', subject: key });
  await writeSmallObject(store, encodeManifest(manifest), { key, encryption, guard: lease.guard, signal });
}

/** What a person is told of a snapshot. */
export function describe(snapshot: Snapshot): string {
  const description = snapshot.description === '' ? '' : `, "${printable(snapshot.description)}"`;
  return `${snapshot.volumeGiB} GiB of ${snapshot.volumeId} at ${snapshot.startTime.toISOString()}${description}`;
}
