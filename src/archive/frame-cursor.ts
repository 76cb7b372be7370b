import type { BufferPool } from '../core/index.js';

/** Reads a stream piece by piece, as much of each as is wanted. */
export interface Cursor extends AsyncDisposable {
  /** What of the current piece is left, or the next piece; undefined at the end. */
  peek(): Promise<Buffer | undefined>;
  /** Passes over so many bytes of what `peek` showed. */
  advance(bytes: number): void;
  /** Holds the memory of the current piece back from the pool until what is returned has been called. */
  borrow(): () => void;
  /** Bytes passed over so far. */
  readonly position: number;
}

/** A piece, and how many hold its memory: the cursor itself, and borrowers. */
interface Piece {
  readonly bytes: Buffer;
  holders: number;
}

/**
 * Makes a cursor over a stream. The memory of pieces that were passed over, and that nobody has borrowed any more, goes back
 * to the pool. Disposing leaves the stream.
 */
export function createCursor(source: AsyncIterable<Buffer>, pool: BufferPool): Cursor {
  const pieces = source[Symbol.asyncIterator]();
  let piece: Piece | undefined;
  let at = 0;
  let position = 0;
  const letGo = (held: Piece): void => {
    held.holders -= 1;
    if (held.holders === 0) pool.giveBack(held.bytes);
  };
  const drop = (): void => {
    if (piece !== undefined) letGo(piece);
    piece = undefined;
    at = 0;
  };
  return {
    get position() {
      return position;
    },
    peek: async () => {
      while (piece === undefined || at === piece.bytes.length) {
        drop();
        const next = await pieces.next();
        if (next.done === true) return undefined;
        piece = { bytes: next.value, holders: 1 };
      }
      return piece.bytes.subarray(at);
    },
    advance: (bytes) => {
      at += bytes;
      position += bytes;
    },
    borrow: () => {
      const borrowed = piece;
      if (borrowed === undefined) return () => undefined;
      borrowed.holders += 1;
      let isBack = false;
      return () => {
        if (!isBack) letGo(borrowed);
        isBack = true;
      };
    },
    [Symbol.asyncDispose]: async () => {
      drop();
      await pieces.return?.();
    },
  };
}
