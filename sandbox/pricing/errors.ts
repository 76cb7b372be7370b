import type { RefusalAnswer, RefusalKind } from '../server/refusal.js';

/** Why a request is answered with an error, by the codes of the Price List service, of JSON services, and our own. */
export type PricingErrorCode =
  | 'InvalidParameterException'
  | 'InvalidNextTokenException'
  | 'ExpiredNextTokenException'
  | 'NotFoundException'
  | 'InvalidSignatureException'
  | 'SerializationException'
  | 'UnknownOperationException'
  | 'NotImplemented';

/** An error that a client gets to see. */
export class PricingError extends Error {
  override readonly name = 'PricingError';
  readonly code: PricingErrorCode;

  constructor(code: PricingErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** All errors of a caller's making are 400; only what the sandbox does not have is 501. */
export function statusOf(code: PricingErrorCode): number {
  return code === 'NotImplemented' ? 501 : 400;
}

/** How the service answers a refusal: the codes that JSON services of AWS have in common. */
export const refusals: Readonly<Record<RefusalKind, RefusalAnswer>> = {
  unsigned: { status: 400, code: 'MissingAuthenticationTokenException' },
  'malformed-signature': { status: 400, code: 'IncompleteSignatureException' },
  'unsupported-signature': { status: 400, code: 'IncompleteSignatureException' },
  'unknown-key': { status: 400, code: 'UnrecognizedClientException' },
  'wrong-signature': { status: 400, code: 'InvalidSignatureException' },
  skewed: { status: 400, code: 'InvalidSignatureException' },
  'expired-request': { status: 400, code: 'InvalidSignatureException' },
  'expired-token': { status: 400, code: 'ExpiredTokenException' },
  'invalid-token': { status: 400, code: 'UnrecognizedClientException' },
  'wrong-payload': { status: 400, code: 'InvalidSignatureException' },
  'access-denied': { status: 400, code: 'AccessDeniedException' },
  'too-large': { status: 413, code: 'RequestEntityTooLargeException' },
  throttled: { status: 400, code: 'ThrottlingException' },
  'internal-error': { status: 500, code: 'InternalErrorException' },
  unavailable: { status: 503, code: 'ServiceUnavailableException' },
};

/** An error in the form of JSON 1.1. */
export function errorBody(code: string, message: string): unknown {
  return { __type: code, Message: message };
}
