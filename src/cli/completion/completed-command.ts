import type { allOptions } from '../options/index.js';

/** A command as a shell completes it. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: typeof allOptions;
  /** Words that may follow it. */
  readonly arguments: readonly string[];
}
