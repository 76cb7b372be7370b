import type { ServerResponse } from 'node:http';
import type { Clock } from '../../src/core/index.js';
import type { Service, ServiceRequest } from '../server/service.js';
import { findRoute } from './dispatch.js';
import { errorDocument, hostId, refused, S3Error } from './errors.js';
import { parseS3Request } from './http/request.js';
import { screen } from './screen.js';
import { openStore } from './state/index.js';

/** What the local S3 needs. */
export interface S3ServiceOptions {
  /** Where objects live; made if it is not there. */
  readonly directory: string;
  readonly clock: Clock;
  /** Whose the buckets are, for x-amz-expected-bucket-owner. Default 123456789012. */
  readonly accountId?: string;
}

/** Opens the local S3 on a state directory. */
export async function createS3Service(options: S3ServiceOptions): Promise<Service> {
  const { directory, clock, accountId = '123456789012' } = options;
  const store = await openStore(directory);
  return {
    signingName: 's3',
    bodies: 'streamed',
    operationOf,
    handle: async (request, response) => {
      introduce(request, response);
      try {
        const s3Request = parseS3Request(request);
        const route = findRoute(s3Request);
        screen(s3Request, { accountId });
        await route.operation(s3Request, response, { store, clock, region: request.region });
      } catch (error) {
        if (!(error instanceof S3Error)) throw error;
        answerError(error, request, response);
      }
    },
    refuse: (refusal, request, response) => {
      introduce(request, response);
      answerError(refused(refusal), request, response);
    },
    close: () => store.bodies.close(),
  };
}

function operationOf(request: ServiceRequest): string | undefined {
  try {
    return findRoute(parseS3Request(request)).name;
  } catch (error) {
    if (error instanceof S3Error) return undefined;
    throw error;
  }
}

function introduce({ requestId }: ServiceRequest, response: ServerResponse): void {
  response.setHeader('server', 'AmazonS3');
  response.setHeader('x-amz-request-id', requestId);
  response.setHeader('x-amz-id-2', hostId(requestId));
}

function answerError(error: S3Error, request: ServiceRequest, response: ServerResponse): void {
  // The rest of a refused body is read and dropped, so that the client gets to see the answer.
  request.body.resume();
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (request.method === 'HEAD' || error.status === 304) {
    response.writeHead(error.status, error.headers).end();
    return;
  }
  const body = errorDocument(error, request.url.pathname, request.requestId);
  response.writeHead(error.status, {
    ...error.headers,
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
