import type { FileHandle } from 'node:fs/promises';
import type { ChecksumAlgorithm } from '../checksums/index.js';
import type { Bodies } from './bodies.js';
import { runningDigests, type DigestOptions, type Digests } from './digests.js';
import type { Segment } from './model.js';

/** How bytes are written. */
export interface WriteBodyOptions extends DigestOptions {
  /** How many there will be, as far as that is known; where they are written depends on it, and nothing else. */
  readonly expectedBytes?: number;
}

/** Bytes that lie in a file of their own. */
export interface WrittenBody {
  readonly segment: Segment;
  readonly md5: Buffer;
  /** Hexadecimal, where it was asked for. */
  readonly sha256: string | undefined;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string };
}

/** From here on a thread of its own is faster than doing it at once, also for a single body. */
const threadedBytes = 128 * 1024;

/**
 * Writes a stream, of pieces or of lists of pieces, to a new file, with backpressure and never as a whole in memory. No
 * piece is used any more once the next one is asked for. When it fails there is no file.
 */
export async function writeBody(
  source: AsyncIterable<Buffer | readonly Buffer[]>,
  bodies: Bodies,
  { expectedBytes = 0, ...digests }: WriteBodyOptions,
): Promise<WrittenBody> {
  const { file, handle } = await bodies.create();
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<readonly Buffer[]> {
    for await (const some of source) {
      const pieces = Buffer.isBuffer(some) ? [some] : some;
      for (const piece of pieces) bytes += piece.length;
      yield pieces;
    }
  };
  try {
    const found = await (expectedBytes < threadedBytes
      ? writeHere(counted(), handle, digests)
      : writeInThread(counted(), handle, { digests, bodies }));
    await handle.close();
    return {
      segment: { file, bytes },
      md5: Buffer.from(found.md5),
      sha256: found.sha256,
      checksum: { algorithm: digests.algorithm, value: found.checksum },
    };
  } catch (error) {
    await handle.close();
    await bodies.remove([{ file, bytes }]);
    throw error;
  }
}

async function writeHere(
  source: AsyncIterable<readonly Buffer[]>,
  handle: FileHandle,
  options: DigestOptions,
): Promise<Digests> {
  const digests = runningDigests(options);
  for await (const pieces of source) {
    for (const piece of pieces) {
      digests.update(piece);
      await handle.writeFile(piece);
    }
  }
  return digests.finish();
}

async function writeInThread(
  source: AsyncIterable<readonly Buffer[]>,
  handle: FileHandle,
  { digests, bodies }: { readonly digests: DigestOptions; readonly bodies: Bodies },
): Promise<Digests> {
  const body = bodies.threads.begin(handle.fd, digests);
  try {
    for await (const pieces of source) await body.write(pieces);
    return await body.finish();
  } catch (error) {
    await body.abandon();
    throw error;
  }
}
