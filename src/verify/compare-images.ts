import { imageSums, type ImageSide } from './image-sums.js';

/** What was compared of two images. */
export interface ImageComparison {
  readonly archive: ImageSum;
  readonly source: ImageSum;
  /** Undefined where they are the same. */
  readonly firstDifference: DifferingRange | undefined;
  /** Of all 4 KiB blocks that both have, those that differ. */
  readonly differingBlocks: number;
}

/** Size and SHA-256 (hexadecimal) of an image. */
export interface ImageSum {
  readonly bytes: number;
  readonly sha256: string;
}

/** From the first byte that differs up to the next 4 KiB block that does not, or the end. */
export interface DifferingRange {
  readonly offset: number;
  readonly bytes: number;
}

/** The size of a page and, nearly always, of a filesystem's block. */
const blockBytes = 4_096;

/** What the comparison is told. */
export interface CompareImagesOptions {
  /** Gets each piece of the archive when nothing looks at it any more; until then it must not change. */
  readonly release?: (piece: Buffer) => void;
}

/**
 * Compares two images byte by byte, and sums both; as long as they are the same, the sum of one is that of the other. A
 * piece of the source may be used again when the next is asked for, one of the archive when it was released.
 */
export async function compareImages(
  archive: AsyncIterable<Buffer>,
  source: AsyncIterable<Buffer>,
  { release }: CompareImagesOptions = {},
): Promise<ImageComparison> {
  await using sums = summing();
  const left = cursor(archive, (piece) => sums.whenAdded(() => release?.(piece)));
  const right = cursor(source);
  let bytes = 0;
  let isApart = false;
  const differing = createDifferingBlocks();
  try {
    for (;;) {
      const [one, other] = await filledBoth(left, right);
      const common = Math.min(one.length, other.length);
      if (common === 0) break;
      const [a, b] = [one.subarray(0, common), other.subarray(0, common)];
      const isSame = a.equals(b);
      differing.add(a, b, { offset: bytes, isSame });
      isApart ||= !isSame;
      if (isApart) {
        await sums.add('archive', a);
        await sums.addAndWait('source', b);
      } else await sums.add('both', a);
      left.take(common);
      right.take(common);
      bytes += common;
    }
    const archiveBytes = bytes + (await drain(left, (piece) => sums.add('archive', piece)));
    const sourceBytes = bytes + (await drain(right, (piece) => sums.addAndWait('source', piece)));
    const { archive: archiveSha256, source: sourceSha256 } = await sums.result();
    const { first, count } = differing.result();
    const beyond = Math.max(archiveBytes, sourceBytes) - bytes;
    return {
      archive: { bytes: archiveBytes, sha256: archiveSha256 },
      source: { bytes: sourceBytes, sha256: sourceSha256 },
      firstDifference: first ?? (beyond > 0 ? { offset: bytes, bytes: beyond } : undefined),
      differingBlocks: count,
    };
  } finally {
    await Promise.all([left.leave(), right.leave()]);
  }
}

/** Pieces that the thread may be behind. */
const mostBehind = 8;

/** The thread, some pieces behind. */
function summing() {
  const thread = imageSums();
  const behind: Promise<void>[] = [];
  const start = (side: ImageSide, bytes: Buffer): Promise<void> => {
    const added = thread.add(side, bytes);
    // Its failure is thrown in its turn.
    added.catch(() => undefined);
    behind.push(added);
    return added;
  };
  return {
    add: async (side: ImageSide, bytes: Buffer): Promise<void> => {
      void start(side, bytes);
      if (behind.length > mostBehind) await behind.shift();
    },
    /** Then everything until now has been added. */
    addAndWait: async (side: ImageSide, bytes: Buffer): Promise<void> => {
      await start(side, bytes);
      behind.length = 0;
    },
    /** When everything until now has been added; it comes in order. */
    whenAdded: (then: () => void): void => {
      (behind.at(-1) ?? Promise.resolve()).then(then, () => undefined);
    },
    result: async () => {
      await Promise.all(behind);
      return thread.result();
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}

interface Cursor {
  /** What is there of the current piece, after reading the next one where that was used up; empty at the end. */
  filled(): Promise<Buffer>;
  take(bytes: number): void;
  leave(): Promise<void>;
}

function cursor(source: AsyncIterable<Buffer>, onUsedUp?: (piece: Buffer) => void): Cursor {
  const pieces = source[Symbol.asyncIterator]();
  let whole: Buffer = Buffer.alloc(0);
  let piece = whole;
  return {
    filled: async () => {
      while (piece.length === 0) {
        const next = await pieces.next();
        if (next.done === true) break;
        whole = next.value;
        piece = Buffer.from(whole.buffer, whole.byteOffset, whole.length);
      }
      return piece;
    },
    take: (bytes) => {
      piece = piece.subarray(bytes);
      if (piece.length === 0) onUsedUp?.(whole);
    },
    leave: async () => {
      await pieces.return?.();
    },
  };
}

async function filledBoth(left: Cursor, right: Cursor): Promise<readonly [Buffer, Buffer]> {
  const [one, other] = await Promise.allSettled([left.filled(), right.filled()]);
  if (one.status === 'rejected') throw one.reason;
  if (other.status === 'rejected') throw other.reason;
  return [one.value, other.value];
}

async function drain(from: Cursor, add: (piece: Buffer) => Promise<void>): Promise<number> {
  let bytes = 0;
  for (let piece = await from.filled(); piece.length > 0; piece = await from.filled()) {
    await add(piece);
    bytes += piece.length;
    from.take(piece.length);
  }
  return bytes;
}

/** Notes which blocks of two images differ, and the first range of them. Blocks may come in parts. */
function createDifferingBlocks() {
  let start: number | undefined;
  let end: number | undefined;
  let blocks = 0;
  let compared = 0;
  let block = 0;
  let differs = false;
  const endBlock = (): void => {
    if (differs) blocks += 1;
    else if (start !== undefined) end ??= block * blockBytes;
  };
  const note = (offset: number, difference: number | undefined): void => {
    const current = Math.floor(offset / blockBytes);
    if (current !== block) {
      endBlock();
      block = current;
      differs = false;
    }
    if (difference === undefined) return;
    differs = true;
    start ??= offset + difference;
  };
  return {
    add: (a: Buffer, b: Buffer, { offset, isSame }: { readonly offset: number; readonly isSame: boolean }): void => {
      compared = offset + a.length;
      for (let at = 0; at < a.length;) {
        const to = Math.min(a.length, at + blockBytes - ((offset + at) % blockBytes));
        const [one, other] = [a.subarray(at, to), b.subarray(at, to)];
        const same = isSame || one.equals(other);
        note(offset + at, same ? undefined : one.findIndex((byte, index) => byte !== other[index]));
        // Of what is the same, only the blocks at both ends tell anything.
        at = isSame && at > 0 ? Math.max(to, a.length - blockBytes) : to;
      }
    },
    /** When all has been added. */
    result: () => {
      if (compared > 0) endBlock();
      const first = start === undefined ? undefined : { offset: start, bytes: (end ?? compared) - start };
      return { first, count: blocks };
    },
  };
}
