import type { ServerResponse } from 'node:http';
import { element, xmlDocument } from '../server/xml.js';
import { MalformedQuery, queryAction, readQueryRequest } from '../server/query-protocol.js';
import type { RefusalAnswer, RefusalKind } from '../server/refusal.js';
import { documentOperations } from '../server/service-operation.js';
import type { Service, ServiceRequest } from '../server/service.js';

/** Whose the sandbox is. */
export interface StsServiceOptions {
  readonly accountId: string;
  /** The role of the instance, whose temporary keys begin with ASIA. */
  readonly roleName: string;
  readonly instanceId: string;
}

const namespace = { xmlns: 'https://sts.amazonaws.com/doc/2011-06-15/' };

/** The local STS: GetCallerIdentity. */
export function createStsService(options: StsServiceOptions): Service {
  return {
    signingName: 'sts',
    bodies: 'whole',
    operations: documentOperations(['GetCallerIdentity']),
    operationOf: (request) => (queryAction(request) === 'GetCallerIdentity' ? 'GetCallerIdentity' : undefined),
    handle: async (request, response) => {
      send(response, request, answer(request, options));
      await Promise.resolve();
    },
    refuse: ({ kind, message }, request, response) => {
      const { status, code } = refusals[kind];
      send(response, request, failure(request, status, [code, message]));
    },
    close: () => Promise.resolve(),
  };
}

/** How STS answers a refusal (STS API reference, "Common errors"). */
const refusals: Readonly<Record<RefusalKind, RefusalAnswer>> = {
  unsigned: { status: 403, code: 'MissingAuthenticationToken' },
  'malformed-signature': { status: 400, code: 'IncompleteSignature' },
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

interface Answer {
  readonly status: number;
  readonly body: string;
}

function answer(request: ServiceRequest, options: StsServiceOptions): Answer {
  try {
    const { action } = readQueryRequest(request);
    if (action !== 'GetCallerIdentity') {
      return failure(request, 501, ['NotImplemented', `The sandbox does not implement sts:${action}.`]);
    }
    if (request.accessKeyId === undefined) {
      return failure(request, 403, ['MissingAuthenticationToken', 'Request is missing Authentication Token']);
    }
    return { status: 200, body: callerIdentity(request, request.accessKeyId, options) };
  } catch (error) {
    if (error instanceof MalformedQuery) return failure(request, 400, ['ValidationError', error.message]);
    throw error;
  }
}

function send(response: ServerResponse, { requestId }: ServiceRequest, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'text/xml', 'x-amzn-requestid': requestId }).end(body);
}

function callerIdentity(request: ServiceRequest, accessKeyId: string, options: StsServiceOptions): string {
  const { accountId, roleName, instanceId } = options;
  const isRole = accessKeyId.startsWith('ASIA');
  const [arn, userId] = isRole
    ? [`arn:aws:sts::${accountId}:assumed-role/${roleName}/${instanceId}`, `AROASANDBOXROLE000001:${instanceId}`]
    : [`arn:aws:iam::${accountId}:user/sandbox`, 'AIDASANDBOXUSER000001'];
  const result = [element('Arn', arn), element('UserId', userId), element('Account', accountId)];
  return xmlDocument(
    element(
      'GetCallerIdentityResponse',
      [
        element('GetCallerIdentityResult', result),
        element('ResponseMetadata', [element('RequestId', request.requestId)]),
      ],
      namespace,
    ),
  );
}

function failure(request: ServiceRequest, status: number, [code, message]: readonly [string, string]): Answer {
  const error = [element('Type', 'Sender'), element('Code', code), element('Message', message)];
  return {
    status,
    body: xmlDocument(
      element('ErrorResponse', [element('Error', error), element('RequestId', request.requestId)], namespace),
    ),
  };
}
