import type { ServerResponse } from 'node:http';

/** An answer of the metadata service. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A document or a listing: always text, whatever it holds. */
export function textReply(body: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status: 200, body, headers: { 'content-type': 'text/plain', 'accept-ranges': 'none', ...headers } };
}

const reasons = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  500: 'Internal Server Error',
} as const;

/** A refusal, as a page of HTML; the bytes are those of a 401 that EC2 gave in 2020. */
export function refusal(status: keyof typeof reasons): Reply {
  const title = `${status} - ${reasons[status]}`;
  const body = `<?xml version="1.0" encoding="iso-8859-1"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
\t\t"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
 <head>
  <title>${title}</title>
 </head>
 <body>
  <h1>${title}</h1>
 </body>
</html>`;
  return { status, body, headers: { 'content-type': 'text/html' } };
}

/** The answer to a method that a path does not have; `allow` names those that it has. */
export function notAllowed(allow: string): Reply {
  return { status: 405, body: '', headers: { 'content-type': 'text/plain', allow } };
}

/** Sends a reply; the metadata service ends the connection after each. */
export function sendReply(response: ServerResponse, { status, body, headers }: Reply): void {
  const length = String(Buffer.byteLength(body));
  response.writeHead(status, { ...headers, 'content-length': length, server: 'EC2ws', connection: 'close' }).end(body);
}
