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

/** Thrown for a request that is no Query request; `reason` is a sentence for the client. */
export class MalformedQuery extends Error {
  override readonly name = 'MalformedQuery';
}

/** Reads the form body (POST) or the query string (GET) of a request. Throws {@link MalformedQuery}. */
export function readQueryRequest({ method, content, url }: ServiceRequest): QueryRequest {
  const text = method === 'POST' && content.length > 0 ? content.toString('utf8') : url.search.slice(1);
  const parameters = new Map(new URLSearchParams(text));
  const action = parameters.get('Action');
  if (action === undefined || action === '') throw new MalformedQuery('The request has no parameter Action.');
  const version = parameters.get('Version') ?? '';
  parameters.delete('Action');
  parameters.delete('Version');
  return { action, version, parameters };
}

/** The action that a request asks for; undefined for no Query request. */
export function queryAction(request: ServiceRequest): string | undefined {
  try {
    return readQueryRequest(request).action;
  } catch (error) {
    if (error instanceof MalformedQuery) return undefined;
    throw error;
  }
}
