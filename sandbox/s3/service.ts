import type { ServerResponse } from 'node:http';
import type { Clock } from '../../src/core/index.js';
import type { Service, ServiceRequest } from '../server/service.js';
import { findRoute } from './dispatch.js';
import { errorDocument, hostId, S3Error } from './errors.js';
import { parseS3Request } from './http/request.js';
import { openStore } from './state/index.js';

/** What the local S3 needs. */
export interface S3ServiceOptions {
  /** Where objects live; made if it is not there. */
  readonly directory: string;
  readonly clock: Clock;
}

/** Opens the local S3 on a state directory. */
export async function createS3Service(options: S3ServiceOptions): Promise<Service> {
  const store = await openStore(options.directory);
  return {
    signingName: 's3',
    handle: async (request, response) => {
      response.setHeader('server', 'AmazonS3');
      response.setHeader('x-amz-request-id', request.requestId);
      response.setHeader('x-amz-id-2', hostId(request.requestId));
      try {
        const s3Request = parseS3Request(request);
        const context = { store, clock: options.clock, region: request.region };
        await findRoute(s3Request).operation(s3Request, response, context);
      } catch (error) {
        if (!(error instanceof S3Error)) throw error;
        answerError(error, request, response);
      }
    },
    close: () => Promise.resolve(),
  };
}

function answerError(error: S3Error, request: ServiceRequest, response: ServerResponse): void {
  // The rest of a refused body is read and dropped, so that the client gets to see the answer.
  request.body.resume();
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (request.method === 'HEAD' || error.status === 304) {
    response.writeHead(error.status).end();
    return;
  }
  const body = errorDocument(error, request.url.pathname, request.requestId);
  const headers: Record<string, string | number> = {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(body),
  };
  if (error.code === 'InvalidRange') headers['content-range'] = `bytes */${error.fields.ActualObjectSize ?? '*'}`;
  response.writeHead(error.status, headers).end(body);
}
