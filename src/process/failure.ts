import { AppError } from '../core/index.js';

/** How a program ended when it did not end well. */
export type ProgramFailure =
  | { readonly kind: 'spawn-failed'; readonly reason: string }
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: NodeJS.Signals };

/** The error of a program that failed: `program-missing` where there is none, else `program-failed`. */
export function programError(argv: readonly string[], failure: ProgramFailure, stderr: string): AppError {
  const program = argv[0] ?? '';
  const details = { argv, failure, stderr };
  const said = stderr.trim() === '' ? '' : ` It said: ${stderr.trim()}`;
  switch (failure.kind) {
    case 'spawn-failed':
      return failure.reason === 'ENOENT'
        ? new AppError('program-missing', `The program ${program} is not installed.`, {
            details,
            hint: 'Install the package that has it; on Debian and Ubuntu scripts/setup.sh of this package installs all that is needed.',
          })
        : new AppError('program-failed', `The program ${program} could not be started: ${failure.reason}.`, {
            details,
          });
    case 'exited':
      return new AppError('program-failed', `${program} failed with exit status ${failure.status}.${said}`, {
        details,
      });
    case 'killed':
      return new AppError('program-failed', `${program} was killed by ${failure.signal}.${said}`, { details });
  }
}

/** Whether a program ended with a failure, was killed or could not be started; that it is missing is told apart. */
export function isProgramFailure(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'program-failed';
}
