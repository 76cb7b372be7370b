import type { IncomingHttpHeaders } from 'node:http';

/** Who signed a request, for which region and service (SigV4, "Credential scope"). */
export interface CredentialScope {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
}

/** Reads the scope from the Authorization header or from the query of a presigned URL; undefined where nobody signed. */
export function readCredentialScope(headers: IncomingHttpHeaders, url: URL): CredentialScope | undefined {
  const fromHeader = /^AWS4-HMAC-SHA256 .*?Credential=([^,\s]+)/.exec(headers.authorization ?? '')?.[1];
  const credential = fromHeader ?? url.searchParams.get('X-Amz-Credential') ?? undefined;
  const parts = credential?.split('/');
  if (parts?.length !== 5 || parts[4] !== 'aws4_request') return undefined;
  const [accessKeyId = '', , region = '', service = ''] = parts;
  return { accessKeyId, region, service };
}
