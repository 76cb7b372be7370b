import { once } from 'node:events';
import { isAbort, type Clock } from '../../src/core/index.js';

/** Waits for a time, or for ever where it is undefined; no longer than until the signal aborts, which is no error. */
export async function hold(ms: number | undefined, { clock, signal }: HoldOptions): Promise<void> {
  if (signal.aborted) return;
  try {
    if (ms === undefined) await once(signal, 'abort');
    else await clock.sleep(ms, signal);
  } catch (error) {
    if (!isAbort(error)) throw error;
  }
}

/** What {@link hold} waits with. */
export interface HoldOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}
