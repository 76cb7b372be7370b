import { AppError } from '../core/index.js';
import type { FrameCodec } from './frame-codec.js';

/** The levels of the programs `lz4` and `zstd` that need no further options. */
export const codecLevels = { lz4: { least: 1, most: 9 }, zstd: { least: 1, most: 19 } } as const;

/** Throws `usage` for a level that the codec does not have. */
export function checkLevel(codec: FrameCodec, level: number): void {
  const { least, most } = codecLevels[codec];
  if (Number.isInteger(level) && level >= least && level <= most) return;
  throw new AppError('usage', `${codec} has no compression level ${level}.`, {
    hint: `Give a level from ${least} to ${most}.`,
  });
}
