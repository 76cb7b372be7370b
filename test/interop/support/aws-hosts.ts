import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy that clients take for the way to AWS. */
export interface AwsHosts extends AsyncDisposable {
  readonly url: string;
  /** The hosts that were asked for, each once. */
  readonly hosts: ReadonlySet<string>;
}

/**
 * Leads every host name to the sandbox, as an HTTP proxy: so clients can use AWS's own names with a bucket in front, which
 * some cannot be told not to do.
 */
export async function awsHosts(sandboxUrl: string): Promise<AwsHosts> {
  const hosts = new Set<string>();
  const { hostname, port } = new URL(sandboxUrl);
  const pass = (request: IncomingMessage, response: ServerResponse): void => {
    const target = request.url ?? '';
    const { origin, host } = new URL(target);
    hosts.add(host);
    const { method, headers } = request;
    const onward = send({ hostname, port, method, path: target.slice(origin.length), headers, agent: false });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.rawHeaders);
      answer.on('error', () => response.destroy()).pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.on('error', () => onward.destroy()).pipe(onward);
  };
  const server = createServer(pass);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hosts,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
