import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { runningChecksum, type ChecksumAlgorithm } from '../checksums/index.js';
import type { Bodies } from './bodies.js';
import type { Segment } from './model.js';

/** What is to be known of bytes while they are written. */
export interface WriteBodyOptions {
  /** The only checksum that is computed besides MD5: each costs time for every byte. */
  readonly algorithm: ChecksumAlgorithm;
  readonly withSha256?: boolean;
}

/** Bytes that lie in a file of their own. */
export interface WrittenBody {
  readonly segment: Segment;
  readonly md5: Buffer;
  /** Hexadecimal, where it was asked for. */
  readonly sha256: string | undefined;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string };
}

/** Writes a stream to a new file, with backpressure and never as a whole in memory. When it fails there is no file. */
export async function writeBody(
  source: AsyncIterable<Buffer>,
  bodies: Bodies,
  { algorithm, withSha256 = false }: WriteBodyOptions,
): Promise<WrittenBody> {
  const md5 = createHash('md5');
  const sha256 = withSha256 ? createHash('sha256') : undefined;
  const checksum = runningChecksum(algorithm);
  let bytes = 0;
  const measure = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      md5.update(chunk);
      sha256?.update(chunk);
      checksum.update(chunk);
      yield chunk;
    }
  };
  const { file, stream } = await bodies.create();
  try {
    await pipeline(source, measure, stream);
  } catch (error) {
    await bodies.remove([{ file, bytes }]);
    throw error;
  }
  return {
    segment: { file, bytes },
    md5: md5.digest(),
    sha256: sha256?.digest('hex'),
    checksum: { algorithm, value: checksum.digest() },
  };
}
