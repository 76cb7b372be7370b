import {
  parseSeekFooter,
  parseSeekTable,
  seekFooterBytes,
  unframe,
  type Codec,
  type FramePlace,
  type SeekTable,
} from '../archive/index.js';
import { frameWalker, unpackLarge, unpackThreads, type UnpackThreads } from '../codec/index.js';
import { AppError, KiB } from '../core/index.js';
import {
  downloadObject,
  headObject,
  requireReadable,
  s3Url,
  type ByteRange,
  type ObjectFacts,
  type ObjectStore,
} from '../store/index.js';
import { ofObject, type ArchiveDependencies } from './open-archive.js';

/** Any range of the raw bytes of an archive. Disposing ends its threads. */
export interface RandomAccess extends AsyncDisposable {
  readonly object: ObjectFacts;
  readonly rawBytes: number;
  /** Bytes that were fetched from S3 so far, the seek table included. */
  readonly fetchedBytes: number;
  /**
   * Raw bytes `from` up to, not including, `to`, by fetching the frames that hold them. Every frame's checksum is verified.
   * Each buffer belongs to the reader. Throws `corrupt-archive`, `object-changed`, `usage` for a range past the end, and the
   * failures of `callAws`.
   */
  read(range: ByteRange): AsyncGenerator<Buffer, void>;
}

/** One request that has the table of archives up to 32 GiB, and the footer of all others. */
const tailBytes = 64 * KiB;

/**
 * Opens an archive that is not encrypted for reading parts of it. Undefined where it has no seek table (the existing
 * tool's): then it can be read from its beginning only. Throws `not-found`, `object-frozen`, and `corrupt-archive` for a
 * table that cannot be.
 */
export async function openRandomAccess(
  { key, codec }: { readonly key: string; readonly codec: Codec },
  dependencies: ArchiveDependencies,
): Promise<RandomAccess | undefined> {
  const { store, signal } = dependencies;
  const object = await headObject(store, key, { signal });
  requireReadable(store, object);
  let fetchedBytes = 0;
  const counted: ArchiveDependencies = {
    ...dependencies,
    onReceived: (bytes) => {
      fetchedBytes += bytes;
      dependencies.onReceived?.(bytes);
    },
  };
  const table = await readTable(store, object, counted).catch((error: unknown) => {
    throw ofObject(error, s3Url(store, key));
  });
  if (table === undefined) return undefined;
  const threads = unpackThreads({ codec, threads: dependencies.parallelism });
  return {
    object,
    rawBytes: table.rawBytes,
    get fetchedBytes() {
      return fetchedBytes;
    },
    read: (range) => readRange({ object, codec, table, threads, dependencies: counted }, range),
    [Symbol.asyncDispose]: () => threads[Symbol.asyncDispose](),
  };
}

async function readTable(
  store: ObjectStore,
  object: ObjectFacts,
  dependencies: ArchiveDependencies,
): Promise<SeekTable | undefined> {
  const last = async (bytes: number): Promise<Buffer> => {
    const range = { from: Math.max(0, object.sizeBytes - bytes), to: object.sizeBytes };
    const pieces: Buffer[] = [];
    for await (const piece of downloadObject(store, object, { ...dependencies, range })) pieces.push(piece);
    return Buffer.concat(pieces);
  };
  const tail = await last(tailBytes);
  const footer = parseSeekFooter(tail.subarray(-seekFooterBytes));
  if (footer === undefined) return undefined;
  const { tableBytes } = footer;
  const table = tableBytes <= tail.length ? tail.subarray(tail.length - tableBytes) : await last(tableBytes);
  return parseSeekTable(table, object.sizeBytes);
}

interface Opened {
  readonly object: ObjectFacts;
  readonly codec: Codec;
  readonly table: SeekTable;
  readonly threads: UnpackThreads;
  readonly dependencies: ArchiveDependencies;
}

async function* readRange(opened: Opened, { from, to }: ByteRange): AsyncGenerator<Buffer, void> {
  const { object, codec, table, threads, dependencies } = opened;
  const { store, pool, parallelism, signal } = dependencies;
  const resource = s3Url(store, object.key);
  if (from < 0 || to > table.rawBytes || from > to) {
    throw new AppError('usage', `Bytes ${from} to ${to} of ${resource} were asked for; it holds ${table.rawBytes}.`);
  }
  const [first, last] = [table.find(from), table.find(to - 1)];
  if (from === to || first === undefined || last === undefined) return;
  const range = { from: first.compressedOffset, to: last.compressedOffset + last.compressedBytes };
  let next = first.index;
  let at = first.rawOffset;
  try {
    for await (const raw of unframe(downloadObject(store, object, { ...dependencies, range }), {
      walker: frameWalker(codec),
      unpack: threads.unpack,
      unpackLarge: unpackLarge(codec),
      concurrency: parallelism,
      pool,
      seekTable: 'if-there',
      onFrame: (size) => {
        requireTold(size, table.frame(next));
        next += 1;
      },
      signal,
    })) {
      const [begin, end] = [Math.max(0, from - at), Math.min(raw.length, to - at)];
      at += raw.length;
      if (begin < end) yield raw.subarray(begin, end);
    }
    if (next !== last.index + 1) throw other(last.index, `there are only ${next - first.index} frames`);
  } catch (error) {
    throw ofObject(error, resource);
  }
}

function requireTold(found: { readonly compressedBytes: number; readonly rawBytes: number }, told: FramePlace): void {
  if (found.compressedBytes === told.compressedBytes && found.rawBytes === told.rawBytes) return;
  throw other(told.index, `frame ${told.index} has ${found.rawBytes} bytes, not ${told.rawBytes}`);
}

function other(frame: number, what: string): AppError {
  return new AppError('corrupt-archive', `The seek table is not that of the frames: ${what}.`, { details: { frame } });
}
