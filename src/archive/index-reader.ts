import { isUtf8 } from 'node:buffer';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { AppError, isAbort } from '../core/index.js';
import { badLine } from './index-fields.js';
import {
  parseIndexHeader,
  parseIndexLine,
  type IndexHeader,
  type IndexRecord,
  type IndexTrailer,
} from './index-line.js';

/** What an index holds, in its order: one `header`, entries or chunks, one `trailer`. */
export type IndexItem =
  | { readonly kind: 'header'; readonly header: IndexHeader }
  | IndexRecord
  | { readonly kind: 'trailer'; readonly trailer: IndexTrailer };

/** Lines longer than this are refused: a path, all extended attributes and ACLs of one file in base64. */
const longestLineBytes = 64 * 1024 * 1024;

/**
 * Reads a gzipped index line by line. When the trailer comes, the index is complete and its count is right. Throws
 * `corrupt-archive` for bytes that are not gzip, for a line that is wrong (with its number), and for an index that is
 * cut off; and whatever the source throws.
 */
export async function* readIndex(gzipped: AsyncIterable<Buffer>): AsyncGenerator<IndexItem, void> {
  let header: IndexHeader | undefined;
  let trailer: IndexTrailer | undefined;
  let lineNumber = 0;
  for await (const text of linesOf(gunzipped(gzipped))) {
    lineNumber += 1;
    if (trailer !== undefined) throw badLine(lineNumber, 'comes after the last one');
    if (header === undefined) {
      header = parseIndexHeader(text);
      yield { kind: 'header', header };
      continue;
    }
    const line = parseIndexLine(text, { header, lineNumber });
    if (line.kind === 'trailer') {
      trailer = line.trailer;
      if (trailer.entries !== lineNumber - 2) {
        throw badLine(lineNumber, `counts ${trailer.entries} entries, but there are ${lineNumber - 2}`);
      }
    }
    yield line;
  }
  if (trailer === undefined) throw badLine(lineNumber + 1, 'is missing: the index is cut off');
}

async function* gunzipped(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const gunzip = createGunzip();
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

async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
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
    yield* lines;
  }
  if (heldBytes > 0) throw badLine(lineNumber + 1, 'has no end: the index is cut off');
}
