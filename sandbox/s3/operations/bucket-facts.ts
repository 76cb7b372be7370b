import type { XmlElement } from '../../server/xml.js';
import { element } from '../../server/xml.js';
import { S3Error, type S3ErrorCode } from '../errors.js';
import { ownerId } from './buckets.js';
import { objectOf, versionHeaders } from './find-object.js';
import { answerXml, bucketOf, namespace, type Operation } from './operation.js';

/**
 * What can be read of a bucket but not be set here: tools ask for it, and the answer is the one of a new bucket on AWS
 * (which since April 2023 has no ACLs and no public access, and encrypts).
 */
function fact(content: XmlElement): Operation {
  return async (request, response, context) => {
    bucketOf(request, context);
    answerXml(response, content);
    await Promise.resolve();
  };
}

/** The same for what a new bucket does not have, which is an error on AWS. */
function missing(code: S3ErrorCode, message: string): Operation {
  return async (request, _response, context) => {
    const { name } = bucketOf(request, context);
    await Promise.reject(new S3Error(code, message, { BucketName: name }));
  };
}

const ownersOnly = element(
  'AccessControlPolicy',
  [
    element('Owner', [element('ID', ownerId)]),
    element('AccessControlList', [
      element('Grant', [
        element('Grantee', [element('ID', ownerId)], {
          'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
          'xsi:type': 'CanonicalUser',
        }),
        element('Permission', 'FULL_CONTROL'),
      ]),
    ]),
  ],
  namespace,
);

/** GetBucketAcl: everything for the owner, as where ACLs are disabled. */
export const getBucketAcl = fact(ownersOnly);

/** GetObjectAcl: the same. */
export const getObjectAcl: Operation = async (request, response, context) => {
  const headers = versionHeaders(bucketOf(request, context), objectOf(request, context));
  answerXml(response, ownersOnly, headers);
  await Promise.resolve();
};

/** GetBucketEncryption: SSE-S3, which every bucket has. */
export const getBucketEncryption = fact(
  element(
    'ServerSideEncryptionConfiguration',
    [
      element('Rule', [
        element('ApplyServerSideEncryptionByDefault', [element('SSEAlgorithm', 'AES256')]),
        element('BucketKeyEnabled', false),
      ]),
    ],
    namespace,
  ),
);

/** GetPublicAccessBlock: all blocked. */
export const getPublicAccessBlock = fact(
  element(
    'PublicAccessBlockConfiguration',
    [
      element('BlockPublicAcls', true),
      element('IgnorePublicAcls', true),
      element('BlockPublicPolicy', true),
      element('RestrictPublicBuckets', true),
    ],
    namespace,
  ),
);

/** GetBucketOwnershipControls: ACLs are disabled. */
export const getBucketOwnershipControls = fact(
  element('OwnershipControls', [element('Rule', [element('ObjectOwnership', 'BucketOwnerEnforced')])], namespace),
);

/** GetBucketRequestPayment. */
export const getBucketRequestPayment = fact(
  element('RequestPaymentConfiguration', [element('Payer', 'BucketOwner')], namespace),
);

/** GetBucketLogging: none. */
export const getBucketLogging = fact(element('BucketLoggingStatus', undefined, namespace));

/** GetBucketNotificationConfiguration: none. */
export const getBucketNotificationConfiguration = fact(element('NotificationConfiguration', undefined, namespace));

/** GetBucketAccelerateConfiguration: never set. */
export const getBucketAccelerateConfiguration = fact(element('AccelerateConfiguration', undefined, namespace));

/** GetBucketPolicy. */
export const getBucketPolicy = missing('NoSuchBucketPolicy', 'The bucket policy does not exist');
/** GetBucketPolicyStatus: only buckets with a policy have one. */
export const getBucketPolicyStatus = getBucketPolicy;
/** GetBucketLifecycleConfiguration. */
export const getBucketLifecycleConfiguration = missing(
  'NoSuchLifecycleConfiguration',
  'The lifecycle configuration does not exist',
);
/** GetBucketTagging. */
export const getBucketTagging = missing('NoSuchTagSet', 'The TagSet does not exist');
/** GetBucketCors. */
export const getBucketCors = missing('NoSuchCORSConfiguration', 'The CORS configuration does not exist');
/** GetBucketWebsite. */
export const getBucketWebsite = missing(
  'NoSuchWebsiteConfiguration',
  'The specified bucket does not have a website configuration',
);
/** GetBucketReplication. */
export const getBucketReplication = missing(
  'ReplicationConfigurationNotFoundError',
  'The replication configuration was not found',
);
