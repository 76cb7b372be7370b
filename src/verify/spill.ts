import { open, unlink, type FileHandle } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

/** Lines of text that are put on disk and read back; the file has no name, so that nothing of it can stay behind. */
export interface Spill extends AsyncDisposable {
  /** Reads them all; may be asked again. */
  lines(): AsyncGenerator<string, void>;
}

const pieceBytes = 256 * 1024;

/** Writes lines (without line ends in them) to disk. */
export async function spill(directory: string, lines: Iterable<string>): Promise<Spill> {
  const path = join(directory, `snap-to-s3-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    const bytes = await write(file, lines);
    return {
      lines: () => read(file, bytes),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function write(file: FileHandle, lines: Iterable<string>): Promise<number> {
  let position = 0;
  let held: string[] = [];
  let heldLength = 0;
  const flush = async (): Promise<void> => {
    const bytes = Buffer.from(held.join(''), 'utf8');
    for (let at = 0; at < bytes.length;)
      at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
    position += bytes.length;
    held = [];
    heldLength = 0;
  };
  for (const line of lines) {
    held.push(line, '\n');
    heldLength += line.length;
    if (heldLength >= pieceBytes) await flush();
  }
  await flush();
  return position;
}

async function* read(file: FileHandle, bytes: number): AsyncGenerator<string, void> {
  const piece = Buffer.allocUnsafeSlow(pieceBytes);
  const begun: Buffer[] = [];
  for (let position = 0; position < bytes;) {
    const { bytesRead } = await file.read(piece, 0, Math.min(pieceBytes, bytes - position), position);
    if (bytesRead === 0) throw new Error(`a spilled file ended at byte ${position} of ${bytes}`);
    position += bytesRead;
    let start = 0;
    for (let end = piece.indexOf(0x0a); end >= 0 && end < bytesRead; end = piece.indexOf(0x0a, start)) {
      const tail = piece.subarray(start, end);
      yield begun.length === 0 ? tail.toString('utf8') : Buffer.concat([...begun.splice(0), tail]).toString('utf8');
      start = end + 1;
    }
    begun.push(Buffer.from(piece.subarray(start, bytesRead)));
  }
}
