import { isUtf8 } from 'node:buffer';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { AppError, isAbort } from '../core/index.js';
import { badLine } from './index-fields.js';

/** Lines longer than this are refused: a path, all extended attributes and ACLs of one file in base64. */
const longestLineBytes = 64 * 1024 * 1024;

/**
 * The lines of a gzipped index, without line ends, many at a time. Throws `corrupt-archive` for bytes that are not gzip,
 * that are not UTF-8, and for a last line without end; and whatever the source throws.
 */
export function indexLines(gzipped: AsyncIterable<Buffer>): AsyncGenerator<readonly string[], void> {
  return linesOf(gunzipped(gzipped));
}

async function* gunzipped(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  // Larger pieces than usual: each costs a turn through the thread pool.
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  let failure: unknown;
  const fed = pipeline(source, gunzip).catch((error: unknown) => {
    failure = error;
  });
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    await fed;
    throw asCorrupt(failure ?? error);
  } finally {
    gunzip.destroy();
    await fed;
  }
  if (failure !== undefined) throw asCorrupt(failure);
}

function asCorrupt(error: unknown): unknown {
  if (isAbort(error) || !(error instanceof Error) || !('code' in error)) return error;
  if (typeof error.code !== 'string' || !/^Z_/.test(error.code)) return error;
  return new AppError('corrupt-archive', `The index is not what gzip wrote: ${error.message}.`, { cause: error });
}

async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<readonly string[], void> {
  let pieces: Buffer[] = [];
  let heldBytes = 0;
  let lineNumber = 0;
  for await (const bytes of source) {
    const end = bytes.lastIndexOf(0x0a);
    if (end < 0) {
      pieces.push(bytes);
      heldBytes += bytes.length;
      if (heldBytes > longestLineBytes) throw badLine(lineNumber + 1, 'is too long');
      continue;
    }
    const whole = Buffer.concat([...pieces, bytes.subarray(0, end)]);
    pieces = [bytes.subarray(end + 1)];
    heldBytes = bytes.length - end - 1;
    if (!isUtf8(whole)) throw badLine(lineNumber + 1, 'or one soon after it is not UTF-8');
    const lines = whole.toString('utf8').split('\n');
    lineNumber += lines.length;
    yield lines;
  }
  if (heldBytes > 0) throw badLine(lineNumber + 1, 'has no end: the index is cut off');
}
