import { AppError } from '../core/index.js';

/** The error for an object of the wrong kind: `usage`. */
export function wrongContent(resource: string, is: 'tar' | 'image'): AppError {
  return is === 'image'
    ? new AppError('usage', `${resource} is the image of a disk, not a tar of files.`, {
        hint: 'Restore it with --to-file or --to-device, and mount that.',
      })
    : new AppError('usage', `${resource} is a tar of files, not the image of a disk.`, {
        hint: 'Restore it with --to-directory.',
      });
}
