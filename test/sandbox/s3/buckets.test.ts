import { GetObjectCommand, HeadBucketCommand, ListBucketsCommand } from '@aws-sdk/client-s3';
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
