import { createHash, createHmac } from 'node:crypto';
import { administrator } from '../../sandbox/iam/index.js';

/** What a presigned URL is for. */
export interface Presigned {
  readonly method: string;
  /** `/bucket/key`, of unreserved characters. */
  readonly path: string;
  /** The Host header that the request will have. */
  readonly host: string;
  /** Further parameters, `x-amz-…` headers for instance. */
  readonly query?: Readonly<Record<string, string>>;
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Path and query of a request to S3 that anybody may send for a minute, signed by the administrator of the sandbox. */
export function presignedTarget({ method, path, host, query = {} }: Presigned): string {
  const timestamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${timestamp.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const parameters = Object.entries({
    ...query,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${administrator.accessKeyId}/${scope}`,
    'X-Amz-Date': timestamp,
    'X-Amz-Expires': '60',
    'X-Amz-SignedHeaders': 'host',
  })
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .sort()
    .join('&');
  const canonical = [method, path, parameters, `host:${host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const hash = createHash('sha256').update(canonical).digest('hex');
  const key = scope
    .split('/')
    .reduce<string | Buffer>((previous, word) => hmac(previous, word), `AWS4${administrator.secretAccessKey}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', timestamp, scope, hash].join('\n')).toString('hex');
  return `${path}?${parameters}&X-Amz-Signature=${signature}`;
}

/** The same as a URL of a sandbox. */
export function presignedUrl(sandboxUrl: string, method: string, path: string): string {
  return `${sandboxUrl}${presignedTarget({ method, path, host: new URL(sandboxUrl).host })}`;
}
