import { describe, expect, it } from 'vitest';
import { awsFailure } from '../../src/core/index.js';

const call = { action: 's3:PutObject', resource: 's3://bucket/key' };
const answer = (name: string, message: string, status = 403) =>
  awsFailure(Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } }), call);

describe('a denial', () => {
  it.each([
    ['AccessDenied', 'Access Denied', 'Allow s3:PutObject on s3://bucket/key'],
    [
      'AccessDenied',
      'User: arn:aws:sts::1:assumed-role/r/i is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:us-east-1:1:key/k because no identity-based policy allows the kms:GenerateDataKey action',
      /^Allow kms:GenerateDataKey on arn:aws:kms:us-east-1:1:key\/k .*and in that of the key/,
    ],
    [
      'AccessDenied',
      'User: arn:aws:sts::1:assumed-role/r/i is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::bucket/key" with an explicit deny in a service control policy',
      /^A service control policy forbids s3:PutObject on arn:aws:s3:::bucket\/key; no other permission helps/,
    ],
    [
      'AccessDenied',
      'User: u is not authorized to perform: s3:PutObject on resource: "r" with an explicit deny in an identity-based policy',
      /^An identity-based policy forbids/,
    ],
    ['KMS.AccessDeniedException', 'The ciphertext refers to a key that does not exist', /kms:GenerateDataKey/],
    ['UnauthorizedAccess', 'no', 'Allow s3:PutObject'],
  ])('%s (%s) names what to allow', (name, message, hint) => {
    const failure = answer(name, message);
    expect(failure).toMatchObject({ code: 'access-denied', retryable: false });
    expect(failure.hint).toMatch(hint);
  });

  it('with an encoded reason says how to read it, and does not print it twice', () => {
    const blob = 'x'.repeat(600);
    const failure = answer(
      'UnauthorizedOperation',
      `You are not authorized to perform this operation. Encoded authorization failure message: ${blob}`,
    );
    expect(failure.message).toBe(
      's3:PutObject on s3://bucket/key failed: You are not authorized to perform this operation.',
    );
    expect(failure.hint).toContain(`aws sts decode-authorization-message --encoded-message ${blob}`);
  });
});

describe('the meaning of', () => {
  it.each([
    ['OptInRequired', 403, 'access-denied', false, 'AWS Support'],
    ['AllAccessDisabled', 403, 'access-denied', false, 'AWS Support'],
    ['AccountProblem', 403, 'access-denied', false, 'AWS Support'],
    ['KMS.DisabledException', 400, 'rejected', false, 'KMS key'],
    ['KMS.NotFoundException', 400, 'rejected', false, 'KMS key'],
    ['KMS.KMSInvalidStateException', 400, 'rejected', false, 'KMS key'],
    ['KMSKeyNotAccessibleFault', 400, 'rejected', false, 'KMS key'],
    ['InvalidKmsKey.InvalidState', 400, 'rejected', false, 'KMS key'],
    ['KMS.ThrottlingException', 400, 'throttled', true, 'quieter'],
    ['KMS.KMSInternalException', 500, 'unavailable', true, undefined],
    ['ExpiredToken', 400, 'credentials', true, 'Get new ones'],
    ['RequestTimeTooSkewed', 403, 'credentials', true, 'timedatectl'],
    ['ExpiredTokenException', 400, 'credentials', true, 'Get new ones'],
    ['InvalidIdentityToken', 400, 'credentials', false, 'AWS_WEB_IDENTITY_TOKEN_FILE'],
    ['IDPRejectedClaimException', 403, 'credentials', false, 'identity provider in IAM'],
    ['IDPCommunicationError', 400, 'unavailable', true, undefined],
    ['InvalidToken', 400, 'credentials', false, 'does not know these credentials'],
    ['InvalidAccessKeyId', 403, 'credentials', false, 'does not know these credentials'],
    ['CredentialsProviderError', undefined, 'credentials', false, 'Attach an IAM role'],
    ['NoSuchUpload', 404, 'not-found', false, 'AbortIncompleteMultipartUpload'],
    ['NoSuchBucket', 404, 'not-found', false, '--bucket'],
    ['BadDigest', 400, 'upload-mismatch', true, 'memory and network'],
    ['ConditionalRequestConflict', 409, 'unavailable', true, undefined],
    ['PreconditionFailed', 412, 'rejected', false, undefined],
    ['EntityTooSmall', 400, 'rejected', false, undefined],
    ['InvalidPart', 400, 'rejected', false, undefined],
    ['KeyTooLongError', 400, 'rejected', false, undefined],
    ['ENOTFOUND', undefined, 'unavailable', true, 'DNS'],
    ['ECONNREFUSED', undefined, 'unavailable', true, 'AWS_ENDPOINT_URL'],
    ['Unknown', 400, 'credentials', true, 'may be over'],
    ['Whatever', 503, 'unavailable', true, undefined],
    ['Whatever', 429, 'throttled', true, undefined],
  ] as const)('%s (%s) is %s, retryable: %s', (name, status, code, retryable, hint) => {
    const failure = answer(name, 'said AWS', status);
    expect(failure).toMatchObject({ code, retryable });
    if (hint === undefined) expect(failure.hint).toBeUndefined();
    else expect(failure.hint).toContain(hint);
  });

  it('no credentials at all is said as such', () => {
    expect(answer('CredentialsProviderError', 'Could not load credentials from any providers').message).toBe(
      's3:PutObject on s3://bucket/key failed: No AWS credentials were found (Could not load credentials from any providers).',
    );
  });

  it('AuthFailure depends on what EC2 says', () => {
    const keys = answer('AuthFailure', 'AWS was not able to validate the provided access credentials', 401);
    expect(keys).toMatchObject({ code: 'credentials', hint: expect.stringContaining('region is not enabled') });
    expect(answer('AuthFailure', 'Not authorized for snapshot', 403)).toMatchObject({ code: 'access-denied' });
  });
});
