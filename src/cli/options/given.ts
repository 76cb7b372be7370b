import { AppError } from '../../core/index.js';
import { flagOf, variableOf, type OptionValue } from './option.js';

/** Where somebody said what an option is. */
export type Origin =
  | { readonly kind: 'flag' }
  | { readonly kind: 'variable' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'default' };

/** What was given for an option, as it was written, and where. Numbers are text until they are checked. */
export interface Given {
  readonly value: boolean | string | readonly string[];
  readonly origin: Origin;
}

/** How an error names an option and its value: `--tag "a"`, `SNAP_TO_S3_TAG "a"`, `"tag": "a" in /etc/snap-to-s3.json`. */
export function asGiven(name: string, value: unknown, origin: Origin): string {
  const shown = JSON.stringify(value);
  switch (origin.kind) {
    case 'flag':
    case 'default':
      return value === true ? flagOf(name) : `${flagOf(name)} ${shown}`;
    case 'variable':
      return `${variableOf(name)} ${shown}`;
    case 'file':
      return `${JSON.stringify(name)}: ${shown} in ${origin.path}`;
  }
}

/** How the same is said rightly, in the same place: `--jobs 4`, `SNAP_TO_S3_JOBS=4`, `"jobs": 4`. */
export function example(name: string, kind: OptionValue['kind'], right: string, origin: Origin): string {
  switch (origin.kind) {
    case 'flag':
    case 'default':
      return `${flagOf(name)} ${right}`;
    case 'variable':
      return `${variableOf(name)}=${right}`;
    case 'file':
      return `${JSON.stringify(name)}: ${kind === 'integer' || kind === 'number' || kind === 'switch' ? right : JSON.stringify(right)}`;
  }
}

/** The error for a command line, variable or file that cannot be understood. */
export function usage(message: string, hint: string): AppError {
  return new AppError('usage', message, { hint });
}
