import { withinLimit } from './attempt-limit.js';
import { awsFailure } from './aws-failure.js';
import type { Clock } from './clock.js';
import { AppError, isAbort } from './errors.js';
import type { Pace } from './pace.js';
import { defaultAttemptMs, defaultRetryPolicy, retrying, type RetryPolicy } from './retry.js';
import { formatDuration } from './units.js';

/** What was asked of AWS, in IAM's words. */
export interface AwsCall {
  /** The IAM action: `ec2:CreateVolume`, `s3:PutObject`. */
  readonly action: string;
  /** What it was to act upon: `snap-…`, `s3://bucket/key`. */
  readonly resource: string;
  /** The bytes that go with it; each attempt gets the time for them. */
  readonly bodyBytes?: number;
  /** One attempt, where that may take longer than others. */
  readonly attemptMs?: number;
  /** An attempt that has begun is not cancelled by the caller's signal: what it makes, its maker has to know of. */
  readonly isSeenThrough?: boolean;
}

/** A failed attempt that will be followed by another one. */
export interface AwsRetry {
  readonly call: AwsCall;
  readonly error: AppError;
  /** 1 for the first. */
  readonly attempt: number;
  readonly pauseMs: number;
}

/** What calls of a process have in common; without it they know nothing of one another, and are silent. */
export interface AwsCallHabits {
  readonly pace?: Pace;
  /** Told before each pause. */
  readonly onRetry?: (retry: AwsRetry) => void;
}

/** What every call of AWS needs. */
export interface AwsCallOptions extends AwsCallHabits {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly policy?: RetryPolicy;
  /** Asks for new credentials, however long those at hand say to be good for. Resolves to false if they are the same. */
  readonly renewCredentials?: () => Promise<boolean>;
}

/**
 * A body that is slower than this is not worth waiting for. The smallest instances have 32 Mbit/s in the long run (EC2
 * user guide, "Network bandwidth": t3.nano); a hundred streams on one get about 40 KB/s each.
 */
export const slowestBodyBytesPerSecond = 32 * 1024;

/** An attempt that has begun gets that much, however little of the total time is left. */
const leastAttemptMs = 1_000;

/** The total time holds so many attempts with the body, should each take as long as it may. */
const bodiesInTotal = 3;

/**
 * Makes one call of AWS with retries, none of which can hang. `send` gets the signal to pass on. Throws an AppError that
 * names action and resource; which failures are tried again is decided here and in `aws-meaning.ts`, and nowhere else
 * (the SDK's own retries are off). Credentials that AWS says are over are renewed.
 */
export async function callAws<T>(
  call: AwsCall,
  send: (signal: AbortSignal) => Promise<T>,
  options: AwsCallOptions,
): Promise<T> {
  const { clock, signal, pace, onRetry, policy = defaultRetryPolicy } = options;
  const bodyMs = ((call.bodyBytes ?? 0) / slowestBodyBytesPerSecond) * 1_000;
  const attemptMs = Math.max(policy.attemptMs ?? defaultAttemptMs, call.attemptMs ?? 0) + bodyMs;
  const renewal = newRenewal(options);
  const cancel = call.isSeenThrough === true ? undefined : signal;
  const attempt = async (timeLeftMs: number): Promise<T> => {
    const limitMs = Math.min(attemptMs, Math.max(timeLeftMs, leastAttemptMs));
    try {
      return await withinLimit(send, { limitMs, signal: cancel, tookTooLong: () => tookTooLong(call, limitMs) });
    } catch (error) {
      if (isAbort(error) || cancel?.aborted === true) throw error;
      throw awsFailure(error, call);
    }
  };
  return retrying(
    async ({ timeLeftMs }) => {
      try {
        const answer = await attempt(timeLeftMs);
        pace?.answered(call.action);
        return answer;
      } catch (error) {
        if (error instanceof AppError && error.code === 'throttled') pace?.throttled(call.action);
        if (error instanceof AppError && error.code === 'credentials' && error.retryable) throw await renewal(error);
        throw error;
      }
    },
    {
      clock,
      signal,
      policy: { ...policy, totalMs: policy.totalMs + bodiesInTotal * bodyMs },
      ...(pace === undefined ? {} : { turn: () => pace.turn(call.action, signal) }),
      ...(onRetry === undefined
        ? {}
        : { onRetry: (error, attempt, pauseMs) => onRetry({ call, error, attempt, pauseMs }) }),
    },
  );
}

/** How often the same credentials are tried again: the clock of a request may be corrected, keys that are over stay so. */
const sameCredentials = 2;

/** Renews the credentials after an error of theirs, and returns the error; one that is final where nothing changes. */
function newRenewal({ renewCredentials, signal }: AwsCallOptions): (error: AppError) => Promise<AppError> {
  let unchanged = 0;
  return async (error) => {
    if (renewCredentials === undefined) return error;
    const limit = { limitMs: renewalMs, signal, tookTooLong: () => error };
    const renewed = await withinLimit(renewCredentials, limit).catch((second: unknown) => {
      if (isAbort(second)) throw second;
      // Where they come from is away for a moment; the next attempt asks again, as often as the call may be tried.
      return second instanceof AppError && second.retryable ? second : false;
    });
    if (renewed instanceof AppError) return renewed;
    unchanged = renewed ? 0 : unchanged + 1;
    if (unchanged <= sameCredentials) return error;
    const { code, message, hint, details } = error;
    return new AppError(code, message, { cause: error, details, ...(hint === undefined ? {} : { hint }) });
  };
}

/** Credentials come from a file, the metadata service or STS: seconds. */
const renewalMs = 30_000;

function tookTooLong({ action, resource }: AwsCall, limitMs: number): AppError {
  return new AppError(
    'unavailable',
    `${action} on ${resource} failed: it was not answered within ${formatDuration(limitMs)}.`,
    {
      retryable: true,
      hint: 'Check the network between this machine and AWS, a proxy perhaps, then run it again.',
      details: { action, resource, awsCode: 'AttemptTimeout' },
    },
  );
}
