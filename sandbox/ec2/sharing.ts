import type { Snapshot } from './state/index.js';

/** Whether a snapshot belongs to an account. */
export function isOwnedBy({ owner }: Snapshot, accountId: string): boolean {
  return owner.accountId === accountId;
}

/** Whether an account may make volumes and copies of a snapshot: its owner, those it is shared with, or everyone. */
export function isUsableBy(snapshot: Snapshot, accountId: string): boolean {
  return isOwnedBy(snapshot, accountId) || snapshot.sharing.everyone || isSharedWith(snapshot, accountId);
}

/** Whether a snapshot is shared with an account by its number. */
export function isSharedWith({ sharing }: Snapshot, accountId: string): boolean {
  return sharing.accountIds.includes(accountId);
}
