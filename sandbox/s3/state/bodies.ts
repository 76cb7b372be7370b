import { randomUUID } from 'node:crypto';
import { open, mkdir, readdir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Segment } from './model.js';
import { newReadBuffers } from './read-buffers.js';
import { readSegments } from './read-segments.js';
import { newBodyThreads, type BodyThreads } from './threads/pool.js';

/** The files with the bytes of all objects and parts, under random names (keys may contain anything). */
export interface Bodies {
  /** Makes an empty file to write to, which the caller closes. It is nobody's until the state names it. */
  create(): Promise<{ readonly file: string; readonly handle: FileHandle }>;
  /**
   * Bytes `from` (inclusive) to `to` (exclusive) of the segments, one after the other. Files that are removed from now on
   * stay until disposal: as in S3, who has begun to read an object reads it to its end.
   */
  read(segments: readonly Segment[], from: number, to: number): BodyReading;
  remove(segments: readonly Segment[]): Promise<void>;
  /** Removes every file that is not named here: what was left by a crash. */
  removeAllBut(files: ReadonlySet<string>): Promise<void>;
  /** Where large bodies are written. */
  readonly threads: BodyThreads;
  /** Ends the threads; the files stay. May be repeated. */
  close(): Promise<void>;
}

/** A reading of an object's bytes; the caller disposes. */
export interface BodyReading extends AsyncDisposable {
  /** Each piece is good until the next one is asked for: its memory is used again. */
  readonly bytes: AsyncIterable<Buffer>;
}

/** Opens (or makes) the folder of the bodies. */
export async function openBodies(directory: string): Promise<Bodies> {
  await mkdir(directory, { recursive: true });
  const readers = new Map<string, number>();
  const doomed = new Set<string>();
  const threads = newBodyThreads();
  const buffers = newReadBuffers();
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
      return { file, handle: await open(join(directory, file), 'wx') };
    },
    read: (segments, from, to) => {
      for (const { file } of segments) readers.set(file, (readers.get(file) ?? 0) + 1);
      return {
        bytes: readSegments(segments, { from, to }, { directory, buffers }),
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
    threads,
    close: () => threads.close(),
  };
}
