import { createReadStream } from 'node:fs';
import { open, rename, type FileHandle } from 'node:fs/promises';

/** A file of lines that only grows, until it is written anew. A line counts once its newline is there. */
export interface Journal {
  readonly bytes: number;
  /** Adds lines at the end. After a failure none of them counts, and the next append takes their place. */
  append(lines: readonly string[]): Promise<void>;
  /** Replaces all lines at once; lines are taken as they are written, and others may run in between. */
  rewrite(lines: Iterable<string>): Promise<void>;
}

/** How much is written in one go when the file is written anew. */
const rewriteChunkBytes = 256 * 1024;

/** Opens a journal, which may not exist yet. What a crash left of a line at the end is overwritten. */
export async function openJournal(path: string): Promise<Journal> {
  let bytes = 0;
  for await (const chunk of lineChunks(path)) bytes = chunk.endsAt;
  return {
    get bytes() {
      return bytes;
    },
    append: async (lines) => {
      if (lines.length === 0) return;
      const block = blockOf(lines);
      await using file = await openForWriting(path);
      await file.truncate(bytes);
      await writeAt(file, block, bytes);
      bytes += block.length;
    },
    rewrite: async (lines) => {
      const next = `${path}.new`;
      let written = 0;
      {
        await using file = await openForWriting(next);
        await file.truncate(0);
        for (const batch of batches(lines)) {
          const block = blockOf(batch);
          await writeAt(file, block, written);
          written += block.length;
        }
      }
      await rename(next, path);
      bytes = written;
    },
  };
}

/** The lines of a journal in order; none where there is no file. */
export async function* readJournal(path: string): AsyncGenerator<string> {
  for await (const { lines } of lineChunks(path)) yield* lines;
}

/** Lines as they come from the disk, and how many bytes they and all before them are. */
async function* lineChunks(path: string): AsyncGenerator<{ lines: readonly string[]; endsAt: number }> {
  let rest: Buffer = Buffer.alloc(0);
  let endsAt = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const end = text.lastIndexOf('\n') + 1;
      rest = text.subarray(end);
      if (end === 0) continue;
      endsAt += end;
      yield { lines: text.toString('utf8', 0, end - 1).split('\n'), endsAt };
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

async function openForWriting(path: string): Promise<FileHandle> {
  // `a` would write at the end whatever the position; `r+` makes no file.
  return open(path, 'r+', 0o600).catch(async (error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return open(path, 'w+', 0o600);
  });
}

async function writeAt(file: FileHandle, block: Buffer, position: number): Promise<void> {
  for (let done = 0; done < block.length;) {
    done += (await file.write(block, done, block.length - done, position + done)).bytesWritten;
  }
}

function* batches(lines: Iterable<string>): Generator<readonly string[]> {
  let batch: string[] = [];
  let length = 0;
  for (const line of lines) {
    batch.push(line);
    length += line.length;
    if (length < rewriteChunkBytes) continue;
    yield batch;
    batch = [];
    length = 0;
  }
  if (batch.length > 0) yield batch;
}

function blockOf(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\n')}\n`);
}
