import { AppError } from '../../src/core/index.js';
import { newId } from './ids.js';
import type { Lifecycle } from './lifecycle/index.js';
import type { Snapshot } from './state/index.js';

/** A snapshot of somebody else. */
export interface ForeignSnapshot {
  /** `999988887777` */
  readonly ownerId: string;
  /** Default: the region of the instance. */
  readonly region?: string;
  /** `amazon` for Amazon's own. */
  readonly ownerAlias?: string;
  readonly sharedWith: 'nobody' | 'this-account' | 'everyone';
  readonly sizeGiB: number;
  readonly description?: string;
  /** The ARN of the owner's key, for an encrypted one. */
  readonly kmsKeyId?: string;
  /** A file with the bytes of the disk; without it they are zeros. */
  readonly file?: string;
}

/** What no call of the EC2 API brings about in one account, for tests and demonstrations. */
export interface Arrangements {
  /** Adds a completed snapshot of another account, and resolves to its id. */
  addForeignSnapshot(foreign: ForeignSnapshot): Promise<string>;
  /** Puts a snapshot into the state `error`, whatever it was in. Throws `not-found`. */
  failSnapshot(snapshotId: string, options: { readonly region?: string; readonly reason: string }): Promise<void>;
}

/** The arrangements of one EC2. */
export function arrangements({ state, files, clock }: Lifecycle): Arrangements {
  return {
    addForeignSnapshot: async (foreign) => {
      const { sharedWith, sizeGiB, file } = foreign;
      const nowMs = clock.now();
      const snapshot: Snapshot = {
        id: newId('snapshot'),
        sequence: state.nextSequence(),
        owner: { accountId: foreign.ownerId, alias: foreign.ownerAlias ?? null },
        origin: 'volume',
        volumeId: newId('volume'),
        sizeGiB,
        description: foreign.description ?? '',
        encrypted: foreign.kmsKeyId !== undefined,
        kmsKeyId: foreign.kmsKeyId ?? null,
        startedAtMs: nowMs,
        tags: [],
        sharing: {
          everyone: sharedWith === 'everyone',
          accountIds: sharedWith === 'this-account' ? [state.instance.accountId] : [],
        },
        tier: { kind: 'standard' },
        status: { kind: 'completed', completedAtMs: nowMs },
      };
      // The record first, so that snapshots stand in the order of their sequences.
      state.region(foreign.region ?? state.instance.region).putSnapshot(snapshot);
      await files.importSnapshot(snapshot.id, { sizeGiB, file });
      const fullSizeBytes = await files.fullSizeBytes(snapshot.id);
      state
        .region(foreign.region ?? state.instance.region)
        .putSnapshot({ ...snapshot, status: { kind: 'completed', completedAtMs: nowMs, fullSizeBytes } });
      await state.save();
      return snapshot.id;
    },
    failSnapshot: async (snapshotId, { region = state.instance.region, reason }) => {
      const home = state.region(region);
      const snapshot = home.snapshots.get(snapshotId);
      if (snapshot === undefined) throw new AppError('not-found', `There is no snapshot ${snapshotId} in ${region}.`);
      home.putSnapshot({ ...snapshot, status: { kind: 'error', reason } });
      await state.save();
    },
  };
}
