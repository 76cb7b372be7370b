import { element, xmlDocument } from '../server/xml.js';
import { MalformedQuery, readQueryRequest } from '../server/query-protocol.js';
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
    handle: async (request, response) => {
      const { status, body } = await answer(request, options);
      response.writeHead(status, { 'content-type': 'text/xml', 'x-amzn-requestid': request.requestId }).end(body);
    },
    close: () => Promise.resolve(),
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function answer(request: ServiceRequest, options: StsServiceOptions): Promise<Answer> {
  try {
    const { action } = await readQueryRequest(request);
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
