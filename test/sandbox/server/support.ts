import { request, type IncomingHttpHeaders } from 'node:http';
import type { Service } from '../../../sandbox/server/service.js';
import { listen, type ListenOptions, type RunningServer } from '../../../sandbox/server/server.js';

/** A server with services for a test, and what it took for defects. */
export interface TestServer extends AsyncDisposable {
  readonly server: RunningServer;
  readonly defects: readonly unknown[];
}

/** Starts one on a free port. */
export async function testServer(
  services: readonly Service[],
  options: Partial<ListenOptions> = {},
): Promise<TestServer> {
  const defects: unknown[] = [];
  const server = await listen(services, {
    host: '127.0.0.1',
    port: 0,
    defaultRegion: 'us-east-1',
    onDefect: (error) => defects.push(error),
    ...options,
  });
  return { server, defects, [Symbol.asyncDispose]: () => server.close() };
}

/** A service that does with each request what it is told, and tells when it was closed. */
export function service(
  signingName: string,
  handle: Service['handle'],
  { onClose = () => undefined, bodies = 'streamed' }: { onClose?: () => void; bodies?: Service['bodies'] } = {},
): Service {
  const close = (): Promise<void> => {
    onClose();
    return Promise.resolve();
  };
  return {
    signingName,
    bodies,
    operations: [],
    operationOf: () => undefined,
    handle,
    refuse: ({ kind, message }, _request, response) => void response.writeHead(403).end(`${kind}: ${message}`),
    close,
  };
}

/** The header of a request that was signed for a service. */
export function signedFor(name: string, region = 'eu-west-1'): Record<string, string> {
  const scope = `AKIATEST/20260101/${region}/${name}/aws4_request`;
  return { authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=00` };
}

/** An answer, as far as the tests want it. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Whether the server said "100 Continue" before. */
  readonly continued: boolean;
}

/** Sends a request that `fetch` would not send, its path exactly as given. With `Expect: 100-continue` the body waits for the leave to come. */
export function raw(
  url: string,
  options: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string } = {},
): Promise<RawAnswer> {
  const { method = 'GET', headers = {}, body = '' } = options;
  return new Promise((resolve, reject) => {
    let continued = false;
    const path = url.replace(/^\w+:\/\/[^/]+/, '') || '/';
    const sent = request(new URL(url).origin, { path, method, headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text, continued }),
      );
    });
    sent.on('error', reject);
    if (headers.expect === undefined) sent.end(body);
    else {
      sent.on('continue', () => {
        continued = true;
        sent.end(body);
      });
      sent.flushHeaders();
    }
  });
}
