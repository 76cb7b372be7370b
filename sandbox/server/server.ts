import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readCredentialScope } from './credential-scope.js';
import type { Service } from './service.js';
import { element, xmlDocument } from './xml.js';

/** How the local AWS listens. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** The region of requests that nobody signed. */
  readonly defaultRegion: string;
  /** Told of every defect of the sandbox: a service that threw instead of answering. */
  readonly onDefect: (error: unknown) => void;
}

/** A server that answers. */
export interface RunningServer {
  /** `http://127.0.0.1:4599` */
  readonly url: string;
  readonly port: number;
  /** Ends all connections and closes the services. May be repeated. */
  close(): Promise<void>;
}

/**
 * Serves all services on one port, as AWS_ENDPOINT_URL wants it: the service is the one the request was signed for, and
 * S3 where nobody signed. Throws what the port's being taken throws (`EADDRINUSE`).
 */
export async function listen(services: readonly Service[], options: ListenOptions): Promise<RunningServer> {
  const byName = new Map(services.map((service) => [service.signingName, service]));
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    route(byName, options, request, response).catch((error: unknown) => {
      options.onDefect(error);
      answerError(response, { status: 500, code: 'InternalError', message: 'The sandbox has a defect here.' });
    });
  };
  const server = createServer({ requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 60_000 }, answer);
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    response.writeContinue();
    answer(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${options.host}:${port}`,
    port,
    close: () => (closing ??= closeAll(server, services)),
  };
}

async function route(
  services: ReadonlyMap<string, Service>,
  options: ListenOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // The host may be a bucket (virtual-host style), so it is kept as the client sent it.
  const target = request.url ?? '/';
  const url = new URL(`http://${request.headers.host ?? 'localhost'}${target}`);
  const scope = readCredentialScope(request.headers, url);
  const name = scope?.service ?? 's3';
  const service = services.get(name);
  if (service === undefined) {
    request.resume();
    const message = `The sandbox has no service ${name}.`;
    answerError(response, { status: 501, code: 'NotImplemented', message });
    return;
  }
  await service.handle(
    {
      method: request.method ?? 'GET',
      target,
      url,
      headers: request.headers,
      body: request,
      region: scope?.region ?? options.defaultRegion,
      accessKeyId: scope?.accessKeyId,
      requestId: randomBytes(8).toString('hex').toUpperCase(),
    },
    response,
  );
}

function answerError(
  response: ServerResponse,
  { status, code, message }: { readonly status: number; readonly code: string; readonly message: string },
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = xmlDocument(element('Error', [element('Code', code), element('Message', message)]));
  response.writeHead(status, { 'content-type': 'application/xml' }).end(body);
}

async function closeAll(server: Server, services: readonly Service[]): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
  await Promise.all(services.map((service) => service.close()));
}
