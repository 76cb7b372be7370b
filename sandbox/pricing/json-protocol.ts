import type { ServerResponse } from 'node:http';

/** An answer of a service that speaks JSON 1.1. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Sends an answer. */
export function sendJson(response: ServerResponse, requestId: string, { status, body }: Answer): void {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': requestId };
  response.writeHead(status, headers).end(JSON.stringify(body));
}
