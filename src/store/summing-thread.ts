import { Worker } from 'node:worker_threads';
import { AppError, messageOf } from '../core/index.js';
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
  const worker = new Worker(new URL('./sum-thread.js', import.meta.url));
  worker.unref();
  const waiting: ((answer: SumAnswer | AppError) => void)[] = [];
  let dead: AppError | undefined;
  const fail = (reason: string): void => {
    dead ??= new AppError('internal', `The thread that adds up an object is gone: ${reason}.`);
    for (const settle of waiting.splice(0)) settle(dead);
  };
  worker.on('message', (answer: SumAnswer) => waiting.shift()?.(answer));
  worker.on('error', (error) => fail(messageOf(error)));
  worker.on('exit', () => fail('it has ended'));
  const ask = async (order: SumOrder): Promise<SumAnswer> => {
    const answer = await new Promise<SumAnswer | AppError>((resolve) => {
      if (dead !== undefined) {
        resolve(dead);
        return;
      }
      waiting.push(resolve);
      worker.ref();
      worker.postMessage(order);
    });
    if (waiting.length === 0) worker.unref();
    if (answer instanceof AppError) throw answer;
    return answer;
  };
  return {
    add: async (bytes) => {
      await ask({ kind: 'add', bytes });
    },
    result: async () => {
      const answer = await ask({ kind: 'result' });
      if (answer.kind === 'result') return answer.sums;
      throw new AppError('internal', 'The thread that adds up an object has lost count.');
    },
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}
