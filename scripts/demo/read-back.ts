import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { start, type RunningProgram } from '../../src/process/index.js';

/** An object to be read back. */
export interface ReadBack {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly key: string;
  /** The program that decompresses it: `lz4` or `zstd`. */
  readonly codec: string;
  /** The program that reads the decompressed stream on standard input and fails where it differs from the original. */
  readonly judge: readonly string[];
}

/** Streams an object through the plain programs. Throws `program-failed` where they find a difference. */
export async function readBack({ s3, bucket, key, codec, judge }: ReadBack): Promise<void> {
  const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const decompress = start([codec, '--decompress', '--stdout']);
  const compare = start(judge);
  compare.stdout.resume();
  await Promise.all([
    joined(answer.Body as Readable, decompress),
    pipeline(decompress.stdout, compare.stdin).catch(() => undefined),
    decompress.ended,
    compare.ended,
  ]);
}

async function joined(source: Readable, program: RunningProgram): Promise<void> {
  // A program that stops reading early has failed; its exit status says why.
  await pipeline(source, program.stdin).catch(() => undefined);
}

/** How a tar is compared with a mounted filesystem: contents, modes, owners, times and links of every member. */
export function tarJudge(directory: string): readonly string[] {
  return ['tar', '--compare', '--numeric-owner', '--sparse', '--file=-', `--directory=${directory}`];
}

/** How an image is compared with a disk or file: byte by byte, and both must end together. */
export function imageJudge(path: string): readonly string[] {
  return ['cmp', '-', path];
}
