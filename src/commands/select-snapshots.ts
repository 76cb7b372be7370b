import type { SnapshotId } from '../core/index.js';
import type { Ec2, Snapshot, SnapshotState } from '../source/index.js';

/** Which snapshots are meant. */
export type Selection =
  /** All whose tag says that they are waiting, those tagged meanwhile included. */
  | { readonly kind: 'all' }
  /** Any one whose tag says so. */
  | { readonly kind: 'one' }
  /** These, whatever their tags say. */
  | { readonly kind: 'list'; readonly snapshotIds: readonly SnapshotId[] };

/** Where to look, and for which state. */
export interface TaggedOptions {
  readonly ec2: Ec2;
  readonly tag: string;
  readonly state: SnapshotState;
  readonly signal: AbortSignal;
}

/** The snapshots whose tag is in this state now, the oldest first; of `one`, only that. */
export async function taggedSnapshots(
  kind: 'all' | 'one',
  { ec2, tag, state, signal }: TaggedOptions,
  isWanted: (snapshot: Snapshot) => boolean = () => true,
): Promise<readonly Snapshot[]> {
  const found: Snapshot[] = [];
  for await (const snapshot of ec2.snapshotsTagged(tag, state, signal)) {
    if (isWanted(snapshot)) found.push(snapshot);
  }
  found.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
  return kind === 'one' ? found.slice(0, 1) : found;
}
