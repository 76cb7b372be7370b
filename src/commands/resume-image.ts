import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { scanImage, type IndexItem } from '../archive/index.js';
import { AppError, isZero, MiB } from '../core/index.js';
import { createChunkCheck } from './chunk-check.js';

const largestChunkBytes = 64 * MiB;

/**
 * How much of a file that an earlier run has left is the beginning of an image, by the sums of its index: bytes up to the
 * first chunk that is not whole or another. 0 where there is no such file. Throws what reading the index throws.
 */
export async function provenBytes(path: string, index: AsyncIterable<IndexItem>): Promise<number> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return 0;
  let proven = 0;
  let buffer = Buffer.alloc(0);
  try {
    for await (const item of index) {
      if (item.kind !== 'chunk') continue;
      const { offset, sizeBytes, sha256, zero } = item.chunk;
      // Ours have 4 MiB. Whoever says more does not get the memory.
      if (sizeBytes > largestChunkBytes) break;
      if (buffer.length < sizeBytes) buffer = Buffer.alloc(sizeBytes);
      const { bytesRead } = await file.read(buffer, 0, sizeBytes, offset);
      // What lies behind its end becomes a hole.
      const bytes = buffer.fill(0, bytesRead, sizeBytes).subarray(0, sizeBytes);
      if (offset !== proven) break;
      if (zero ? !isZero(bytes) : createHash('sha256').update(bytes).digest('hex') !== sha256) break;
      proven += sizeBytes;
    }
  } finally {
    await file.close();
  }
  return proven;
}

/**
 * Passes the rest of an image on, from a chunk of its index on, and holds it against that. Throws `corrupt-archive` for
 * bytes that the index does not have.
 */
export async function* checkedRest(
  rest: AsyncIterable<Buffer>,
  index: AsyncIterable<IndexItem>,
  startBytes: number,
): AsyncGenerator<Buffer, void> {
  const items = itemsFrom(index, startBytes);
  const check = createChunkCheck(items, (text) => {
    throw new AppError('corrupt-archive', `The archive is not what its index says: ${text}.`);
  });
  const header = await items.next();
  if (header.done === true || header.value.kind !== 'header' || header.value.header.kind !== 'image') {
    throw new AppError('corrupt-archive', 'The index is not that of an image.');
  }
  const scan = scanImage({
    chunkBytes: header.value.header.chunkBytes,
    onChunk: (chunk) => check.check({ ...chunk, offset: chunk.offset + startBytes }),
  });
  try {
    yield* scan(rest);
    await check.end(startBytes + scan.totals.imageBytes);
  } finally {
    await check.leave();
  }
}

async function* itemsFrom(index: AsyncIterable<IndexItem>, startBytes: number): AsyncGenerator<IndexItem, void> {
  for await (const item of index) if (item.kind !== 'chunk' || item.chunk.offset >= startBytes) yield item;
}
