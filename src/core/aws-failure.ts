import type { Clock } from './clock.js';
import { AppError, isAbort, messageOf, type ErrorCode } from './errors.js';
import { retrying, type RetryPolicy } from './retry.js';

/** What was asked of AWS, in IAM's words. */
export interface AwsCall {
  /** The IAM action: `ec2:CreateVolume`, `s3:PutObject`. */
  readonly action: string;
  /** What it was to act upon: `snap-…`, `s3://bucket/key`. */
  readonly resource: string;
}

/** What every call of AWS needs. */
export interface AwsCallOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly policy?: RetryPolicy;
}

/**
 * Makes one call of AWS with retries. `send` gets the signal to pass on. Throws an AppError that names action and
 * resource; which failures are tried again is decided here and nowhere else (the SDK's own retries are off).
 */
export async function callAws<T>(
  call: AwsCall,
  send: (signal: AbortSignal | undefined) => Promise<T>,
  options: AwsCallOptions,
): Promise<T> {
  return retrying(async () => {
    try {
      return await send(options.signal);
    } catch (error) {
      if (isAbort(error)) throw error;
      throw awsFailure(error, call);
    }
  }, options);
}

const throttles =
  /^(?:Throttl.*|RequestLimitExceeded|RequestThrottled.*|SlowDown|TooManyRequests.*|EC2ThrottledException|BandwidthLimitExceeded|PriorRequestNotComplete)$/;
const denials =
  /^(?:AccessDenied.*|UnauthorizedOperation|AuthFailure|UnauthorizedAccess|KMS\.AccessDenied.*|AllAccessDisabled|Forbidden)$/;
const badCredentials =
  /^(?:InvalidAccessKeyId|SignatureDoesNotMatch|InvalidClientTokenId|UnrecognizedClientException|InvalidToken|IncompleteSignature|MissingAuthenticationToken|CredentialsProviderError|InvalidSignatureException)$/;
/** Renewed credentials or a corrected clock make these succeed. */
const staleSignatures =
  /^(?:ExpiredToken|ExpiredTokenException|RequestExpired|RequestTimeTooSkewed|TokenRefreshRequired)$/;
const outages =
  /^(?:InternalError|InternalFailure|InternalServerError|ServiceUnavailable|Unavailable|RequestTimeout.*|TimeoutError|NetworkingError|OperationAborted|ConditionalRequestConflict|IncompleteBody|ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_SOCKET|UND_ERR_CONNECT_TIMEOUT)$/;

interface Meaning {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly hint?: string;
}

/** What an error of an AWS SDK client means. Reads only its public shape (`name`, `Code`, `$metadata`), no SDK class. */
export function awsFailure(error: unknown, call: AwsCall): AppError {
  if (error instanceof AppError) return error;
  const { code, status, requestId } = shapeOf(error);
  const meaning = meaningOf(code, status, call);
  const said = messageOf(error).trim().replace(/\.$/, '');
  return new AppError(
    meaning.code,
    `${call.action} on ${call.resource} failed: ${said === '' || said === 'UnknownError' ? code : said}.`,
    {
      cause: error,
      retryable: meaning.retryable,
      ...(meaning.hint === undefined ? {} : { hint: meaning.hint }),
      details: { action: call.action, resource: call.resource, awsCode: code, httpStatus: status, requestId },
    },
  );
}

function meaningOf(code: string, status: number | undefined, call: AwsCall): Meaning {
  if (throttles.test(code) || status === 429) return { code: 'throttled', retryable: true };
  if (staleSignatures.test(code)) {
    return {
      code: 'credentials',
      retryable: true,
      hint: 'Check the clock of this machine and the lifetime of the credentials.',
    };
  }
  if (badCredentials.test(code)) {
    return {
      code: 'credentials',
      retryable: false,
      hint: 'Attach an IAM role to this instance, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    };
  }
  if (denials.test(code) || status === 403) {
    return {
      code: 'access-denied',
      retryable: false,
      hint: `Allow ${call.action} on ${call.resource} for the role that runs snap-to-s3; docs/iam-policy.json has the whole policy.`,
    };
  }
  if (/NotFound$|^NoSuch/.test(code) || status === 404) return { code: 'not-found', retryable: false };
  if (outages.test(code) || (status !== undefined && status >= 500 && status !== 501)) {
    return { code: 'unavailable', retryable: true };
  }
  return { code: 'rejected', retryable: false };
}

function shapeOf(error: unknown): { code: string; status: number | undefined; requestId: string | undefined } {
  const shape = (typeof error === 'object' && error !== null ? error : {}) as {
    name?: unknown;
    Code?: unknown;
    code?: unknown;
    $metadata?: { httpStatusCode?: unknown; requestId?: unknown };
  };
  const code = [shape.Code, shape.code, shape.name].find((value) => typeof value === 'string' && value !== 'Error');
  const status = shape.$metadata?.httpStatusCode;
  const requestId = shape.$metadata?.requestId;
  return {
    code: typeof code === 'string' ? code : 'Unknown',
    status: typeof status === 'number' ? status : undefined,
    requestId: typeof requestId === 'string' ? requestId : undefined,
  };
}

/** The AWS error code behind an error of {@link callAws}: `InvalidVolume.NotFound`, say. */
export function awsCode(error: unknown): string | undefined {
  const code = error instanceof AppError ? error.details.awsCode : undefined;
  return typeof code === 'string' ? code : undefined;
}
