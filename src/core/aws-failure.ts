import { awsMeaning, encodedMessage, isNameless } from './aws-meaning.js';
import { AppError, messageOf } from './errors.js';

/**
 * What an error of an AWS SDK client means, as an AppError that names action and resource. Reads only the error's public
 * shape (`name`, `Code`, `$metadata`, `$response`), no SDK class.
 */
export function awsFailure(
  error: unknown,
  { action, resource }: { readonly action: string; readonly resource: string },
): AppError {
  if (error instanceof AppError) return error;
  const { code, status, requestId, retryAfterMs } = shapeOf(error);
  const message = messageOf(error).trim();
  const { code: ourCode, ...meaning } = awsMeaning({ code, status, message, action, resource });
  const said = withoutEncoded(message).replace(/\.$/, '');
  const why = isEmpty(said)
    ? isNameless(code)
      ? `the answer was status ${String(status)}, without a reason`
      : code
    : said;
  const what = code === 'CredentialsProviderError' ? `No AWS credentials were found (${why})` : why;
  return new AppError(ourCode, `${action} on ${resource} failed: ${what}.`, {
    cause: error,
    ...meaning,
    details: { action, resource, awsCode: code, httpStatus: status, requestId, retryAfterMs },
  });
}

/** The AWS error code behind an error of `callAws`: `InvalidVolume.NotFound`, say. */
export function awsCode(error: unknown): string | undefined {
  const code = error instanceof AppError ? error.details.awsCode : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Hundreds of characters for a machine; the hint has them. */
function withoutEncoded(message: string): string {
  const encoded = encodedMessage(message);
  if (encoded === undefined) return message;
  return message.replace(`Encoded authorization failure message: ${encoded}`, '').trim();
}

function isEmpty(said: string): boolean {
  return said === 'Error' || said === '' || isNameless(said);
}

interface ErrorShape {
  readonly code: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
}

function shapeOf(error: unknown): ErrorShape {
  const shape = (typeof error === 'object' && error !== null ? error : {}) as {
    name?: unknown;
    Code?: unknown;
    code?: unknown;
    $metadata?: { httpStatusCode?: unknown; requestId?: unknown };
    $response?: { headers?: Readonly<Record<string, unknown>> };
  };
  const code = [shape.Code, shape.code, shape.name].find((value) => typeof value === 'string' && value !== 'Error');
  const status = shape.$metadata?.httpStatusCode;
  const requestId = shape.$metadata?.requestId;
  return {
    code: typeof code === 'string' ? code : 'Unknown',
    status: typeof status === 'number' ? status : undefined,
    requestId: typeof requestId === 'string' ? requestId : undefined,
    retryAfterMs: retryAfterMs(shape.$response?.headers?.['retry-after']),
  };
}

/** Longer is not believed; the call's own budget ends before. */
const longestRetryAfterMs = 5 * 60_000;

/** The header in its one form that AWS uses, whole seconds. */
function retryAfterMs(header: unknown): number | undefined {
  if (typeof header !== 'string' || !/^\d{1,9}$/.test(header)) return undefined;
  return Math.min(Number(header) * 1_000, longestRetryAfterMs);
}
