import { chmod, rename, rm } from 'node:fs/promises';
import type { SnapshotFacts, SnapshotPort } from '../ebs/snapshot-port.js';
import { newId } from './ids.js';
import { storageTierAt, type Lifecycle } from './lifecycle/index.js';
import { isOwnedBy, isSharedWith } from './sharing.js';
import type { Region, Snapshot } from './state/index.js';

/** What EC2 shows as the volume of snapshots that were made of none. */
const noVolume = 'vol-ffffffff';

/** Opens the snapshots of EC2 to EBS direct. */
export function directAccess(lifecycle: Lifecycle): SnapshotPort {
  const { clock, files, state } = lifecycle;
  const { accountId } = state.instance;
  const settle = async (name: string, id: string, status: Snapshot['status']): Promise<void> => {
    const region = state.region(name);
    const snapshot = region.snapshots.get(id);
    if (snapshot?.status.kind === 'pending') region.putSnapshot({ ...snapshot, status });
    await state.save();
  };
  return {
    accountId,
    find: (name, id) => {
      const region = state.region(name);
      const snapshot = region.snapshots.get(id);
      // Snapshots of other accounts can be read where they are shared with this one, but not where with everybody.
      const isVisible = snapshot !== undefined && (isOwnedBy(snapshot, accountId) || isSharedWith(snapshot, accountId));
      return isVisible ? factsOf(snapshot, { region, accountId, nowMs: clock.now() }) : undefined;
    },
    exists: (id) => state.regions().some(({ snapshots }) => snapshots.has(id)),
    pendingCount: (name) =>
      [...state.region(name).snapshots.values()].filter(({ status }) => status.kind === 'pending').length,
    start: (name, wanted) => {
      const region = state.region(name);
      const snapshot: Snapshot = {
        id: newId('snapshot'),
        sequence: state.nextSequence(),
        owner: { accountId, alias: null },
        origin: 'direct',
        sharing: { everyone: false, accountIds: [] },
        tier: { kind: 'standard' },
        volumeId: noVolume,
        sizeGiB: wanted.sizeGiB,
        description: wanted.description,
        encrypted: wanted.encrypted,
        kmsKeyId: wanted.kmsKeyId,
        startedAtMs: clock.now(),
        tags: [...wanted.tags],
        status: { kind: 'pending', afterwards: 'keep' },
      };
      region.putSnapshot(snapshot);
      return factsOf(snapshot, { region, accountId, nowMs: clock.now() });
    },
    save: () => state.save(),
    hasBytes: (id) => files.hasSnapshot(id),
    complete: async (name, id, { file }) => {
      const { snapshots } = state.region(name);
      if (!snapshots.has(id)) {
        await rm(file, { force: true });
        return;
      }
      if (!(await files.hasSnapshot(id))) {
        await chmod(file, 0o444);
        await rename(file, files.snapshotPath(id));
      }
      const fullSizeBytes = await files.fullSizeBytes(id);
      await settle(name, id, { kind: 'completed', completedAtMs: clock.now(), fullSizeBytes });
      // Deleted while the file was moved: nobody refers to it.
      if (!snapshots.has(id)) await files.removeSnapshot(id);
    },
    fail: (name, id, reason) => settle(name, id, { kind: 'error', reason }),
    file: (id) => files.snapshotPath(id),
  };
}

function factsOf(
  snapshot: Snapshot,
  { region, accountId, nowMs }: { readonly region: Region; readonly accountId: string; readonly nowMs: number },
): SnapshotFacts {
  const { id, sizeGiB, encrypted, kmsKeyId, startedAtMs, tags } = snapshot;
  const isArchived = storageTierAt(snapshot, nowMs) === 'archive';
  const status: Snapshot['status'] = isArchived ? { kind: 'error', reason: 'It is archived.' } : snapshot.status;
  return {
    id,
    sizeGiB,
    encrypted,
    kmsKeyId,
    startedAtMs,
    tags,
    status,
    isOwn: isOwnedBy(snapshot, accountId),
    writtenDirectly: snapshot.origin === 'direct',
    ancestors: ancestorsOf(snapshot, region),
  };
}

/** Goes up from volume to snapshot to volume, as far as EC2 still knows them. */
function ancestorsOf({ volumeId }: Snapshot, region: Region): readonly string[] {
  const found = new Set<string>();
  let next: string | undefined = volumeId;
  while (next !== undefined && next !== noVolume && next !== '' && !found.has(next)) {
    found.add(next);
    const source: string | undefined = region.volumes.get(next)?.snapshotId;
    if (source === undefined || source === '') break;
    found.add(source);
    next = region.snapshots.get(source)?.volumeId;
  }
  return [...found];
}
