import { copying, copyingPart, deleting, goingOn, onObject, onVersion, writing } from '../access/index.js';
import * as facts from '../operations/bucket-facts.js';
import { abortMultipartUpload, createMultipartUpload, uploadPart } from '../operations/multipart.js';
import { completeMultipartUpload } from '../operations/complete-multipart.js';
import { copyObject, uploadPartCopy } from '../operations/copy.js';
import { deleteObject } from '../operations/delete-objects.js';
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from '../operations/tagging.js';
import { getObject, headObject } from '../operations/get-object.js';
import { getObjectAttributes } from '../operations/get-object-attributes.js';
import { listParts } from '../operations/list-parts.js';
import * as lock from '../operations/lock/index.js';
import { putObject } from '../operations/put-object.js';
import { restoreObject } from '../operations/restore/index.js';
import { route, type Route } from './route.js';

const overrides = [
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
];
const version = ['versionId'];
const copySource = 'x-amz-copy-source';

/** Operations on objects. The first that fits answers; the more particular ones come first. */
export const objectRoutes: readonly Route[] = [
  route('CreateMultipartUpload', 'POST object?uploads', { access: writing, operation: createMultipartUpload }),
  route('CompleteMultipartUpload', 'POST object?uploadId', { access: goingOn, operation: completeMultipartUpload }),
  route('UploadPartCopy', 'PUT object?uploadId&partNumber', {
    access: copyingPart,
    operation: uploadPartCopy,
    header: copySource,
  }),
  route('UploadPart', 'PUT object?uploadId&partNumber', { access: goingOn, operation: uploadPart }),
  route('AbortMultipartUpload', 'DELETE object?uploadId', {
    access: onObject('s3:AbortMultipartUpload'),
    operation: abortMultipartUpload,
  }),
  route('ListParts', 'GET object?uploadId', {
    access: onObject('s3:ListMultipartUploadParts'),
    operation: listParts,
    optional: ['max-parts', 'part-number-marker', 'encoding-type'],
  }),
  route('RestoreObject', 'POST object?restore', {
    access: onObject('s3:RestoreObject'),
    operation: restoreObject,
    optional: version,
  }),
  route('GetObjectAttributes', 'GET object?attributes', {
    access: onVersion('s3:GetObject', 's3:GetObjectAttributes'),
    operation: getObjectAttributes,
    optional: version,
  }),
  route('GetObjectAcl', 'GET object?acl', {
    access: onVersion('s3:GetObjectAcl'),
    operation: facts.getObjectAcl,
    optional: version,
  }),
  route('GetObjectTagging', 'GET object?tagging', {
    access: onVersion('s3:GetObjectTagging'),
    operation: getObjectTagging,
    optional: version,
  }),
  route('PutObjectTagging', 'PUT object?tagging', {
    access: onVersion('s3:PutObjectTagging'),
    operation: putObjectTagging,
    optional: version,
  }),
  route('DeleteObjectTagging', 'DELETE object?tagging', {
    access: onVersion('s3:DeleteObjectTagging'),
    operation: deleteObjectTagging,
    optional: version,
  }),
  route('GetObjectRetention', 'GET object?retention', {
    access: onObject('s3:GetObjectRetention'),
    operation: lock.getObjectRetention,
    optional: version,
  }),
  route('PutObjectRetention', 'PUT object?retention', {
    access: onObject('s3:PutObjectRetention'),
    operation: lock.putObjectRetention,
    optional: version,
  }),
  route('GetObjectLegalHold', 'GET object?legal-hold', {
    access: onObject('s3:GetObjectLegalHold'),
    operation: lock.getObjectLegalHold,
    optional: version,
  }),
  route('PutObjectLegalHold', 'PUT object?legal-hold', {
    access: onObject('s3:PutObjectLegalHold'),
    operation: lock.putObjectLegalHold,
    optional: version,
  }),
  route('CopyObject', 'PUT object', { access: copying, operation: copyObject, header: copySource }),
  route('PutObject', 'PUT object', { access: writing, operation: putObject }),
  route('GetObject', 'GET object', {
    access: onVersion('s3:GetObject'),
    operation: getObject,
    optional: [...overrides, ...version, 'partNumber'],
  }),
  route('HeadObject', 'HEAD object', {
    access: onVersion('s3:GetObject'),
    operation: headObject,
    optional: [...overrides, ...version, 'partNumber'],
  }),
  route('DeleteObject', 'DELETE object', { access: deleting, operation: deleteObject, optional: version }),
];
