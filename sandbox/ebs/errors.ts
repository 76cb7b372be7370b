/** The namespaces that AWS puts behind the name of an error in `x-amzn-ErrorType`. */
const namespaces = {
  service: 'http://internal.amazon.com/coral/com.amazon.zeppelindataservice/',
  validation: 'http://internal.amazon.com/coral/com.amazon.coral.validate/',
  framework: 'http://internal.amazon.com/coral/com.amazon.coral.service/',
  availability: 'http://internal.amazon.com/coral/com.amazon.coral.availability/',
} as const;

/**
 * Who at AWS says no: the service writes `Message` and `Reason`, the framework around it only `message`. Clients are
 * meant to cope with both.
 */
export type Origin = keyof typeof namespaces;

/** Why the service calls a request invalid (API reference, "ValidationException"). */
export type ValidationReason =
  | 'INVALID_PAGE_TOKEN'
  | 'INVALID_BLOCK_TOKEN'
  | 'INVALID_SNAPSHOT_ID'
  | 'UNRELATED_SNAPSHOTS'
  | 'INVALID_BLOCK'
  | 'INVALID_CONTENT_ENCODING'
  | 'INVALID_TAG'
  | 'INVALID_PARAMETER_VALUE'
  | 'INVALID_VOLUME_SIZE'
  | 'CONFLICTING_BLOCK_UPDATE';

/** An error that EBS direct answers to its client. */
export class EbsError extends Error {
  override readonly name = 'EbsError';
  readonly code: string;
  readonly status: number;
  readonly origin: Origin;
  readonly reason: string | undefined;

  constructor(
    code: string,
    message: string,
    options: { readonly status: number; readonly origin?: Origin; readonly reason?: string; readonly cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.status = options.status;
    this.origin = options.origin ?? 'service';
    this.reason = options.reason;
  }

  /** The value of `x-amzn-ErrorType`. */
  get type(): string {
    return `${this.code}:${namespaces[this.origin]}`;
  }
}

/** 400, from the service. */
export const invalid = (reason: ValidationReason, message: string): EbsError =>
  new EbsError('ValidationException', message, { status: 400, reason });

/** 400, from the framework: members that break the constraints of the service's model, all of them in one message. */
export function constraintsBroken(violations: readonly string[]): EbsError {
  const [count, errors] = [violations.length, violations.length === 1 ? 'error' : 'errors'];
  const message = `${count} validation ${errors} detected: ${violations.join('; ')}`;
  return new EbsError('ValidationException', message, { status: 400, origin: 'validation' });
}

/** 500, which clients try again. */
export const internalError = (message: string, cause: unknown): EbsError =>
  new EbsError('InternalServerException', message, { status: 500, cause });

/** 400: what cannot be read at all. */
export const unreadable = (message: string): EbsError =>
  new EbsError('SerializationException', message, { status: 400, origin: 'framework' });

/** 400: a parameter that the operation does not have. Differs from AWS on purpose, which ignores it. */
export const unknownParameter = (operation: string, name: string): EbsError =>
  invalid('INVALID_PARAMETER_VALUE', `${operation} has no parameter ${name}.`);

/** 404, also for snapshots that are not ready for EBS direct. */
export const snapshotNotFound = (id: string): EbsError =>
  new EbsError('ResourceNotFoundException', `The snapshot '${id}' does not exist.`, {
    status: 404,
    reason: 'SNAPSHOT_NOT_FOUND',
  });

/** 404: no operation has this method and path. */
export const unknownOperation = (): EbsError =>
  new EbsError('UnknownOperationException', 'EBS direct has no such operation.', { status: 404, origin: 'framework' });

/** 409: the client token came with other parameters before. */
export const conflict = (): EbsError =>
  new EbsError('ConflictException', 'Current request does not match request stored with this token.', { status: 409 });

/** 403: the block is not the one whose checksum was sent. */
export const wrongChecksum = (computed: string, expected: string): EbsError =>
  new EbsError(
    'InvalidSignatureException',
    'The value passed in as x-amz-Checksum does not match the computed checksum. ' +
      `Computed checksum: ${computed} expected checksum: ${expected}`,
    { status: 403, origin: 'framework' },
  );

/** 400: too many requests of the account. */
export const accountThrottled = (): EbsError =>
  new EbsError('ThrottlingException', 'Rate exceeded', { status: 400, origin: 'availability' });

/** 400: too many requests for one snapshot. */
export const snapshotThrottled = (id: string): EbsError =>
  new EbsError('RequestThrottledException', `The request rate for the snapshot '${id}' was exceeded.`, {
    status: 400,
    reason: 'RESOURCE_LEVEL_THROTTLE',
  });

/** 402: too many pending snapshots. */
export const tooManyPending = (most: number): EbsError =>
  new EbsError('ServiceQuotaExceededException', `The account has ${most} pending snapshots already.`, {
    status: 402,
    reason: 'DEPENDENCY_SERVICE_QUOTA_EXCEEDED',
  });
