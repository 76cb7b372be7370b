import type { Clock } from './clock.js';
import { AppError, isAbort } from './errors.js';

/** How long and how often one call may be tried. */
export interface RetryPolicy {
  /** Failures in all, those by throttling not counted: these have a time of their own. */
  readonly attempts: number;
  /** Upper bound of the first pause; it doubles each time, and the pause taken is random below it ("full jitter"). */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** The call in all, what throttling takes not counted: no attempt begins after it, or goes on. */
  readonly totalMs: number;
  /** One attempt, what its body needs not counted; {@link defaultAttemptMs} if it is not given. */
  readonly attemptMs?: number;
  /**
   * What throttling may take: waiting for a turn, attempts that are told to slow down, and the pauses after them. Three
   * times the total time if it is not given.
   */
  readonly throttledMs?: number;
}

/** An attempt without a body is over in seconds, or it never will be. */
export const defaultAttemptMs = 2 * 60_000;

/** Patient enough for throttling storms of a busy account, bounded enough for a person to wait for. */
export const defaultRetryPolicy: RetryPolicy = {
  attempts: 10,
  firstPauseMs: 200,
  longestPauseMs: 20_000,
  totalMs: 10 * 60_000,
};

/** What {@link retrying} needs besides the operation. */
export interface RetryOptions {
  readonly clock: Clock;
  readonly policy?: RetryPolicy;
  readonly signal?: AbortSignal | undefined;
  /** Waits until the next attempt may begin; its time is counted as throttling. */
  readonly turn?: () => Promise<void>;
  /** Told before each pause. */
  readonly onRetry?: (error: AppError, attempt: number, pauseMs: number) => void;
}

/** One attempt, as the operation sees it. */
export interface Attempt {
  /** What is left of the total time. */
  readonly timeLeftMs: number;
}

/**
 * Runs `operation` until it succeeds, fails with something that is not `retryable`, or the budget is used up; then the
 * last error is thrown. After `throttled` it waits at least as long as the error's `retryAfterMs` says. The only place of
 * this project that tries anything again.
 */
export async function retrying<T>(operation: (attempt: Attempt) => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, signal, policy = defaultRetryPolicy } = options;
  const beganMs = clock.now();
  const mostThrottledMs = policy.throttledMs ?? 3 * policy.totalMs;
  let throttledMs = 0;
  let failures = 0;
  const timeLeftMs = (): number => beganMs + policy.totalMs + throttledMs - clock.now();
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    const beforeTurnMs = clock.now();
    await options.turn?.();
    const startedMs = clock.now();
    throttledMs += startedMs - beforeTurnMs;
    try {
      return await operation({ timeLeftMs: timeLeftMs() });
    } catch (error) {
      if (isAbort(error) || !(error instanceof AppError) || !error.retryable) throw error;
      const isThrottled = error.code === 'throttled';
      if (!isThrottled) failures += 1;
      if (failures >= policy.attempts) throw error;
      const ceilingMs = Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** (attempt - 1));
      const pauseMs = Math.max(Math.ceil(Math.random() * ceilingMs), wantedPauseMs(error));
      if (isThrottled) throttledMs += clock.now() + pauseMs - startedMs;
      if (throttledMs > mostThrottledMs || timeLeftMs() <= pauseMs) throw error;
      options.onRetry?.(error, attempt, pauseMs);
      await clock.sleep(pauseMs, signal);
    }
  }
}

/** What the other side asked for (`Retry-After`). */
function wantedPauseMs({ details }: AppError): number {
  return typeof details.retryAfterMs === 'number' ? details.retryAfterMs : 0;
}
