import { setMaxListeners } from 'node:events';
import { isAbort, messageOf } from '../../../src/core/index.js';

/** Work that goes on after a request was answered: copies, attachments, the passing of time. */
export interface Tasks {
  /** Starts work. Its `signal` aborts at {@link Tasks.stop}; what it has left undone is done after the next start. */
  start(what: string, work: (signal: AbortSignal) => Promise<void>): void;
  /** Ends the waiting of all work and resolves when none is left. May be repeated. */
  stop(): Promise<void>;
}

/** `onNotice` is told when work fails: nobody waits for an answer any more. */
export function newTasks({ onNotice }: { readonly onNotice: (text: string) => void }): Tasks {
  const controller = new AbortController();
  // Each piece of work listens; a thousand at once are no leak.
  setMaxListeners(0, controller.signal);
  const running = new Set<Promise<void>>();
  return {
    start: (what, work) => {
      const task = work(controller.signal)
        .catch((error: unknown) => {
          if (!isAbort(error)) onNotice(`${what} failed: ${messageOf(error)}`);
        })
        .finally(() => running.delete(task));
      running.add(task);
    },
    stop: async () => {
      controller.abort();
      while (running.size > 0) await Promise.all(running);
    },
  };
}
