import type { ServerResponse } from 'node:http';
import { MalformedQuery, readQueryRequest, type QueryRequest } from '../server/query-protocol.js';
import type { Refusal, RefusalAnswer, RefusalKind } from '../server/refusal.js';
import type { Service, ServiceRequest } from '../server/service.js';
import { Ec2Error, notImplemented, regionNotEnabled } from './errors.js';
import { operations, type OperationContext } from './operations/index.js';
import { isEnabled } from './places.js';
import { answerDocument, errorDocument } from './query/index.js';
import { performUnderFault } from './under-fault.js';
import { newVisibility } from './visibility.js';

/** The handler of the EC2 endpoint: a Query request in, an XML document out, errors included. */
export function dispatcher(contextOf: (request: ServiceRequest) => OperationContext): Service['handle'] {
  const visibility = newVisibility();
  return async (request, response) => {
    const { requestId, fault } = request;
    try {
      const { action, parameters } = readQuery(request);
      if (!isEnabled(request.region)) throw regionNotEnabled();
      const perform = operations.get(action);
      if (perform === undefined) throw notImplemented(`the action ${action}`);
      const answer = await performUnderFault({ action, perform, parameters }, contextOf(request), {
        fault,
        visibility,
      });
      send(response, { status: 200, requestId, xml: answerDocument(action, { requestId, ...answer }) });
    } catch (error) {
      if (!(error instanceof Ec2Error)) throw error;
      const { code, message, httpStatus } = error;
      send(response, { status: httpStatus, requestId, xml: errorDocument({ code, message, requestId }) });
    }
  };
}

/** How EC2 answers a refusal (EC2 API reference, "Error codes"). */
const refusals: Readonly<Record<RefusalKind, RefusalAnswer>> = {
  unsigned: { status: 400, code: 'MissingAuthenticationToken' },
  'malformed-signature': { status: 400, code: 'IncompleteSignature' },
  'unsupported-signature': { status: 401, code: 'AuthFailure' },
  'unknown-key': { status: 401, code: 'AuthFailure' },
  'wrong-signature': { status: 403, code: 'SignatureDoesNotMatch' },
  skewed: { status: 400, code: 'RequestExpired' },
  'expired-request': { status: 400, code: 'RequestExpired' },
  'expired-token': { status: 400, code: 'RequestExpired' },
  'invalid-token': { status: 401, code: 'AuthFailure' },
  'wrong-payload': { status: 403, code: 'SignatureDoesNotMatch' },
  'access-denied': { status: 403, code: 'UnauthorizedOperation' },
  'too-large': { status: 400, code: 'MalformedQueryString' },
  throttled: { status: 503, code: 'RequestLimitExceeded' },
  'internal-error': { status: 500, code: 'InternalError' },
  unavailable: { status: 503, code: 'Unavailable' },
};

/** Answers a request that does not come to its operation. */
export function refuse(refusal: Refusal, { requestId }: ServiceRequest, response: ServerResponse): void {
  const { status, code } = refusals[refusal.kind];
  const begin = refusal.kind === 'access-denied' ? 'You are not authorized to perform this operation. ' : '';
  const message = `${begin}${refusal.message}`;
  send(response, { status, requestId, xml: errorDocument({ code, message, requestId }) });
}

function readQuery(request: ServiceRequest): QueryRequest {
  try {
    return readQueryRequest(request);
  } catch (error) {
    if (error instanceof MalformedQuery) throw new Ec2Error('MalformedQueryString', error.message);
    throw error;
  }
}

function send(
  response: ServerResponse,
  { status, requestId, xml }: { readonly status: number; readonly requestId: string; readonly xml: string },
): void {
  response.writeHead(status, {
    'content-type': 'text/xml;charset=UTF-8',
    'content-length': Buffer.byteLength(xml),
    'x-amzn-requestid': requestId,
    server: 'AmazonEC2',
  });
  response.end(xml);
}
