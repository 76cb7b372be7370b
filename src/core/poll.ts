import type { Clock } from './clock.js';

/** The bound of a wait. */
export interface PollOptions {
  readonly clock: Clock;
  /** The first pause between two looks; each is half as long again as the one before, up to ten times the first. */
  readonly intervalMs: number;
  /** When to give up. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks until `probe` returns something, and returns it; `undefined` when the time is over. Looks at least once, and
 * once more at the end. Rejects when the signal aborts or when `probe` rejects.
 */
export async function poll<T>(probe: () => Promise<T | undefined>, options: PollOptions): Promise<T | undefined> {
  const deadline = options.clock.now() + options.timeoutMs;
  const longestMs = options.intervalMs * 10;
  for (let pauseMs = options.intervalMs; ; pauseMs = Math.min(longestMs, pauseMs * 1.5)) {
    options.signal?.throwIfAborted();
    const found = await probe();
    if (found !== undefined) return found;
    const left = deadline - options.clock.now();
    if (left <= 0) return undefined;
    await options.clock.sleep(Math.min(pauseMs, left), options.signal);
  }
}
