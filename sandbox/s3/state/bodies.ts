import { randomUUID } from 'node:crypto';
import { open, mkdir, readdir, unlink } from 'node:fs/promises';
import { createReadStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Segment } from './model.js';

/** The files with the bytes of all objects and parts, under random names (keys may contain anything). */
export interface Bodies {
  /** Makes an empty file to write to. It is nobody's until the state names it. */
  create(): Promise<{ readonly file: string; readonly stream: WriteStream }>;
  /**
   * Bytes `from` (inclusive) to `to` (exclusive) of the segments, one after the other. Files that are removed from now on
   * stay until disposal: as in S3, who has begun to read an object reads it to its end.
   */
  read(segments: readonly Segment[], from: number, to: number): BodyReading;
  remove(segments: readonly Segment[]): Promise<void>;
  /** Removes every file that is not named here: what was left by a crash. */
  removeAllBut(files: ReadonlySet<string>): Promise<void>;
}

/** A reading of an object's bytes; the caller disposes. */
export interface BodyReading extends AsyncDisposable {
  readonly bytes: AsyncIterable<Buffer>;
}

const readBytes = 1024 * 1024;

/** Opens (or makes) the folder of the bodies. */
export async function openBodies(directory: string): Promise<Bodies> {
  await mkdir(directory, { recursive: true });
  const readers = new Map<string, number>();
  const doomed = new Set<string>();
  const release = async (file: string): Promise<void> => {
    const left = (readers.get(file) ?? 1) - 1;
    if (left > 0) {
      readers.set(file, left);
      return;
    }
    readers.delete(file);
    if (doomed.delete(file)) await remove(file);
  };
  const remove = async (file: string): Promise<void> => {
    if (readers.has(file)) {
      doomed.add(file);
      return;
    }
    await unlink(join(directory, file)).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    });
  };
  return {
    create: async () => {
      const file = randomUUID();
      const handle = await open(join(directory, file), 'wx');
      return { file, stream: handle.createWriteStream({ highWaterMark: readBytes }) };
    },
    read: (segments, from, to) => {
      for (const { file } of segments) readers.set(file, (readers.get(file) ?? 0) + 1);
      return {
        bytes: readSegments(directory, segments, { from, to }),
        [Symbol.asyncDispose]: async () => {
          for (const { file } of segments) await release(file);
        },
      };
    },
    remove: async (segments) => {
      await Promise.all(segments.map((segment) => remove(segment.file)));
    },
    removeAllBut: async (files) => {
      const all = await readdir(directory);
      await Promise.all(all.filter((file) => !files.has(file)).map(remove));
    },
  };
}

async function* readSegments(
  directory: string,
  segments: readonly Segment[],
  { from, to }: { readonly from: number; readonly to: number },
): AsyncGenerator<Buffer> {
  let start = 0;
  for (const segment of segments) {
    const end = start + segment.bytes;
    const first = Math.max(from, start) - start;
    const last = Math.min(to, end) - start;
    start = end;
    if (first >= last) continue;
    const range = { start: first, end: last - 1, highWaterMark: readBytes };
    yield* createReadStream(join(directory, segment.file), range) as AsyncIterable<Buffer>;
  }
}
