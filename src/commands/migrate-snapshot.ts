import { encodeManifest, manifestKey, planParts, type Manifest } from '../archive/index.js';
import { isAbort, printable } from '../core/index.js';
import { readLayout } from '../disk/index.js';
import {
  attachVolume,
  claimSnapshot,
  findDevice,
  requireUsable,
  takeTemporaryVolume,
  type Snapshot,
} from '../source/index.js';
import { uploadObject } from '../store/index.js';
import { archiveDisk } from './archive-disk.js';
import { buildManifest } from './build-manifest.js';
import type { MigrateDependencies, MigrateSettings, SnapshotDependencies } from './migrate-settings.js';
import { leaseSnapshot } from './snapshot-lease.js';

/**
 * Takes one snapshot to S3: leases and claims it, makes a volume of it, attaches that, archives what is on it, and writes
 * the manifest when all objects are confirmed. Whatever happens, everything temporary is removed again, and on failure
 * the tag goes back to `migrate`. Throws `claimed-elsewhere`, `snapshot-unusable`, and whatever the rooms throw.
 */
export async function migrateSnapshot(
  snapshot: Snapshot,
  settings: MigrateSettings,
  dependencies: MigrateDependencies,
): Promise<Manifest> {
  const { events, signal } = dependencies;
  const { snapshotId } = snapshot;
  events({ kind: 'snapshot-started', snapshotId, description: describe(snapshot) });
  requireUsable(snapshot);
  events({ kind: 'stage', snapshotId, stage: 'claiming', subject: snapshotId });
  await using lease = await leaseSnapshot(snapshotId, { ...dependencies, lifetimeMs: settings.leaseMs });
  try {
    return await migrateLeased(snapshot, settings, {
      ...dependencies,
      guard: lease.guard,
      signal: AbortSignal.any([signal, lease.lost]),
    });
  } catch (error) {
    // What was cancelled because of the loss says so.
    if (lease.lost.aborted && !signal.aborted && isAbort(error)) throw lease.lost.reason;
    throw error;
  }
}

async function migrateLeased(
  snapshot: Snapshot,
  settings: MigrateSettings,
  dependencies: SnapshotDependencies,
): Promise<Manifest> {
  const { clock, events, store, guard, signal } = dependencies;
  const { snapshotId } = snapshot;
  const startedMs = clock.now();
  await using claim = await claimSnapshot(snapshot, {
    ...dependencies,
    tag: settings.tag,
    during: 'migrating',
    otherwise: 'migrate',
  });
  const manifest = await archiveVolume(snapshot, settings, dependencies);

  const key = manifestKey(snapshot);
  events({ kind: 'stage', snapshotId, stage: 'writing-manifest', subject: key });
  await uploadObject(
    store,
    single(encodeManifest(manifest)),
    { key, contentType: 'application/json', encryption: settings.encryption },
    { ...planParts({ expectedBytes: 0, boundBytes: 0 }), streams: 1, signal, guard },
  );
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
  dependencies: SnapshotDependencies,
): Promise<Manifest> {
  const { ec2, clock, events, instance, signal } = dependencies;
  const { snapshotId } = snapshot;
  const common = { ec2, clock, events, instance, signal };
  await using volume = await takeTemporaryVolume(snapshot, {
    ...common,
    tag: settings.tag,
    volumeType: settings.volumeType,
    keep: settings.keepVolumes,
  });
  await using attachment = await attachVolume(volume.volumeId, { ...common, snapshotId });
  events({ kind: 'stage', snapshotId, stage: 'waiting-for-device', subject: volume.volumeId });
  const device = await findDevice(volume.volumeId, { clock, deviceName: attachment.deviceName, signal });
  events({ kind: 'stage', snapshotId, stage: 'reading-disk', subject: device });
  const layout = await readLayout(device, { clock, signal });
  const archived = await archiveDisk(snapshot, layout, settings, dependencies);
  events({ kind: 'stage', snapshotId, stage: 'cleaning-up', subject: volume.volumeId });
  return buildManifest({ snapshot, layout, archived, region: instance.region, ...dependencies });
}

function describe(snapshot: Snapshot): string {
  const description = snapshot.description === '' ? '' : `, "${printable(snapshot.description)}"`;
  return `${snapshot.volumeGiB} GiB of ${snapshot.volumeId} at ${snapshot.startTime.toISOString()}${description}`;
}

async function* single(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
}
