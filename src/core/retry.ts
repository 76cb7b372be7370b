import type { Clock } from './clock.js';
import { AppError, isAbort } from './errors.js';

/** How long and how often one call may be tried. */
export interface RetryPolicy {
  readonly attempts: number;
  /** Upper bound of the first pause; it doubles each time, and the pause taken is random below it ("full jitter"). */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** No new attempt starts after this much time. */
  readonly totalMs: number;
}

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
  /** Told before each pause. */
  readonly onRetry?: (error: AppError, attempt: number, pauseMs: number) => void;
}

/**
 * Runs `operation` until it succeeds, fails with something that is not `retryable`, or the budget is used up; then the
 * last error is thrown. The only place of this project that tries anything again.
 */
export async function retrying<T>(operation: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const policy = options.policy ?? defaultRetryPolicy;
  const startedMs = options.clock.now();
  for (let attempt = 1; ; attempt += 1) {
    options.signal?.throwIfAborted();
    try {
      return await operation(attempt);
    } catch (error) {
      if (isAbort(error) || !(error instanceof AppError) || !error.retryable || attempt >= policy.attempts) throw error;
      const ceilingMs = Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** (attempt - 1));
      const pauseMs = Math.ceil(Math.random() * ceilingMs);
      if (options.clock.now() + pauseMs - startedMs > policy.totalMs) throw error;
      options.onRetry?.(error, attempt, pauseMs);
      await options.clock.sleep(pauseMs, options.signal);
    }
  }
}
