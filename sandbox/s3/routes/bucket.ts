import { creatingBucket, deletingLater, listing, listingBuckets, onBucket } from '../access/index.js';
import * as facts from '../operations/bucket-facts.js';
import { createBucket, deleteBucket, getBucketLocation, headBucket, listBuckets } from '../operations/buckets.js';
import { deleteObjects } from '../operations/delete-objects.js';
import { getBucketVersioning, putBucketVersioning } from '../operations/versioning.js';
import { listMultipartUploads } from '../operations/list-uploads.js';
import { listObjectVersions } from '../operations/list-object-versions.js';
import { listObjectsV1, listObjectsV2 } from '../operations/list-objects.js';
import * as lock from '../operations/lock/index.js';
import { route, type Route } from './route.js';

const keys = ['prefix', 'delimiter', 'encoding-type'];

/** Operations on buckets and on all of them. The first that fits answers; the more particular ones come first. */
export const bucketRoutes: readonly Route[] = [
  route('ListBuckets', 'GET service', { access: listingBuckets, operation: listBuckets }),
  route('ListMultipartUploads', 'GET bucket?uploads', {
    access: onBucket('s3:ListBucketMultipartUploads'),
    operation: listMultipartUploads,
    optional: [...keys, 'max-uploads', 'key-marker', 'upload-id-marker'],
  }),
  route('GetBucketLocation', 'GET bucket?location', {
    access: onBucket('s3:GetBucketLocation'),
    operation: getBucketLocation,
  }),
  route('GetBucketVersioning', 'GET bucket?versioning', {
    access: onBucket('s3:GetBucketVersioning'),
    operation: getBucketVersioning,
  }),
  route('PutBucketVersioning', 'PUT bucket?versioning', {
    access: onBucket('s3:PutBucketVersioning'),
    operation: putBucketVersioning,
  }),
  route('GetObjectLockConfiguration', 'GET bucket?object-lock', {
    access: onBucket('s3:GetBucketObjectLockConfiguration'),
    operation: lock.getObjectLockConfiguration,
  }),
  route('PutObjectLockConfiguration', 'PUT bucket?object-lock', {
    access: onBucket('s3:PutBucketObjectLockConfiguration'),
    operation: lock.putObjectLockConfiguration,
  }),
  route('GetBucketAcl', 'GET bucket?acl', { access: onBucket('s3:GetBucketAcl'), operation: facts.getBucketAcl }),
  route('GetBucketEncryption', 'GET bucket?encryption', {
    access: onBucket('s3:GetEncryptionConfiguration'),
    operation: facts.getBucketEncryption,
  }),
  route('GetPublicAccessBlock', 'GET bucket?publicAccessBlock', {
    access: onBucket('s3:GetBucketPublicAccessBlock'),
    operation: facts.getPublicAccessBlock,
  }),
  route('GetBucketOwnershipControls', 'GET bucket?ownershipControls', {
    access: onBucket('s3:GetBucketOwnershipControls'),
    operation: facts.getBucketOwnershipControls,
  }),
  route('GetBucketRequestPayment', 'GET bucket?requestPayment', {
    access: onBucket('s3:GetBucketRequestPayment'),
    operation: facts.getBucketRequestPayment,
  }),
  route('GetBucketLogging', 'GET bucket?logging', {
    access: onBucket('s3:GetBucketLogging'),
    operation: facts.getBucketLogging,
  }),
  route('GetBucketNotificationConfiguration', 'GET bucket?notification', {
    access: onBucket('s3:GetBucketNotification'),
    operation: facts.getBucketNotificationConfiguration,
  }),
  route('GetBucketAccelerateConfiguration', 'GET bucket?accelerate', {
    access: onBucket('s3:GetAccelerateConfiguration'),
    operation: facts.getBucketAccelerateConfiguration,
  }),
  route('GetBucketPolicy', 'GET bucket?policy', {
    access: onBucket('s3:GetBucketPolicy'),
    operation: facts.getBucketPolicy,
  }),
  route('GetBucketPolicyStatus', 'GET bucket?policyStatus', {
    access: onBucket('s3:GetBucketPolicyStatus'),
    operation: facts.getBucketPolicyStatus,
  }),
  route('GetBucketLifecycleConfiguration', 'GET bucket?lifecycle', {
    access: onBucket('s3:GetLifecycleConfiguration'),
    operation: facts.getBucketLifecycleConfiguration,
  }),
  route('GetBucketTagging', 'GET bucket?tagging', {
    access: onBucket('s3:GetBucketTagging'),
    operation: facts.getBucketTagging,
  }),
  route('GetBucketCors', 'GET bucket?cors', { access: onBucket('s3:GetBucketCORS'), operation: facts.getBucketCors }),
  route('GetBucketWebsite', 'GET bucket?website', {
    access: onBucket('s3:GetBucketWebsite'),
    operation: facts.getBucketWebsite,
  }),
  route('GetBucketReplication', 'GET bucket?replication', {
    access: onBucket('s3:GetReplicationConfiguration'),
    operation: facts.getBucketReplication,
  }),
  route('ListObjectVersions', 'GET bucket?versions', {
    access: listing('s3:ListBucketVersions'),
    operation: listObjectVersions,
    optional: [...keys, 'max-keys', 'key-marker', 'version-id-marker'],
  }),
  route('ListObjectsV2', 'GET bucket?list-type=2', {
    access: listing('s3:ListBucket'),
    operation: listObjectsV2,
    optional: [...keys, 'max-keys', 'continuation-token', 'start-after', 'fetch-owner'],
  }),
  route('ListObjects', 'GET bucket', {
    access: listing('s3:ListBucket'),
    operation: listObjectsV1,
    optional: [...keys, 'max-keys', 'marker'],
  }),
  route('CreateBucket', 'PUT bucket', { access: creatingBucket, operation: createBucket }),
  route('HeadBucket', 'HEAD bucket', { access: onBucket('s3:ListBucket'), operation: headBucket }),
  route('DeleteBucket', 'DELETE bucket', { access: onBucket('s3:DeleteBucket'), operation: deleteBucket }),
  route('DeleteObjects', 'POST bucket?delete', { access: deletingLater, operation: deleteObjects }),
];
