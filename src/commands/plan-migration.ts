import { archiveKey, manifestKey, planParts } from '../archive/index.js';
import { GiB, toAppError, type AppError, type SnapshotId } from '../core/index.js';
import { migrationCost, type MigrationCost, type Prices, type StorageClass } from '../costs/index.js';
import { requireUsable, requireVolumeSize, temporaryVolumeType, type Snapshot } from '../source/index.js';
import { objectKeys, requireBucket, type ObjectStore } from '../store/index.js';
import type { MigrateDependencies, MigrateSettings } from './migrate-settings.js';
import { taggedSnapshots, type Selection } from './select-snapshots.js';

/** What would be done with one snapshot. */
export type PlannedSnapshot =
  | {
      readonly kind: 'would-migrate';
      readonly snapshot: Snapshot;
      /** The key of its archive; partitions have a number before the extension. */
      readonly key: string;
      /** Its manifest is in the bucket already, and would be written anew. */
      readonly isArchived: boolean;
      readonly volumeType: string;
      /** What was ever written to its volume, where EC2 tells; else all of the volume: at most that is read. */
      readonly readBytes: number;
      readonly cost: MigrationCost;
    }
  | { readonly kind: 'would-fail'; readonly snapshotId: SnapshotId; readonly error: AppError };

/**
 * Tells what `migrate` would do now with the selected snapshots, in its order, and changes nothing. Throws what concerns
 * all of them: the bucket, the credentials.
 */
export async function* planMigration(
  selection: Selection,
  settings: MigrateSettings,
  dependencies: Pick<MigrateDependencies, 'ec2' | 'store' | 'signal'> & { readonly prices: Prices },
): AsyncGenerator<PlannedSnapshot, void> {
  const { ec2, store, signal, prices } = dependencies;
  await requireBucket(store, signal);
  const tools = { prices, isArchived: manifestLookup(store, signal) };
  if (selection.kind !== 'list') {
    for (const snapshot of await taggedSnapshots(selection.kind, {
      ec2,
      tag: settings.tag,
      state: 'migrate',
      signal,
    })) {
      yield await plan(snapshot, settings, tools);
    }
    return;
  }
  for (const snapshotId of selection.snapshotIds) {
    try {
      yield await plan(await ec2.snapshot(snapshotId, signal), settings, tools);
    } catch (error) {
      signal.throwIfAborted();
      yield { kind: 'would-fail', snapshotId, error: toAppError(error) };
    }
  }
}

async function plan(
  snapshot: Snapshot,
  settings: MigrateSettings,
  { prices, isArchived }: { readonly prices: Prices; readonly isArchived: (snapshot: Snapshot) => Promise<boolean> },
): Promise<PlannedSnapshot> {
  try {
    requireUsable(snapshot);
    requireVolumeSize(settings.volumeType, snapshot);
  } catch (error) {
    return { kind: 'would-fail', snapshotId: snapshot.snapshotId, error: toAppError(error) };
  }
  const volumeBytes = snapshot.volumeGiB * GiB;
  const readBytes =
    settings.content === 'image' ? volumeBytes : Math.min(snapshot.fullSizeBytes ?? volumeBytes, volumeBytes);
  const volumeType = settings.volumeType ?? temporaryVolumeType(snapshot);
  const { partBytes } = planParts({ expectedBytes: readBytes, boundBytes: volumeBytes });
  const storageClass = (settings.storageClass ?? 'STANDARD') as StorageClass;
  const { content, codec, recipients } = settings;
  return {
    kind: 'would-migrate',
    snapshot,
    key: archiveKey({ ...snapshot, partition: undefined, content, codec, encrypted: recipients.length > 0 }),
    isArchived: await isArchived(snapshot),
    volumeType,
    readBytes,
    cost: migrationCost(
      { readBytes, volumeGiB: snapshot.volumeGiB, volumeType, storageClass, partBytes: partBytes(1) },
      prices,
    ),
  };
}

/** One listing for each volume, however many snapshots it has. */
function manifestLookup(store: ObjectStore, signal: AbortSignal): (snapshot: Snapshot) => Promise<boolean> {
  const known = new Map<string, ReadonlySet<string>>();
  return async (snapshot) => {
    const { volumeId } = snapshot;
    let manifests = known.get(volumeId);
    if (manifests === undefined) {
      const found = new Set<string>();
      for await (const key of objectKeys(store, `${volumeId}/`, signal)) {
        if (key.endsWith('.manifest.json')) found.add(key);
      }
      known.set(volumeId, (manifests = found));
    }
    return manifests.has(manifestKey(snapshot));
  };
}
