import { AppError, type BufferPool } from '../core/index.js';
import type { PipelineStage } from './framing.js';
import { createSeekTableWriter, parseSeekFooter, type FrameSize, type SeekTableWriter } from './seek-table.js';
import { splitFrames, type FrameWalker, type PlacedFrame, type WalkedFrame } from './split-frames.js';

/** How frames are read. */
export interface UnframeOptions {
  readonly walker: FrameWalker;
  /**
   * Unpacks one whole frame into `room`, off the main thread, and resolves to the bytes that there are now. Both stay as
   * they are until then.
   */
  readonly unpack: (frame: Buffer, room: Buffer) => Promise<number>;
  /** Unpacks a frame that is too large to be held. */
  readonly unpackLarge: PipelineStage;
  /** Frames unpacked at once. As many raw buffers are held, and two more. */
  readonly concurrency: number;
  readonly pool: BufferPool;
  /** `required`: archives of ours have one. `if-there`: one that is there must be right. */
  readonly seekTable: 'required' | 'if-there';
  /** Told each frame, in order, before its bytes are yielded; of large ones afterwards. */
  readonly onFrame?: (frame: FrameSize) => void;
  readonly largestRawBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/** What there was in a stream of frames. */
export interface FramesRead {
  readonly frames: number;
  readonly rawBytes: number;
  /** There is one, and it names these very frames. */
  readonly hasSeekTable: boolean;
  /** Frames without anything that tells whether their content is whole. */
  readonly unchecked: number;
}

/**
 * Turns frames back into raw bytes, in order. Their boundaries come from their own headers; the seek table at the end
 * must name the same. A frame of any size is read in flat memory. Each buffer belongs to the reader, who may give it back
 * to the pool; it is only proven when the generator has ended. Throws `corrupt-archive`, naming the frame and where it is,
 * and what the source throws; by then nothing is being unpacked any more.
 */
export async function* unframe(
  source: AsyncIterable<Buffer>,
  options: UnframeOptions,
): AsyncGenerator<Buffer, FramesRead> {
  const { pool, signal } = options;
  const seen = createSeen();
  const unpacking: Promise<Unpacked>[] = [];
  const done = async (): Promise<Buffer> => {
    const { raw, walked } = (await unpacking.shift()) ?? nothingLeft();
    const size = { compressedBytes: walked.compressedBytes, rawBytes: raw.length };
    seen.add(size, walked);
    options.onFrame?.(size);
    return raw;
  };
  let started = 0;
  let lastSkippable: Buffer | undefined;
  try {
    for await (const frame of splitFrames(source, options)) {
      signal?.throwIfAborted();
      lastSkippable = frame.kind === 'skippable' ? frame.bytes : undefined;
      if (frame.kind === 'skippable') continue;
      started += 1;
      if (frame.kind === 'whole') {
        const unpacked = unpackWhole(frame, started - 1, options);
        // Its failure is thrown in its turn.
        unpacked.catch(() => undefined);
        unpacking.push(unpacked);
        if (unpacking.length > options.concurrency + 1) yield await done();
        continue;
      }
      while (unpacking.length > 0) yield await done();
      let rawBytes = 0;
      try {
        for await (const raw of options.unpackLarge(frame.content, { signal })) {
          rawBytes += raw.length;
          yield raw;
        }
      } catch (error) {
        throw located(error, started - 1, frame.offset);
      }
      const size = { compressedBytes: frame.walked().compressedBytes, rawBytes };
      seen.add(size, frame.walked());
      options.onFrame?.(size);
    }
    while (unpacking.length > 0) yield await done();
  } finally {
    await Promise.allSettled(unpacking);
  }
  const hasSeekTable = checkSeekTable(lastSkippable, seen.table(), options.seekTable);
  if (lastSkippable !== undefined) pool.giveBack(lastSkippable);
  return { ...seen.facts(), hasSeekTable };
}

interface Unpacked {
  readonly raw: Buffer;
  readonly walked: WalkedFrame;
}

async function unpackWhole(
  { bytes, walked, offset, release }: Extract<PlacedFrame, { readonly kind: 'whole' }>,
  index: number,
  { pool, unpack }: UnframeOptions,
): Promise<Unpacked> {
  const room = pool.take(walked.mostRawBytes);
  try {
    const rawBytes = await unpack(bytes, room);
    release();
    return { raw: room.subarray(0, rawBytes), walked };
  } catch (error) {
    // The memory is not used again: what failed may still be at it.
    throw located(error, index, offset);
  }
}

/** Adds which frame it was. */
function located(error: unknown, index: number, offset: number): unknown {
  if (!(error instanceof AppError) || error.code !== 'corrupt-archive') return error;
  return new AppError(error.code, `Frame ${index}, from byte ${offset} on: ${error.message}`, {
    cause: error,
    details: { ...error.details, frame: index, offset },
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

interface Seen {
  add(size: FrameSize, walked: WalkedFrame): void;
  /** Undefined where there was a frame that no table can tell. */
  table(): SeekTableWriter | undefined;
  facts(): Omit<FramesRead, 'hasSeekTable'>;
}

/** The most that a table can tell of one frame. */
const mostTold = 0xffffffff;

function createSeen(): Seen {
  let table: SeekTableWriter | undefined = createSeekTableWriter();
  let frames = 0;
  let rawBytes = 0;
  let unchecked = 0;
  return {
    add: (size, { hasChecksum }) => {
      frames += 1;
      rawBytes += size.rawBytes;
      if (!hasChecksum) unchecked += 1;
      if (size.compressedBytes > mostTold || size.rawBytes > mostTold) table = undefined;
      table?.add(size);
    },
    table: () => table,
    facts: () => ({ frames, rawBytes, unchecked }),
  };
}

/** Whether there is a seek table, and it is the one of these frames. Throws `corrupt-archive`. */
function checkSeekTable(
  found: Buffer | undefined,
  wanted: SeekTableWriter | undefined,
  need: UnframeOptions['seekTable'],
): boolean {
  if (found !== undefined && wanted !== undefined && isEncoded(found, wanted)) return true;
  if (need === 'required') {
    throw corruptTable(found === undefined ? 'it is not there' : 'it is not that of the frames before it');
  }
  if (found === undefined) return false;
  const footer = parseSeekFooter(found);
  // Another writer's table may have checksums, which ours has not; random access reads it, this does not need it.
  if (footer !== undefined && footer.tableBytes === found.length && wanted !== undefined && isPlain(found)) {
    throw corruptTable('it is not that of the frames before it');
  }
  return false;
}

/** Without checksums of frames, as ours is. */
function isPlain(table: Buffer): boolean {
  return ((table[table.length - 5] ?? 0) & 0x80) === 0;
}

function isEncoded(found: Buffer, wanted: SeekTableWriter): boolean {
  let at = 0;
  for (const piece of wanted.encode()) {
    if (!found.subarray(at, at + piece.length).equals(piece)) return false;
    at += piece.length;
  }
  return at === found.length;
}

function corruptTable(what: string): AppError {
  return new AppError('corrupt-archive', `The seek table of the archive is damaged: ${what}.`, {
    hint: 'All frames before it could be read. Archive the snapshot anew if it is still there.',
  });
}

function nothingLeft(): never {
  throw new AppError('internal', 'A frame was waited for that nobody unpacks.');
}
