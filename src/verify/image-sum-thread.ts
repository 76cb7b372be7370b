// The thread of `imageSums`.
import { createHash, type Hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import type { ImageSumAnswer, ImageSumOrder } from './image-sums.js';

const archive = createHash('sha256');
/** Undefined as long as both are the same. */
let source: Hash | undefined;

function answer(order: ImageSumOrder): ImageSumAnswer {
  if (order.kind === 'result') {
    const sha256 = source?.digest('hex');
    const archiveSha256 = archive.digest('hex');
    return { kind: 'result', archive: archiveSha256, source: sha256 ?? archiveSha256 };
  }
  if (order.side !== 'both') source ??= archive.copy();
  if (order.side === 'source') source?.update(order.bytes);
  else archive.update(order.bytes);
  return { kind: 'added' };
}

parentPort?.on('message', (order: ImageSumOrder) => parentPort?.postMessage(answer(order)));
