/**
 * Every way in which this tool fails, by name. Exit statuses are derived from these codes in one place
 * (`src/cli/exit-status.ts`).
 */
export type ErrorCode =
  /** The command line, a variable or a file given by the user cannot be understood. */
  | 'usage'
  /** A program that must be installed is not there. */
  | 'program-missing'
  /** A program ran and said no, or was killed. */
  | 'program-failed'
  /** A gpg recipient is unknown, ambiguous, expired, revoked, disabled, not made for encryption, or not trusted. */
  | 'recipient-unusable'
  /** The user must be root for this. */
  | 'not-root'
  /** No credentials, or they were refused. */
  | 'credentials'
  /** AWS answered that the caller may not do this. */
  | 'access-denied'
  /** AWS answered that the thing does not exist. */
  | 'not-found'
  /** AWS asked us to slow down for longer than we were willing to. */
  | 'throttled'
  /** The network or AWS failed for longer than we were willing to try. */
  | 'unavailable'
  /** AWS refused the request for a reason that trying again does not change. */
  | 'rejected'
  /** A bounded wait ended without the thing waited for. */
  | 'timed-out'
  /** The instance metadata service did not answer: not on EC2, or firewalled. */
  | 'no-instance-metadata'
  /** Somebody else is working on this snapshot. */
  | 'claimed-elsewhere'
  /** Another run has archived this snapshot since this one began. */
  | 'archived-meanwhile'
  /** The snapshot is in a state in which it cannot be read. */
  | 'snapshot-unusable'
  /** The attached device never appeared in /dev. */
  | 'device-missing'
  /** The disk holds something that tar cannot archive: LVM, RAID, LUKS, nothing at all. */
  | 'disk-unsupported'
  /** A filesystem would not mount. */
  | 'mount-failed'
  /** Reading the source broke off or gave something impossible. */
  | 'source-unreadable'
  /** Somebody else has mounted the temporary disk and may write to it. */
  | 'disk-in-use'
  /** What was read cannot be all that the disk holds. */
  | 'implausible-result'
  /** Bytes are not what their format says. */
  | 'corrupt-archive'
  /** An archive is not what it was made of. */
  | 'validation-failed'
  /** What an archive holds cannot be written to where it is restored to. */
  | 'restore-failed'
  /** An archive names files outside of where it is restored to. */
  | 'unsafe-archive'
  /** An archive is encrypted for keys whose private parts are not here. */
  | 'no-secret-key'
  /** The private key is locked by a passphrase that nobody has given. */
  | 'passphrase-needed'
  /** The session key that was given is not that of the archive. */
  | 'wrong-session-key'
  /** An object was overwritten while it was read. */
  | 'object-changed'
  /** An object lies in an archive storage class and has not been thawed. */
  | 'object-frozen'
  /** What S3 confirmed is not what we sent. */
  | 'upload-mismatch'
  /** More data than one S3 object can hold. */
  | 'object-too-large'
  /** The directory for temporary files on this machine is full. */
  | 'disk-full'
  /** Something temporary could not be removed. */
  | 'cleanup-failed'
  /** A defect of this program. */
  | 'internal';

/** What an {@link AppError} is made of besides its code and sentence. */
export interface AppErrorOptions {
  /** What the user should do next, as a sentence or a command to type. */
  readonly hint?: string;
  /** The failure underneath. */
  readonly cause?: unknown;
  /** True only where trying the same thing again is known to make sense. */
  readonly retryable?: boolean;
  /** Facts for machines (`--json`), never needed to understand the message. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The one error class of this project: a code for programs, a sentence and a hint for people. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }
}

/** True for the error with which an aborted signal ends work. Cancellation is not a failure and is never retried. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || ('code' in error && error.code === 'ABORT_ERR'));
}

/** The sentence of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) {
    const parts = error.errors.map(messageOf);
    return error.message === '' ? parts.join(' ') : `${error.message}: ${parts.join(' ')}`;
  }
  if (isSuppressed(error)) return unfold(error).map(messageOf).join(' ');
  return error instanceof Error ? error.message : String(error);
}

/** Turns anything that was thrown into an AppError; what is none already is a defect of ours. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('internal', messageOf(error), { cause: error });
}

/**
 * The single failures inside what was thrown, the one that happened first at the front: an error that was followed by
 * others while resources were disposed (`SuppressedError`), and several at once (`AggregateError`), are unfolded.
 */
export function unfold(error: unknown): readonly [unknown, ...unknown[]] {
  if (isSuppressed(error)) {
    const [first, ...others] = unfold(error.suppressed);
    return [first, ...others, ...unfold(error.error)];
  }
  if (error instanceof AggregateError) {
    const [first, ...others] = (error.errors as readonly unknown[]).flatMap((one) => [...unfold(one)]);
    return [first, ...others];
  }
  return [error];
}

/** What `await using` throws when the block and a disposal have both failed. Its own message says nothing of either. */
function isSuppressed(error: unknown): error is Error & { readonly error: unknown; readonly suppressed: unknown } {
  return error instanceof Error && error.name === 'SuppressedError' && 'suppressed' in error && 'error' in error;
}
