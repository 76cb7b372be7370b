import type { BufferPool } from '../core/index.js';

/** Reads a stream piece by piece, as much of each as is wanted. */
export interface Cursor extends AsyncDisposable {
  /** What of the current piece is left, or the next piece; undefined at the end. */
  peek(): Promise<Buffer | undefined>;
  /** Passes over so many bytes of what `peek` showed. */
  advance(bytes: number): void;
  /** The memory of the current piece does not go back to the pool: somebody else has it now. */
  keep(): void;
  /** Bytes passed over so far. */
  readonly position: number;
}

/** Makes a cursor over a stream. Pieces that were passed over go back to the pool. Disposing leaves the stream. */
export function createCursor(source: AsyncIterable<Buffer>, pool: BufferPool): Cursor {
  const pieces = source[Symbol.asyncIterator]();
  let piece: Buffer | undefined;
  let at = 0;
  let position = 0;
  let isKept = false;
  const drop = (): void => {
    if (piece !== undefined && !isKept) pool.giveBack(piece);
    piece = undefined;
    isKept = false;
    at = 0;
  };
  return {
    get position() {
      return position;
    },
    peek: async () => {
      while (piece === undefined || at === piece.length) {
        drop();
        const next = await pieces.next();
        if (next.done === true) return undefined;
        piece = next.value;
      }
      return piece.subarray(at);
    },
    advance: (bytes) => {
      at += bytes;
      position += bytes;
    },
    keep: () => {
      isKept = true;
    },
    [Symbol.asyncDispose]: async () => {
      drop();
      await pieces.return?.();
    },
  };
}
