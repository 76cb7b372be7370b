import {
  GetBucketAccelerateConfigurationCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLoggingCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetBucketReplicationCommand,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  GetBucketWebsiteCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListBucketsCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { Bucket, failsWith, useSandbox } from './support.js';

const s3 = useSandbox();

describe('buckets', () => {
  it('are found, listed, and missed', async () => {
    await s3.client.send(new HeadBucketCommand({ Bucket }));
    expect((await s3.client.send(new ListBucketsCommand({}))).Buckets?.map((one) => one.Name)).toEqual(['bucket']);
    await expect(s3.client.send(new HeadBucketCommand({ Bucket: 'missing' }))).rejects.toMatchObject(
      failsWith('NotFound', 404),
    );
    await expect(s3.client.send(new GetObjectCommand({ Bucket: 'missing', Key: 'k' }))).rejects.toMatchObject(
      failsWith('NoSuchBucket', 404),
    );
  });
});

describe('what is asked of a bucket and was never set', () => {
  it('is answered as of a new bucket', async () => {
    const { client } = s3;
    const { Owner, Grants } = await client.send(new GetBucketAclCommand({ Bucket }));
    expect(Grants).toEqual([{ Grantee: { ID: Owner?.ID, Type: 'CanonicalUser' }, Permission: 'FULL_CONTROL' }]);
    await s3.put('k', 'x');
    expect((await client.send(new GetObjectAclCommand({ Bucket, Key: 'k' }))).Grants).toEqual(Grants);
    const encryption = await client.send(new GetBucketEncryptionCommand({ Bucket }));
    expect(encryption.ServerSideEncryptionConfiguration?.Rules).toMatchObject([
      { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } },
    ]);
    const { PublicAccessBlockConfiguration } = await client.send(new GetPublicAccessBlockCommand({ Bucket }));
    expect(PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    });
    const ownership = await client.send(new GetBucketOwnershipControlsCommand({ Bucket }));
    expect(ownership.OwnershipControls?.Rules).toEqual([{ ObjectOwnership: 'BucketOwnerEnforced' }]);
    expect((await client.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer).toBe('BucketOwner');
    expect((await client.send(new GetBucketLoggingCommand({ Bucket }))).LoggingEnabled).toBeUndefined();
    expect((await client.send(new GetBucketAccelerateConfigurationCommand({ Bucket }))).Status).toBeUndefined();
    const notification = await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    expect(notification.QueueConfigurations).toBeUndefined();
  });

  it.each([
    ['NoSuchBucketPolicy', () => s3.client.send(new GetBucketPolicyCommand({ Bucket }))],
    ['NoSuchBucketPolicy', () => s3.client.send(new GetBucketPolicyStatusCommand({ Bucket }))],
    ['NoSuchLifecycleConfiguration', () => s3.client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))],
    ['NoSuchTagSet', () => s3.client.send(new GetBucketTaggingCommand({ Bucket }))],
    ['NoSuchCORSConfiguration', () => s3.client.send(new GetBucketCorsCommand({ Bucket }))],
    ['NoSuchWebsiteConfiguration', () => s3.client.send(new GetBucketWebsiteCommand({ Bucket }))],
    ['ReplicationConfigurationNotFoundError', () => s3.client.send(new GetBucketReplicationCommand({ Bucket }))],
  ] as const)('is the error %s', async (code, request) => {
    await expect(request()).rejects.toMatchObject(failsWith(code, 404));
  });
});
