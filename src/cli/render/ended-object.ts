import type { AppEvent } from '../../core/index.js';

/** The key of the object with which the work is over by this event. */
export function endedObject(event: AppEvent): string | undefined {
  return event.kind === 'object-archived' || event.kind === 'object-validated' || event.kind === 'object-restored'
    ? event.object.key
    : undefined;
}
