import { notImplemented, S3Error } from './errors.js';
import { header, type S3Request } from './http/request.js';
import { abortMultipartUpload, createMultipartUpload, uploadPart } from './operations/multipart.js';
import { completeMultipartUpload } from './operations/complete-multipart.js';
import { copyObject, uploadPartCopy } from './operations/copy.js';
import { createBucket, deleteBucket, getBucketLocation, headBucket, listBuckets } from './operations/buckets.js';
import { deleteObject, deleteObjects } from './operations/delete-objects.js';
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './operations/tagging.js';
import { getObject, headObject } from './operations/get-object.js';
import { getObjectAttributes } from './operations/get-object-attributes.js';
import { listMultipartUploads, listParts } from './operations/list-uploads.js';
import { listObjectsV1, listObjectsV2 } from './operations/list-objects.js';
import type { Operation } from './operations/operation.js';
import { putObject } from './operations/put-object.js';

/** How a request is recognised, and what answers it. */
export interface Route extends RouteOptions {
  /** The name in S3's API reference, and of the IAM action. */
  readonly name: string;
  readonly method: string;
  readonly on: 'service' | 'bucket' | 'object';
  readonly operation: Operation;
}

interface RouteOptions {
  /** Query parameters that must be there (with this value, where one is given). */
  readonly query?: Readonly<Record<string, string | true>>;
  /** A header that must be there. */
  readonly header?: string;
  /** Query parameters that may be there. Any other one makes the request something that the sandbox does not have. */
  readonly optional?: readonly string[];
}

const overrides = [
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
];
const listing = ['prefix', 'delimiter', 'max-keys', 'encoding-type'];
const copySource = 'x-amz-copy-source';

/** Every operation that the sandbox has. The first that fits answers; the more particular ones come first. */
export const routes: readonly Route[] = [
  route('ListBuckets', 'GET service', listBuckets),
  route('ListMultipartUploads', 'GET bucket', listMultipartUploads, {
    query: { uploads: true },
    optional: ['prefix', 'max-uploads', 'key-marker', 'upload-id-marker', 'encoding-type'],
  }),
  route('GetBucketLocation', 'GET bucket', getBucketLocation, { query: { location: true } }),
  route('ListObjectsV2', 'GET bucket', listObjectsV2, {
    query: { 'list-type': '2' },
    optional: [...listing, 'continuation-token', 'start-after', 'fetch-owner'],
  }),
  route('ListObjects', 'GET bucket', listObjectsV1, { optional: [...listing, 'marker'] }),
  route('CreateBucket', 'PUT bucket', createBucket),
  route('HeadBucket', 'HEAD bucket', headBucket),
  route('DeleteBucket', 'DELETE bucket', deleteBucket),
  route('DeleteObjects', 'POST bucket', deleteObjects, { query: { delete: true } }),
  route('CreateMultipartUpload', 'POST object', createMultipartUpload, { query: { uploads: true } }),
  route('CompleteMultipartUpload', 'POST object', completeMultipartUpload, { query: { uploadId: true } }),
  route('UploadPartCopy', 'PUT object', uploadPartCopy, {
    query: { uploadId: true, partNumber: true },
    header: copySource,
  }),
  route('UploadPart', 'PUT object', uploadPart, { query: { uploadId: true, partNumber: true } }),
  route('AbortMultipartUpload', 'DELETE object', abortMultipartUpload, { query: { uploadId: true } }),
  route('ListParts', 'GET object', listParts, {
    query: { uploadId: true },
    optional: ['max-parts', 'part-number-marker', 'encoding-type'],
  }),
  route('GetObjectAttributes', 'GET object', getObjectAttributes, { query: { attributes: true } }),
  route('GetObjectTagging', 'GET object', getObjectTagging, { query: { tagging: true } }),
  route('PutObjectTagging', 'PUT object', putObjectTagging, { query: { tagging: true } }),
  route('DeleteObjectTagging', 'DELETE object', deleteObjectTagging, { query: { tagging: true } }),
  route('CopyObject', 'PUT object', copyObject, { header: copySource }),
  route('PutObject', 'PUT object', putObject),
  route('GetObject', 'GET object', getObject, { optional: [...overrides, 'partNumber'] }),
  route('HeadObject', 'HEAD object', headObject, { optional: [...overrides, 'partNumber'] }),
  route('DeleteObject', 'DELETE object', deleteObject),
];

function route(
  name: string,
  target: `${string} ${Route['on']}`,
  operation: Operation,
  options: RouteOptions = {},
): Route {
  const [method = '', on = ''] = target.split(' ');
  return { name, method, on: on as Route['on'], operation, ...options };
}

/** Parameters that any request may have: the name SDKs repeat there, and what presigned URLs carry. */
const ordinary = /^(?:x-id|x-amz-.*)$/i;

/** Finds the operation for a request. Throws `NotImplemented`, naming what is not there, and `MethodNotAllowed`. */
export function findRoute(request: S3Request): Route {
  const on = request.bucket === undefined ? 'service' : request.key === undefined ? 'bucket' : 'object';
  const parameters = Array.from(request.query.keys()).filter((name) => !ordinary.test(name));
  const found = routes.find((one) => one.method === request.method && one.on === on && fits(one, request));
  const known = [...Object.keys(found?.query ?? {}), ...(found?.optional ?? [])];
  const unknown = parameters.find((name) => !known.includes(name));
  if (unknown !== undefined) throw notImplemented(`${request.method} ${on} with ?${unknown}`);
  if (found !== undefined) return found;
  if (request.method === 'POST') throw notImplemented('uploads from HTML forms (POST Object)');
  throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    Method: request.method,
    ResourceType: on.toUpperCase(),
  });
}

function fits(candidate: Route, request: S3Request): boolean {
  if (candidate.header !== undefined && header(request, candidate.header) === undefined) return false;
  return Object.entries(candidate.query ?? {}).every(([name, value]) => {
    const given = request.query.get(name);
    return given !== null && (value === true || given === value);
  });
}
