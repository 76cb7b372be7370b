import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Segment } from './model.js';
import type { ReadBuffers } from './read-buffers.js';

/** Bytes of a file, or of files that lie one after the other; the end is exclusive. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Where the files are, and the memory to read them into. */
export interface ReadingPlace {
  readonly directory: string;
  readonly buffers: ReadBuffers;
}

/**
 * Reads bytes of segments that lie one after the other. While one piece is used the next one is read already; each is good
 * until the next one is asked for, because its memory is used again.
 */
export async function* readSegments(
  segments: readonly Segment[],
  { from, to }: ByteRange,
  { directory, buffers }: ReadingPlace,
): AsyncGenerator<Buffer> {
  const two = [buffers.take(to - from), buffers.take(to - from)] as const;
  let start = 0;
  for (const segment of segments) {
    const end = start + segment.bytes;
    const first = Math.max(from, start) - start;
    const last = Math.min(to, end) - start;
    start = end;
    if (first < last) yield* readFile(join(directory, segment.file), { from: first, to: last }, two);
  }
  // Not when the reader gives up, for then a piece may still be on its way.
  for (const buffer of two) buffers.give(buffer);
}

async function* readFile(
  path: string,
  { from, to }: ByteRange,
  buffers: readonly [Buffer, Buffer],
): AsyncGenerator<Buffer> {
  await using file = await open(path);
  let at = from;
  let [current, other] = buffers;
  const readOn = async (): Promise<Buffer> => {
    const { bytesRead } = await file.read(current, 0, Math.min(current.length, to - at), at);
    if (bytesRead === 0) throw new Error(`${path} has fewer bytes than were written.`);
    at += bytesRead;
    return current.subarray(0, bytesRead);
  };
  let next = readOn();
  try {
    for (;;) {
      const piece = await next;
      const isLast = at === to;
      if (!isLast) {
        [current, other] = [other, current];
        next = readOn();
      }
      yield piece;
      if (isLast) return;
    }
  } finally {
    // Who stops reading early leaves a read behind, which must not outlive the open file.
    await next.catch(() => undefined);
  }
}
