import { element, type XmlElement } from '../../../server/xml.js';
import { S3Error } from '../../errors.js';
import type { Restore, StoredObject } from '../../state/index.js';
import { retrievalTimesOf } from './archives.js';

/** How it stands with an archived object. */
export type ArchiveState =
  | { readonly kind: 'archived' }
  | { readonly kind: 'restoring'; readonly restore: Restore }
  | { readonly kind: 'restored'; readonly restore: Restore };

/** The state at a time; undefined for an object whose class can be read at once. */
export function archiveState({ storageClass, restore }: StoredObject, nowMs: number): ArchiveState | undefined {
  if (retrievalTimesOf(storageClass) === undefined) return undefined;
  if (restore === undefined || nowMs >= restore.goneMs) return { kind: 'archived' };
  return nowMs < restore.readyMs ? { kind: 'restoring', restore } : { kind: 'restored', restore };
}

/** Refuses to read what has to be restored first. Throws `InvalidObjectState`. */
export function requireReadable(
  object: StoredObject,
  nowMs: number,
  message = "The operation is not valid for the object's storage class",
): void {
  const state = archiveState(object, nowMs);
  if (state === undefined || state.kind === 'restored') return;
  throw new S3Error('InvalidObjectState', message, { StorageClass: object.storageClass });
}

/** The same for the source of a copy. */
export function requireCopyableSource(object: StoredObject, nowMs: number): void {
  requireReadable(object, nowMs, "Operation is not valid for the source object's storage class");
}

/** `x-amz-restore` of GET and HEAD, while there is a copy or one is made. */
export function restoreHeaders(object: StoredObject, nowMs: number): Record<string, string> {
  const state = archiveState(object, nowMs);
  switch (state?.kind) {
    case 'restoring':
      return { 'x-amz-restore': 'ongoing-request="true"' };
    case 'restored': {
      const expiry = new Date(state.restore.expiryMs).toUTCString();
      return { 'x-amz-restore': `ongoing-request="false", expiry-date="${expiry}"` };
    }
    case 'archived':
    case undefined:
      return {};
  }
}

/** The same in a listing. */
export function restoreStatus(object: StoredObject, nowMs: number): XmlElement | undefined {
  const state = archiveState(object, nowMs);
  switch (state?.kind) {
    case 'restoring':
      return element('RestoreStatus', [element('IsRestoreInProgress', true)]);
    case 'restored':
      return element('RestoreStatus', [
        element('IsRestoreInProgress', false),
        element('RestoreExpiryDate', new Date(state.restore.expiryMs).toISOString()),
      ]);
    case 'archived':
    case undefined:
      return undefined;
  }
}
