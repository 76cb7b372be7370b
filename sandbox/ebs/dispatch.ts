import type { ServerResponse } from 'node:http';
import { sendJson } from '../server/json-protocol.js';
import type { Refusal, RefusalAnswer, RefusalKind } from '../server/refusal.js';
import type { Service, ServiceRequest } from '../server/service.js';
import { EbsError, unknownOperation, unreadable } from './errors.js';
import type { Lifecycle } from './lifecycle/index.js';
import { routes, type OperationAnswer, type Route } from './operations/index.js';

/** The operation that a request asks for; undefined where there is none. */
export function routeOf({ method, url }: ServiceRequest): Route | undefined {
  return routes.find((route) => route.method === method && route.pattern.test(url.pathname));
}

/** The handler of the endpoint: REST-JSON in and out, errors included. */
export function dispatcher(lifecycle: Lifecycle): Service['handle'] {
  return async (request, response) => {
    try {
      const route = routeOf(request);
      if (route === undefined) throw unknownOperation();
      lifecycle.rates.admitAccount(request.region, route.rate);
      const path = pathMembers(route, request.url.pathname);
      send(response, request, await route.operation({ request, path, lifecycle }));
    } catch (error) {
      if (!(error instanceof EbsError)) throw error;
      sendError(response, request, error);
    }
  };
}

/** How EBS direct answers a refusal ("Error retries for EBS direct APIs", and the common errors of AWS's JSON protocols). */
const refusals: Readonly<Record<RefusalKind, RefusalAnswer>> = {
  unsigned: { status: 403, code: 'MissingAuthenticationTokenException' },
  'malformed-signature': { status: 400, code: 'IncompleteSignatureException' },
  'unsupported-signature': { status: 403, code: 'IncompleteSignatureException' },
  'unknown-key': { status: 403, code: 'UnrecognizedClientException' },
  'wrong-signature': { status: 403, code: 'InvalidSignatureException' },
  skewed: { status: 403, code: 'InvalidSignatureException' },
  'expired-request': { status: 403, code: 'InvalidSignatureException' },
  'expired-token': { status: 403, code: 'ExpiredTokenException' },
  'invalid-token': { status: 403, code: 'UnrecognizedClientException' },
  'wrong-payload': { status: 403, code: 'InvalidSignatureException' },
  'access-denied': { status: 403, code: 'AccessDeniedException' },
  'too-large': { status: 413, code: 'RequestEntityTooLargeException' },
  throttled: { status: 400, code: 'ThrottlingException' },
  'internal-error': { status: 500, code: 'InternalServerException' },
  unavailable: { status: 503, code: 'ServiceUnavailableException' },
};

/** Answers a request that does not come to its operation. */
export function refuse({ kind, message }: Refusal, request: ServiceRequest, response: ServerResponse): void {
  const { status, code } = refusals[kind];
  const denied = kind === 'access-denied';
  const ofService = denied || kind === 'internal-error';
  const error = new EbsError(code, message, {
    status,
    origin: ofService ? 'service' : kind === 'throttled' ? 'availability' : 'framework',
    ...(denied ? { reason: 'UNAUTHORIZED_ACCOUNT' } : {}),
  });
  sendError(response, request, error);
}

function pathMembers({ pattern }: Route, path: string): Readonly<Record<string, string>> {
  try {
    const groups = Object.entries(pattern.exec(path)?.groups ?? {});
    return Object.fromEntries(groups.map(([member, value]) => [member, decodeURIComponent(value)]));
  } catch {
    throw unreadable('The path is not in UTF-8.');
  }
}

function send(response: ServerResponse, { requestId }: ServiceRequest, answer: OperationAnswer): void {
  const { status, headers = {}, body } = answer;
  if (!Buffer.isBuffer(body)) {
    sendJson(response, { status, requestId, headers, body });
    return;
  }
  response.writeHead(status, {
    'x-amzn-requestid': requestId,
    ...headers,
    'content-type': 'application/octet-stream',
    'content-length': body.length,
  });
  response.end(body);
}

function sendError(response: ServerResponse, { requestId }: ServiceRequest, error: EbsError): void {
  const { message, origin, reason, status, type } = error;
  const body =
    origin === 'service' ? { Message: message, ...(reason === undefined ? {} : { Reason: reason }) } : { message };
  sendJson(response, { status, requestId, headers: { 'x-amzn-errortype': type }, body });
}
