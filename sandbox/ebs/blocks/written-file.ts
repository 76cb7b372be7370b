import { open, type FileHandle } from 'node:fs/promises';
import { blockBytes } from '../settings.js';
import type { DataRange } from './data-ranges.js';

// Which blocks were written: a sparse file with a byte for each block, 1 or 0. Two requests that write blocks next to
// each other do not get in each other's way, and 64 TiB are looked through in a moment.

const written = Buffer.from([1]);
const runBytes = 1024 * 1024;
const run = Buffer.alloc(runBytes, 1);

/** How many blocks are looked at together. */
export const windowBlocks = 256 * 1024;

/** Begins a file in which no block is written. */
export async function createWrittenFile(path: string, blocks: number): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.truncate(blocks);
  } finally {
    await file.close();
  }
}

/** Notes a block as written. */
export async function markWritten(path: string, index: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.write(written, 0, 1, index);
  } finally {
    await file.close();
  }
}

/** Notes all blocks that have data in them, wholly or in part. */
export async function markRanges(path: string, ranges: AsyncIterable<DataRange>): Promise<void> {
  const file = await open(path, 'r+');
  try {
    for await (const { offset, bytes } of ranges) {
      const first = Math.floor(offset / blockBytes);
      const end = Math.ceil((offset + bytes) / blockBytes);
      for (let at = first; at < end; at += runBytes) await file.write(run, 0, Math.min(runBytes, end - at), at);
    }
  } finally {
    await file.close();
  }
}

/** Reads the marks of a window that begins at a block; beyond the end of the file nothing is written. */
export async function readWindow(file: FileHandle, first: number): Promise<Buffer> {
  const window = Buffer.alloc(windowBlocks);
  let filled = 0;
  while (filled < windowBlocks) {
    const { bytesRead } = await file.read(window, filled, windowBlocks - filled, first + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return window;
}

/** The places of the marks in a window, ascending. */
export function* marksOf(window: Buffer): Generator<number> {
  for (let place = window.indexOf(1); place !== -1; place = window.indexOf(1, place + 1)) yield place;
}
