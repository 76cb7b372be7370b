import type { AppError } from '../core/index.js';

/** What the process tells its parent; the same for every command. */
export const exitStatus = {
  done: 0,
  failed: 1,
  usage: 2,
  someSnapshotsFailed: 3,
  interrupted: 130,
} as const;

/** The exit status for an error that ended the command. */
export function exitStatusOf(error: AppError): number {
  if (error.code === 'usage') return exitStatus.usage;
  return exitStatus.failed;
}
