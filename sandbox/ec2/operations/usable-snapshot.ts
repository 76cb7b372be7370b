import { incorrectState } from '../errors.js';
import { storageTierAt } from '../lifecycle/index.js';
import type { Snapshot } from '../state/index.js';
import type { OperationContext } from './operation.js';

/** Checks that volumes and copies can be made of a snapshot now. Throws `IncorrectState`. */
export function checkUsable(snapshot: Snapshot, { lifecycle }: Pick<OperationContext, 'lifecycle'>): void {
  if (snapshot.status.kind !== 'completed') {
    throw incorrectState(`Snapshot is in invalid state - ${snapshot.status.kind}`);
  }
  if (storageTierAt(snapshot, lifecycle.clock.now()) === 'archive') {
    throw incorrectState(`Snapshot ${snapshot.id} is in the archive tier. It must be restored first.`);
  }
}
