import type { Particulars } from '../server/service.js';
import type { ServiceOperation } from '../server/service-operation.js';
import { longOperations } from './error-in-200.js';
import { S3Error } from './errors.js';
import { parseS3Request } from './http/request.js';
import { routes, type Route } from './routes/index.js';

/** Operations of PUT that answer with a document. */
const documentsOfPut = new Set(['CopyObject', 'UploadPartCopy']);
/** Operations of POST that answer with a head alone. */
const withoutDocument = new Set(['RestoreObject']);
/** Operations of PUT and POST whose requests consist of their head. */
const withoutBody = new Set(['CopyObject', 'UploadPartCopy', 'CreateMultipartUpload']);

/** What faults must know of the operations. */
export const serviceOperations: readonly ServiceOperation[] = routes.map(({ name, method }: Route) => ({
  name,
  takesBody: (method === 'PUT' || method === 'POST') && !withoutBody.has(name),
  givesBody: method === 'GET' || (method === 'POST' && !withoutDocument.has(name)) || documentsOfPut.has(name),
  faults: longOperations.includes(name) ? ['error-in-200'] : [],
}));

/** What requests to S3 can be told apart by. */
export const particulars: Particulars = {
  names: ['bucket', 'key', 'partNumber', 'uploadId'],
  read: (request) => {
    try {
      const { bucket, key, query } = parseS3Request(request);
      return {
        bucket: bucket === undefined ? [] : [bucket],
        key: key === undefined ? [] : [key],
        partNumber: query.getAll('partNumber'),
        uploadId: query.getAll('uploadId'),
      };
    } catch (error) {
      if (error instanceof S3Error) return {};
      throw error;
    }
  },
};
