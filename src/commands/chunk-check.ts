import type { ImageChunk, IndexItem } from '../archive/index.js';
import { AppError } from '../core/index.js';

/** Holds the chunks of an image against its index, which has them in the same order. */
export function createChunkCheck(items: AsyncIterator<IndexItem> | undefined, onFinding: (text: string) => void) {
  const next = async (): Promise<IndexItem | undefined> => {
    const read = await items?.next();
    if (read === undefined || read.done === true) return undefined;
    if (read.value.kind !== 'header') return read.value;
    if (read.value.header.kind !== 'image') throw new AppError('corrupt-archive', 'The index is not that of an image.');
    return next();
  };
  return {
    check: async (chunk: ImageChunk): Promise<void> => {
      if (items === undefined) return;
      const item = await next();
      const isSame =
        item?.kind === 'chunk' &&
        item.chunk.offset === chunk.offset &&
        item.chunk.sizeBytes === chunk.sizeBytes &&
        item.chunk.sha256 === chunk.sha256;
      if (!isSame) onFinding(`the ${chunk.sizeBytes} bytes from byte ${chunk.offset} on are not those of the index`);
    },
    end: async (imageBytes: number): Promise<void> => {
      if (items === undefined) return;
      for (let item = await next(); item !== undefined; item = await next()) {
        if (item.kind === 'trailer' && item.trailer.bytes === imageBytes) continue;
        const what = item.kind === 'trailer' ? `is of ${item.trailer.bytes} bytes` : 'goes on';
        onFinding(`the image has ${imageBytes} bytes, but the index ${what}`);
      }
    },
    leave: async (): Promise<void> => {
      await items?.return?.();
    },
  };
}
