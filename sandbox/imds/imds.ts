import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../src/core/index.js';
import type { RoleCredentials } from './credentials.js';
import { lookUp, metadataDocuments, type ImdsInstance } from './metadata.js';
import { newTokens, type Tokens } from './tokens.js';

/** What the instance metadata service needs. */
export interface ImdsOptions {
  readonly instance: ImdsInstance;
  readonly credentials: RoleCredentials;
  readonly clock: Clock;
}

/** An instance metadata service that listens. */
export interface RunningImds {
  /** `http://127.0.0.1:4600`, for `AWS_EC2_METADATA_SERVICE_ENDPOINT`. */
  readonly url: string;
  /** May be repeated. */
  close(): Promise<void>;
}

/** The instance metadata service, version 2 only: every read needs a session token. */
export interface Imds {
  /** Listens on the loopback address; port 0 takes any. Rejects when the port is taken. */
  listen(port: number): Promise<RunningImds>;
}

const tokenPath = '/latest/api/token';
const tokenHeader = 'x-aws-ec2-metadata-token';
const ttlHeader = 'x-aws-ec2-metadata-token-ttl-seconds';

/** Builds the service. SDKs ignore a path in the endpoint, so it has a listener of its own. */
export function createImds(options: ImdsOptions): Imds {
  const tokens = newTokens(options);
  return {
    listen: async (port) => {
      const server = createServer((request, response) => {
        request.resume();
        send(
          response,
          request.method === 'PUT' ? issueToken(request, tokens) : answer(request, { ...options, tokens }),
        );
      });
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      let closed: Promise<void> | undefined;
      return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        close: () =>
          (closed ??= new Promise((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          })),
      };
    },
  };
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function answer(request: IncomingMessage, options: ImdsOptions & { readonly tokens: Tokens }): Reply {
  const { clock, credentials, instance, tokens } = options;
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, body: '' };
  if (!tokens.isValid(headerOf(request, tokenHeader))) return { status: 401, body: '' };
  const path = pathOf(request);
  const documents = metadataDocuments(instance, { credentials, nowMs: clock.now() });
  const found = path.startsWith('/latest/') ? lookUp(documents, path.slice('/latest/'.length)) : undefined;
  return found === undefined ? { status: 404, body: '' } : { status: 200, body: found };
}

function issueToken(request: IncomingMessage, tokens: Tokens): Reply {
  if (pathOf(request) !== tokenPath) return { status: 404, body: '' };
  // A request that came through a proxy did not come from this machine.
  if (request.headers['x-forwarded-for'] !== undefined) return { status: 403, body: '' };
  const issued = tokens.issue(headerOf(request, ttlHeader));
  if (issued === undefined) return { status: 400, body: '' };
  return { status: 200, body: issued.token, headers: { [ttlHeader]: String(issued.ttlSeconds) } };
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').replace(/\?.*$/, '');
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

function send(response: ServerResponse, { status, body, headers }: Reply): void {
  const length = { 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, { 'content-type': 'text/plain', ...length, ...headers });
  response.end(body);
}
