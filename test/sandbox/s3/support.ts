import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  type CompletedPart,
  type CompleteMultipartUploadCommandInput,
  type CreateMultipartUploadCommandInput,
  type GetObjectCommandInput,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { s3Sandbox, type S3Sandbox, type S3SandboxOptions } from '../../support/s3-sandbox.js';

/** The bucket that every S3 sandbox begins with. */
export const Bucket = 'bucket';
export const MiB = 1024 ** 2;

/** What an SDK error must look like. */
export const failsWith = (name: string, status: number) => ({
  name,
  $metadata: expect.objectContaining({ httpStatusCode: status }),
});

/** One sandbox for all tests of a file. */
export interface SharedSandbox {
  readonly url: string;
  readonly client: S3Client;
  /** Ends it and starts it again on the same state. */
  restart(): Promise<void>;
  put(
    Key: string,
    Body: NonNullable<PutObjectCommandInput['Body']>,
    more?: Partial<PutObjectCommandInput>,
  ): ReturnType<typeof put>;
  get(Key: string, more?: Partial<GetObjectCommandInput>): Promise<Buffer>;
}

/** Starts a sandbox before the tests of a file and ends it after them. A defect of it fails the test that showed it. */
export function useSandbox(options: S3SandboxOptions = {}): SharedSandbox {
  let running: { readonly sandbox: S3Sandbox; client: S3Client } | undefined;
  const started = () => {
    if (running === undefined) throw new Error('The sandbox starts with the first test');
    return running;
  };
  beforeAll(async () => {
    const sandbox = await s3Sandbox(options);
    running = { sandbox, client: sandbox.client() };
  });
  afterEach(() => expect(started().sandbox.defects).toEqual([]));
  afterAll(async () => started().sandbox[Symbol.asyncDispose]());
  return {
    get url() {
      return started().sandbox.url;
    },
    get client() {
      return started().client;
    },
    restart: async () => {
      const { sandbox } = started();
      await sandbox.restart();
      running = { sandbox, client: sandbox.client() };
    },
    put: (Key, Body, more = {}) => put(started().client, Key, { Body, ...more }),
    get: (Key, more = {}) => get(started().client, Key, more),
  };
}

/** PutObject. */
export const put = (client: S3Client, Key: string, { Body = 'x', ...more }: Partial<PutObjectCommandInput> = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

/** The bytes of an object. */
export async function get(client: S3Client, Key: string, more: Partial<GetObjectCommandInput> = {}): Promise<Buffer> {
  const answer = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
}

/** What most uploads of the tests are begun with. */
const crc32OfAll = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;

/** Begins a multipart upload with a CRC-32, or with what is given. */
export async function beginUpload(
  client: S3Client,
  Key: string,
  more: Partial<CreateMultipartUploadCommandInput> = crc32OfAll,
): Promise<string> {
  return (await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))).UploadId ?? '';
}

/** Which upload it is; in the usual bucket where no other is named. */
interface UploadName {
  readonly Key: string;
  readonly UploadId: string;
  readonly Bucket?: string;
}

/** Sends one part. */
export async function sendPart(
  client: S3Client,
  upload: UploadName,
  { PartNumber, Body }: { readonly PartNumber: number; readonly Body: Buffer | string },
): Promise<CompletedPart> {
  const sent = await client.send(new UploadPartCommand({ Bucket, ...upload, PartNumber, Body }));
  return { PartNumber, ETag: sent.ETag, ChecksumCRC32: sent.ChecksumCRC32 };
}

/** CompleteMultipartUpload. */
export const completeUpload = (
  client: S3Client,
  upload: UploadName,
  Parts: CompletedPart[],
  more: Partial<CompleteMultipartUploadCommandInput> = {},
) => client.send(new CompleteMultipartUploadCommand({ Bucket, ...upload, MultipartUpload: { Parts }, ...more }));

/** Uploads an object in parts. */
export async function putInParts(
  client: S3Client,
  object: {
    readonly Key: string;
    readonly Bucket?: string;
    readonly ChecksumType?: 'FULL_OBJECT' | 'COMPOSITE';
  },
  bodies: readonly Buffer[],
): Promise<void> {
  const { ChecksumType = 'FULL_OBJECT', ...place } = object;
  const checksum = { ChecksumAlgorithm: 'CRC32', ChecksumType } as const;
  const upload = { ...place, UploadId: await beginUpload(client, place.Key, { ...checksum, ...place }) };
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
