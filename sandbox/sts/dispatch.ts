import type { ServerResponse } from 'node:http';
import { MalformedQuery, readQueryRequest } from '../server/query-protocol.js';
import type { Refusal, RefusalAnswer, RefusalKind } from '../server/refusal.js';
import type { Service, ServiceRequest } from '../server/service.js';
import { element, xmlDocument, type XmlElement } from '../server/xml.js';
import { notImplemented, StsError } from './errors.js';
import { operations, unsignedOperations, type OperationContext } from './operations/index.js';
import { readParameters } from './parameters.js';

const namespace = { xmlns: 'https://sts.amazonaws.com/doc/2011-06-15/' };

/** The one version of the API that there is. */
const apiVersion = '2011-06-15';

/** What operations work on whoever asks. */
export type Account = Pick<OperationContext, 'identities' | 'identityProviders' | 'clock'>;

/** The handler of the STS endpoint: a Query request in, an XML document out, errors included. */
export function dispatcher(account: Account): Service['handle'] {
  return async (request, response) => {
    try {
      send(response, request, { status: 200, body: perform(request, account) });
    } catch (error) {
      if (error instanceof MalformedQuery) fail(response, request, new StsError('ValidationError', error.message));
      else if (error instanceof StsError) fail(response, request, error);
      else throw error;
    }
    await Promise.resolve();
  };
}

/** How STS answers a refusal (STS API reference, "Common errors"). */
const refusals: Readonly<Record<RefusalKind, RefusalAnswer>> = {
  unsigned: { status: 403, code: 'MissingAuthenticationToken' },
  'malformed-signature': { status: 400, code: 'IncompleteSignature' },
  'unsupported-signature': { status: 400, code: 'IncompleteSignature' },
  'unknown-key': { status: 403, code: 'InvalidClientTokenId' },
  'wrong-signature': { status: 403, code: 'SignatureDoesNotMatch' },
  skewed: { status: 403, code: 'SignatureDoesNotMatch' },
  'expired-request': { status: 400, code: 'RequestExpired' },
  'expired-token': { status: 403, code: 'ExpiredToken' },
  'invalid-token': { status: 403, code: 'InvalidClientTokenId' },
  'wrong-payload': { status: 403, code: 'SignatureDoesNotMatch' },
  'access-denied': { status: 403, code: 'AccessDenied' },
  'too-large': { status: 413, code: 'RequestEntityTooLarge' },
  throttled: { status: 400, code: 'Throttling' },
  'internal-error': { status: 500, code: 'InternalFailure' },
  unavailable: { status: 503, code: 'ServiceUnavailable' },
};

/** Answers a request that does not come to its operation, or is refused in it. */
export function refuse({ kind, message }: Refusal, request: ServiceRequest, response: ServerResponse): void {
  const { status, code } = refusals[kind];
  fail(response, request, new StsError(code, message, status));
}

function perform(request: ServiceRequest, account: Account): string {
  const { accessKeyId, caller, region, requestId } = request;
  const { action, version, parameters } = readQueryRequest(request);
  if (version !== apiVersion) {
    throw new StsError('InvalidAction', `Could not find operation ${action} for version ${version}`);
  }
  const operation = operations.get(action);
  if (operation === undefined) throw notImplemented(`sts:${action}`);
  if (accessKeyId === undefined && !unsignedOperations.has(action)) {
    throw new StsError('MissingAuthenticationToken', 'Request is missing Authentication Token', 403);
  }
  const isSession = account.identities.find(accessKeyId ?? '')?.sessionToken !== undefined;
  const result = operation(readParameters(parameters), { ...account, caller, isSession, region });
  return document(`${action}Response`, [
    element(`${action}Result`, result),
    element('ResponseMetadata', [element('RequestId', requestId)]),
  ]);
}

function fail(response: ServerResponse, request: ServiceRequest, { code, message, httpStatus }: StsError): void {
  const type = element('Type', httpStatus >= 500 ? 'Receiver' : 'Sender');
  const error = element('Error', [type, element('Code', code), element('Message', message)]);
  const body = document('ErrorResponse', [error, element('RequestId', request.requestId)]);
  send(response, request, { status: httpStatus, body });
}

function document(name: string, content: readonly XmlElement[]): string {
  return xmlDocument(element(name, content, namespace));
}

function send(
  response: ServerResponse,
  { requestId }: ServiceRequest,
  { status, body }: { readonly status: number; readonly body: string },
): void {
  response.writeHead(status, {
    'content-type': 'text/xml',
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': requestId,
  });
  response.end(body);
}
