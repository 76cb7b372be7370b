import type { ErrorCode } from './errors.js';

/** What an answer of AWS says went wrong. */
export interface AwsAnswer {
  /** AWS's own code, or that of the network: `AccessDenied`, `ECONNRESET`. */
  readonly code: string;
  readonly status: number | undefined;
  readonly message: string;
  /** What was asked, in IAM's words. */
  readonly action: string;
  readonly resource: string;
}

/** What it means for this program and its user. */
export interface AwsMeaning {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly hint?: string;
}

/** One kind of failure: the codes by which it is known, and what it means. The first that fits counts. */
interface Kind {
  readonly codes: RegExp;
  readonly meaning: (answer: AwsAnswer) => AwsMeaning;
}

const checkNetwork =
  'Check the network, DNS and proxy of this machine, and AWS_ENDPOINT_URL if it is set; then run again.';
const checkKey =
  'Look at the KMS key in the console: it must exist in this region, be enabled, and allow the role that runs ' +
  'snap-to-s3 to use it (docs/iam-policy.json); or choose another one.';

const final = (code: ErrorCode, hint?: string) => (): AwsMeaning => ({
  code,
  retryable: false,
  ...(hint === undefined ? {} : { hint }),
});
const passing = (code: ErrorCode, hint?: string) => (): AwsMeaning => ({
  code,
  retryable: true,
  ...(hint === undefined ? {} : { hint }),
});

/** S3's error list (API reference, "Error responses"), EC2's ("Error codes for the Amazon EC2 API"), and Node's. */
const kinds: readonly Kind[] = [
  {
    codes:
      /^(?:Throttl.*|KMS\.Throttl.*|RequestLimitExceeded|RequestThrottled.*|SlowDown|TooManyRequests.*|EC2ThrottledException|BandwidthLimitExceeded|PriorRequestNotComplete)$/,
    meaning: passing('throttled', 'Others use up what AWS allows this account. Run it again when it is quieter.'),
  },
  {
    // Renewed credentials or a corrected clock make these succeed.
    codes: /^(?:ExpiredToken|ExpiredTokenException|RequestExpired|RequestTimeTooSkewed|TokenRefreshRequired)$/,
    meaning: ({ code }) => ({
      code: 'credentials',
      retryable: true,
      hint:
        code === 'RequestTimeTooSkewed' || code === 'RequestExpired'
          ? 'The clock of this machine is wrong; look at: timedatectl'
          : 'The session of these credentials is over. Get new ones (aws sso login, a new session token), or use the role of the instance, whose keys renew themselves.',
    }),
  },
  {
    codes:
      /^(?:InvalidAccessKeyId|SignatureDoesNotMatch|InvalidClientTokenId|UnrecognizedClientException|InvalidToken|IncompleteSignature|MissingAuthenticationToken|InvalidSignatureException|InvalidSecurity)$/,
    meaning: final(
      'credentials',
      'AWS does not know these credentials: mistyped, deactivated, or of another partition. Correct them, or attach an IAM role to this instance.',
    ),
  },
  {
    codes: /^(?:CredentialsProviderError|TokenProviderError|ProviderError)$/,
    meaning: final(
      'credentials',
      'Attach an IAM role to this instance; or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    ),
  },
  {
    // Of AssumeRoleWithWebIdentity (STS API reference); whose token it is, its message says.
    codes: /^(?:InvalidIdentityToken|IDPRejectedClaim)(?:Exception)?$/,
    meaning: final(
      'credentials',
      'STS does not take the token in AWS_WEB_IDENTITY_TOKEN_FILE: look at its issuer and audience, and at the identity provider in IAM.',
    ),
  },
  { codes: /^AuthFailure$/, meaning: (answer) => authFailure(answer) },
  {
    codes: /^(?:OptInRequired|NotSignedUp|AllAccessDisabled|AccountProblem|PendingVerification|Blocked|InvalidPayer)$/,
    meaning: final(
      'access-denied',
      'It is the account, or this region or bucket of it, that is closed, not a permission. Look at the account page of the AWS console, or ask AWS Support.',
    ),
  },
  {
    codes: /^(?:KMSKeyNotAccessibleFault|InvalidKmsKey\..*|KMS\.(?!AccessDenied|KMSInternal|Throttl).*)$/,
    meaning: final('rejected', checkKey),
  },
  {
    codes:
      /^(?:AccessDenied.*|UnauthorizedOperation|UnauthorizedAccess|KMS\.AccessDenied.*|Forbidden|InvalidObjectState)$/,
    meaning: (answer) => denied(answer),
  },
  {
    codes: /^NoSuchUpload$/,
    meaning: final(
      'not-found',
      'Somebody has aborted this upload: another run, or a lifecycle rule of the bucket that ends unfinished uploads ' +
        '(AbortIncompleteMultipartUpload) sooner than this one took. Give such a rule more days, and run again.',
    ),
  },
  {
    codes: /^NoSuchBucket$/,
    meaning: final('not-found', 'The bucket is not there, or not any more. Check --bucket, and run again.'),
  },
  { codes: /NotFound$|^NoSuch/, meaning: final('not-found') },
  {
    // The bytes changed on their way; they are read anew for the next attempt.
    codes: /^(?:BadDigest|XAmzContentSHA256Mismatch|XAmzContentChecksumMismatch)$/,
    meaning: passing(
      'upload-mismatch',
      'Bytes changed on their way to S3, again and again. Check memory and network of this machine.',
    ),
  },
  {
    codes: /^(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH)$/,
    meaning: passing('unavailable', checkNetwork),
  },
  {
    codes:
      /^(?:InternalError|InternalFailure|InternalServerError|KMS\.KMSInternal.*|ServiceUnavailable|Unavailable|RequestTimeout.*|TimeoutError|NetworkingError|OperationAborted|ConditionalRequestConflict|IncompleteBody|IDPCommunicationError(?:Exception)?|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|UND_ERR_SOCKET|UND_ERR_CONNECT_TIMEOUT)$/,
    meaning: passing('unavailable'),
  },
];

/** What an answer means. Codes that nobody knows are judged by their status. */
export function awsMeaning(answer: AwsAnswer): AwsMeaning {
  const known = kinds.find(({ codes }) => codes.test(answer.code));
  if (known !== undefined) return known.meaning(answer);
  const { status } = answer;
  if (status === 400 && isNameless(answer.code)) return unexplained;
  if (status === 429) return { code: 'throttled', retryable: true };
  if (status === 403) return denied(answer);
  if (status === 404) return { code: 'not-found', retryable: false };
  if (status !== undefined && status >= 500 && status !== 501) return { code: 'unavailable', retryable: true };
  return { code: 'rejected', retryable: false };
}

/** What the SDK calls an error without a body, as all answers to HEAD are. */
export function isNameless(code: string): boolean {
  return /^(?:Unknown|UnknownError|BadRequest|Forbidden|\d{3})$/.test(code);
}

/**
 * The answer to a HEAD has no body, and so no code: for S3 it is 400 when a session is over (S3 API reference, HeadObject:
 * "a generic 400 Bad Request, 403 Forbidden, 404 Not Found"). New keys are worth a try.
 */
const unexplained: AwsMeaning = {
  code: 'credentials',
  retryable: true,
  hint: 'S3 does not say why. The session of these credentials may be over, or the bucket may be in another region.',
};

/** EC2 says the same of unknown keys and of things that belong to others. */
function authFailure(answer: AwsAnswer): AwsMeaning {
  if (!/validate the provided access credentials/i.test(answer.message)) return denied(answer);
  return {
    code: 'credentials',
    retryable: false,
    hint: 'AWS does not know these credentials, or this region is not enabled for the account. Correct the one or the other.',
  };
}

/**
 * What to do about a denial. The answer itself may name another action than the one asked for (`kms:GenerateDataKey` behind
 * a PutObject) and the policy that forbids it (IAM user guide, "Troubleshoot access denied error messages").
 */
function denied({ code, message, action, resource }: AwsAnswer): AwsMeaning {
  const said = /not authorized to perform:? (?<action>[\w-]+:\w+)(?: on resource: (?<resource>\S+))?/i.exec(
    message,
  )?.groups;
  const wanted = `${said?.action ?? action} on ${said?.resource?.replaceAll('"', '') ?? resource}`;
  const policy = /with an explicit deny in (?:a|an|the) ([\w -]+?policy|[\w -]*boundary)/i.exec(message)?.[1];
  const encoded = encodedMessage(message);
  const hint =
    policy !== undefined
      ? `${upperFirst(articleOf(policy))} forbids ${wanted}; no other permission helps. Ask whoever administers it for an exception.`
      : said?.action?.startsWith('sts:') === true
        ? `Allow ${said.action} in the trust policy of the role that is assumed (AWS_ROLE_ARN, or role_arn of the profile), and to who assumes it.`
        : said?.action?.startsWith('kms:') === true || code.startsWith('KMS.')
          ? `Allow ${said === undefined ? 'kms:GenerateDataKey and kms:Decrypt on the key' : wanted} for the role that runs snap-to-s3, in its own policy and in that of the key.`
          : `Allow ${wanted} for the role that runs snap-to-s3; docs/iam-policy.json has the whole policy.`;
  const decode =
    encoded === undefined ? '' : ` AWS's reason: aws sts decode-authorization-message --encoded-message ${encoded}`;
  const whose = isNameless(code)
    ? ' S3 does not say why; whose credentials these are tells: aws sts get-caller-identity'
    : '';
  return { code: 'access-denied', retryable: false, hint: `${hint}${decode}${whose}` };
}

/** The encoded reason that EC2 adds to a denial; undefined where there is none. */
export function encodedMessage(message: string): string | undefined {
  return /Encoded authorization failure message: (?<encoded>\S+)/.exec(message)?.groups?.encoded;
}

function articleOf(noun: string): string {
  return /^[aeiou]/i.test(noun) ? `an ${noun}` : `a ${noun}`;
}

function upperFirst(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
