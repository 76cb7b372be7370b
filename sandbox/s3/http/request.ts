import type { ServiceRequest } from '../../server/service.js';
import type { ChecksumAlgorithm } from '../checksums/index.js';
import { S3Error } from '../errors.js';

/** A request to S3 with bucket and key told apart. */
export interface S3Request extends ServiceRequest {
  /** Undefined for ListBuckets. */
  readonly bucket: string | undefined;
  /** Undefined for requests to a bucket. */
  readonly key: string | undefined;
  /** Path as the client sent it, for error answers. */
  readonly resource: string;
  readonly query: URLSearchParams;
}

/** Hosts behind which a bucket may stand: `bucket.localhost`, `bucket.s3.localhost`, `bucket.s3.us-east-1.localhost`, … */
const virtualHost = /^(?<bucket>.+?)\.(?:s3(?:[.-][a-z0-9-]+)?\.)?(?:localhost|127\.0\.0\.1|amazonaws\.com)$/;
/** The longest key, in bytes of UTF-8 (S3 user guide, "Naming Amazon S3 objects"). */
const longestKeyBytes = 1024;

/** Tells bucket and key of a request, in path style or virtual-host style. Throws `InvalidArgument`, `KeyTooLongError`. */
export function parseS3Request(request: ServiceRequest): S3Request {
  const rawPath = request.target.split('?', 1)[0] ?? '/';
  const hostBucket = bucketOfHost(request.url.hostname);
  const path = decode(rawPath.replace(/^\//, ''));
  const slash = path.indexOf('/');
  const [bucket, key] =
    hostBucket !== undefined
      ? [hostBucket, path]
      : slash === -1
        ? [path, '']
        : [path.slice(0, slash), path.slice(slash + 1)];
  if (Buffer.byteLength(key) > longestKeyBytes) {
    throw new S3Error('KeyTooLongError', 'Your key is too long', { MaxSizeAllowed: String(longestKeyBytes) });
  }
  return {
    ...request,
    headers: withQueryHeaders(request),
    bucket: bucket === '' ? undefined : bucket,
    key: key === '' ? undefined : key,
    resource: rawPath,
    query: request.url.searchParams,
  };
}

/** Parameters of a presigned URL that are about the signature; all other x-amz-… in the query stand for headers. */
const ofSignature = /^x-amz-(?:algorithm|credential|date|expires|signedheaders|signature|security-token)$/;

/** Presigned URLs carry headers in the query (S3 API reference, "Authenticating requests: query parameters"). */
function withQueryHeaders({ headers, url }: ServiceRequest): ServiceRequest['headers'] {
  const hoisted: Record<string, string> = {};
  for (const [name, value] of url.searchParams) {
    const lower = name.toLowerCase();
    if (lower.startsWith('x-amz-') && !ofSignature.test(lower)) hoisted[lower] = value;
  }
  return Object.keys(hoisted).length === 0 ? headers : { ...hoisted, ...headers };
}

function bucketOfHost(host: string): string | undefined {
  if (/^(?:s3(?:[.-][a-z0-9-]+)?\.)?(?:localhost|127\.0\.0\.1|amazonaws\.com)$/.test(host)) return undefined;
  return virtualHost.exec(host)?.groups?.bucket;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new S3Error('InvalidArgument', 'The path is not valid percent-encoded UTF-8.');
  }
}

/** A header with one value; undefined where it was not sent. */
export function header(request: ServiceRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** A whole number in the query. Throws `InvalidArgument`. */
export function queryNumber(request: S3Request, name: string, range: { min: number; max: number }): number | undefined {
  const text = request.query.get(name);
  if (text === null || text === '') return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= range.min && value <= range.max) return value;
  throw new S3Error('InvalidArgument', `${name} must be a whole number from ${range.min} to ${range.max}.`, {
    ArgumentName: name,
    ArgumentValue: text,
  });
}

/** `x-amz-checksum-crc32`, … */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}
