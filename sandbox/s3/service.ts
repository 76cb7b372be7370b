import type { ServerResponse } from 'node:http';
import type { Clock } from '../../src/core/index.js';
import type { Service, ServiceRequest } from '../server/service.js';
import { findRoute } from './dispatch.js';
import { answerErrorIn200, ErrorIn200 } from './error-in-200.js';
import { errorDocument, hostId, refused, S3Error } from './errors.js';
import { parseS3Request, type S3Request } from './http/request.js';
import { bucketOf, type OperationContext } from './operations/operation.js';
import type { Route } from './routes/index.js';
import { particulars, serviceOperations } from './service-operations.js';
import { screen } from './screen.js';
import { openStore } from './state/index.js';

/** What the local S3 needs. */
export interface S3ServiceOptions {
  /** Where objects live; made if it is not there. */
  readonly directory: string;
  readonly clock: Clock;
  /** Whose the buckets are, for x-amz-expected-bucket-owner. Default 123456789012. */
  readonly accountId?: string;
  /** How many times faster than on AWS archived objects are restored, and restored copies expire. Default 1. */
  readonly archiveSpeed?: number;
}

/** Opens the local S3 on a state directory. */
export async function createS3Service(options: S3ServiceOptions): Promise<Service> {
  const { directory, clock, accountId = '123456789012', archiveSpeed = 1 } = options;
  const store = await openStore(directory);
  return {
    signingName: 's3',
    bodies: 'streamed',
    operations: serviceOperations,
    particulars,
    operationOf,
    handle: async (request, response) => {
      introduce(request, response);
      try {
        const s3Request = parseS3Request(request);
        const route = findRoute(s3Request);
        screen(s3Request, { accountId });
        const context = { store, clock, region: request.region, archiveSpeed };
        authorize(route, s3Request, context);
        await route.operation(s3Request, response, context);
      } catch (error) {
        if (error instanceof ErrorIn200) answerErrorIn200(error, request, response);
        else if (error instanceof S3Error) answerError(error, request, response);
        else throw error;
      }
    },
    refuse: (refusal, request, response) => {
      introduce(request, response);
      answerError(refused(refusal), request, response);
    },
    close: () => store.bodies.close(),
  };
}

/**
 * Asks the caller's policies for everything that the request takes. That a bucket is not there S3 tells everybody, before
 * it asks. Throws `NoSuchBucket`, {@link Refusal}.
 */
function authorize(route: Route, request: S3Request, context: OperationContext): void {
  if (request.bucket !== undefined && route.name !== 'CreateBucket') bucketOf(request, context);
  for (const access of route.access(request, context)) request.caller.authorize(access);
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
