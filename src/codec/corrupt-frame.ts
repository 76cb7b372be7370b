import { AppError } from '../core/index.js';

/** The error of bytes that are not a frame: `corrupt-archive`. */
export function corruptFrame(codec: string, what: string, cause?: unknown): AppError {
  return new AppError('corrupt-archive', `A ${codec} frame of the archive is damaged: ${what}.`, {
    ...(cause === undefined ? {} : { cause }),
  });
}
