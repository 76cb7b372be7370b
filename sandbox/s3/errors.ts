import type { Refusal, RefusalKind } from '../server/refusal.js';
import { element, xmlDocument } from '../server/xml.js';

/** The error codes of S3 that the sandbox gives, with their HTTP status (S3 API reference, "Error responses"). */
const statuses = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  BadDigest: 400,
  BadRequest: 400,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  ConditionalRequestConflict: 409,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  ExpiredToken: 400,
  IllegalLocationConstraintException: 400,
  IllegalVersioningConfigurationException: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidBucketName: 400,
  InvalidBucketState: 409,
  InvalidDigest: 400,
  InvalidEncryptionAlgorithmError: 400,
  InvalidLocationConstraint: 400,
  InvalidObjectState: 403,
  InvalidPart: 400,
  InvalidPartNumber: 416,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidStorageClass: 400,
  InvalidTag: 400,
  InvalidTier: 403,
  InvalidToken: 400,
  KeyTooLongError: 400,
  MalformedXML: 400,
  MetadataTooLarge: 400,
  MethodNotAllowed: 405,
  MissingContentLength: 411,
  NoSuchBucket: 404,
  NoSuchBucketPolicy: 404,
  NoSuchCORSConfiguration: 404,
  NoSuchKey: 404,
  NoSuchLifecycleConfiguration: 404,
  NoSuchObjectLockConfiguration: 404,
  NoSuchTagSet: 404,
  NoSuchUpload: 404,
  NoSuchVersion: 404,
  NoSuchWebsiteConfiguration: 404,
  NotImplemented: 501,
  NotModified: 304,
  ObjectAlreadyInActiveTierError: 403,
  ObjectLockConfigurationNotFoundError: 404,
  OperationAborted: 409,
  PreconditionFailed: 412,
  ReplicationConfigurationNotFoundError: 404,
  RequestTimeTooSkewed: 403,
  RestoreAlreadyInProgress: 409,
  ServiceUnavailable: 503,
  SignatureDoesNotMatch: 403,
  SlowDown: 503,
  XAmzContentSHA256Mismatch: 400,
} as const;

/** An error code of S3. */
export type S3ErrorCode = keyof typeof statuses;

type Fields = Readonly<Record<string, string>>;

/** A refusal, as S3 words it. */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly code: S3ErrorCode;
  readonly status: number;
  /** Further elements of the answer: `Key`, `BucketName`. */
  readonly fields: Fields;
  /** Headers of the answer: Content-Range of a 416, ETag of a 304. */
  readonly headers: Fields;

  constructor(code: S3ErrorCode, message: string, fields: Fields = {}, headers: Fields = {}) {
    super(message);
    this.code = code;
    this.status = statuses[code];
    this.fields = fields;
    this.headers = headers;
  }
}

/** The body of an error answer. */
export function errorDocument(error: S3Error, resource: string, requestId: string): string {
  return xmlDocument(
    element('Error', [
      element('Code', error.code),
      element('Message', error.message),
      ...Object.entries(error.fields).map(([name, value]) => element(name, value)),
      element('Resource', resource),
      element('RequestId', requestId),
      element('HostId', hostId(requestId)),
    ]),
  );
}

/** The second id of every answer (`x-amz-id-2`); opaque. */
export function hostId(requestId: string): string {
  return Buffer.from(`sandbox/${requestId}`).toString('base64');
}

/** Not there: the bucket. */
export const noSuchBucket = (bucket: string): S3Error =>
  new S3Error('NoSuchBucket', 'The specified bucket does not exist', { BucketName: bucket });
/** Not there: the key. */
export const noSuchKey = (key: string, headers: Fields = {}): S3Error =>
  new S3Error('NoSuchKey', 'The specified key does not exist.', { Key: key }, headers);
/** Not there: the upload. */
export const noSuchUpload = (uploadId: string): S3Error =>
  new S3Error(
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    { UploadId: uploadId },
  );
/** The body is no document of the kind that belongs there. */
export const malformedXml = (): S3Error =>
  new S3Error(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
  );
/** A parameter has a value that it cannot have. */
export const invalidArgument = (name: string, value: string | undefined, message: string): S3Error =>
  new S3Error('InvalidArgument', message, {
    ArgumentName: name,
    ...(value === undefined ? {} : { ArgumentValue: value }),
  });
/** Part of S3, but not of the sandbox. */
export const notImplemented = (what: string): S3Error =>
  new S3Error('NotImplemented', `The sandbox does not implement ${what}; see sandbox/FIDELITY.md.`);

/** How S3 answers a refusal (S3 API reference, "Error responses"). */
const refusalCodes: Readonly<Record<RefusalKind, S3ErrorCode>> = {
  unsigned: 'AccessDenied',
  'malformed-signature': 'AuthorizationHeaderMalformed',
  'unsupported-signature': 'InvalidRequest',
  'unknown-key': 'InvalidAccessKeyId',
  'wrong-signature': 'SignatureDoesNotMatch',
  skewed: 'RequestTimeTooSkewed',
  'expired-request': 'AccessDenied',
  'expired-token': 'ExpiredToken',
  'invalid-token': 'InvalidToken',
  'wrong-payload': 'XAmzContentSHA256Mismatch',
  'access-denied': 'AccessDenied',
  'too-large': 'EntityTooLarge',
  throttled: 'SlowDown',
  'internal-error': 'InternalError',
  unavailable: 'ServiceUnavailable',
};

/** A refusal in the words of S3. */
export function refused({ kind, message, details }: Refusal): S3Error {
  return new S3Error(refusalCodes[kind], message, details);
}
