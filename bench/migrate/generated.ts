import { createHash } from 'node:crypto';
import { MiB } from '../../src/core/index.js';

const pieceBytes = 1024 * 1024;

/**
 * So many bytes that compress to about a half and never repeat: each MiB is one of a few prepared ones and has a number of
 * its own in every 4 KiB. What is yielded is good until the next is asked for.
 */
export function* generatedBytes(totalBytes: number, signal: AbortSignal): Generator<Buffer> {
  const prepared = Array.from({ length: 4 }, (_, index) => preparedPiece(index));
  for (let sent = 0; sent < totalBytes; sent += pieceBytes) {
    signal.throwIfAborted();
    const piece = prepared[(sent / pieceBytes) % prepared.length] ?? Buffer.alloc(0);
    for (let at = 0; at < pieceBytes; at += 4096) piece.writeDoubleLE(sent + at, at);
    yield piece.subarray(0, totalBytes - sent);
  }
}

/** Blocks of noise and of text in turn. */
function preparedPiece(seed: number): Buffer {
  const piece = Buffer.alloc(pieceBytes);
  for (let at = 0, block = 0; at < MiB; at += 32, block += 1) {
    const noise = createHash('sha256')
      .update(`${seed} ${block >> 1} ${block % 64 < 32 ? block : 0}`)
      .digest();
    noise.copy(piece, at);
  }
  return piece;
}
