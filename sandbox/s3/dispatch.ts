import {
  copying,
  copyingPart,
  creatingBucket,
  deleting,
  deletingLater,
  goingOn,
  listing,
  listingBuckets,
  onBucket,
  onObject,
  onVersion,
  writing,
  type AccessRule,
} from './access/index.js';
import { notImplemented, S3Error } from './errors.js';
import { header, type S3Request } from './http/request.js';
import * as facts from './operations/bucket-facts.js';
import { abortMultipartUpload, createMultipartUpload, uploadPart } from './operations/multipart.js';
import { completeMultipartUpload } from './operations/complete-multipart.js';
import { copyObject, uploadPartCopy } from './operations/copy.js';
import { createBucket, deleteBucket, getBucketLocation, headBucket, listBuckets } from './operations/buckets.js';
import { deleteObject, deleteObjects } from './operations/delete-objects.js';
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './operations/tagging.js';
import { getBucketVersioning, putBucketVersioning } from './operations/versioning.js';
import { getObject, headObject } from './operations/get-object.js';
import { getObjectAttributes } from './operations/get-object-attributes.js';
import { listMultipartUploads } from './operations/list-uploads.js';
import { listObjectVersions } from './operations/list-object-versions.js';
import { listObjectsV1, listObjectsV2 } from './operations/list-objects.js';
import { listParts } from './operations/list-parts.js';
import * as lock from './operations/lock/index.js';
import type { Operation } from './operations/operation.js';
import { putObject } from './operations/put-object.js';
import { restoreObject } from './operations/restore/index.js';

/** How a request is recognised, what it takes to be allowed, and what answers it. */
export interface Route extends RouteOptions {
  /** The name in S3's API reference. */
  readonly name: string;
  readonly method: string;
  readonly on: 'service' | 'bucket' | 'object';
  /** What IAM must allow before the operation begins. */
  readonly access: AccessRule;
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
const keys = ['prefix', 'delimiter', 'encoding-type'];
const version = ['versionId'];
const copySource = 'x-amz-copy-source';

/** Every operation that the sandbox has. The first that fits answers; the more particular ones come first. */
export const routes: readonly Route[] = [
  route('ListBuckets', 'GET service', { operation: listBuckets, access: listingBuckets }),
  route(
    'ListMultipartUploads',
    'GET bucket',
    { operation: listMultipartUploads, access: onBucket('s3:ListBucketMultipartUploads') },
    { query: { uploads: true }, optional: [...keys, 'max-uploads', 'key-marker', 'upload-id-marker'] },
  ),
  route(
    'GetBucketLocation',
    'GET bucket',
    { operation: getBucketLocation, access: onBucket('s3:GetBucketLocation') },
    { query: { location: true } },
  ),
  route(
    'GetBucketVersioning',
    'GET bucket',
    { operation: getBucketVersioning, access: onBucket('s3:GetBucketVersioning') },
    { query: { versioning: true } },
  ),
  route(
    'PutBucketVersioning',
    'PUT bucket',
    { operation: putBucketVersioning, access: onBucket('s3:PutBucketVersioning') },
    { query: { versioning: true } },
  ),
  route(
    'GetObjectLockConfiguration',
    'GET bucket',
    { operation: lock.getObjectLockConfiguration, access: onBucket('s3:GetBucketObjectLockConfiguration') },
    { query: { 'object-lock': true } },
  ),
  route(
    'PutObjectLockConfiguration',
    'PUT bucket',
    { operation: lock.putObjectLockConfiguration, access: onBucket('s3:PutBucketObjectLockConfiguration') },
    { query: { 'object-lock': true } },
  ),
  route(
    'GetBucketAcl',
    'GET bucket',
    { operation: facts.getBucketAcl, access: onBucket('s3:GetBucketAcl') },
    { query: { acl: true } },
  ),
  route(
    'GetBucketEncryption',
    'GET bucket',
    { operation: facts.getBucketEncryption, access: onBucket('s3:GetEncryptionConfiguration') },
    { query: { encryption: true } },
  ),
  route(
    'GetPublicAccessBlock',
    'GET bucket',
    { operation: facts.getPublicAccessBlock, access: onBucket('s3:GetBucketPublicAccessBlock') },
    { query: { publicAccessBlock: true } },
  ),
  route(
    'GetBucketOwnershipControls',
    'GET bucket',
    { operation: facts.getBucketOwnershipControls, access: onBucket('s3:GetBucketOwnershipControls') },
    { query: { ownershipControls: true } },
  ),
  route(
    'GetBucketRequestPayment',
    'GET bucket',
    { operation: facts.getBucketRequestPayment, access: onBucket('s3:GetBucketRequestPayment') },
    { query: { requestPayment: true } },
  ),
  route(
    'GetBucketLogging',
    'GET bucket',
    { operation: facts.getBucketLogging, access: onBucket('s3:GetBucketLogging') },
    { query: { logging: true } },
  ),
  route(
    'GetBucketNotificationConfiguration',
    'GET bucket',
    { operation: facts.getBucketNotificationConfiguration, access: onBucket('s3:GetBucketNotification') },
    { query: { notification: true } },
  ),
  route(
    'GetBucketAccelerateConfiguration',
    'GET bucket',
    { operation: facts.getBucketAccelerateConfiguration, access: onBucket('s3:GetAccelerateConfiguration') },
    { query: { accelerate: true } },
  ),
  route(
    'GetBucketPolicy',
    'GET bucket',
    { operation: facts.getBucketPolicy, access: onBucket('s3:GetBucketPolicy') },
    { query: { policy: true } },
  ),
  route(
    'GetBucketPolicyStatus',
    'GET bucket',
    { operation: facts.getBucketPolicyStatus, access: onBucket('s3:GetBucketPolicyStatus') },
    { query: { policyStatus: true } },
  ),
  route(
    'GetBucketLifecycleConfiguration',
    'GET bucket',
    { operation: facts.getBucketLifecycleConfiguration, access: onBucket('s3:GetLifecycleConfiguration') },
    { query: { lifecycle: true } },
  ),
  route(
    'GetBucketTagging',
    'GET bucket',
    { operation: facts.getBucketTagging, access: onBucket('s3:GetBucketTagging') },
    { query: { tagging: true } },
  ),
  route(
    'GetBucketCors',
    'GET bucket',
    { operation: facts.getBucketCors, access: onBucket('s3:GetBucketCORS') },
    { query: { cors: true } },
  ),
  route(
    'GetBucketWebsite',
    'GET bucket',
    { operation: facts.getBucketWebsite, access: onBucket('s3:GetBucketWebsite') },
    { query: { website: true } },
  ),
  route(
    'GetBucketReplication',
    'GET bucket',
    { operation: facts.getBucketReplication, access: onBucket('s3:GetReplicationConfiguration') },
    { query: { replication: true } },
  ),
  route(
    'ListObjectVersions',
    'GET bucket',
    { operation: listObjectVersions, access: listing('s3:ListBucketVersions') },
    { query: { versions: true }, optional: [...keys, 'max-keys', 'key-marker', 'version-id-marker'] },
  ),
  route(
    'ListObjectsV2',
    'GET bucket',
    { operation: listObjectsV2, access: listing('s3:ListBucket') },
    {
      query: { 'list-type': '2' },
      optional: [...keys, 'max-keys', 'continuation-token', 'start-after', 'fetch-owner'],
    },
  ),
  route(
    'ListObjects',
    'GET bucket',
    { operation: listObjectsV1, access: listing('s3:ListBucket') },
    { optional: [...keys, 'max-keys', 'marker'] },
  ),
  route('CreateBucket', 'PUT bucket', { operation: createBucket, access: creatingBucket }),
  route('HeadBucket', 'HEAD bucket', { operation: headBucket, access: onBucket('s3:ListBucket') }),
  route('DeleteBucket', 'DELETE bucket', { operation: deleteBucket, access: onBucket('s3:DeleteBucket') }),
  route(
    'DeleteObjects',
    'POST bucket',
    { operation: deleteObjects, access: deletingLater },
    { query: { delete: true } },
  ),
  route(
    'CreateMultipartUpload',
    'POST object',
    { operation: createMultipartUpload, access: writing },
    { query: { uploads: true } },
  ),
  route(
    'CompleteMultipartUpload',
    'POST object',
    { operation: completeMultipartUpload, access: goingOn },
    { query: { uploadId: true } },
  ),
  route(
    'UploadPartCopy',
    'PUT object',
    { operation: uploadPartCopy, access: copyingPart },
    { query: { uploadId: true, partNumber: true }, header: copySource },
  ),
  route(
    'UploadPart',
    'PUT object',
    { operation: uploadPart, access: goingOn },
    { query: { uploadId: true, partNumber: true } },
  ),
  route(
    'AbortMultipartUpload',
    'DELETE object',
    { operation: abortMultipartUpload, access: onObject('s3:AbortMultipartUpload') },
    { query: { uploadId: true } },
  ),
  route(
    'ListParts',
    'GET object',
    { operation: listParts, access: onObject('s3:ListMultipartUploadParts') },
    { query: { uploadId: true }, optional: ['max-parts', 'part-number-marker', 'encoding-type'] },
  ),
  route(
    'RestoreObject',
    'POST object',
    { operation: restoreObject, access: onObject('s3:RestoreObject') },
    { query: { restore: true }, optional: version },
  ),
  route(
    'GetObjectAttributes',
    'GET object',
    { operation: getObjectAttributes, access: onVersion('s3:GetObject', 's3:GetObjectAttributes') },
    { query: { attributes: true }, optional: version },
  ),
  route(
    'GetObjectAcl',
    'GET object',
    { operation: facts.getObjectAcl, access: onVersion('s3:GetObjectAcl') },
    { query: { acl: true }, optional: version },
  ),
  route(
    'GetObjectTagging',
    'GET object',
    { operation: getObjectTagging, access: onVersion('s3:GetObjectTagging') },
    { query: { tagging: true }, optional: version },
  ),
  route(
    'PutObjectTagging',
    'PUT object',
    { operation: putObjectTagging, access: onVersion('s3:PutObjectTagging') },
    { query: { tagging: true }, optional: version },
  ),
  route(
    'DeleteObjectTagging',
    'DELETE object',
    { operation: deleteObjectTagging, access: onVersion('s3:DeleteObjectTagging') },
    { query: { tagging: true }, optional: version },
  ),
  route(
    'GetObjectRetention',
    'GET object',
    { operation: lock.getObjectRetention, access: onObject('s3:GetObjectRetention') },
    { query: { retention: true }, optional: version },
  ),
  route(
    'PutObjectRetention',
    'PUT object',
    { operation: lock.putObjectRetention, access: onObject('s3:PutObjectRetention') },
    { query: { retention: true }, optional: version },
  ),
  route(
    'GetObjectLegalHold',
    'GET object',
    { operation: lock.getObjectLegalHold, access: onObject('s3:GetObjectLegalHold') },
    { query: { 'legal-hold': true }, optional: version },
  ),
  route(
    'PutObjectLegalHold',
    'PUT object',
    { operation: lock.putObjectLegalHold, access: onObject('s3:PutObjectLegalHold') },
    { query: { 'legal-hold': true }, optional: version },
  ),
  route('CopyObject', 'PUT object', { operation: copyObject, access: copying }, { header: copySource }),
  route('PutObject', 'PUT object', { operation: putObject, access: writing }),
  route(
    'GetObject',
    'GET object',
    { operation: getObject, access: onVersion('s3:GetObject') },
    { optional: [...overrides, ...version, 'partNumber'] },
  ),
  route(
    'HeadObject',
    'HEAD object',
    { operation: headObject, access: onVersion('s3:GetObject') },
    { optional: [...overrides, ...version, 'partNumber'] },
  ),
  route('DeleteObject', 'DELETE object', { operation: deleteObject, access: deleting }, { optional: version }),
];

function route(
  name: string,
  target: `${string} ${Route['on']}`,
  work: Pick<Route, 'operation' | 'access'>,
  options: RouteOptions = {},
): Route {
  const [method = '', on = ''] = target.split(' ');
  return { name, method, on: on as Route['on'], ...work, ...options };
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
