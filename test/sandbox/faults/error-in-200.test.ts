import {
  CopyObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { beginUpload, Bucket, completeUpload, get, put, sendPart } from '../s3/support.js';
import { presignedTarget } from '../../support/presigned.js';
import { faultySandbox, onTheWire, type FaultySandbox } from './support.js';

async function keys({ s3 }: FaultySandbox): Promise<readonly (string | undefined)[]> {
  return ((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).map(({ Key }) => Key);
}

async function uploads({ s3 }: FaultySandbox): Promise<number> {
  return (await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads?.length ?? 0;
}

describe('an error in an answer with status 200', () => {
  it('has the head of a success, blanks, and the error', async () => {
    const { url, s3, faults } = await faultySandbox();
    await put(s3, 'source');
    faults.add({ operation: 's3:CopyObject', fault: { kind: 'error-in-200', code: 'SlowDown' } });
    const query = { 'x-amz-copy-source': `/${Bucket}/source` };
    const target = presignedTarget({ method: 'PUT', path: `/${Bucket}/copy`, host: 'localhost', query });
    const head = `PUT ${target} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`;
    const { text } = await onTheWire(url, head);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).toMatch(/\r\ncontent-type: application\/xml\r\n/);
    expect(text).toMatch(
      /<\?xml version="1\.0" encoding="UTF-8"\?>\n +\n<Error><Code>SlowDown<\/Code><Message>[^<]+<\/Message>.*<RequestId>.*<\/Error>\r\n0\r\n\r\n$/,
    );
  });

  it('of CompleteMultipartUpload, undone: the SDK throws, there is no object, and completing again works', async () => {
    const sandbox = await faultySandbox();
    const { s3, faults } = sandbox;
    const fault = faults.add({ operation: 's3:CompleteMultipartUpload', fault: { kind: 'error-in-200' }, times: 1 });
    const upload = { Key: 'key', UploadId: await beginUpload(s3, 'key') };
    const parts = [await sendPart(s3, upload, { PartNumber: 1, Body: 'text' })];
    await expect(completeUpload(s3, upload, parts)).rejects.toMatchObject({
      name: 'InternalError',
      message: 'We encountered an internal error. Please try again.',
    });
    expect([fault.fired, await keys(sandbox), await uploads(sandbox)]).toEqual([1, [], 1]);
    await completeUpload(s3, upload, parts);
    expect((await get(s3, 'key')).toString()).toBe('text');
  });

  it('of CompleteMultipartUpload, done: the SDK throws, and the object is there', async () => {
    const sandbox = await faultySandbox();
    const { s3, faults } = sandbox;
    const fault = faults.add({
      operation: 's3:CompleteMultipartUpload',
      fault: { kind: 'error-in-200', work: 'done' },
      times: 1,
    });
    const upload = { Key: 'key', UploadId: await beginUpload(s3, 'key') };
    const parts = [await sendPart(s3, upload, { PartNumber: 1, Body: 'text' })];
    await expect(completeUpload(s3, upload, parts)).rejects.toMatchObject({ name: 'InternalError' });
    expect([fault.fired, await keys(sandbox), await uploads(sandbox)]).toEqual([1, ['key'], 0]);
    expect((await get(s3, 'key')).toString()).toBe('text');
    // Who asks again learns that it was done.
    expect(await completeUpload(s3, upload, parts)).toMatchObject({ Key: 'key' });
  });

  it.each(['undone', 'done'] as const)('of CopyObject and UploadPartCopy, %s', async (work) => {
    const sandbox = await faultySandbox();
    const { s3, faults } = sandbox;
    await put(s3, 'source');
    const CopySource = `/${Bucket}/source`;
    const upload = { Key: 'upload', UploadId: await beginUpload(s3, 'upload') };
    const fault = faults.add({ operation: 's3:*Copy*', fault: { kind: 'error-in-200', work } });
    await expect(s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource }))).rejects.toMatchObject({
      name: 'InternalError',
    });
    const copyPart = new UploadPartCopyCommand({ Bucket, ...upload, PartNumber: 1, CopySource });
    await expect(s3.send(copyPart)).rejects.toMatchObject({ name: 'InternalError' });
    expect(fault.fired).toBe(2);
    const isDone = work === 'done';
    expect(await keys(sandbox)).toEqual(isDone ? ['copy', 'source'] : ['source']);
    const { Parts = [] } = await s3.send(new ListPartsCommand({ Bucket, ...upload }));
    expect(Parts).toHaveLength(isDone ? 1 : 0);
  });

  it('a request that is refused anyway is refused, does not count, and leaves the fault to the next one', async () => {
    const { s3, faults } = await faultySandbox();
    const fault = faults.add({ operation: 's3:CompleteMultipartUpload', fault: { kind: 'error-in-200' }, times: 1 });
    const upload = { Key: 'key', UploadId: await beginUpload(s3, 'key') };
    const parts = [await sendPart(s3, upload, { PartNumber: 1, Body: 'text' })];
    const wrong = completeUpload(s3, { ...upload, UploadId: 'none' }, parts);
    await expect(wrong).rejects.toMatchObject({ name: 'NoSuchUpload' });
    expect(fault.fired).toBe(0);
    await expect(completeUpload(s3, upload, parts)).rejects.toMatchObject({ name: 'InternalError' });
    expect([fault.met, fault.fired]).toEqual([2, 1]);
  });
});
