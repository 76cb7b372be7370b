import type { Clock } from '../../src/core/index.js';
import { hold } from './hold.js';

/** Larger pieces would need more memory, and smaller ones more time. */
const largestPieceBytes = 64 * 1024;
/** Bytes pass in pieces of a twentieth of a second. */
const piecesPerSecond = 20;
/** What was lost by timers that came late may be made up for, but not what the sender was slow. */
const catchUpMs = 200;

/** What a {@link Pace} needs. */
export interface PaceOptions {
  readonly bytesPerSecond: number;
  readonly clock: Clock;
  /** From then on everything passes at once. */
  readonly signal: AbortSignal;
  /** Told each time that bytes had to wait. */
  readonly onWait: () => void;
}

/** Cuts bytes into pieces and lets each through when its time has come. */
export type Pace = (bytes: Buffer) => AsyncGenerator<Buffer>;

/** Begins with the first byte. */
export function newPace({ bytesPerSecond, clock, signal, onWait }: PaceOptions): Pace {
  const pieceBytes = Math.min(largestPieceBytes, Math.max(1, Math.floor(bytesPerSecond / piecesPerSecond)));
  let dueMs: number | undefined;
  return async function* pace(bytes) {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes);
      dueMs = Math.max(dueMs ?? clock.now(), clock.now() - catchUpMs) + (piece.length * 1000) / bytesPerSecond;
      const waitMs = Math.floor(dueMs - clock.now());
      if (waitMs >= 1 && !signal.aborted) {
        onWait();
        await hold(waitMs, { clock, signal });
      }
      yield piece;
    }
  };
}
