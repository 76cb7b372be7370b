import { invalidArgument, notImplemented, type S3Error } from '../errors.js';
import { header, type S3Request } from './request.js';

/** What a copy is made from. */
export interface CopyAddress {
  readonly bucket: string;
  readonly key: string;
  /** Undefined for the current version. */
  readonly versionId: string | undefined;
}

/** Reads `x-amz-copy-source`: `bucket/key[?versionId=…]`, percent-encoded. Throws `InvalidArgument`, `NotImplemented`. */
export function parseCopySource(source: string): CopyAddress {
  const [path = '', query] = source.split('?', 2);
  const found = /^\/?([^/]+)\/(.+)$/s.exec(decode(path));
  if (found === null) throw invalidCopySource('Invalid copy source object key', source);
  const [, bucket = '', key = ''] = found;
  if (bucket.startsWith('arn:')) throw notImplemented('copies from access points');
  const versionId = query === undefined ? undefined : /^versionId=([^&]+)$/.exec(query)?.[1];
  if (query !== undefined && versionId === undefined) throw notImplemented(`copies of ${query}`);
  return { bucket, key, versionId };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidCopySource('Invalid copy source encoding.', text);
  }
}

function invalidCopySource(message: string, value: string): S3Error {
  return invalidArgument('x-amz-copy-source', value, message);
}

/** Whether a copy takes metadata or tags from its source, or from the request. Throws `InvalidArgument`. */
export function directive(
  request: S3Request,
  name: 'x-amz-metadata-directive' | 'x-amz-tagging-directive',
): 'COPY' | 'REPLACE' {
  const value = header(request, name) ?? 'COPY';
  if (value === 'COPY' || value === 'REPLACE') return value;
  throw invalidArgument(name, value, `Unknown ${name.slice('x-amz-'.length)}.`);
}
