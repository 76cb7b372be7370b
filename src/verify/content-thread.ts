// A thread of `walkDisk` that reads files and sums their content.
import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../core/errors.js';
import { reached } from './long-path.js';

/** What the thread is started with. */
export interface ContentOrder {
  readonly root: Uint8Array;
}

/** A file to be read; its path is latin1 text. */
export interface ContentQuestion {
  readonly path: string;
  readonly sizeBytes: number;
}

/** For each file its SHA-256, hexadecimal, or the one that could not be read. */
export type ContentAnswer =
  | { readonly kind: 'sums'; readonly sha256: readonly string[] }
  | { readonly kind: 'failed'; readonly path: string; readonly reason: string };

const { root } = workerData as ContentOrder;
const rootPath = Buffer.from(root);
const piece = Buffer.allocUnsafeSlow(1024 * 1024);

function sha256Of({ path, sizeBytes }: ContentQuestion): string {
  const sum = createHash('sha256');
  const file = reached(rootPath, Buffer.from(path, 'latin1'), (reach) =>
    openSync(reach, constants.O_RDONLY | constants.O_NOFOLLOW),
  );
  try {
    let bytes = 0;
    for (;;) {
      const read = readSync(file, piece);
      if (read === 0) break;
      sum.update(piece.subarray(0, read));
      bytes += read;
    }
    if (bytes !== sizeBytes) throw new Error(`it has ${bytes} bytes, not ${sizeBytes} as a moment before`);
    return sum.digest('hex');
  } finally {
    closeSync(file);
  }
}

function answer(files: readonly ContentQuestion[]): ContentAnswer {
  const sha256: string[] = [];
  for (const file of files) {
    try {
      sha256.push(sha256Of(file));
    } catch (error) {
      return { kind: 'failed', path: file.path, reason: messageOf(error) };
    }
  }
  return { kind: 'sums', sha256 };
}

parentPort?.on('message', (files: readonly ContentQuestion[]) => parentPort?.postMessage(answer(files)));
