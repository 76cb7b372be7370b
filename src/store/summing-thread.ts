import { AppError, startThread } from '../core/index.js';
import type { ObjectSums } from './object-sum.js';

/** What the thread is asked. */
export type SumOrder = { readonly kind: 'add'; readonly bytes: Uint8Array } | { readonly kind: 'result' };

/** What it answers, in the same order. */
export type SumAnswer = { readonly kind: 'added' } | { readonly kind: 'result'; readonly sums: ObjectSums };

/** Adds up the bytes of an object in a thread of its own. Disposing ends it. */
export interface SummingThread extends AsyncDisposable {
  /** Resolves when the bytes have been added, and may be changed again. Memory that is not shared is copied. */
  add(bytes: Buffer): Promise<void>;
  /** When all have been added. */
  result(): Promise<ObjectSums>;
}

/** See `createObjectSum`, which would take half of the main thread's time at full speed. */
export function summingThread(): SummingThread {
  const thread = startThread<SumOrder, SumAnswer>(new URL('./sum-thread.js', import.meta.url), {
    task: 'adds up an object',
  });
  return {
    add: async (bytes) => {
      await thread.ask({ kind: 'add', bytes });
    },
    result: async () => {
      const answer = await thread.ask({ kind: 'result' });
      if (answer.kind === 'result') return answer.sums;
      throw new AppError('internal', 'The thread that adds up an object has lost count.');
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}
