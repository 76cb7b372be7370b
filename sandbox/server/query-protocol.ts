import type { ServiceRequest } from './service.js';

/** The parameters of one request of AWS's Query protocol, in the order sent. */
export type QueryParameters = ReadonlyMap<string, string>;

/** What a Query request asks for. */
export interface QueryRequest {
  readonly action: string;
  readonly version: string;
  /** All parameters but Action and Version. */
  readonly parameters: QueryParameters;
}

/** More than any real request has; AWS refuses bodies over 1 MB or so as well. */
const largestBodyBytes = 1024 * 1024;

/** Thrown for a request that is no Query request; `reason` is a sentence for the client. */
export class MalformedQuery extends Error {
  override readonly name = 'MalformedQuery';
}

/** Reads the form body (POST) or the query string (GET) of a request. Throws {@link MalformedQuery}. */
export async function readQueryRequest(request: ServiceRequest): Promise<QueryRequest> {
  const text = request.method === 'POST' ? await readBody(request) : request.url.search.slice(1);
  const parameters = new Map(new URLSearchParams(text === '' ? request.url.search.slice(1) : text));
  const action = parameters.get('Action');
  if (action === undefined || action === '') throw new MalformedQuery('The request has no parameter Action.');
  const version = parameters.get('Version') ?? '';
  parameters.delete('Action');
  parameters.delete('Version');
  return { action, version, parameters };
}

async function readBody(request: ServiceRequest): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > largestBodyBytes) throw new MalformedQuery(`The body is larger than ${largestBodyBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
