import { AppError, startThread } from '../core/index.js';

/** Of which image bytes are: as long as both are the same, they are summed once. */
export type ImageSide = 'both' | 'archive' | 'source';

/** What the thread is asked. */
export type ImageSumOrder =
  { readonly kind: 'add'; readonly side: ImageSide; readonly bytes: Uint8Array } | { readonly kind: 'result' };

/** What it answers, in the same order: SHA-256, hexadecimal. */
export type ImageSumAnswer =
  { readonly kind: 'added' } | { readonly kind: 'result'; readonly archive: string; readonly source: string };

/** Sums two images in a thread of its own. Disposing ends it. */
export interface ImageSums extends AsyncDisposable {
  /**
   * Resolves when the bytes have been added, and may be changed again. Memory that is not shared is copied. After bytes of
   * one side there are none of both.
   */
  add(side: ImageSide, bytes: Buffer): Promise<void>;
  /** When all have been added. */
  result(): Promise<{ readonly archive: string; readonly source: string }>;
}

/** Starts the thread. */
export function imageSums(): ImageSums {
  const thread = startThread<ImageSumOrder, ImageSumAnswer>(new URL('./image-sum-thread.js', import.meta.url), {
    task: 'sums images',
  });
  return {
    add: async (side, bytes) => {
      await thread.ask({ kind: 'add', side, bytes });
    },
    result: async () => {
      const answer = await thread.ask({ kind: 'result' });
      if (answer.kind === 'result') return answer;
      throw new AppError('internal', 'The thread that sums images has lost count.');
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}
