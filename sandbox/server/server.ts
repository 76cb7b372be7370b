import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Clock } from '../../src/core/index.js';
import { accountRoot } from './caller.js';
import { readCredentialScope } from './credential-scope.js';
import { FilteredResponse } from './filtered-response.js';
import { runStages, type Stage } from './pipeline.js';
import { Refusal } from './refusal.js';
import type { Service, ServiceRequest } from './service.js';
import { element, xmlDocument } from './xml.js';

/** More than any request of the services that take bodies whole has: a block of EBS direct is 512 KiB. */
const largestWholeBytes = 1024 * 1024;

/** How the local AWS listens. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** The region of requests that nobody signed. */
  readonly defaultRegion: string;
  /** Told of every defect of the sandbox: a service that threw instead of answering. */
  readonly onDefect: (error: unknown) => void;
  /** What the `Date` of every answer goes by. Default: the machine's own. */
  readonly clock?: Clock;
  /** Who calls, until a stage finds out who really does. Default 123456789012. */
  readonly accountId?: string;
  /** What every request passes through before its service, in this order. */
  readonly stages?: readonly Stage[];
  /** How long closing waits for requests that are under way, of the machine's own time. Default 2,000. */
  readonly graceMs?: number;
}

/** A server that answers. */
export interface RunningServer {
  /** `http://127.0.0.1:4599` */
  readonly url: string;
  readonly port: number;
  /** Lets requests that are under way finish for a moment, ends all connections, closes the services. May be repeated. */
  close(): Promise<void>;
}

/**
 * Serves all services on one port, as AWS_ENDPOINT_URL wants it: the service is the one the request was signed for, and
 * S3 where nobody signed. Throws what the port's being taken throws (`EADDRINUSE`).
 */
export async function listen(services: readonly Service[], options: ListenOptions): Promise<RunningServer> {
  const byName = new Map(services.map((service) => [service.signingName, service]));
  const underWay = new Set<Promise<void>>();
  const { clock = systemClock } = options;
  const answer = (request: IncomingMessage, response: FilteredResponse): void => {
    response.setHeader('date', new Date(clock.now()).toUTCString());
    const work = route(byName, options, request, response).catch((error: unknown) => {
      if (hungUp(error, request, response)) return;
      options.onDefect(error);
      answerError(response, { status: 500, code: 'InternalError', message: 'The sandbox has a defect here.' });
    });
    underWay.add(work);
    void work.finally(() => underWay.delete(work));
  };
  const timeouts = { requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 60_000 };
  const server = createServer({ ...timeouts, ServerResponse: FilteredResponse }, answer);
  server.on('checkContinue', (request: IncomingMessage, response: FilteredResponse) => {
    response.writeContinue();
    answer(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await closeConnections(server, underWay, options.graceMs ?? 2_000);
    await Promise.all(services.map((service) => service.close()));
  };
  return { url: `http://${options.host}:${port}`, port, close: () => (closing ??= close()) };
}

async function route(
  services: ReadonlyMap<string, Service>,
  options: ListenOptions,
  request: IncomingMessage,
  response: FilteredResponse,
): Promise<void> {
  // The host may be a bucket (virtual-host style), so it is kept as the client sent it.
  const target = request.url ?? '/';
  const address = `http://${request.headers.host ?? 'localhost'}${target}`;
  if (!target.startsWith('/') || !URL.canParse(address)) {
    request.resume();
    answerError(response, { status: 400, code: 'InvalidURI', message: "Couldn't parse the specified URI." });
    return;
  }
  const url = new URL(address);
  const scope = readCredentialScope(request.headers, url);
  const name = scope?.service ?? (isForm(request) ? formService(services) : undefined) ?? 's3';
  const service = services.get(name);
  if (service === undefined) {
    request.resume();
    const message = `The sandbox has no service ${name}.`;
    answerError(response, { status: 501, code: 'NotImplemented', message });
    return;
  }
  const received: ServiceRequest = {
    method: request.method ?? 'GET',
    target,
    url,
    headers: request.headers,
    body: request,
    content: Buffer.alloc(0),
    region: scope?.region ?? options.defaultRegion,
    accessKeyId: scope?.accessKeyId,
    caller: accountRoot(options.accountId ?? '123456789012'),
    signedChunks: undefined,
    requestId: randomBytes(8).toString('hex').toUpperCase(),
  };
  try {
    const content = service.bodies === 'whole' ? await readWhole(request) : received.content;
    await runStages(options.stages ?? [], { service, request: { ...received, content }, response });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // The rest of a refused body is read and dropped, so that the client gets to see the answer.
    request.resume();
    if (response.headersSent) response.destroy();
    else service.refuse(error, received, response);
  }
}

/** A request of the Query protocol, which S3 has not. */
function isForm({ method, url, headers }: IncomingMessage): boolean {
  const type = headers['content-type'] ?? '';
  return method === 'POST' && url === '/' && type.startsWith('application/x-www-form-urlencoded');
}

/** Who takes forms that nobody signed, and that so do not say for whom they are. */
function formService(services: ReadonlyMap<string, Service>): string | undefined {
  return [...services.values()].find(({ unsignedOperations }) => unsignedOperations !== undefined)?.signingName;
}

async function readWhole(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > largestWholeBytes)
      throw new Refusal('too-large', `The body is larger than ${largestWholeBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A client that went away in the middle is no defect of ours. */
function hungUp(error: unknown, request: IncomingMessage, response: ServerResponse): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const isOfConnection = code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE';
  return isOfConnection && (request.destroyed || response.destroyed);
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

/** Requests under way get the grace; then all connections end, and their handlers get as long again to notice. */
async function closeConnections(
  server: { close(whenClosed: () => void): unknown; closeAllConnections(): void },
  underWay: ReadonlySet<Promise<void>>,
  graceMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await settledWithin(underWay, graceMs);
  server.closeAllConnections();
  await closed;
  await settledWithin(underWay, graceMs);
}

async function settledWithin(work: ReadonlySet<Promise<void>>, ms: number): Promise<void> {
  if (work.size === 0) return;
  const over = new AbortController();
  const timeout = systemClock.sleep(ms, over.signal).catch(() => undefined);
  await Promise.race([Promise.all(work), timeout]);
  over.abort();
}
