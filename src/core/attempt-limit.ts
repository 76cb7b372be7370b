/** How long one attempt may take. */
export interface AttemptLimit {
  readonly limitMs: number;
  /** The caller's own; ends the attempt too, and at once. */
  readonly signal?: AbortSignal | undefined;
  /** What is thrown when the time is over. */
  readonly tookTooLong: () => Error;
}

/**
 * Runs one attempt, and ends it when its time is over or the caller's signal aborts: by the signal that it gets, and
 * without waiting for an attempt that does not heed it. Real time, whatever clock its caller has: what it bounds are
 * sockets and servers.
 */
export async function withinLimit<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  { limitMs, signal, tookTooLong }: AttemptLimit,
): Promise<T> {
  signal?.throwIfAborted();
  const either = new AbortController();
  let end: (reason: Error) => void = () => undefined;
  const ended = new Promise<never>((_, reject) => {
    end = (reason) => {
      reject(reason);
      either.abort(reason);
    };
  });
  const cancel = (): void => end(signal?.reason instanceof Error ? signal.reason : new DOMException('', 'AbortError'));
  signal?.addEventListener('abort', cancel, { once: true });
  const timer = setTimeout(() => end(tookTooLong()), Math.min(limitMs, longestTimerMs));
  try {
    return await Promise.race([attempt(either.signal), ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

/** Longer than that, and timers of Node end at once. */
const longestTimerMs = 2 ** 31 - 1;
