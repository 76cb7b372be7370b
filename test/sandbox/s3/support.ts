import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  type CompletedPart,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';

/** The bucket that every S3 sandbox begins with. */
export const Bucket = 'bucket';
export const MiB = 1024 ** 2;

/** What an SDK error must look like. */
export const failsWith = (name: string, status: number) => ({
  name,
  $metadata: expect.objectContaining({ httpStatusCode: status }),
});

/** PutObject. */
export const put = (client: S3Client, Key: string, { Body = 'x', ...more }: Partial<PutObjectCommandInput> = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

/** The bytes of an object. */
export async function get(client: S3Client, Key: string): Promise<Buffer> {
  const answer = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
}

/** Begins a multipart upload with a CRC-32. */
export async function beginUpload(
  client: S3Client,
  Key: string,
  ChecksumType: 'FULL_OBJECT' | 'COMPOSITE' = 'FULL_OBJECT',
): Promise<string> {
  const command = { Bucket, Key, ChecksumAlgorithm: 'CRC32', ChecksumType } as const;
  return (await client.send(new CreateMultipartUploadCommand(command))).UploadId ?? '';
}

/** Sends one part. */
export async function sendPart(
  client: S3Client,
  upload: { readonly Key: string; readonly UploadId: string },
  { PartNumber, Body }: { readonly PartNumber: number; readonly Body: Buffer | string },
): Promise<CompletedPart> {
  const sent = await client.send(new UploadPartCommand({ Bucket, ...upload, PartNumber, Body }));
  return { PartNumber, ETag: sent.ETag, ChecksumCRC32: sent.ChecksumCRC32 };
}

/** CompleteMultipartUpload. */
export const completeUpload = (
  client: S3Client,
  upload: { readonly Key: string; readonly UploadId: string },
  Parts: CompletedPart[],
) => client.send(new CompleteMultipartUploadCommand({ Bucket, ...upload, MultipartUpload: { Parts } }));

/** Uploads an object in parts. */
export async function putInParts(
  client: S3Client,
  object: { readonly Key: string; readonly ChecksumType?: 'FULL_OBJECT' | 'COMPOSITE' },
  bodies: readonly Buffer[],
): Promise<void> {
  const { Key, ChecksumType } = object;
  const upload = { Key, UploadId: await beginUpload(client, Key, ChecksumType) };
  const parts: CompletedPart[] = [];
  for (const [index, Body] of bodies.entries()) {
    parts.push(await sendPart(client, upload, { PartNumber: index + 1, Body }));
  }
  await completeUpload(client, upload, parts);
}

/** Status and S3 error code of a plain HTTP request. */
export async function statusAndCode(
  url: string,
  init: RequestInit = {},
): Promise<readonly [number, string | undefined]> {
  const answer = await fetch(url, init);
  return [answer.status, /<Code>(.*?)<\/Code>/.exec(await answer.text())?.[1]];
}
