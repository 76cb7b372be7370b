import { progressPercent, storageTierAt, tierAt, type Lifecycle } from '../lifecycle/index.js';
import type { Answer } from '../query/index.js';
import type { Snapshot } from '../state/index.js';
import { tagSet, time } from './tag.js';

const fullSize = (bytes: number | undefined): Answer => (bytes === undefined ? {} : { fullSnapshotSizeInBytes: bytes });

/** A snapshot in DescribeSnapshots, and the whole answer of CreateSnapshot. */
export function snapshotAnswer(snapshot: Snapshot, lifecycle: Lifecycle): Answer {
  const { status, owner } = snapshot;
  const nowMs = lifecycle.clock.now();
  const tier = tierAt(snapshot, nowMs);
  return {
    snapshotId: snapshot.id,
    volumeId: snapshot.volumeId,
    status: status.kind,
    ...(status.kind === 'error' ? { statusMessage: status.reason } : {}),
    startTime: time(snapshot.startedAtMs),
    progress: `${progressPercent(snapshot, lifecycle)}%`,
    ownerId: owner.accountId,
    ...(owner.alias === null ? {} : { ownerAlias: owner.alias }),
    volumeSize: snapshot.sizeGiB,
    description: snapshot.description,
    encrypted: snapshot.encrypted,
    ...(snapshot.kmsKeyId === null ? {} : { kmsKeyId: snapshot.kmsKeyId }),
    storageTier: storageTierAt(snapshot, nowMs),
    ...(tier.kind === 'temporarily-restored' ? { restoreExpiryTime: time(tier.expiresAtMs) } : {}),
    ...(snapshot.origin === 'copy' ? { transferType: 'standard' } : {}),
    ...(status.kind === 'completed'
      ? { completionTime: time(status.completedAtMs), ...fullSize(status.fullSizeBytes) }
      : {}),
    tagSet: tagSet(snapshot.tags),
  };
}
