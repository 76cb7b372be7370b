import type { IncomingHttpHeaders } from 'node:http';
import { Refusal } from '../server/refusal.js';

/** What a request says of its own signature; nothing of it is proven yet. */
export interface Claim {
  readonly kind: 'header' | 'presigned';
  readonly accessKeyId: string;
  /** `20261123/us-east-1/s3/aws4_request` */
  readonly scope: string;
  /** `20261123`, `us-east-1`, `s3` */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** Lower case, in the order given. */
  readonly signedHeaders: readonly string[];
  /** 64 hexadecimal digits. */
  readonly signature: string;
  /** `20261123T045700Z`, and the same as milliseconds since 1970. */
  readonly timestamp: string;
  readonly signedAtMs: number;
  /** How long a presigned URL is good for. */
  readonly expiresInSeconds: number | undefined;
  readonly sessionToken: string | undefined;
}

const algorithm = 'AWS4-HMAC-SHA256';
/** A presigned URL is good for a week at most (S3 API reference, "Authenticating requests: query parameters"). */
const longestPresignedSeconds = 604_800;

/** What is signed: the fields of a request that bear a signature. */
export interface Signed {
  readonly headers: IncomingHttpHeaders;
  readonly url: URL;
}

/**
 * Reads the claim of a request from its Authorization header or its query; undefined where nobody signed.
 * Throws a Refusal: `unsupported-signature` for other ways to sign, `malformed-signature` for what cannot be read.
 */
export function readClaim({ headers, url }: Signed): Claim | undefined {
  const { authorization } = headers;
  const query = lowerCaseNames(url.searchParams);
  if (authorization !== undefined && query.has('x-amz-signature')) {
    throw malformed(
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
    );
  }
  if (authorization !== undefined) return claimOfHeader(authorization, headers);
  if (query.has('x-amz-algorithm') || query.has('x-amz-signature')) return claimOfQuery(query);
  if (query.has('signature') && query.has('awsaccesskeyid')) throw unsupported();
  return undefined;
}

function claimOfHeader(authorization: string, headers: IncomingHttpHeaders): Claim {
  const [name = '', ...rest] = authorization.trim().split(/\s+/);
  if (name !== algorithm) throw unsupported();
  const fields = new Map(
    rest
      .join('')
      .split(',')
      .map((field) => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]),
  );
  const sentAt = single(headers['x-amz-date']) ?? single(headers.date);
  if (sentAt === undefined) {
    throw new Refusal('access-denied', 'AWS authentication requires a valid Date or x-amz-date header');
  }
  return {
    kind: 'header',
    ...credential(fields.get('Credential')),
    ...signature(fields.get('SignedHeaders'), fields.get('Signature')),
    ...time(sentAt),
    expiresInSeconds: undefined,
    sessionToken: single(headers['x-amz-security-token']),
  };
}

function claimOfQuery(query: ReadonlyMap<string, string>): Claim {
  if (query.get('x-amz-algorithm') !== algorithm) throw unsupported();
  const expires = query.get('x-amz-expires') ?? '';
  const expiresInSeconds = /^\d{1,9}$/.test(expires) ? Number(expires) : Number.NaN;
  if (!(expiresInSeconds >= 1 && expiresInSeconds <= longestPresignedSeconds)) {
    throw malformed(`X-Amz-Expires must be a number of seconds from 1 to ${longestPresignedSeconds}`);
  }
  return {
    kind: 'presigned',
    ...credential(query.get('x-amz-credential')),
    ...signature(query.get('x-amz-signedheaders'), query.get('x-amz-signature')),
    ...time(query.get('x-amz-date') ?? ''),
    expiresInSeconds,
    sessionToken: query.get('x-amz-security-token'),
  };
}

function credential(text: string | undefined): Pick<Claim, 'accessKeyId' | 'scope' | 'date' | 'region' | 'service'> {
  const parts = text?.split('/') ?? [];
  const [accessKeyId = '', date = '', region = '', service = '', end] = parts;
  if (parts.length !== 5 || end !== 'aws4_request' || !/^\d{8}$/.test(date)) {
    throw malformed(
      `The authorization header is malformed; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`,
    );
  }
  return { accessKeyId, scope: parts.slice(1).join('/'), date, region, service };
}

function signature(names: string | undefined, value: string | undefined): Pick<Claim, 'signedHeaders' | 'signature'> {
  const signedHeaders = (names ?? '')
    .toLowerCase()
    .split(';')
    .filter((name) => name !== '');
  if (!signedHeaders.includes('host')) throw malformed('Host must be one of the SignedHeaders.');
  if (value === undefined || !/^[0-9a-f]{64}$/.test(value)) throw malformed('The signature has the wrong form.');
  return { signedHeaders, signature: value };
}

/** ISO 8601 basic as SDKs send it, or the date of HTTP. */
function time(text: string): Pick<Claim, 'timestamp' | 'signedAtMs'> {
  const basic = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  const [, year = '', month = '', day = '', hour = '', minute = '', second = ''] = basic ?? [];
  const ms = Date.parse(basic === null ? text : `${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(ms)) {
    throw new Refusal('access-denied', 'AWS authentication requires a valid Date or x-amz-date header');
  }
  const timestamp = new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
  return { timestamp, signedAtMs: ms };
}

function lowerCaseNames(query: URLSearchParams): ReadonlyMap<string, string> {
  return new Map(Array.from(query, ([name, value]) => [name.toLowerCase(), value]));
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

function malformed(message: string): Refusal {
  return new Refusal('malformed-signature', message);
}

function unsupported(): Refusal {
  return new Refusal(
    'unsupported-signature',
    `The authorization mechanism you have provided is not supported. Please use ${algorithm}.`,
  );
}
