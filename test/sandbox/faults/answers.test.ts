import { DescribeVolumesCommand } from '@aws-sdk/client-ec2';
import { HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { Bucket, failsWith, get, put } from '../s3/support.js';
import { faultySandbox } from './support.js';

describe('a fault in place of an answer', () => {
  it.each([
    ['throttled', 'SlowDown', 503],
    ['internal-error', 'InternalError', 500],
    ['unavailable', 'ServiceUnavailable', 503],
    ['expired-token', 'ExpiredToken', 400],
  ] as const)('s3: %s -> %s (%i), and nothing is done', async (kind, code, status) => {
    const { s3, faults } = await faultySandbox();
    const fault = faults.add({ operation: 's3:PutObject', fault: { kind }, times: 1 });
    await expect(put(s3, 'key')).rejects.toMatchObject(failsWith(code, status));
    expect(fault.fired).toBe(1);
    expect((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
    await put(s3, 'key', { Body: 'second' });
    expect((await get(s3, 'key')).toString()).toBe('second');
    expect(fault.fired).toBe(1);
  });

  it.each([
    ['throttled', 'RequestLimitExceeded', 503],
    ['internal-error', 'InternalError', 500],
    ['unavailable', 'Unavailable', 503],
    ['expired-token', 'RequestExpired', 400],
  ] as const)('ec2: %s -> %s (%i)', async (kind, code, status) => {
    const { ec2, faults } = await faultySandbox();
    const fault = faults.add({ operation: 'ec2:DescribeVolumes', fault: { kind }, times: 1 });
    await expect(ec2.send(new DescribeVolumesCommand({}))).rejects.toMatchObject(failsWith(code, status));
    expect((await ec2.send(new DescribeVolumesCommand({}))).Volumes).toHaveLength(1);
    expect(fault.fired).toBe(1);
  });

  it('an answer without a body (HEAD) has the status', async () => {
    const { s3, faults } = await faultySandbox();
    const fault = faults.add({ operation: 's3:HeadObject', fault: { kind: 'throttled' } });
    const head = s3.send(new HeadObjectCommand({ Bucket, Key: 'key' }));
    await expect(head).rejects.toMatchObject({ $metadata: { httpStatusCode: 503 } });
    expect(fault.fired).toBe(1);
  });

  it('the body of a refused upload is taken, so that the connection can be used again', async () => {
    const { s3, faults } = await faultySandbox();
    faults.add({ operation: 's3:PutObject', fault: { kind: 'throttled' }, times: 1 });
    await expect(put(s3, 'key', { Body: Buffer.alloc(4 * 1024 ** 2) })).rejects.toMatchObject({ name: 'SlowDown' });
    await put(s3, 'key', { Body: Buffer.alloc(4 * 1024 ** 2) });
    expect(await get(s3, 'key')).toHaveLength(4 * 1024 ** 2);
  });
});
