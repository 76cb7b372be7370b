import type { AppEvent } from '../../core/index.js';

/** Turns events into output. Dispose when the command is over. */
export interface Renderer extends Disposable {
  event(event: AppEvent): void;
  /** A sentence from the command itself, for standard error. */
  say(sentence: string): void;
}

/** Where a renderer writes. */
export interface Output {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}
