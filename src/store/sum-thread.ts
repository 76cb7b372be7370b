// The thread of `summingThread`: adds up the bytes of one object.
import { parentPort } from 'node:worker_threads';
import { createObjectSum } from './object-sum.js';
import type { SumAnswer, SumOrder } from './summing-thread.js';

const sum = createObjectSum();

function answer(order: SumOrder): SumAnswer {
  if (order.kind === 'result') return { kind: 'result', sums: sum.result() };
  const { buffer, byteOffset, byteLength } = order.bytes;
  sum.add(Buffer.from(buffer, byteOffset, byteLength));
  return { kind: 'added' };
}

parentPort?.on('message', (order: SumOrder) => parentPort?.postMessage(answer(order)));
