// How fast the local S3 takes and gives bytes, and whether its memory stays flat: `npm run bench:sandbox`.
// The server is a process of its own; the client sends 8 MiB parts with CRC-32 and reads the object back.
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  S3Client,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { createS3Service } from '../sandbox/s3/index.js';
import { listen } from '../sandbox/server/server.js';
import { systemClock } from '../src/core/index.js';

const partBytes = 8 * 1024 ** 2;
const Bucket = 'bench';
const Key = 'object';

async function serve(directory: string): Promise<void> {
  const s3 = await createS3Service({ directory, clock: systemClock });
  const server = await listen([s3], {
    host: '127.0.0.1',
    port: 0,
    defaultRegion: 'us-east-1',
    onDefect: console.error,
  });
  process.send?.(server.url);
  process.once('disconnect', () => void server.close());
}

async function peakMiB(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

async function measure(gibibytes: number, inFlight: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'snap-to-s3-bench-'));
  const server = fork(import.meta.filename, ['serve', directory]);
  try {
    const url = await new Promise<string>((resolve) => server.once('message', (message) => resolve(message as string)));
    const s3 = new S3Client({
      endpoint: url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'AKIA', secretAccessKey: 's' },
    });
    await s3.send(new CreateBucketCommand({ Bucket }));
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' }),
    );
    const body = randomBytes(partBytes);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    const parts: CompletedPart[] = [];
    const count = (gibibytes * 1024 ** 3) / partBytes;
    let next = 1;
    const sendMs = systemClock.now();
    const worker = async (): Promise<void> => {
      while (next <= count) {
        const PartNumber = next++;
        const part = { Bucket, Key, UploadId, PartNumber, Body: body, ChecksumCRC32: sum.toString('base64') };
        parts[PartNumber - 1] = { PartNumber, ETag: (await s3.send(new UploadPartCommand(part))).ETag };
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    const sentMs = systemClock.now() - sendMs;
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: parts } }));
    const getMs = systemClock.now();
    const answer = await s3.send(new GetObjectCommand({ Bucket, Key }));
    let got = 0;
    for await (const chunk of answer.Body as AsyncIterable<Buffer>) got += chunk.length;
    const gotMs = systemClock.now() - getMs;
    const rate = (ms: number): string => `${Math.round(got / 1000 / ms)} MB/s`;
    console.log(
      `${gibibytes} GiB: UploadPart ${rate(sentMs)}, GetObject ${rate(gotMs)}, peak of the server ${await peakMiB(server.pid)} MiB`,
    );
    s3.destroy();
  } finally {
    server.disconnect();
    await rm(directory, { recursive: true, force: true });
  }
}

if (process.argv[2] === 'serve') {
  await serve(process.argv[3] ?? '');
} else {
  for (const gibibytes of [1, 1, 1, 4]) await measure(gibibytes, 2);
}
