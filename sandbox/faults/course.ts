import type { Exchange } from '../server/pipeline.js';

/** How a struck request goes on. */
export interface Course {
  readonly next: (exchange: Exchange) => Promise<void>;
  /** Aborts when the sandbox ends. */
  readonly ending: AbortSignal;
}
