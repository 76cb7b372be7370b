import { AppError } from '../core/index.js';

/**
 * The seek table of zstd's seekable format (facebook/zstd, contrib/seekable_format/zstd_seekable_compression_format.md):
 * a skippable frame at the end of the object that lists the sizes of all frames. lz4's frame format skips it too.
 *
 * `u32 0x184D2A5E | u32 size of the rest | (u32 compressed, u32 raw)… | u32 frames | u8 descriptor | u32 0x8F92EAB1`
 */
const skippableMagic = 0x184d2a5e;
const footerMagic = 0x8f92eab1;
const headBytes = 8;
const footerBytes = 9;
/** An entry, without and with the checksum that other writers may add. */
const entryBytes = 8;
const entryWithSumBytes = 12;
/** ZSTD_SEEKABLE_MAXFRAMES. */
const mostFrames = 0x8000000;

/** The last bytes of an object that {@link parseSeekFooter} wants: head and footer of a table of nothing. */
export const seekFooterBytes = headBytes + footerBytes;

/** One frame as the table tells it. */
export interface FrameSize {
  readonly compressedBytes: number;
  readonly rawBytes: number;
}

/** Gathers the sizes of frames: 8 bytes of memory each. */
export interface SeekTableWriter {
  readonly frames: number;
  /** Throws `internal` for a frame that the format cannot tell (4 GiB and more, or too many). */
  add(frame: FrameSize): void;
  /** The table in pieces of at most 512 KiB; may be called again. */
  encode(): Generator<Buffer, void>;
}

/** Frames in each piece of memory: pieces are never moved, so growing costs nothing. */
const pieceFrames = 65_536;

/** See {@link SeekTableWriter}. */
export function createSeekTableWriter(): SeekTableWriter {
  const pieces: Buffer[] = [];
  let frames = 0;
  return {
    get frames() {
      return frames;
    },
    add: ({ compressedBytes, rawBytes }) => {
      if (compressedBytes > 0xffffffff || rawBytes > 0xffffffff || frames >= mostFrames) {
        throw new AppError('internal', `The seek table has no room for frame ${frames} of ${rawBytes} bytes.`);
      }
      const place = (frames % pieceFrames) * entryBytes;
      if (place === 0) pieces.push(Buffer.alloc(pieceFrames * entryBytes));
      const piece = pieces[pieces.length - 1];
      piece?.writeUInt32LE(compressedBytes, place);
      piece?.writeUInt32LE(rawBytes, place + 4);
      frames += 1;
    },
    encode: function* () {
      const head = Buffer.alloc(headBytes);
      head.writeUInt32LE(skippableMagic, 0);
      head.writeUInt32LE(frames * entryBytes + footerBytes, 4);
      yield head;
      for (const [index, piece] of pieces.entries()) {
        yield piece.subarray(0, Math.min(pieceFrames, frames - index * pieceFrames) * entryBytes);
      }
      const footer = Buffer.alloc(footerBytes);
      footer.writeUInt32LE(frames, 0);
      footer.writeUInt32LE(footerMagic, 5);
      yield footer;
    },
  };
}

/** What the end of an object says about its seek table. */
export interface SeekFooter {
  readonly frames: number;
  /** Size of the whole skippable frame: these last bytes of the object are what {@link parseSeekTable} wants. */
  readonly tableBytes: number;
}

/**
 * Reads the last bytes of an object, at least {@link seekFooterBytes} of them. Undefined for an object without a seek
 * table (archives of the existing tool). Throws `corrupt-archive` for a table that cannot be.
 */
export function parseSeekFooter(lastBytes: Buffer): SeekFooter | undefined {
  if (lastBytes.length < seekFooterBytes || lastBytes.readUInt32LE(lastBytes.length - 4) !== footerMagic) {
    return undefined;
  }
  const descriptor = lastBytes[lastBytes.length - 5] ?? 0;
  const frames = lastBytes.readUInt32LE(lastBytes.length - footerBytes);
  if ((descriptor & 0x7c) !== 0) throw corrupt(`it has unknown properties (${descriptor})`);
  if (frames > mostFrames) throw corrupt(`it counts ${frames} frames`);
  return { frames, tableBytes: seekFooterBytes + frames * (hasSums(descriptor) ? entryWithSumBytes : entryBytes) };
}

/** Where a frame is in the object, and what it holds. */
export interface FramePlace extends FrameSize {
  readonly index: number;
  /** Position of the frame in the object. */
  readonly compressedOffset: number;
  /** Position of its content in the data before compression. */
  readonly rawOffset: number;
}

/** Finds frames. */
export interface SeekTable {
  readonly frames: number;
  /** Bytes of all frames: where the table itself begins in the object. */
  readonly compressedBytes: number;
  readonly rawBytes: number;
  /** The frame `index`, 0-based. Throws `corrupt-archive` if there is none. */
  frame(index: number): FramePlace;
  /** The frame that holds the byte at `rawOffset`; undefined past the end. */
  find(rawOffset: number): FramePlace | undefined;
}

/**
 * Reads a seek table: exactly the `tableBytes` last bytes of an object. `objectBytes`, the size of the object, must be
 * what all frames and the table take. Throws `corrupt-archive`. Takes 16 bytes of memory a frame.
 */
export function parseSeekTable(table: Buffer, objectBytes: number): SeekTable {
  const footer = parseSeekFooter(table);
  if (footer === undefined) throw corrupt('it is not there');
  if (table.length !== footer.tableBytes) throw corrupt(`it is ${table.length} bytes instead of ${footer.tableBytes}`);
  if (table.readUInt32LE(0) !== skippableMagic || table.readUInt32LE(4) !== table.length - headBytes) {
    throw corrupt('it does not begin where it should');
  }
  const { frames } = footer;
  const step = hasSums(table[table.length - 5] ?? 0) ? entryWithSumBytes : entryBytes;
  const compressedEnds = new Float64Array(frames + 1);
  const rawEnds = new Float64Array(frames + 1);
  let compressedBytes = 0;
  let rawBytes = 0;
  for (let index = 0; index < frames; index += 1) {
    compressedBytes += table.readUInt32LE(headBytes + index * step);
    rawBytes += table.readUInt32LE(headBytes + index * step + 4);
    compressedEnds[index + 1] = compressedBytes;
    rawEnds[index + 1] = rawBytes;
  }
  if (compressedBytes + table.length !== objectBytes) {
    throw corrupt(`its frames and itself take ${compressedBytes + table.length} bytes, the object has ${objectBytes}`);
  }
  const frame = (index: number): FramePlace => {
    const compressedOffset = compressedEnds[index];
    const rawOffset = rawEnds[index];
    const compressedEnd = compressedEnds[index + 1];
    const rawEnd = rawEnds[index + 1];
    if (
      compressedOffset === undefined ||
      rawOffset === undefined ||
      compressedEnd === undefined ||
      rawEnd === undefined
    ) {
      throw corrupt(`it has no frame ${index}, only ${frames}`);
    }
    return {
      index,
      compressedOffset,
      rawOffset,
      compressedBytes: compressedEnd - compressedOffset,
      rawBytes: rawEnd - rawOffset,
    };
  };
  return {
    frames,
    compressedBytes,
    rawBytes,
    frame,
    find: (at) => (at >= 0 && at < rawBytes ? frame(firstPast(rawEnds, at) - 1) : undefined),
  };
}

/** The lowest index whose value is above `value`; the values ascend. */
function firstPast(ends: Float64Array, value: number): number {
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ends[middle] ?? Infinity) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

function hasSums(descriptor: number): boolean {
  return (descriptor & 0x80) !== 0;
}

function corrupt(what: string): AppError {
  return new AppError('corrupt-archive', `The seek table of the archive is damaged: ${what}.`, {
    hint: 'The archive may still be read from its beginning to its end.',
  });
}
