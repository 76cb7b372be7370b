/** Why a request is refused before, or instead of, its operation. Each service has codes of its own for these. */
export type RefusalKind =
  /** Nobody signed, or the signature cannot be read. */
  | 'unsigned'
  | 'malformed-signature'
  /** It is signed in a way that nobody takes any more, or not here. */
  | 'unsupported-signature'
  /** No such access key. */
  | 'unknown-key'
  /** The signature is not the one that the request and the secret give. */
  | 'wrong-signature'
  /** The clock of the client is more than 15 minutes off. */
  | 'skewed'
  /** A presigned URL, or any other signature with an end of its own, is over. */
  | 'expired-request'
  /** The session token is over. */
  | 'expired-token'
  /** The session token is missing, or not the one of the key. */
  | 'invalid-token'
  /** The body is not the one that was signed. */
  | 'wrong-payload'
  /** Policies do not allow it. */
  | 'access-denied'
  /** The body is longer than the service takes. */
  | 'too-large'
  /** Too many requests. */
  | 'throttled'
  /** 500 and 503, which the client may try again. */
  | 'internal-error'
  | 'unavailable';

/** A refusal that the service of the request puts into its own words; thrown by stages and by services. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: RefusalKind;
  /** What S3 says besides, as elements of its error document. */
  readonly details: Readonly<Record<string, string>>;

  constructor(kind: RefusalKind, message: string, details: Readonly<Record<string, string>> = {}) {
    super(message);
    this.kind = kind;
    this.details = details;
  }
}

/** What a service makes of a refusal. */
export interface RefusalAnswer {
  readonly status: number;
  readonly code: string;
}
