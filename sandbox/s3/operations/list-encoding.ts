import { S3Error } from '../errors.js';

/** How keys are written in a listing: as they are, or percent-encoded (`encoding-type=url`). Throws `InvalidArgument`. */
export function writerOf(query: URLSearchParams): (text: string) => string {
  const encoding = query.get('encoding-type');
  if (encoding === null) return (text) => text;
  if (encoding === 'url') return urlEncoded;
  throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request', {
    ArgumentName: 'encoding-type',
    ArgumentValue: encoding,
  });
}

function urlEncoded(text: string): string {
  return encodeURIComponent(text).replace(/%2F/g, '/').replace(/%20/g, '+');
}
