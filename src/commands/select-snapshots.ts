import type { SnapshotId } from '../core/index.js';
import type { Ec2, Snapshot } from '../source/index.js';

/** Which snapshots are meant. */
export type Selection =
  /** All whose tag is `migrate`, those tagged meanwhile included. */
  | { readonly kind: 'all' }
  /** Any one whose tag is `migrate`. */
  | { readonly kind: 'one' }
  /** These, whatever their tags say. */
  | { readonly kind: 'list'; readonly snapshotIds: readonly SnapshotId[] };

/** The snapshots whose tag is `migrate` now, the oldest first; of `one`, only that. */
export async function taggedSnapshots(
  kind: 'all' | 'one',
  { ec2, tag, signal }: { readonly ec2: Ec2; readonly tag: string; readonly signal: AbortSignal },
  isWanted: (snapshot: Snapshot) => boolean = () => true,
): Promise<readonly Snapshot[]> {
  const found: Snapshot[] = [];
  for await (const snapshot of ec2.snapshotsTagged(tag, 'migrate', signal)) {
    if (isWanted(snapshot)) found.push(snapshot);
  }
  found.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
  return kind === 'one' ? found.slice(0, 1) : found;
}
