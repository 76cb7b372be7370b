import type { IncomingHttpHeaders } from 'node:http';

/** What goes into a canonical request. */
export interface CanonicalParts {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly signedHeaders: readonly string[];
  /** The hash of the body, or what stands for it: `UNSIGNED-PAYLOAD`. */
  readonly payloadHash: string;
  /** S3 encodes the path once and keeps it as it is; all others normalise it and encode it twice. */
  readonly isS3: boolean;
}

/** The text that both sides hash (IAM user guide, "Create a signed AWS API request", step 1). */
export function canonicalRequest(parts: CanonicalParts): string {
  const [path = '/', ...query] = parts.target.split('?');
  return [
    parts.method,
    parts.isS3 ? encodePath(decode(path)) : encodePath(withoutDots(path)),
    canonicalQuery(query.join('?')),
    ...parts.signedHeaders.map((name) => `${name}:${canonicalValue(parts.headers[name])}`),
    '',
    parts.signedHeaders.join(';'),
    parts.payloadHash,
  ].join('\n');
}

/** Names and values decoded, encoded anew, and in the order of their bytes; the signature itself is not part of it. */
function canonicalQuery(query: string): string {
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=');
      const [name, value] = equals === -1 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
      return { name: encode(decode(name)), value: encode(decode(value)) };
    })
    .filter(({ name }) => name !== 'X-Amz-Signature')
    .sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value))
    .map(({ name, value }) => `${name}=${value}`)
    .join('&');
}

function canonicalValue(value: string | readonly string[] | undefined): string {
  const values = typeof value === 'string' ? [value] : (value ?? []);
  return values.map((one) => one.trim().replace(/ +/g, ' ')).join(',');
}

function withoutDots(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '.' && segment !== '') kept.push(segment);
  }
  const end = path.length > 1 && path.endsWith('/') && kept.length > 0 ? '/' : '';
  return `/${kept.join('/')}${end}`;
}

function encodePath(path: string): string {
  return path.split('/').map(encode).join('/');
}

/** Percent-encodes everything but the unreserved characters of RFC 3986. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}`,
  );
}

/** What is no valid percent-encoding is taken as it is: the service will refuse it by its own rules. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
