import { notImplemented, S3Error } from './errors.js';
import { header, type S3Request } from './http/request.js';
import { createBucket, deleteBucket, getBucketLocation, headBucket, listBuckets } from './operations/buckets.js';
import { completeMultipartUpload } from './operations/complete-multipart.js';
import { copyObject, uploadPartCopy } from './operations/copy.js';
import { deleteObject, deleteObjects } from './operations/delete-objects.js';
import { getObjectAttributes } from './operations/get-object-attributes.js';
import { getObject, headObject } from './operations/get-object.js';
import { listObjectsV1, listObjectsV2 } from './operations/list-objects.js';
import { listMultipartUploads, listParts } from './operations/list-uploads.js';
import { abortMultipartUpload, createMultipartUpload, uploadPart } from './operations/multipart.js';
import type { Operation } from './operations/operation.js';
import { putObject } from './operations/put-object.js';
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './operations/tagging.js';

/** How a request is recognised, and what answers it. */
export interface Route {
  /** The name in S3's API reference, and of the IAM action. */
  readonly name: string;
  readonly method: string;
  readonly on: 'service' | 'bucket' | 'object';
  /** Query parameters that must be there (with this value, where one is given). */
  readonly query?: Readonly<Record<string, string | true>>;
  /** A header that must be there. */
  readonly header?: string;
  readonly operation: Operation;
}

/** Every operation that the sandbox has. The first that fits answers; those with a query come before those without. */
export const routes: readonly Route[] = [
  { name: 'ListBuckets', method: 'GET', on: 'service', operation: listBuckets },
  {
    name: 'ListMultipartUploads',
    method: 'GET',
    on: 'bucket',
    query: { uploads: true },
    operation: listMultipartUploads,
  },
  { name: 'GetBucketLocation', method: 'GET', on: 'bucket', query: { location: true }, operation: getBucketLocation },
  { name: 'ListObjectsV2', method: 'GET', on: 'bucket', query: { 'list-type': '2' }, operation: listObjectsV2 },
  { name: 'ListObjects', method: 'GET', on: 'bucket', operation: listObjectsV1 },
  { name: 'CreateBucket', method: 'PUT', on: 'bucket', operation: createBucket },
  { name: 'HeadBucket', method: 'HEAD', on: 'bucket', operation: headBucket },
  { name: 'DeleteBucket', method: 'DELETE', on: 'bucket', operation: deleteBucket },
  { name: 'DeleteObjects', method: 'POST', on: 'bucket', query: { delete: true }, operation: deleteObjects },
  {
    name: 'CreateMultipartUpload',
    method: 'POST',
    on: 'object',
    query: { uploads: true },
    operation: createMultipartUpload,
  },
  {
    name: 'CompleteMultipartUpload',
    method: 'POST',
    on: 'object',
    query: { uploadId: true },
    operation: completeMultipartUpload,
  },
  {
    name: 'UploadPartCopy',
    method: 'PUT',
    on: 'object',
    query: { uploadId: true, partNumber: true },
    header: 'x-amz-copy-source',
    operation: uploadPartCopy,
  },
  {
    name: 'UploadPart',
    method: 'PUT',
    on: 'object',
    query: { uploadId: true, partNumber: true },
    operation: uploadPart,
  },
  {
    name: 'AbortMultipartUpload',
    method: 'DELETE',
    on: 'object',
    query: { uploadId: true },
    operation: abortMultipartUpload,
  },
  { name: 'ListParts', method: 'GET', on: 'object', query: { uploadId: true }, operation: listParts },
  { name: 'GetObjectTagging', method: 'GET', on: 'object', query: { tagging: true }, operation: getObjectTagging },
  { name: 'PutObjectTagging', method: 'PUT', on: 'object', query: { tagging: true }, operation: putObjectTagging },
  {
    name: 'DeleteObjectTagging',
    method: 'DELETE',
    on: 'object',
    query: { tagging: true },
    operation: deleteObjectTagging,
  },
  {
    name: 'GetObjectAttributes',
    method: 'GET',
    on: 'object',
    query: { attributes: true },
    operation: getObjectAttributes,
  },
  { name: 'CopyObject', method: 'PUT', on: 'object', header: 'x-amz-copy-source', operation: copyObject },
  { name: 'PutObject', method: 'PUT', on: 'object', operation: putObject },
  { name: 'GetObject', method: 'GET', on: 'object', operation: getObject },
  { name: 'HeadObject', method: 'HEAD', on: 'object', operation: headObject },
  { name: 'DeleteObject', method: 'DELETE', on: 'object', operation: deleteObject },
];

/** Query parameters that belong to an operation or say nothing about which one is meant. */
const ordinaryParameters =
  /^(?:x-id|list-type|prefix|delimiter|max-keys|encoding-type|continuation-token|start-after|fetch-owner|marker|uploads|uploadId|partNumber|part-number-marker|max-parts|max-uploads|key-marker|upload-id-marker|location|delete|tagging|attributes|response-[a-z-]+|x-amz-.*|max-buckets)$/i;

/** Finds the operation for a request. Throws `NotImplemented`, naming what is not there, and `MethodNotAllowed`. */
export function findRoute(request: S3Request): Route {
  const on = request.bucket === undefined ? 'service' : request.key === undefined ? 'bucket' : 'object';
  const unknown = [...request.query.keys()].find((name) => !ordinaryParameters.test(name));
  if (unknown !== undefined) throw notImplemented(`${request.method} with ?${unknown}`);
  const route = routes.find(
    (candidate) =>
      candidate.method === request.method &&
      candidate.on === on &&
      (candidate.header === undefined || header(request, candidate.header) !== undefined) &&
      Object.entries(candidate.query ?? {}).every(([name, value]) => {
        const given = request.query.get(name);
        return given !== null && (value === true || given === value);
      }),
  );
  if (route !== undefined) return route;
  throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    Method: request.method,
    ResourceType: on.toUpperCase(),
  });
}
