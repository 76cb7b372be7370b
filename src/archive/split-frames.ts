import { AppError, MiB, type BufferPool } from '../core/index.js';
import { createCursor, type Cursor } from './frame-cursor.js';

/** What a walker found out about a frame when its end was reached. */
export interface WalkedFrame {
  readonly kind: 'data' | 'skippable';
  readonly compressedBytes: number;
  /** No more than this comes out of it. */
  readonly mostRawBytes: number;
  readonly hasChecksum: boolean;
}

/** Finds the ends of frames; see `frameWalker` of the codecs. */
export interface FrameWalker {
  take(bytes: Buffer): { readonly taken: number; readonly ended: WalkedFrame | undefined };
  readonly openBytes: number;
  readonly openKind: WalkedFrame['kind'];
  readonly mostRawBytes: number;
}

/** A frame of a stream. */
export type Frame =
  /** One that can be held, until `release`. */
  | { readonly kind: 'whole'; readonly bytes: Buffer; readonly walked: WalkedFrame; readonly release: () => void }
  /** One that cannot: its bytes must be read to their end before the next frame comes; then there is `walked()`. */
  | { readonly kind: 'large'; readonly content: AsyncGenerator<Buffer, void>; readonly walked: () => WalkedFrame }
  /** A skippable frame; undefined where that is too large to be held. */
  | { readonly kind: 'skippable'; readonly bytes: Buffer | undefined };

/** A frame and where it begins in the stream. */
export type PlacedFrame = Frame & { readonly offset: number };

/** How a stream is split. */
export interface SplitOptions {
  readonly walker: FrameWalker;
  readonly pool: BufferPool;
  /** A frame of which more may come is not held. {@link largestHeldBytes} if not given. */
  readonly largestRawBytes?: number;
}

/** More than any frame of ours (16 MiB on a volume of 64 TiB) and any seek table. */
export const largestHeldBytes = 64 * MiB;

/**
 * Cuts a stream into its frames by their own headers. The memory of its pieces goes back to the pool. Throws
 * `corrupt-archive` for bytes that are no frame and for a stream that ends within one, and what the source throws.
 */
export async function* splitFrames(
  source: AsyncIterable<Buffer>,
  { walker, pool, largestRawBytes = largestHeldBytes }: SplitOptions,
): AsyncGenerator<PlacedFrame, void> {
  await using cursor = createCursor(source, pool);
  let likelyBytes = MiB;
  const isHeld = (walked: WalkedFrame): boolean => walked.mostRawBytes <= largestRawBytes;
  const isLarge = (): boolean => walker.mostRawBytes > largestRawBytes || walker.openBytes > largestRawBytes;
  for (;;) {
    let piece = await cursor.peek();
    if (piece === undefined) return;
    const offset = cursor.position;
    let step = walker.take(piece);
    const isShared = piece.buffer instanceof SharedArrayBuffer;
    if (step.ended?.kind === 'data' && isHeld(step.ended) && isShared) {
      // Whole, where it is.
      const release = cursor.borrow();
      cursor.advance(step.taken);
      yield { kind: 'whole', offset, bytes: piece.subarray(0, step.taken), walked: step.ended, release };
      continue;
    }
    const gathered = createGathered(pool, likelyBytes);
    for (;;) {
      gathered.add(piece.subarray(0, step.taken));
      cursor.advance(step.taken);
      if (step.ended !== undefined || isLarge()) break;
      piece = await cursor.peek();
      if (piece === undefined) throw cutOff(offset, cursor);
      step = walker.take(piece);
    }
    const walked = step.ended;
    if (walked?.kind === 'skippable') yield { kind: 'skippable', offset, bytes: gathered.bytes() };
    else if (walked !== undefined && isHeld(walked)) {
      likelyBytes = Math.max(MiB, walked.compressedBytes);
      const bytes = gathered.bytes();
      yield { kind: 'whole', offset, bytes, walked, release: () => pool.giveBack(bytes) };
    } else if (walked === undefined && walker.openKind === 'skippable') {
      for await (const _ of restOf(cursor, { walker, offset, first: undefined })) continue;
      yield { kind: 'skippable', offset, bytes: undefined };
    } else {
      const rest = restOf(cursor, { walker, offset, first: gathered.bytes(), walked });
      let end: WalkedFrame | undefined;
      async function* content(): AsyncGenerator<Buffer, void> {
        end = yield* rest;
      }
      const bytes = content();
      yield {
        kind: 'large',
        offset,
        content: bytes,
        walked: () => {
          if (end === undefined) throw new AppError('internal', 'A large frame was not read to its end.');
          return end;
        },
      };
      if (end === undefined) throw new AppError('internal', 'A large frame was not read to its end.');
    }
  }
}

interface Rest {
  readonly walker: FrameWalker;
  readonly offset: number;
  /** What was gathered already. */
  readonly first: Buffer | undefined;
  /** Where its end was among that. */
  readonly walked?: WalkedFrame | undefined;
}

/** The bytes of a frame to its end. */
async function* restOf(
  cursor: Cursor,
  { walker, offset, first, walked }: Rest,
): AsyncGenerator<Buffer, WalkedFrame, void> {
  if (first !== undefined) yield first;
  for (let ended = walked; ;) {
    if (ended !== undefined) return ended;
    const piece = await cursor.peek();
    if (piece === undefined) throw cutOff(offset, cursor);
    const step = walker.take(piece);
    // For ever: it may wait in the pipe of a program for longer than until the next one.
    cursor.borrow();
    cursor.advance(step.taken);
    yield piece.subarray(0, step.taken);
    ended = step.ended;
  }
}

function cutOff(offset: number, { position }: Cursor): AppError {
  return new AppError(
    'corrupt-archive',
    `The archive is cut off: it ends at byte ${position}, within the frame that begins at byte ${offset}.`,
  );
}

/** Memory that grows. */
interface Gathered {
  add(bytes: Buffer): void;
  bytes(): Buffer;
}

function createGathered(pool: BufferPool, likelyBytes: number): Gathered {
  let room = pool.take(likelyBytes);
  let length = 0;
  return {
    add: (bytes) => {
      if (length + bytes.length > room.length) {
        const larger = pool.take(Math.max(2 * room.length, length + bytes.length));
        room.copy(larger, 0, 0, length);
        pool.giveBack(room);
        room = larger;
      }
      bytes.copy(room, length);
      length += bytes.length;
    },
    bytes: () => room.subarray(0, length),
  };
}
